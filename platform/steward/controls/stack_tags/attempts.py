"""Reads of which some may fail, without those that do spoiling the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from steward.controls import unreadable
from steward.controls.stack_tags.state import KIND
from steward.errors import NotConnected, OutOfTime, StewardError
from steward.model import Aws, R, Ref, Unread


def attempted(
    aws: Aws, act: Callable[[str], R], items: Sequence[str], *, in_step: bool = False
) -> Mapping[str, R | StewardError]:
    """What ``act`` gives for each, or why it gives nothing.

    With ``in_step`` it raises OutOfTime: what a step has no time for, the next one reads.
    """

    def attempt(item: str) -> R | StewardError:
        try:
            return act(item)
        except NotConnected:
            raise
        except StewardError as error:
            if in_step and isinstance(error, OutOfTime):
                raise
            return error

    return dict(zip(items, aws.together(attempt, items), strict=True)) if items else {}


def unread(stack: str, error: StewardError) -> Unread:
    return unreadable.unread(Ref(KIND, stack), error)
