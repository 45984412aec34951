"""Whether a role that functions can take grants more than it should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from steward.controls.function_role_least_privilege import actions
from steward.controls.function_role_least_privilege.documents import Statement
from steward.controls.function_role_least_privilege.state import Granted, Policy, Role
from steward.model import Finding, Verdict

CODES = {
    "LEAST_PRIVILEGE": "No statement of the role's policies allows what the others are about.",
    "NOT_FOR_FUNCTIONS": "Lambda is not trusted to take the role, so that no function has it.",
    "ACTION_STAR": "A statement allows every action of every service.",
    "NOTACTION_ALLOW": (
        "A statement allows all actions but some: also those that AWS will ever add."
    ),
    "AWS_MANAGED_BROAD": (
        "An AWS managed policy is attached that is made for people, such as AdministratorAccess."
    ),
    "SERVICE_STAR": "A statement allows every action of a service.",
    "NOTRESOURCE_ALLOW": "A statement allows something on all resources but some.",
    "RESOURCE_STAR_WRITE": (
        "A statement allows on every resource what changes resources that it could name."
    ),
}

RANK = tuple(code for code in CODES if code not in ("LEAST_PRIVILEGE", "NOT_FOR_FUNCTIONS"))
"""The worst first."""

SHOWN = 60
"""Characters of a name in a reason."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """What a statement, or a policy by its name, allows too much."""

    code: str
    what: str

    @property
    def rank(self) -> tuple[int, str]:
        return RANK.index(self.code), self.what


def assess(role: Role, policy: Policy) -> Finding:
    """Judge a role. It is only reported: what its functions need, their code says alone."""
    if not role.trusts_lambda:
        reason = "Lambda is not trusted to take the role"
        return _found(role, Verdict.NOT_APPLICABLE, "NOT_FOR_FUNCTIONS", reason)
    found = sorted(
        (one for granted in role.policies for one in _weaknesses(granted, policy)),
        key=lambda one: one.rank,
    )
    if not found:
        reason = f"{len(role.policies)} policies, none of which allows too much"
        return _found(role, Verdict.COMPLIANT, "LEAST_PRIVILEGE", reason)
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    bound = f"; {role.boundary[:SHOWN]} is its boundary" if role.boundary else ""
    reason = f"{found[0].what}{more}{bound}"
    return _found(role, Verdict.NON_COMPLIANT, found[0].code, reason[:250])


def _found(role: Role, verdict: Verdict, code: str, reason: str) -> Finding:
    """The role's unique id is remembered: it is what AWS Config knows the role by."""
    return Finding(role.ref, verdict, code, reason, memory=role.id)


def _weaknesses(granted: Granted, policy: Policy) -> Iterator[Weakness]:
    if granted.of_aws and policy.ignores(granted.name):
        return
    if granted.of_aws and policy.is_broad(granted.name):
        found = [Weakness("AWS_MANAGED_BROAD", f"{granted.name[:SHOWN]} is attached")]
    else:
        found = [one for told in granted.statements for one in _of(granted, told, policy)]
    yield from (one for one in found if one.code not in policy.ignore_codes)


def _of(granted: Granted, statement: Statement, policy: Policy) -> Iterator[Weakness]:
    """What a statement has against it; each action once, by the worst that it is."""
    where = f"{granted.name[:SHOWN]} ({statement.label[:SHOWN]})"
    if statement.not_actions is not None:
        yield Weakness(
            "NOTACTION_ALLOW", f"{where} allows all but {_listed(statement.not_actions)}"
        )
    asked = [one for one in statement.actions if not policy.allows(one)]
    every = [one for one in asked if actions.every_action(one)]
    whole = [one for one in asked if actions.every_action_of_a_service(one)]
    if every:
        yield Weakness("ACTION_STAR", f"{where} allows every action")
    if whole:
        yield Weakness("SERVICE_STAR", f"{where} allows {_listed(whole)}")
    if statement.not_resources is not None:
        but = _listed(statement.not_resources)
        yield Weakness("NOTRESOURCE_ALLOW", f"{where} allows all resources but {but}")
    rest = [one for one in asked if one not in every and one not in whole]
    writes = [one for one in rest if _is_wide(one, statement)]
    if writes and not policy.narrows(statement):
        yield Weakness("RESOURCE_STAR_WRITE", f"{where} allows {_listed(writes)} on every resource")


def _is_wide(action: str, statement: Statement) -> bool:
    """Whether it changes resources, which it could name and does not."""
    wide = any(actions.every_resource(one, action) for one in statement.resources)
    return wide and bool(actions.first_limitable(action))


def _listed(texts: Iterable[str]) -> str:
    """The first two of some texts in order, and how many more there are."""
    told = sorted(texts)
    more = f" and {len(told) - 2} more" if len(told) > 2 else ""
    return (", ".join(one[:SHOWN] for one in told[:2]) or "none") + more
