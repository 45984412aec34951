"""steward doctor: whether what Steward relies on is there, and what to do where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from console.codes import ExitCode
from console.lines import emit
from console.options import Options
from console.session import connect
from console.views import table
from steward.account import Account
from steward.aws.quotas import RATES
from steward.controls import CONTROLS
from steward.errors import NotConnected, StewardError
from steward.model import Deadline, Mode

SECONDS = 30
"""The time that a checkup may take."""

SKEW_WARNED, SKEW_REFUSED = 30, 300
"""Seconds the clock may be off: AWS refuses signatures that are more than five minutes off."""


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``fix`` says what to do where it is not ok."""

    check: str
    status: Health
    detail: str
    fix: str = ""


def doctor(options: Options) -> ExitCode:
    """Look at everything, also after something could not be looked at."""
    account = connect(options)
    account.aws.deadline = Deadline(account.clock, SECONDS)
    checks = [
        check for name, look in _checks().items() for check in _carefully(name, look, account)
    ]
    if options.json:
        emit(map(asdict, checks))
    else:
        rows = ((c.status.value, c.check, c.detail, c.fix) for c in checks)
        table("Checkup", ("", "check", "found", "what to do"), rows)
    health = {check.status for check in checks}
    if Health.UNKNOWN in health:
        return ExitCode.INCOMPLETE
    return ExitCode.VIOLATIONS if Health.FAIL in health else ExitCode.CLEAN


def _checks() -> Mapping[str, Callable[[Account], Iterator[Check]]]:
    return {
        "credentials": _credentials,
        "clock": _clock,
        "policy": _policy,
        "log groups": _log_groups,
        "trail": _trail,
        "account policies": _account_policies,
        "quotas": _quotas,
    }


def _carefully(
    name: str, look: Callable[[Account], Iterator[Check]], account: Account
) -> Iterator[Check]:
    try:
        yield from look(account)
    except NotConnected:
        raise
    except StewardError as error:
        yield Check(name, Health.UNKNOWN, str(error), "allow the request, or check it by hand")


def _credentials(account: Account) -> Iterator[Check]:
    who = account.aws.identity
    yield Check("credentials", Health.OK, f"{who.arn} in {who.account}, {who.region}")


def _clock(account: Account) -> Iterator[Check]:
    answer = account.aws.ask("sts", "GetCallerIdentity")
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if told is None:
        yield Check("clock", Health.UNKNOWN, "the answer has no Date header")
        return
    skew = abs((account.clock.now() - parsedate_to_datetime(told)).total_seconds())
    status = Health.OK if skew < SKEW_WARNED else Health.WARN
    status = Health.FAIL if skew >= SKEW_REFUSED else status
    fix = "" if status is Health.OK else "set the clock by NTP"
    yield Check("clock", status, f"{skew:.0f} s off AWS's", fix)


def _policy(account: Account) -> Iterator[Check]:
    for control in CONTROLS:
        loaded = account.policy(control)
        limited = loaded.policy.mode is Mode.ENFORCE and account.stopped()
        detail = f"{control.id}: {loaded.policy.mode}, hash {loaded.hash}"
        fix = "remove the stack's stop parameter to let it write again" if limited else ""
        yield Check("policy", Health.WARN if limited else Health.OK, detail, fix)


def _log_groups(account: Account) -> Iterator[Check]:
    account.aws.ask("logs", "DescribeLogGroups", limit=1)
    yield Check("log groups", Health.OK, "can be read")


def _trail(account: Account) -> Iterator[Check]:
    """EventBridge gets API calls only where a trail logs write management events."""
    answer = account.aws.ask("cloudtrail", "DescribeTrails")
    here = [
        trail
        for trail in answer["trailList"]
        if trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == account.aws.region
    ]
    for trail in here:
        name = trail.get("TrailARN") or trail["Name"]
        if not account.aws.ask("cloudtrail", "GetTrailStatus", Name=name)["IsLogging"]:
            continue
        if writes_logged(account.aws.ask("cloudtrail", "GetEventSelectors", TrailName=name)):
            yield Check("trail", Health.OK, f"{name} logs write management events")
            return
    yield Check(
        "trail",
        Health.WARN,
        f"none of {len(here)} trails logs write management events here",
        "create a multi-Region trail with management events; until then only sweeps work",
    )


def writes_logged(selectors: Mapping[str, Any]) -> bool:
    """Whether a trail's selectors take in management events that write (GetEventSelectors)."""
    for selector in selectors.get("EventSelectors") or ():
        wanted = selector.get("ReadWriteType", "All") in ("All", "WriteOnly")
        if wanted and selector.get("IncludeManagementEvents", True):
            return True
    for selector in selectors.get("AdvancedEventSelectors") or ():
        fields = {one["Field"]: one.get("Equals", []) for one in selector["FieldSelectors"]}
        wanted = "Management" in fields.get("eventCategory", [])
        if wanted and fields.get("readOnly", ["false"]) == ["false"]:
            return True
    return False


def _account_policies(account: Account) -> Iterator[Check]:
    """Policies over all log groups of the account, which decide before ours."""
    kinds = {
        "RETENTION_POLICY": "their groups are reported as managed by it and left alone",
        "SUBSCRIPTION_FILTER_POLICY": "one that is not log-subscription's own (strategy account) "
        "is left alone, and so are groups that it ships to the same destination",
    }
    for kind, does in kinds.items():
        answer = account.aws.ask("logs", "DescribeAccountPolicies", policyType=kind)
        names = [str(policy.get("policyName")) for policy in answer.get("accountPolicies", [])]
        if not names:
            yield Check("account policies", Health.OK, f"no {kind}")
            continue
        yield Check("account policies", Health.WARN, f"{kind}: {', '.join(names)}", does)


def _quotas(account: Account) -> Iterator[Check]:
    """Whether the account's request quotas are at least those by which requests are paced."""
    pages = account.aws.pages("service-quotas", "ListServiceQuotas", ServiceCode="logs")
    told = [quota for answer, _ in pages for quota in answer.get("Quotas", [])]
    found = {f"logs.{name}": value for name, value in map(_rate, told) if name}
    lower = {g: found[g] for g, rate in RATES.items() if g in found and found[g] < rate}
    for group, value in lower.items():
        detail = f"{group}: {value:g}/s, paced as if {RATES[group]:g}/s"
        fix = f"use --pace {value / RATES[group]:.2f} or less"
        yield Check("quotas", Health.WARN, detail, fix)
    known = sorted(group for group in RATES if group in found)
    if not known:
        yield Check("quotas", Health.UNKNOWN, "Service Quotas names none of the quotas we use")
    elif not lower:
        detail = ", ".join(f"{group} {found[group]:g}/s" for group in known)
        yield Check("quotas", Health.OK, detail)


def _rate(quota: Mapping[str, Any]) -> tuple[str, float]:
    """Operation and requests per second of a quota named '<Operation> throttle limit ...'."""
    named = re.match(r"(\w+) throttle limit", str(quota.get("QuotaName", "")))
    return (named.group(1) if named else ""), float(quota.get("Value", 0))
