"""How far a sweep has come: an index of all functions, evidence, then function by function.

A cursor holds it as text, since none of the three fits into one step of a large account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, Self

from steward.controls.function_versions.evidence import Evidence
from steward.controls.packing import packed, unpacked
from steward.errors import Invalid

FORM = 2
"""Of the text; another one is refused, and the sweep starts anew."""


class Count(NamedTuple):
    """What the index tells of a function: its published versions, and how many of them are old."""

    published: int = 0
    old: int = 0

    def plus(self, published: int, old: int) -> Count:
        return Count(self.published + published, self.old + old)


@dataclass(frozen=True, slots=True)
class Course:
    """Where a sweep is."""

    counts: Mapping[str, Count] = field(default_factory=dict)
    """By name, and in the order of names once all are listed; of those that were judged, too, as
    their destinations may name versions of others."""
    marker: str = ""
    """Of ListFunctions, while functions are being listed."""
    listed: bool = False
    evidence: Evidence | None = None
    judged: str = ""
    """The name of the last function that was judged."""

    @property
    def left(self) -> Iterator[tuple[str, Count]]:
        """The functions that were listed and not yet judged."""
        return ((name, one) for name, one in self.counts.items() if name > self.judged)

    def text(self) -> str:
        """As a cursor."""
        evidence = None if self.evidence is None else asdict(self.evidence)
        document = [FORM, self.counts, self.marker, self.listed, evidence, self.judged]
        return packed(document)

    @classmethod
    def read(cls, text: str) -> Self:
        """The course in a cursor. Raises Invalid for what is none of ours."""
        try:
            form, *rest = unpacked(text)
            if form != FORM:
                raise Invalid(f"cursor: is of form {form!r}, allowed: {FORM}")
            rows, marker, listed, told, judged = rest
            counts = {name: Count(*numbers) for name, numbers in rows.items()}
            evidence = None if told is None else Evidence(**told)
        except (ValueError, TypeError, AttributeError) as error:
            raise Invalid(f"cursor: {text[:40]!r} is none of function-versions") from error
        return cls(counts, str(marker), bool(listed), evidence, str(judged))

    def met(self, found: Mapping[str, Count], marker: str | None) -> Self:
        """After some more pages of the list."""
        counts = dict(self.counts)
        for name, one in found.items():
            counts[name] = counts.get(name, Count()).plus(one.published, one.old)
        if marker is None:
            counts = {name: counts[name] for name in sorted(counts)}
        return replace(self, counts=counts, marker=marker or "", listed=marker is None)

    def after(self, names: Mapping[str, Any]) -> Self:
        """After these functions were judged, which are the next ones."""
        return replace(self, judged=max([self.judged, *names]))
