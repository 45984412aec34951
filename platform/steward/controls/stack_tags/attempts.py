"""Reads of which some may fail, without those that do spoiling the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from steward.controls.stack_tags.state import KIND
from steward.errors import Denied, NotConnected, StewardError, TryAgain
from steward.model import Aws, R, Ref, Unread


def attempted(
    aws: Aws, act: Callable[[str], R], items: Sequence[str]
) -> Mapping[str, R | StewardError]:
    """What ``act`` gives for each, or why it gives nothing."""

    def attempt(item: str) -> R | StewardError:
        try:
            return act(item)
        except NotConnected:
            raise
        except StewardError as error:
            return error

    return dict(zip(items, aws.together(attempt, items), strict=True)) if items else {}


def unread(stack: str, error: StewardError) -> Unread:
    code = "ACCESS_DENIED" if isinstance(error, Denied) else "UNREADABLE"
    return Unread(Ref(KIND, stack), "BUSY" if isinstance(error, TryAgain) else code, str(error))
