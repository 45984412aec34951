"""An SQS queue and the functions that it feeds, and the policy over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from steward.config_resources import QUEUE
from steward.model import CommonPolicy, Ref

ID = "queue-redrive"
KIND = QUEUE


@dataclass(frozen=True, slots=True, order=True)
class Feed:
    """A function that Lambda invokes with a queue's messages; with its time-out and the window."""

    function: str  # its name, with an alias or version
    timeout: int  # seconds
    window: int = 0  # seconds

    def needs(self, factor: int) -> int:
        """The visibility time-out that AWS advises, with six as the factor."""
        return factor * self.timeout + self.window


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue; only of one that feeds functions is anything told but its name."""

    name: str
    feeds: tuple[Feed, ...] = ()
    visibility: int = 0  # seconds
    receives: int | None = None  # before a message is a dead letter; None: it has no dead letters
    dead_letters: str = ""  # the ARN of the queue for them
    is_own: bool = False  # and that is the queue itself
    lost: bool = False  # and that is not there
    unchecked: bool = False  # or that nobody looked for, elsewhere
    is_last: bool = False  # itself the queue of others' dead letters; told where it has none
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    visibility_factor: int
    min_receives: int
