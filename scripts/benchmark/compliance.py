"""Made-up compliance reports, as busy accounts might have them; equal for equal seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmark.compliance_samples import CALLS, DOES, FIGURES, PARTS, SORTS, TEAMS, WHYS, Sort
from steward.controls import CONTROLS
from steward.ledger import Change, Status, stamp
from steward.model import Control, Exemption, Fate, Mode, Ref, Severity, Trigger, Verdict
from steward.reports.dataset import (
    ControlLine,
    Entry,
    ExemptionLine,
    Point,
    Report,
    Standing,
    entry_id,
)

ACCOUNT, REGION = "111122223333", "eu-west-1"
NOW = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)
WINDOW = 30

_SHARES = (  # of a hundred findings
    (Standing.OPEN, 52),
    (Standing.UNKNOWN, 4),
    (Standing.EXEMPT, 12),
    (Standing.RESOLVED, 26),
    (Standing.GONE, 6),
)


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
        records_since=stamp(NOW - timedelta(days=90)),
        owner_keys=("owner", "Owner", "team", "Team"),
        notes=("owners of 2 queues are not known: their tags could not be read (AccessDenied)",),
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
    reason = sort.reason.format(part=random.choice(PARTS))
    entry = Entry(
        id=entry_id(ACCOUNT, REGION, control, ref),
        control=control,
        ref=ref,
        standing=standing,
        verdict=Verdict.NON_COMPLIANT,
        code=sort.code,
        reason=reason,
        wrong=reason,
        severity=_severity(control),
        fate=sort.fate,
        first_seen=stamp(first),
        last_seen=stamp(NOW - timedelta(hours=7)),
        owner=owner,
        attempts=2 if sort.fate is Fate.FAILED else 0,
        next_attempt=sort.next_attempt,
    )
    return _standing(random, entry, first)


def _severity(control: str) -> Severity:
    """The registry's, but that one is HIGH, so that all are there."""
    if control == "function-runtime":
        return Severity.HIGH
    return next(one.severity for one in CONTROLS if one.id == control)


def _standing(random: Random, entry: Entry, first: datetime) -> Entry:
    match entry.standing:
        case Standing.UNKNOWN:
            return _unread(entry)
        case Standing.EXEMPT:
            return _exempt(random, entry)
        case Standing.RESOLVED | Standing.OUT_OF_SCOPE | Standing.GONE:
            return _closed(random, entry, first)
    if entry.fate is not Fate.FAILED:
        return entry
    change = _change(entry, NOW - timedelta(hours=7), Status.FAILED)
    if random.random() < 0.5:
        return replace(entry, last_change=change)
    again = "not before 2026-12-04T23:30:00Z: exhausted, failed 5 times, tried again weekly"
    return replace(entry, last_change=change, fate=Fate.HELD, attempts=5, next_attempt=again)


def _unread(entry: Entry) -> Entry:
    why = "AccessDenied: no permission to read it (explicit deny in a permissions boundary)"
    told = replace(entry, verdict=Verdict.UNKNOWN, code="UNREADABLE", reason=why, wrong=why)
    return replace(
        told, fate=Fate.UNKNOWN, attempts=0, next_attempt="read again with the next sweep"
    )


def _exempt(random: Random, entry: Entry) -> Entry:
    until = (NOW + timedelta(days=random.choice((3, 9, 40, 120, 300)))).date()
    exemption = Exemption(entry.ref.id, random.choice(WHYS), entry.owner or "platform", until)
    told = replace(entry, verdict=Verdict.EXEMPT, exemption=exemption, attempts=0)
    return replace(told, fate=Fate.NONE, next_attempt=f"not while it is exempt, until {until}")


def _closed(random: Random, entry: Entry, first: datetime) -> Entry:
    closed = max(first, NOW - timedelta(hours=random.randint(2, WINDOW * 24)))
    told = replace(entry, closed_at=stamp(closed), next_attempt="", attempts=0)
    if entry.standing is Standing.GONE:
        return replace(told, fate=Fate.GONE)
    told = replace(told, reason="in order at the last look")
    if random.random() < 0.7 and entry.control in CALLS:
        change = _change(entry, closed, Status.DONE)
        return replace(told, fate=Fate.REMEDIATED, last_change=change)
    return replace(told, fate=Fate.NONE)


def _change(entry: Entry, at: datetime, status: Status) -> Change:
    before, call = CALLS[entry.control]
    named = replace(call, params={k: _named(v, entry) for k, v in call.params.items()})
    sent = status in (Status.DONE, Status.UNDONE)
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
        sent=int(sent),
        error="LimitExceeded: the account has 5,000 alarms, the quota" if failed else "",
        settled_at="" if status is Status.INTENT else stamp(at),
    )


def _named(value: Any, entry: Entry) -> Any:
    return value.replace("ID", entry.ref.id) if isinstance(value, str) else value


def _changes(entries: Sequence[Entry]) -> Iterator[Change]:
    """Those of the entries, and what else may have become of a change."""
    done = [entry.last_change for entry in entries if entry.last_change is not None]
    yield from done
    for entry, status in zip(entries, (Status.INTENT, Status.FAILED, Status.UNDONE), strict=False):
        if entry.control in CALLS and CALLS[entry.control][1].undo is not None:
            yield _change(entry, NOW - timedelta(days=3, minutes=17), status)


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
        severity=_severity(control.id),
        mode=mode,
        counts=own,
        compliant=0 if never or off else random.randint(80, 900),
        swept_at="" if never or off else stamp(swept),
        last_sweep="" if never or off else stamp(NOW - timedelta(hours=6)),
        last_sweep_error=error,
        stale=stale or never,
        not_applicable=0 if never or off else random.randint(0, 80),
        policy_hash=f"{random.getrandbits(64):016x}",
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
