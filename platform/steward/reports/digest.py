"""What has happened since the last digest, for a mail or a chat: plain text, short, and bounded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from steward.ledger import Status, stamp
from steward.model import Fate
from steward.reports.dataset import Entry, ExemptionLine, Report, Standing, gravest_first
from steward.reports.exempting import SOON
from steward.reports.gaps import OFF, Gap, gaps
from steward.reports.scoring import score_of
from steward.reports.wording import clip, counted

SHOWN = 20
"""Lines of each part; how many there are besides is said."""

LONGEST = 300
"""Characters of a line that tells of one thing: with four bytes for each, all parts fit into the
262,144 bytes that SNS takes of a message."""

SUBJECT = 100
"""Characters that a subject may have: SNS, API reference, Publish."""

MOST_TOLD = 10_000
"""Open violations that are remembered one by one."""

DIGITS = 12
"""Digits of an id that are remembered: in one of 5 million digests two of 10,000 are alike."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the digests up to now have told."""

    until: str = ""
    """When the report of the last one was made; '' for none."""
    open: frozenset[str] | None = None
    """How the ids of what was open in it begin; None where they are not known, or too many."""

    @classmethod
    def read(cls, text: bytes) -> Self:
        """From what ``written`` gave. Raises AttributeError, KeyError, TypeError or ValueError."""
        state = json.loads(text)
        until, ids = stamp(datetime.fromisoformat(state["until"])), state["open"]
        return cls(until, None if ids is None else frozenset(map(str, ids)))

    def written(self) -> bytes:
        ids = None if self.open is None else sorted(self.open)
        return json.dumps({"until": self.until, "open": ids}).encode()

    def has(self, entry: Entry) -> bool:
        """Whether an open violation was told. Its time alone does not say so if ids are known: one
        that was exempt until now, or committed as the last report was made, has an old time."""
        known = self.open is None or entry.id[:DIGITS] in self.open
        return known and entry.first_seen <= self.until


def told_by(report: Report) -> Told:
    """What has been told once the digest of a report is sent."""
    ids = frozenset(one.id[:DIGITS] for one in report.entries if _is_open(one))
    return Told(report.generated_at, ids if len(ids) <= MOST_TOLD else None)


@dataclass(frozen=True, slots=True)
class Digest:
    """What a message tells. Each part is in the report's order, entries the gravest first."""

    report: Report
    since: str
    new: tuple[Entry, ...]
    """Violations that were not there at the last digest."""
    failing: tuple[Entry, ...]
    """What could not be put right or read, be it new or not."""
    expiring: tuple[ExemptionLine, ...]
    """Exemptions that end soon, and those that have ended since the last digest."""
    unsure: tuple[Gap, ...]
    """Controls that may have missed something, lately or for long."""
    news: bool
    """Whether it is worth a message: for what the last one did not tell, or for any gap."""


def digest_of(report: Report, told: Told) -> Digest:
    """What a report holds that was not told, and what is still wrong besides."""
    since = told.until
    entries = gravest_first(report.entries)
    new = [one for one in entries if _is_open(one) and not told.has(one)]
    failing = [one for one in entries if _fails(one)]
    expiring = [one for one in report.exemptions if _ends(one, report, since)]
    unsure = [one for one in gaps(report) if one.state != OFF]
    news = bool(new or unsure)
    news |= any(_failed_at(one) > since for one in failing)
    news |= any(_is_newly_ending(one, report, since) for one in expiring)
    return Digest(
        report, since, tuple(new), tuple(failing), tuple(expiring), tuple(unsure), news=news
    )


def subject(digest: Digest) -> str:
    """A line that tells whether one has to read on; ASCII, as SNS demands of a subject."""
    report = digest.report
    counts = {
        f"{len(digest.new)} new": digest.new,
        f"{len(digest.failing)} failing": digest.failing,
        counted(len(digest.expiring), "exemption ends", "exemptions end"): digest.expiring,
        f"{counted(len(digest.unsure), 'control')} not wholly known": digest.unsure,
    }
    told = ", ".join(what for what, some in counts.items() if some)
    name = report.stack or "steward"
    text = f"{name} {report.account} {report.region}: {told or 'nothing new'}"
    return text.encode("ascii", "replace").decode()[:SUBJECT]


def text(digest: Digest, where: str = "") -> str:
    """The message itself. ``where``: where the whole report lies."""
    return "\n".join(_lines(digest, where)) + "\n"


def _lines(digest: Digest, where: str) -> Iterator[str]:
    report = digest.report
    still = sum(_is_open(one) for one in report.entries)
    yield f"Account {report.account}, Region {report.region}, {report.generated_at}."
    new = f", {len(digest.new):,} of them new since {digest.since}" if digest.since else ""
    yield f"{counted(still, 'violation is', 'violations are')} open{new}."
    score = score_of(report.controls)
    yield f"Compliance score {score.told}: {score.basis}."
    yield from _part(
        "Controls that may have missed something:",
        (_flat(f"{one.line.id}: {one.sentence}") for one in digest.unsure),
    )
    yield from _part("New violations:", map(_entry, digest.new))
    yield from _part("Could not be put right or read:", map(_failure, digest.failing))
    yield from _part("Exemptions that end:", (_exemption(one) for one in digest.expiring))
    if where:
        yield from ("", f"The whole report: {where}")


def _part(title: str, told: Iterable[str]) -> Iterator[str]:
    lines: Sequence[str] = [*told]
    if lines:
        yield from ("", title)
        yield from (f"- {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"- and {len(lines) - SHOWN} more"


def _entry(entry: Entry) -> str:
    owner = f" (owner {entry.owner})" if entry.owner else ""
    return _flat(f"[{entry.severity}] {entry.control} {entry.ref.id}{owner}: {entry.reason}")


def _failure(entry: Entry) -> str:
    again = f"; tried again {entry.next_attempt}" if entry.next_attempt else ""
    return _flat(f"{entry.control} {entry.ref.id}: {entry.reason}{again}")


def _exemption(line: ExemptionLine) -> str:
    told, until = line.exemption, line.exemption.expires.isoformat()
    remarks = f" ({'; '.join(line.remarks)})" if line.remarks else ""
    return _flat(
        f"{line.control} {told.resource}: until {until}, {told.owner}: {told.reason}{remarks}"
    )


def _flat(text: str) -> str:
    """One short line, whatever a resource is called and whatever somebody wrote as a reason."""
    return clip(" ".join("".join(c if c.isprintable() else " " for c in text).split()), LONGEST)


def _is_open(entry: Entry) -> bool:
    return entry.standing is Standing.OPEN


def _fails(entry: Entry) -> bool:
    return entry.standing is Standing.UNKNOWN or (
        _is_open(entry) and (entry.fate is Fate.FAILED or entry.attempts > 0)
    )


def _failed_at(entry: Entry) -> str:
    change = entry.last_change
    failed = change is not None and change.status is Status.FAILED
    return max(entry.first_seen, change.at if change and failed else "")


def _ends(line: ExemptionLine, report: Report, since: str) -> bool:
    last_day = line.exemption.expires
    return _day(since) <= last_day <= _day(report.generated_at) + SOON


def _is_newly_ending(line: ExemptionLine, report: Report, since: str) -> bool:
    """It came within reach since the last digest, or it ends today or tomorrow, or has ended."""
    last_day = line.exemption.expires
    return last_day > _day(since) + SOON or last_day <= _day(report.generated_at) + timedelta(1)


def _day(moment: str) -> date:
    return date.fromisoformat(moment[:10]) if moment else date.min
