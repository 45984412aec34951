"""Where a sweep over stacks is, as its cursor: functions are listed once, in several steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from steward.controls.packing import packed, unpacked
from steward.controls.stack_tags.log_groups import chosen_group
from steward.errors import Invalid, Refused


@dataclass(frozen=True, slots=True)
class Course:
    """What of functions is known, and which stack was read last."""

    after: str = ""
    """The ARN of that stack; stacks are read in the order of ARNs."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """By the function's name: the log group that was chosen for it. Most functions have none."""
    marker: str = ""
    """Of ListFunctions, while functions are being listed."""
    listed: bool = False
    unread: str = ""
    """Why functions could not be listed."""

    def text(self) -> str:
        """As a cursor."""
        return packed(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """The course in a cursor. Raises Invalid for what is none of ours."""
        try:
            return cls(**unpacked(text))
        except (ValueError, TypeError) as error:
            raise Invalid(f"cursor: {text[:40]!r} is none of stack-tags") from error

    def met(self, functions: Iterable[Mapping[str, Any]], marker: str | None) -> Self:
        """After some more of the list."""
        found = {one["FunctionName"]: group for one in functions if (group := chosen_group(one))}
        groups = {**self.groups, **found}
        return replace(self, groups=groups, marker=marker or "", listed=marker is None)

    def chosen_groups(self, names: Sequence[str]) -> Mapping[str, str]:
        """The groups of those functions that have one of their own. Raises Refused."""
        if self.unread:
            raise Refused(self.unread)
        return {name: self.groups[name] for name in names if name in self.groups}
