"""Reads who names versions in the whole account: at once for a look, in parts for a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from steward.controls.function_versions.sources import SOURCES, Source
from steward.controls.function_versions.state import Policy
from steward.errors import Gone, NotConnected, OutOfTime, StewardError
from steward.model import Aws, Sight

FRESH = timedelta(hours=1)
"""How long a sweep that may delete believes what it read of who names versions."""

KEY = "who names versions"
"""Under which a step keeps what it has read."""

TOGETHER = 16
"""Pieces that are read between two moments at which a sweep can be resumed."""

MOST = 40
"""Pieces of a source that a look at named functions reads; of more it leaves all to sweeps."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Versions that other resources name; ``unread`` says of a source that it was not read."""

    found: Mapping[str, str] = field(default_factory=dict)
    """By reference such as ``orders:7``: the source that names it."""
    unread: Mapping[str, str] = field(default_factory=dict)
    at: str = ""  # when reading it began, ISO 8601
    last: str = ""  # when the last part was read
    source: int = 0  # the next to be read, or in which ``after`` is the last piece that was
    after: str = ""

    @property
    def complete(self) -> bool:
        """One source that was not read protects every version, whatever the others say."""
        return self.source >= len(SOURCES) or bool(self.unread)

    def is_stale(self, now: datetime) -> bool:
        """Whether it is too old to delete by; never while it is being read. What takes long to read
        is believed as long, so that half of a sweep's time is left for judging."""
        began, last = (datetime.fromisoformat(one) for one in (self.at, self.last))
        return now - last >= max(FRESH, last - began)


def begun(now: datetime) -> Evidence:
    return Evidence(at=now.isoformat(), last=now.isoformat())


def parts(sight: Sight[Policy], evidence: Evidence) -> Iterator[Evidence]:
    """The evidence as it grows, complete in the end. Raises OutOfTime; goes on with what came."""
    while not evidence.complete:
        source = SOURCES[evidence.source]
        if source.field not in sight.policy.evidence.asked():
            evidence = replace(evidence, source=evidence.source + 1, after="")
            continue
        try:
            pieces = iter(
                [one for one in _pieces(sight, source) if one > evidence.after or not one]
            )
            while some := list(islice(pieces, TOGETHER)):
                evidence = _with(evidence, source, _read(sight.aws, source, some), some[-1])
                evidence = replace(evidence, last=sight.now.isoformat())
                yield evidence
        except (NotConnected, OutOfTime):
            raise
        except StewardError as error:
            evidence = _without(evidence, source, f"could not be read: {error}")
        evidence = replace(evidence, source=evidence.source + 1, after="")
    yield evidence


def at_once(sight: Sight[Policy]) -> Evidence:
    """All evidence, read once in a step; none of it, if a sweep has to read it in parts."""

    def read() -> Evidence:
        evidence = begun(sight.now)
        asked = sight.policy.evidence.asked()
        try:
            for source in SOURCES:
                if source.field in asked and len(_pieces(sight, source)) > MOST:
                    return _without(
                        evidence, source, f"are more than {MOST}; only sweeps read them"
                    )
            *_, complete = parts(sight, evidence)
        except NotConnected:
            raise
        except StewardError as error:
            return replace(evidence, unread={"": f"the account could not be searched: {error}"})
        return complete

    return sight.known.once(KEY, read)


def _pieces(sight: Sight[Policy], source: Source) -> Sequence[str]:
    """In their order, listed once in a step."""
    return sight.known.once(source.of, lambda: sorted(source.pieces(sight.aws)))


def _read(aws: Aws, source: Source, pieces: Sequence[str]) -> list[str]:
    """What the pieces name; one that is gone names nothing."""

    def one(piece: str) -> list[str]:
        try:
            return list(source.read(aws, piece))
        except Gone:
            return []

    return [named for some in aws.together(one, pieces) for named in some]


def _with(evidence: Evidence, source: Source, named: Sequence[str], after: str) -> Evidence:
    found = {**dict.fromkeys(named, source.field), **evidence.found}
    return replace(evidence, found=found, after=after)


def _without(evidence: Evidence, source: Source, why: str) -> Evidence:
    return replace(evidence, unread={source.field: f"{source.of} {why}"})
