"""steward doctor: whether what Steward relies on is there, and what to do where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import click

from console.codes import ExitCode
from console.health import Check, Health, carefully, exit_code
from console.lines import emit
from console.options import Options
from console.place import Place
from console.session import api, offline_policy
from console.stack_checkup import stack_checks
from console.views import table
from steward.account import SystemClock
from steward.aws.api import Api
from steward.aws.quotas import RATES
from steward.controls import CONTROLS
from steward.model import Clock, Deadline

SECONDS = 60
"""The time that a checkup may take."""

SKEW_WARNED, SKEW_REFUSED = 30, 300
"""Seconds the clock may be off: AWS refuses signatures that are more than five minutes off."""


def doctor(options: Options) -> ExitCode:
    """Look at everything, also after something could not be looked at."""
    policies = [] if options.stack else [*_policy(options)]  # what does not fit asks nobody
    clock = SystemClock()
    aws = api(options, clock, read_only=True)
    click.get_current_context().call_on_close(aws.close)
    aws.deadline = Deadline(clock, SECONDS)
    checks = [*_account_checks(aws, clock), *policies]
    if options.stack:
        checks += stack_checks(Place(aws, clock, options.stack))
    if options.json:
        emit(map(asdict, checks))
    else:
        rows = ((c.status.value, c.check, c.detail, c.fix) for c in checks)
        table("Checkup", ("", "check", "found", "what to do"), rows)
    return exit_code(checks)


def _account_checks(aws: Api, clock: Clock) -> Iterator[Check]:
    looks: Mapping[str, Callable[[Api], Iterator[Check]]] = {
        "credentials": _credentials,
        "clock": partial(_clock, clock),
        "log groups": _log_groups,
        "trail": _trail,
        "account policies": _account_policies,
        "quotas": _quotas,
    }
    for name, look in looks.items():
        yield from carefully(name, partial(look, aws))


def _credentials(aws: Api) -> Iterator[Check]:
    who = aws.identity
    yield Check("credentials", Health.OK, f"{who.arn} in {who.account}, {who.region}")


def _clock(clock: Clock, aws: Api) -> Iterator[Check]:
    answer = aws.ask("sts", "GetCallerIdentity")
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if told is None:
        yield Check("clock", Health.UNKNOWN, "the answer has no Date header")
        return
    skew = abs((clock.now() - parsedate_to_datetime(told)).total_seconds())
    status = Health.OK if skew < SKEW_WARNED else Health.WARN
    status = Health.FAIL if skew >= SKEW_REFUSED else status
    fix = "" if status is Health.OK else "set the clock by NTP"
    yield Check("clock", status, f"{skew:.0f} s off AWS's", fix)


def _policy(options: Options) -> Iterator[Check]:
    policy = offline_policy(options)
    for control in CONTROLS:
        loaded = policy(control)
        detail = f"{control.id}: {loaded.policy.mode}, hash {loaded.hash}"
        yield Check("policy", Health.OK, detail)


def _log_groups(aws: Api) -> Iterator[Check]:
    aws.ask("logs", "DescribeLogGroups", limit=1)
    yield Check("log groups", Health.OK, "can be read")


def _trail(aws: Api) -> Iterator[Check]:
    """EventBridge gets API calls only where a trail logs write management events."""
    answer = aws.ask("cloudtrail", "DescribeTrails")
    here = [
        trail
        for trail in answer["trailList"]
        if trail.get("IsMultiRegionTrail") or trail.get("HomeRegion") == aws.region
    ]
    for trail in here:
        name = trail.get("TrailARN") or trail["Name"]
        if not aws.ask("cloudtrail", "GetTrailStatus", Name=name)["IsLogging"]:
            continue
        if writes_logged(aws.ask("cloudtrail", "GetEventSelectors", TrailName=name)):
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
        fields = selector["FieldSelectors"]
        known = any(one["Field"] == "eventCategory" for one in fields)
        if known and all(map(_lets_writes_in, fields)):
            return True
    return False


def _lets_writes_in(field: Mapping[str, Any]) -> bool:
    """Whether a field selector lets in management events that write, of whatever service.

    What leaves some out is no matter: it is there for AWS KMS and the RDS Data API, which write
    many. What lets in only some, such as those of one eventSource, does not do.
    """
    wanted = {"eventCategory": "Management", "readOnly": "false"}.get(field["Field"])
    if wanted is None:
        return not any(field.get(operator) for operator in ("Equals", "StartsWith", "EndsWith"))
    equals = field.get("Equals") or [wanted]
    return wanted in equals and wanted not in (field.get("NotEquals") or [])


def _account_policies(aws: Api) -> Iterator[Check]:
    """Policies over all log groups of the account, which decide before ours."""
    kinds = {
        "RETENTION_POLICY": "their groups are reported as managed by it and left alone",
        "SUBSCRIPTION_FILTER_POLICY": "one that is not log-subscription's own (strategy account) "
        "is left alone, and so are groups that it ships to the same destination",
    }
    for kind, does in kinds.items():
        answer = aws.ask("logs", "DescribeAccountPolicies", policyType=kind)
        names = [str(policy.get("policyName")) for policy in answer.get("accountPolicies", [])]
        if not names:
            yield Check("account policies", Health.OK, f"no {kind}")
            continue
        yield Check("account policies", Health.WARN, f"{kind}: {', '.join(names)}", does)


def _quotas(aws: Api) -> Iterator[Check]:
    """Whether the account's request quotas are at least those by which requests are paced."""
    pages = aws.pages("service-quotas", "ListServiceQuotas", ServiceCode="logs")
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
