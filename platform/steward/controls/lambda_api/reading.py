"""Reading one resource at a time: what goes wrong costs that one, and says why."""

from __future__ import annotations

import json
from collections.abc import Callable

from steward.controls.unreadable import unread
from steward.errors import Gone, Invalid, OutOfTime, Refused, TryAgain
from steward.model import Ref, T, Unread


def sheltered(ref: Ref, read: Callable[[], T]) -> T | Unread | None:
    """What was read of a resource, or why not; None when there is none. Raises OutOfTime.

    An answer that is not as the API reference says leaves its resource unread as well.
    """
    try:
        return read()
    except Gone:
        return None
    except OutOfTime:
        raise
    except (Refused, TryAgain) as error:
        return unread(ref, error)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"[:120]
        return Unread(ref, "UNREADABLE", f"what AWS tells of it cannot be understood: {told}")


def cursor(token: str | None, done: int) -> str | None:
    """Where a list goes on: so many are done of a token's answer. None: it is at its end."""
    return json.dumps([token, done]) if token or done else None


def place(text: str | None) -> tuple[str | None, int]:
    """The token and the number that a cursor was made of. Raises Invalid."""
    if text is None:
        return None, 0
    try:
        token, done = json.loads(text)
    except (TypeError, ValueError):
        raise Invalid(f"cursor: is {text[:80]!r}, allowed: what a page came with") from None
    return token, done
