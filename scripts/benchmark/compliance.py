"""Made-up compliance reports, as busy accounts might have them; equal for equal seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from steward.controls import CONTROLS
from steward.ledger import Change, Status, stamp
from steward.model import Call, Control, Exemption, Fate, Mode, Ref, Trigger, Verdict
from steward.reports.dataset import (
    ControlLine,
    Entry,
    ExemptionLine,
    Figure,
    Point,
    Report,
    Standing,
    entry_id,
)

ACCOUNT, REGION = "111122223333", "eu-west-1"
NOW = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)
WINDOW = 30

TEAMS = (
    "payments",
    "checkout",
    "search",
    "identity",
    "data-platform",
    "logistics",
    "web",
    "mobile",
)
PARTS = ("orders", "invoices", "refunds", "catalog", "sessions", "tracking", "prices", "emails")
DOES = ("worker", "api", "importer", "export", "webhook", "indexer", "archiver", "notifier")
_SHARES = (  # of a hundred findings
    (Standing.OPEN, 52),
    (Standing.UNKNOWN, 4),
    (Standing.EXEMPT, 12),
    (Standing.RESOLVED, 26),
    (Standing.GONE, 6),
)


@dataclass(frozen=True, slots=True)
class Sort:
    """What findings of a control look like."""

    kind: str
    name: str
    code: str
    reason: str
    fate: Fate
    next_attempt: str


SORTS: Mapping[str, Sort] = {
    "log-retention": Sort(
        "AWS::Logs::LogGroup",
        "/aws/lambda/{name}",
        "NEVER_EXPIRES_WITH_HISTORY",
        "kept for ever, should be 30 days; that deletes 412 days of events, which needs shorten",
        Fate.REPORTED,
        "not by Steward: the policy has to say shorten",
    ),
    "log-subscription": Sort(
        "AWS::Logs::LogGroup",
        "/aws/lambda/{name}",
        "NOT_SUBSCRIBED",
        "has no filter to the destination that the policy names",
        Fate.HELD,
        "in the next hour: the budget of 200 changes an hour is used up",
    ),
    "api-throttling": Sort(
        "AWS::ApiGateway::Stage",
        "{short}/prod",
        "UNLIMITED_METHODS",
        "3 of 14 methods have no limits of their own: POST /{part}, PUT /{part}, GET /{part}",
        Fate.PLANNED,
        "not in mode audit: the policy has to say enforce",
    ),
    "api-alarms": Sort(
        "AWS::ApiGateway::Stage",
        "{short}/prod",
        "ALARMS_MISSING",
        "2 of 5 alarms are missing: latency p99 above 3000 ms, 5xx above 1 %",
        Fate.FAILED,
        "with the next sweep, and 3 times more before it is given up",
    ),
    "function-runtime": Sort(
        "AWS::Lambda::Function",
        "{name}",
        "DEPRECATED",
        "runs on python3.8, which AWS no longer patches since 14 Oct 2024",
        Fate.REPORTED,
        "never: this control only reports",
    ),
    "function-versions": Sort(
        "AWS::Lambda::Function",
        "{name}",
        "UNUSED_VERSIONS",
        "41 of 52 unused beyond the newest 5 and 30 days old: 613 MB",
        Fate.PLANNED,
        "not in mode audit: the policy has to say enforce",
    ),
    "stack-tags": Sort(
        "AWS::CloudFormation::Stack",
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/0b7d1c40",
        "TAGS_MISSING",
        "7 of 31 resources lack tags of the stack: cost-center, owner",
        Fate.PLANNED,
        "not in mode audit: the policy has to say enforce",
    ),
    "required-tags": Sort(
        "AWS::SQS::Queue",
        "{name}",
        "MISSING_KEYS",
        "lacks cost-center, data-class; the stack has cost-center=4711 to offer",
        Fate.REPORTED,
        "never: this control only reports",
    ),
    "stream-capacity": Sort(
        "AWS::Kinesis::Stream",
        "{name}",
        "TOO_FEW_SHARDS",
        "has 2 shards and needs 5 for the load of the last day",
        Fate.REPORTED,
        "never: it is no stream of the stack",
    ),
}


def report(findings: int = 60, seed: int = 7, *, only_open: bool = False) -> Report:
    """A report with so many findings; the figures and exemptions of an account beside them."""
    random = Random(seed)  # noqa: S311  # made-up data
    entries = sorted(_entries(random, findings, only_open=only_open), key=_place)
    changes = _changes(entries)
    controls = tuple(sorted((_line(random, one, entries) for one in CONTROLS), key=lambda c: c.id))
    return Report(
        account=ACCOUNT,
        region=REGION,
        partition="aws",
        stack="steward",
        generated_at=stamp(NOW),
        version="0.3.0",
        controls=controls,
        entries=tuple(entries),
        changes=tuple(sorted(changes, key=lambda one: one.at, reverse=True)),
        exemptions=_exemptions(entries),
        trend=tuple(_trend(random, controls)),
        figures=FIGURES,
        window_days=WINDOW,
        notes=("owners of 2 queues are not known: their tags could not be read (AccessDenied)",),
    )


FIGURES = (
    Figure(
        "Log storage no longer paid for",
        184.27,
        "USD a month",
        "6.14 TB less stored in 212 log groups than before their retention was set, at 0.03 USD"
        " a GB-month (prices of 1 November 2026)",
    ),
    Figure(
        "Code storage freed", 9_412_000_000, "bytes", "the sizes of 131 versions that were deleted"
    ),
    Figure("Alarms made", -21.4, "USD a month", "214 alarms at 0.10 USD (1 November 2026)"),
    Figure(
        "Run cost of Steward",
        None,
        "USD a month",
        "no cost data: Lambda's metrics of the last 30 days could not be read",
    ),
)


def _place(entry: Entry) -> tuple[object, ...]:
    order = list(Standing).index(entry.standing)
    return order, entry.first_seen, entry.control, entry.ref


def _entries(random: Random, findings: int, *, only_open: bool) -> Iterator[Entry]:
    standings = [standing for standing, share in _SHARES for _ in range(share)]
    ids = [control for control in SORTS if control in {one.id for one in CONTROLS}]
    seen: set[tuple[str, Ref]] = set()
    while len(seen) < findings:
        control = ids[len(seen) % len(ids)]
        ref = _ref(random, SORTS[control], len(seen))
        if (control, ref) not in seen:
            standing = Standing.OPEN if only_open else random.choice(standings)
            seen.add((control, ref))
            yield _entry(random, control, ref, standing)


def _ref(random: Random, sort: Sort, number: int) -> Ref:
    name = f"{random.choice(TEAMS)}-{random.choice(PARTS)}-{random.choice(DOES)}"
    short = f"{random.getrandbits(50):010x}"[-10:]
    name = f"{name}-{number}" if number > len(TEAMS) * len(PARTS) else name
    return Ref(sort.kind, sort.name.format(name=name, short=short))


def _entry(random: Random, control: str, ref: Ref, standing: Standing) -> Entry:
    sort = SORTS[control]
    first = NOW - timedelta(minutes=int(random.expovariate(1 / 30_000)) + 30)
    owner = "" if random.random() < 0.1 else f"team-{random.choice(TEAMS)}"
    entry = Entry(
        id=entry_id(ACCOUNT, REGION, control, ref),
        control=control,
        ref=ref,
        standing=standing,
        verdict=Verdict.NON_COMPLIANT,
        code=sort.code,
        reason=sort.reason.format(part=random.choice(PARTS)),
        severity=next(one.severity for one in CONTROLS if one.id == control),
        fate=sort.fate,
        first_seen=stamp(first),
        last_seen=stamp(NOW - timedelta(hours=7)),
        owner=owner,
        attempts=2 if sort.fate is Fate.FAILED else 0,
        next_attempt=sort.next_attempt,
    )
    return _standing(random, entry, first)


def _standing(random: Random, entry: Entry, first: datetime) -> Entry:
    match entry.standing:
        case Standing.UNKNOWN:
            return _unread(entry)
        case Standing.EXEMPT:
            return _exempt(random, entry)
        case Standing.RESOLVED | Standing.GONE:
            return _closed(random, entry, first)
    if entry.fate is not Fate.FAILED:
        return entry
    return replace(entry, last_change=_change(entry, NOW - timedelta(hours=7), Status.FAILED))


def _unread(entry: Entry) -> Entry:
    why = "AccessDenied: no permission to read it (explicit deny in a permissions boundary)"
    told = replace(entry, verdict=Verdict.UNKNOWN, code="UNREADABLE", reason=why)
    return replace(told, fate=Fate.UNKNOWN, attempts=0, next_attempt="with the next sweep")


def _exempt(random: Random, entry: Entry) -> Entry:
    until = (NOW + timedelta(days=random.choice((3, 9, 40, 120, 300)))).date()
    exemption = Exemption(entry.ref.id, random.choice(WHYS), entry.owner or "platform", until)
    told = replace(entry, verdict=Verdict.EXEMPT, exemption=exemption, attempts=0)
    return replace(told, fate=Fate.NONE, next_attempt="when the exemption has ended")


def _closed(random: Random, entry: Entry, first: datetime) -> Entry:
    closed = max(first, NOW - timedelta(hours=random.randint(2, WINDOW * 24)))
    told = replace(entry, closed_at=stamp(closed), next_attempt="", attempts=0)
    if entry.standing is Standing.GONE:
        return replace(told, fate=Fate.GONE)
    if random.random() < 0.7 and entry.control in CALLS:
        change = _change(entry, closed, Status.DONE)
        return replace(told, fate=Fate.REMEDIATED, last_change=change)
    return replace(told, fate=Fate.NONE)


WHYS = (
    "Legal hold of the 2025 audit, kept until the auditors have signed",
    "Load test in November; the limits come back afterwards",
    "Vendor's function, replaced with the new contract",
)

STREAM = "arn:aws:kinesis:eu-west-1:111122223333:stream/steward-logs"

CALLS: Mapping[str, tuple[Mapping[str, Any], Call]] = {
    "log-retention": (
        {"days": None},
        Call(
            "logs",
            "PutRetentionPolicy",
            {"logGroupName": "ID", "retentionInDays": 30},
            Call("logs", "DeleteRetentionPolicy", {"logGroupName": "ID"}, effect={"days": None}),
            {"days": 30},
            "events older than 30 days",
        ),
    ),
    "api-throttling": (
        {"limits": {"/orders/POST": {"rate": 10000, "burst": 5000}}, "behind": []},
        Call(
            "apigateway",
            "UpdateStage",
            {
                "restApiId": "ID",
                "stageName": "prod",
                "patchOperations": [
                    {
                        "op": "replace",
                        "path": "/~1orders/POST/throttling/rateLimit",
                        "value": "100",
                    }
                ],
            },
            Call("apigateway", "UpdateStage", {"restApiId": "ID", "stageName": "prod"}),
            {"limits": {"/orders/POST": {"rate": 100, "burst": 50}}, "behind": []},
        ),
    ),
    "api-alarms": (
        {"alarmed": "0 00000000000000000000000000000000"},
        Call(
            "cloudwatch",
            "PutMetricAlarm",
            {"AlarmName": "steward ID 5xx", "MetricName": "5XXError", "Threshold": 0.01},
            Call("cloudwatch", "DeleteAlarms", {"AlarmNames": ["steward ID 5xx"]}),
            {"alarmed": "1 0f3c5e8a9b2d4c6f80a1b2c3d4e5f607"},
        ),
    ),
    "function-versions": (
        {"published": 52},
        Call(
            "lambda",
            "DeleteFunction",
            {"FunctionName": "ID", "Qualifier": "17"},
            irreversible="version 17 of 4 Mar 2024 with its code",
        ),
    ),
    "stack-tags": (
        {},
        Call(
            "resourcegroupstaggingapi",
            "TagResources",
            {
                "ResourceARNList": ["arn:aws:sqs:eu-west-1:111122223333:orders"],
                "Tags": {"owner": "team-web"},
            },
            Call(
                "resourcegroupstaggingapi",
                "UntagResources",
                {
                    "ResourceARNList": ["arn:aws:sqs:eu-west-1:111122223333:orders"],
                    "TagKeys": ["owner"],
                },
            ),
        ),
    ),
    "log-subscription": (
        {"owned": {}},
        Call(
            "logs",
            "PutSubscriptionFilter",
            {
                "logGroupName": "ID",
                "filterName": "steward",
                "destinationArn": STREAM,
            },
            Call(
                "logs",
                "DeleteSubscriptionFilter",
                {"logGroupName": "ID", "filterName": "steward"},
            ),
            {
                "owned": {
                    "steward": {
                        "destinationArn": STREAM,
                        "filterPattern": "",
                    }
                }
            },
        ),
    ),
}


def _change(entry: Entry, at: datetime, status: Status) -> Change:
    before, call = CALLS[entry.control]
    named = replace(call, params={k: _named(v, entry) for k, v in call.params.items()})
    failed = status is Status.FAILED
    return Change(
        id=f"{entry.control}-{at:%Y%m%dT%H%M%S}000000-{entry.id[:6]}",
        control=entry.control,
        ref=entry.ref,
        status=status,
        at=stamp(at),
        trigger=Trigger.EVENT if at.minute % 2 else Trigger.SWEEP,
        run=f"{entry.control}-run",
        code=entry.code,
        reason=entry.reason,
        before=before,
        calls=(named,),
        sent=0 if failed else 1,
        error="LimitExceeded: the account has 5,000 alarms, the quota" if failed else "",
        settled_at=stamp(at),
    )


def _named(value: Any, entry: Entry) -> Any:
    return value.replace("ID", entry.ref.id) if isinstance(value, str) else value


def _changes(entries: Sequence[Entry]) -> list[Change]:
    return [entry.last_change for entry in entries if entry.last_change is not None]


def _exemptions(entries: Sequence[Entry]) -> tuple[ExemptionLine, ...]:
    lines = [
        ExemptionLine(entry.control, entry.exemption, "ledger", 1, _remarks(entry.exemption))
        for entry in entries
        if entry.exemption is not None
    ]
    glob = Exemption(
        "/audit/*", "Kept for the auditors for ten years", "legal", NOW.date() + timedelta(200)
    )
    old = Exemption(
        "legacy-*", "Goes with the old data center", "logistics", NOW.date() - timedelta(4)
    )
    lines += [
        ExemptionLine("log-retention", glob, "policy", 0, ("exempts nothing",)),
        ExemptionLine("function-runtime", old, "policy", 0, ("expired",)),
    ]
    return tuple(sorted(lines, key=lambda one: (one.exemption.expires, one.control)))


def _remarks(exemption: Exemption) -> tuple[str, ...]:
    left = (exemption.expires - NOW.date()).days
    return (f"expires in {left} days",) if left <= 14 else ()


def _line(random: Random, control: Control[Any, Any], entries: Sequence[Entry]) -> ControlLine:
    own = Counter(entry.standing for entry in entries if entry.control == control.id)
    mode = Mode.OFF if control.id == "function-layers" else Mode.AUDIT
    mode = Mode.ENFORCE if control.id in {"log-retention", "api-alarms"} else mode
    swept = NOW - timedelta(hours=6, minutes=random.randint(10, 40))
    never, stale = control.id == "stream-capacity", control.id == "required-tags"
    if stale:
        swept -= timedelta(hours=50)
    error = (
        "throttled by the tagging API until time ran out; the next sweep goes on" if stale else ""
    )
    off = mode is Mode.OFF
    return ControlLine(
        id=control.id,
        title=control.title,
        severity=control.severity,
        mode=mode,
        counts=own,
        in_order=0 if never or off else random.randint(80, 900),
        swept_at="" if never or off else stamp(swept),
        last_sweep="" if never or off else stamp(NOW - timedelta(hours=6)),
        last_sweep_error=error,
        stale=stale or never,
    )


def _trend(random: Random, controls: Sequence[ControlLine]) -> Iterator[Point]:
    for line in controls:
        if not line.swept_at:
            continue
        last = line.counts[Standing.OPEN]
        for back in range(2 * WINDOW, -1, -1):
            at = NOW - timedelta(hours=12 * back, minutes=25)
            wave = last * (1 + back / 40) + random.randint(0, 2 if last else 0) if back else last
            yield Point(line.id, stamp(at), int(wave))
