"""A control over toys, and a world of them: what the library does with any control, in small.

A toy is in order when its size is the policy's. Toys called ``precious-...`` shrink for good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from console.sqlite_ledger import SQLiteLedger
from steward.account import Memory
from steward.errors import Gone, Invalid, StewardError
from steward.gate import Gate
from steward.ledger import Ledger
from steward.model import (
    Call,
    CommonPolicy,
    Control,
    Deadline,
    Exemption,
    Finding,
    Mode,
    Page,
    Ref,
    Severity,
    Sight,
    Trigger,
    Unread,
    Verdict,
)
from steward.policy import Loaded
from steward.run import Run, Shelter
from steward.runtime import sheltered
from steward.telemetry import Dimensions, Values
from tests.fakes import FakeClock

T = TypeVar("T")
R = TypeVar("R")

KIND = "Toy"
RIGHT = 10


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


class World:
    """Toys by name, read in pages in the order of names; see ``steward.model.Aws``."""

    account, region, partition = "111122223333", "eu-west-1", "aws"

    def __init__(self, sizes: Mapping[str, int], *, page: int = 5) -> None:
        self.sizes = dict(sizes)
        self.tags: dict[str, dict[str, str]] = {}
        self.errors: dict[tuple[str, str], list[Exception]] = {}
        """By operation and name ('' for List): raised in turn, then no more."""
        self.calls: Counter[str] = Counter()
        self.resized: list[tuple[str, int]] = []
        self.listed: list[str | None] = []
        self.before_call: Callable[[str], None] = lambda operation: None
        self._page = page

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        self.before_call(operation)
        self.calls[operation] += 1
        name = params.get("Name", "")
        if waiting := self.errors.get((operation, name)):
            raise waiting.pop(0)
        if operation == "Resize":
            if name not in self.sizes:
                raise Gone(f"Resize: {name}")
            self.sizes[name] = params["Size"]
            self.resized.append((name, params["Size"]))
        return {"Sizes": {n: self.sizes[n] for n in params.get("Names", ()) if n in self.sizes}}

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        token = start
        while True:
            self.ask(service, operation)
            self.listed.append(token)
            if token is not None and not token.startswith("after:"):
                raise Invalid(f"List: {token!r} is no token")
            names = sorted(n for n in self.sizes if token is None or n > token[len("after:") :])
            here = names[: self._page]
            token = f"after:{here[-1]}" if len(names) > len(here) else None
            yield {"Sizes": {name: self.sizes[name] for name in here}}, token
            if token is None:
                return

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [act(item) for item in items]


@dataclass(frozen=True, slots=True)
class Toy:
    name: str
    size: int
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    size: int = RIGHT


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Toy]]:
    for answer, token in sight.aws.pages("toys", "List", cursor):
        yield Page(list(_toys(sight, answer)), token, {"Toys": len(answer["Sizes"])})


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Toy | Unread]:
    answer = sight.aws.ask("toys", "Get", Names=[ref.id for ref in refs])
    yield from _toys(sight, answer)


def _toys(sight: Sight[Policy], answer: Mapping[str, Any]) -> Iterator[Toy | Unread]:
    tags = getattr(sight.aws, "tags", {})
    for name, size in answer["Sizes"].items():
        if name.startswith("unread"):
            yield Unread(Ref(KIND, name), "ACCESS_DENIED", "locked away")
        else:
            yield Toy(name, size, tags.get(name, {}))


def assess(toy: Toy, policy: Policy) -> Finding:
    if toy.name.startswith("cursed"):
        raise ZeroDivisionError("cursed")
    if toy.size == policy.size:
        return Finding(toy.ref, Verdict.COMPLIANT, "RIGHT_SIZE", f"is {toy.size}")
    reason = f"is {toy.size}, should be {policy.size}"
    if toy.name.startswith("glued"):
        return Finding(toy.ref, Verdict.NON_COMPLIANT, "WRONG_SIZE", reason)
    return Finding(toy.ref, Verdict.NON_COMPLIANT, "WRONG_SIZE", reason, (_resize(toy, policy),))


def _resize(toy: Toy, policy: Policy) -> Call:
    undo = Call("toys", "Resize", {"Name": toy.name, "Size": toy.size}, effect={"size": toy.size})
    return Call(
        "toys",
        "Resize",
        {"Name": toy.name, "Size": policy.size},
        undo=undo,
        effect={"size": policy.size},
        irreversible="it was precious" if toy.name.startswith("precious") else "",
    )


CONTROL = Control(
    id="toy-size",
    title="Toys have the right size",
    severity=Severity.LOW,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset({"toys:List", "toys:Get"}),
    writes=frozenset({"toys:Resize"}),
    codes={"RIGHT_SIZE": "as it should be", "WRONG_SIZE": "not as it should be"},
    ordered=True,
)


class Telling:
    """Keeps what a run tells about itself."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.metrics: Counter[str] = Counter()

    def info(self, message: str, **facts: Any) -> None:
        self.told.append(message)

    def error(self, message: str, **facts: Any) -> None:
        self.told.append(message)

    def traceback(self, message: str, **facts: Any) -> None:
        self.told.append(message)

    def metric(self, values: Values, dimensions: Dimensions, **names: str) -> None:
        for name, value in values.items():
            self.metrics[name] += int(sum(value) if isinstance(value, Sequence) else value)


def policy(**fields: Any) -> Loaded[Policy]:
    """A policy that enforces, with some fields otherwise."""
    common: dict[str, Any] = {
        "mode": Mode.ENFORCE,
        "exclude": (),
        "exemptions": (),
        "max_changes_per_run": None,
        "max_changes_per_hour": None,
        "honor_tags": False,
    }
    whole = {**common, **fields}
    return Loaded(Policy(**whole), whole, f"hash of {sorted(map(str, whole.items()))}")


def ledger(folder: Path) -> SQLiteLedger:
    return SQLiteLedger(folder / "ledger.sqlite3", "toys")


def run(
    world: Any,
    book: Ledger,
    *,
    control: Control[Any, Any] = CONTROL,
    loaded: Loaded[Policy] | None = None,
    clock: FakeClock | None = None,
    deadline: Deadline | None = None,
    run_id: str = "run-1",
    plan_only: bool = False,
    stopped: bool = False,
    retry: bool = False,
    trigger: Trigger = Trigger.DIRECT,
    shelter: Shelter | None = None,
) -> Run[Any, Any]:
    """A run over a world of toys, with what the ledger has of exemptions."""
    loaded, clock = loaded or policy(), clock or FakeClock()
    return Run(
        id=run_id,
        control=control,
        loaded=loaded,
        sight=Sight(world, loaded.policy, Memory(book, control.id), clock.now()),
        ledger=book,
        gate=Gate(loaded.policy.mode, plan_only, stopped, retry),
        trigger=trigger,
        clock=clock,
        deadline=deadline or Deadline(clock),
        shelter=shelter or sheltered(Telling()),
        exemptions=book.exemptions(control.id),
    )


def refs(*names: str) -> list[Ref]:
    return [Ref(KIND, name) for name in names]


def exemption(resource: str, expires: date = date(2099, 1, 1)) -> Exemption:
    return Exemption(resource, "because", "somebody", expires)


def denied(name: str, kind: type[StewardError]) -> dict[tuple[str, str], list[Exception]]:
    return {("Resize", name): [kind(f"Resize: not {name}")]}
