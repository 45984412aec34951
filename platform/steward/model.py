"""The values every control speaks in. Standard library only; nothing here touches AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Verdict(StrEnum):
    """AWS Config's compliance types, and what they leave out."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    EXEMPT = "EXEMPT"  # non-compliant, and somebody answers for it until a date
    UNKNOWN = "UNKNOWN"  # it could not be read: never silence, never COMPLIANT


class Fate(StrEnum):
    """What became of a finding."""

    NONE = "none"  # there was nothing to do
    REPORTED = "reported"  # non-compliant, and there is no call we may send
    PLANNED = "planned"  # audit mode or a plan-only run
    REMEDIATED = "remediated"
    HELD = "held"  # stopped, out of budget, or given up for now
    FAILED = "failed"
    UNKNOWN = "unknown"
    GONE = "gone"


class Mode(StrEnum):
    """How far a control may go; in rising order."""

    OFF = "off"
    AUDIT = "audit"
    ENFORCE = "enforce"


class Severity(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Trigger(StrEnum):
    """What made us look."""

    EVENT = "event"
    SWEEP = "sweep"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The name of a resource: CloudFormation type and identifier. Events yield nothing else."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS API call as data, so that it can be shown, checked, recorded and undone."""

    service: str
    operation: str
    params: Mapping[str, Any]
    undo: Call | None = None
    effect: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the state that it sets: its result is foretold, and an undo sees a change."""
    irreversible: str = ""  # what ``undo`` cannot bring back; empty: it brings back everything


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict on one resource, why, and the calls that would put it right, in order."""

    ref: Ref
    verdict: Verdict
    code: str
    reason: str
    remediation: tuple[Call, ...] = ()
    memory: str = ""  # what the control is told when it next sees the resource; see ``Known``
    waits: bool = False  # what is under way has to end first; then it is looked at again, soon
    partial: bool = False  # the calls are as many as a change may have; the next look goes on

    @property
    def irreversible(self) -> bool:
        return any(call.irreversible for call in self.remediation)


@dataclass(frozen=True, slots=True)
class Unread:
    """A resource that is there but could not be read; it becomes UNKNOWN."""

    ref: Ref
    code: str
    reason: str


class State(Protocol):
    """What was read of a resource. ``exists`` is False for what a vanished one left behind."""

    @property
    def ref(self) -> Ref: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def exists(self) -> bool: ...


class Aws(Protocol):
    """The only way to AWS. It raises the errors of ``errors.py``, never an SDK's."""

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def partition(self) -> str: ...

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        """Send one request and return its answer."""

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """Yield each answer with the token of the next one, from the token ``start``."""

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Apply ``act`` to all items, up to eight at once; results in the order of items."""


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The present moment in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float) -> None: ...


class Deadline:
    """The moment by which a run must have stopped starting new work."""

    def __init__(self, clock: Clock, seconds: float | None = None) -> None:
        self._clock = clock
        self._at = None if seconds is None else clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; infinite where there is no deadline."""
        return float("inf") if self._at is None else self._at - self._clock.monotonic()


@dataclass(frozen=True, slots=True)
class Exemption:
    """Somebody answers for a resource's violation until a date, that day included."""

    resource: str  # an id, or an anchored glob over ids
    reason: str
    owner: str
    expires: date

    def covers(self, ref: Ref, today: date) -> bool:
        return today <= self.expires and fnmatchcase(ref.id, self.resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonPolicy:
    """The fields that every control's policy has. Defaults live in the schema, nowhere else."""

    mode: Mode
    exclude: tuple[str, ...]
    exemptions: tuple[Exemption, ...]
    max_changes_per_run: int | None
    max_changes_per_hour: int | None
    honor_tags: bool

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Build the policy from a complete document that fits the schema."""
        return cls(**cls.fields(document))

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's arguments; a control's policy adds what it has beyond the common."""
        exemptions = (
            Exemption(**{**one, "expires": _day(f"exemptions[{n}].expires", one["expires"])})
            for n, one in enumerate(document["exemptions"])
        )
        return {
            **document,
            "mode": Mode(document["mode"]),
            "exclude": tuple(document["exclude"]),
            "exemptions": tuple(exemptions),
        }

    def problems(self) -> Iterator[str]:
        """What no schema can say: contradictions between fields, as 'field: sentence'."""
        yield from ()

    def excludes(self, ref: Ref) -> bool:
        return any(fnmatchcase(ref.id, glob) for glob in self.exclude)


def _day(path: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{path}: is {text!r}, allowed: a day such as 2027-06-30") from None


S = TypeVar("S", bound=State)
P = TypeVar("P", bound=CommonPolicy)


@dataclass(frozen=True, slots=True)
class Page(Generic[S]):
    """One page of a discovery; ``cursor`` continues after it, None means it was the last."""

    states: Sequence[S | Unread]
    cursor: str | None
    gauges: Mapping[str, int | None] = field(default_factory=dict)  # summed; None: not told


class Remembered(Protocol):
    """What the ledger has of a resource; ``changed_at`` is ISO 8601, ``intent`` an open change."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def code(self) -> str: ...
    @property
    def changed_at(self) -> str: ...
    @property
    def memory(self) -> str: ...
    @property
    def intent(self) -> str: ...


class Known(Protocol):
    """What is known before reading: the ledger's memory, and what this step has read already."""

    def items(self, refs: Sequence[Ref]) -> Mapping[Ref, Remembered]: ...

    def once(self, key: str, make: Callable[[], T]) -> T:
        """``make()`` the first time in a step, the same value afterwards."""


@dataclass(frozen=True, slots=True)
class Sight(Generic[P]):
    """What a control sees while reading."""

    aws: Aws
    policy: P
    known: Known
    now: datetime


@dataclass(frozen=True, slots=True)
class Control(Generic[S, P]):
    """One rule about one sort of resource: how to read it, how to judge it, what that takes."""

    id: str
    title: str
    severity: Severity
    kinds: tuple[str, ...]
    policy: type[P]
    observe: Callable[[Sight[P], Sequence[Ref]], Iterator[S | Unread]]
    """Reads exactly the named resources; a ref that is yielded neither way is gone."""
    discover: Callable[[Sight[P], str | None], Iterator[Page[S]]]  # all, by pages, from a cursor
    assess: Callable[[S, P], Finding]  # pure and total: no I/O, no clock, no environment
    reads: frozenset[str]  # IAM actions that observe and discover need, whatever the policy
    writes: frozenset[str]  # IAM actions of every call that assess can plan, and of its undo
    codes: Mapping[str, str]  # every reason code that assess gives, with what it means
    monthly_cost: str = "nothing beyond requests that AWS does not charge for"  # in words and USD
    limit_code: str = ""  # of a finding whose call met a used-up quota: reported; '': it failed
    partly_code: str = ""  # as limit_code, of calls that AWS refused for some resources for good
    limit_lasts: timedelta = timedelta(days=7)  # until such a call is tried again, event or not
    batch: int = 50  # how many named resources are read and put right together
    ordered: bool = False  # the first kind comes in the order of ids, documented or sorted first
    besides: Callable[[Sight[P], Ref], Sequence[Ref]] = field(default=lambda *_: ())  # of an event
    sets: Callable[[Call], Mapping[str, Any]] = field(default=lambda _: {})
    """The fields of the policy that a call carries out, of those that the template limits."""
    action: Callable[[Call], str] = field(default=lambda call: f"{call.service}:{call.operation}")
    """IAM's name of what a call does, where it is not the operation's."""
    about: Callable[[Call, Ref], bool] = field(default=lambda c, ref: ref.id in c.params.values())
    foretell: Callable[[S, Sequence[Call]], S] | None = None  # after calls that each stand alone
    destructive: bool = False
