"""Account-level policies of CloudWatch Logs, which moto does not know.

They live in moto's own backend, so that whatever resets moto forgets them too. A policy is in
force at once; AWS takes 24 hours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from moto.core.utils import unix_time_millis
from moto.logs.models import LogGroup, LogsBackend, logs_backends

from embedded import account_subscriptions, destinations, stamping
from embedded.account_subscriptions import AccountFilter
from embedded.request import Refusal, Request, invalid, not_found
from steward.controls.log_retention.state import LEGAL_DAYS

RETENTION = "RETENTION_POLICY"

_DAYS: Mapping[str | int, int | None] = {
    **{days: days for days in LEGAL_DAYS if days >= 30},
    "NEVER_EXPIRE": None,
}
"""What a retention policy may say; less than 30 days it cannot (CloudWatch Logs API reference)."""

_PREFIXES = re.compile(r"\s*LogGroupNamePrefix\s+IN\s+(\[.*\])\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Stored:
    """An account policy as it is described, and when it was first put."""

    record: Mapping[str, Any]
    created: datetime


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an account policy keeps the events of the log groups it covers."""

    name: str
    days: int | None  # None: for ever
    prefixes: tuple[str, ...]
    since: datetime | None
    """Groups created before are left alone; None: none is."""

    @classmethod
    def read(cls, stored: Stored) -> Self:
        """Raises what ``_retention`` and ``_prefixes`` raise."""
        days, mode = _retention(stored.record["policyDocument"])
        since = stored.created if mode == "NEW_ONLY" else None
        prefixes = _prefixes(stored.record.get("selectionCriteria", ""))
        return cls(stored.record["policyName"], days, prefixes, since)

    def covers(self, group: LogGroup) -> bool:
        old = self.since is not None and group.creation_time < self.since
        return not old and group.name.startswith(self.prefixes)


def retentions(backend: LogsBackend) -> Sequence[Retention]:
    """The account's retention policies, in the order in which they were created."""
    stored = _stored(backend).items()
    return [Retention.read(one) for (kind, _), one in stored if kind == RETENTION]


def filters(backend: LogsBackend) -> Sequence[AccountFilter]:
    """The account's subscription filters; AWS has one at most."""
    stored = _stored(backend).items()
    return [
        AccountFilter.read(one.record)
        for (kind, _), one in stored
        if kind == account_subscriptions.POLICY
    ]


def in_force(policies: Sequence[Retention], group: LogGroup) -> Retention | None:
    """The policy that decides over a group: the longest; of equals, the one created first."""
    covering = [policy for policy in policies if policy.covers(group)]
    return max(covering, key=lambda one: one.days or float("inf"), default=None)


def put(request: Request) -> Mapping[str, Any]:
    """PutAccountPolicy; of retention and of subscription it is checked, else stored as it is."""
    params = request.params
    if params.get("dryRun"):
        raise NotImplementedError("PutAccountPolicy: dryRun is not emulated")
    backend = logs_backends[request.account][request.region]
    key = params["policyType"], params["policyName"]
    before = _stored(backend).get(key)
    now = stamping.now()
    record = {
        **{name: value for name, value in params.items() if name != "dryRun"},
        "scope": params.get("scope", "ALL"),
        "accountId": request.account,
        "lastUpdatedTime": int(unix_time_millis(now)),
    }
    stored = Stored(record, before.created if before else now)
    if params["policyType"] == RETENTION:
        Retention.read(stored)
    if params["policyType"] == account_subscriptions.POLICY:
        _tried(request, AccountFilter.read(record))
    _stored(backend)[key] = stored
    return {"accountPolicy": record}


def describe(request: Request) -> Mapping[str, Any]:
    """DescribeAccountPolicies, in one page."""
    kind, name = request.params["policyType"], request.params.get("policyName")
    found = [
        stored.record
        for key, stored in _stored(logs_backends[request.account][request.region]).items()
        if key[0] == kind and name in (None, key[1])
    ]
    if name is not None and not found:
        raise not_found(f"Policy with name {name} does not exist.")
    return {"accountPolicies": found}


def delete(request: Request) -> Mapping[str, Any]:
    """DeleteAccountPolicy; the groups' own retention is in force again."""
    if request.params.get("dryRun"):
        raise NotImplementedError("DeleteAccountPolicy: dryRun is not emulated")
    key = request.params["policyType"], request.params["policyName"]
    if _stored(logs_backends[request.account][request.region]).pop(key, None) is None:
        raise not_found(f"Policy with name {key[1]} does not exist.")
    return {}


def _tried(request: Request, made: AccountFilter) -> None:
    """Refuse a second subscription filter, and one whose destination does not take a message."""
    backend = logs_backends[request.account][request.region]
    if any(one.name != made.name for one in filters(backend)):
        raise Refusal("LimitExceededException", "Resource limit exceeded.")
    destinations.check(request, made.destination, made.role)


def _stored(backend: LogsBackend) -> dict[tuple[str, str], Stored]:
    policies: dict[tuple[str, str], Stored] = vars(backend).setdefault("account_policies", {})
    return policies


def _retention(document: str) -> tuple[int | None, str]:
    """Days and enforcement mode. Raises InvalidParameterException."""
    try:
        parsed = json.loads(document)
        days, mode = _DAYS[parsed["retentionInDays"]], parsed["enforcementMode"]
    except (ValueError, KeyError, TypeError) as error:
        raise invalid(f"policyDocument is not a valid retention policy: {document}") from error
    if mode not in ("RETROACTIVE", "NEW_ONLY"):
        raise invalid(f"enforcementMode is not valid: {mode}")
    return days, mode


def _prefixes(criteria: str) -> tuple[str, ...]:
    """What covered names begin with; no criteria: anything. Raises InvalidParameterException."""
    if not criteria:
        return ("",)
    found = _PREFIXES.fullmatch(criteria)
    try:
        listed = json.loads(found[1] if found else "")
    except ValueError as error:
        raise invalid(f"selectionCriteria is no LogGroupNamePrefix IN [...]: {criteria}") from error
    return tuple(map(str, listed))
