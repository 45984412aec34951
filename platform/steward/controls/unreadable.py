"""What becomes of a resource that a control cannot read."""

from __future__ import annotations

from steward.errors import Denied, StewardError, TryAgain
from steward.model import Ref, Unread


def unread(ref: Ref, error: StewardError, what: str = "") -> Unread:
    """A resource of which ``what``, or nothing at all, could be read."""
    code = "ACCESS_DENIED" if isinstance(error, Denied) else "UNREADABLE"
    code = "BUSY" if isinstance(error, TryAgain) else code
    return Unread(ref, code, f"{what} could not be read: {error}" if what else str(error))
