"""What the functions' roles must grant, and where variants of the stack may differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.actions import UNSCOPED
from embedded.authorization import Gate, Policy
from embedded.choices import choose
from embedded.template import Template
from embedded.watching import Role
from tests.conformance.stack import Deployed, Properties, Stack, arn, behind, texts

SHARED = "Common"
"""The managed policy of all functions."""

GIVEN = {
    "FunctionLayerArns": "arn:aws:lambda:eu-west-1:111122223333:layer:probe:7",
    "AllowIrreversible": "true",
    "LogDestinationRoleArn": "arn:aws:iam::111122223333:role/ships",
    "LogShipping": "enabled",
    "LogSubscriptionAccountPolicy": "allowed",
    "StreamMode": "PROVISIONED",
}
"""Parameters without which a grant is left out."""

WHOLE = {
    "ConfigRules": "enabled",
    "LogShipping": "enabled",
    "OldestViolationHours": "72",
    "StreamMode": "PROVISIONED",
}
"""Parameters under which every resource is deployed."""

BARE_NAMES = frozenset({"s3", "sns", "sqs"})
"""Services whose ARNs end in the name alone, so that '*' there names any of them."""

LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}

INBOX_ACTIONS = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}


def grants(template: Template) -> list[str]:
    """A function's own policy grants what its controls declare; writes only with AllowWrites."""
    found = []
    for writes in ("true", "false"):
        stack = Stack(template, AllowWrites=writes, **GIVEN)
        for one in stack.functions():
            controls = one.automation.controls
            wanted = {action for control in controls for action in control.reads}
            if writes == "true":
                wanted |= {action for control in controls for action in control.writes}
            told = [action for statement in _of_controls(stack, one) for action in statement]
            found += [
                f"{one.role}: {action} is {'granted' if action in told else 'declared'} only,"
                f" with AllowWrites {writes}"
                for action in sorted(wanted ^ set(told))
            ]
    return found


def _of_controls(stack: Stack, one: Deployed) -> Iterator[list[str]]:
    for statement in own_statements(stack, one):
        if statement.get("Sid") not in ("OwnLogs", "Inbox"):
            yield texts(statement["Action"])


def own_statements(stack: Stack, one: Deployed) -> list[Properties]:
    """The statements of the policies that a function's role has for itself."""
    policies = stack.properties[one.role].get("Policies", [])
    return [told for policy in policies for told in policy["PolicyDocument"]["Statement"]]


def own(template: Template) -> list[str]:
    """Besides, a role is for the function's own log group and inbox, and for what all share."""
    stack = Stack(template)
    found = []
    for one in stack.functions():
        group = behind(one.properties["LoggingConfig"]["LogGroup"])
        wanted = {("OwnLogs", arn("logs", group), *sorted(LOG_ACTIONS))}
        for mapping in stack.mappings(one.id):
            wanted.add(("Inbox", mapping["EventSourceArn"], *sorted(INBOX_ACTIONS)))
        told = {
            (one["Sid"], str(one["Resource"]), *sorted(texts(one["Action"])))
            for one in own_statements(stack, one)
            if one.get("Sid") in ("OwnLogs", "Inbox")
        }
        found += [f"{one.role}: {odd[0]} is not as it should be" for odd in sorted(wanted ^ told)]
        attached = stack.properties[one.role].get("ManagedPolicyArns", [])
        if [behind(policy) for policy in attached] != [SHARED]:
            found.append(f"{one.role}: is not attached {SHARED}, and nothing else")
    return found


def unscoped(template: Template) -> list[str]:
    """Whatever a control writes is granted on resources that are named, if IAM lets them be."""
    stack = Stack(template, **GIVEN)
    return [
        f"{one.role}: {action} is granted on {resource}"
        for one in stack.functions()
        for writes in [{w for control in one.automation.controls for w in control.writes}]
        for statement in own_statements(stack, one)
        for action in sorted(writes.intersection(texts(statement["Action"])))
        for resource in texts(statement["Resource"])
        if len(resource.split(":")) < 6 or resource.split(":", 5)[5] == "*"
        if resource == "*" or resource.split(":")[2] not in BARE_NAMES
        if action.replace("tag:", "resourcegroupstaggingapi:").replace(":", ".") not in UNSCOPED
    ]


def unused(gate: Gate, roles: Sequence[Role]) -> list[str]:
    """Grants that nothing asked for; what several roles have, one of them has to use."""
    holders = Counter(policy for role in roles for policy in role.policies)
    found = []
    for role in roles:
        alone = [policy for policy in role.policies if holders[policy] == 1]
        found += [f"{role.session}: {sid} {what}" for sid, what in gate.unused(role.name, alone)]
    for policy in (one for one, number in holders.items() if number > 1):
        those = [role for role in roles if policy in role.policies]
        idle = [set(gate.unused(role.name, [policy])) for role in those]
        found += [f"{SHARED}: {sid} {what}" for sid, what in sorted(set.intersection(*idle))]
    return found


def refused(gate: Gate, roles: Sequence[Role]) -> list[str]:
    """Calls of functions that their roles do not grant."""
    return [why for role in roles for why in gate.refused(role.name, role.policies)]


def extended(role: Role, *actions: str) -> Role:
    """A role that grants more."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "More", "Effect": "Allow", "Action": [*actions], "Resource": "*"}],
    }
    return Role(role.name, role.session, [*role.policies, Policy.parse(document)])


def differences(template: Template, **parameters: str) -> set[tuple[str, str, str]]:
    """Logical id, type and top-level property of all that parameters change in the whole stack."""
    plain = decided(template, **WHOLE)["Resources"]
    variant = decided(template, **{**WHOLE, **parameters})["Resources"]
    return {
        (name, _kind(plain, variant, name), key)
        for name in plain.keys() | variant.keys()
        for one, other in [(_flat(plain.get(name)), _flat(variant.get(name)))]
        for key in one.keys() | other.keys()
        if one.get(key) != other.get(key)
    }


def decided(template: Template, **parameters: str) -> Properties:
    """The translated template under parameters."""
    return choose(template.translated, parameters).decided()


def _kind(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> str:
    return str((one.get(name) or other[name])["Type"])


def _flat(resource: Mapping[str, Any] | None) -> dict[str, Any]:
    """A resource's attributes and properties side by side."""
    found = dict(resource or {})
    return {**found.pop("Properties", {}), **found}
