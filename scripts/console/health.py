"""What a checkup finds: one line for each thing that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from console.codes import ExitCode
from console.deployed import NoStack
from steward.errors import NotConnected, StewardError

BY_HAND = "allow the request, or check it by hand"


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``fix`` says what to do where it is not ok."""

    check: str
    status: Health
    detail: str
    fix: str = ""


Look = Callable[[], Iterable[Check]]


def carefully(name: str, look: Look) -> Iterator[Check]:
    """What a look finds; what it cannot read is unknown, and hinders no other look.

    Raises NotConnected and NoStack: nothing more can be looked at then.
    """
    try:
        yield from look()
    except (NotConnected, NoStack):
        raise
    except StewardError as error:
        yield Check(name, Health.UNKNOWN, str(error), BY_HAND)


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """What is unknown wins over what is wrong; a warning is neither."""
    found = {check.status for check in checks}
    if Health.UNKNOWN in found:
        return ExitCode.INCOMPLETE
    return ExitCode.VIOLATIONS if Health.FAIL in found else ExitCode.CLEAN
