"""Once more what lies in the bucket: what was parked, and what the mapping gave up.

An object is deleted when everything in it is shipped, published or parked anew; until then it
stays as it is. What was shipped before may be shipped twice: the ids of events recognise it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from steward.errors import Gone, Invalid, Refused, StewardError, TryAgain
from steward.model import Clock, Deadline
from steward.shipping import parking
from steward.shipping.accel import Codec
from steward.shipping.batch import Request
from steward.shipping.contents import LARGEST, DamagedError, Portion, Tally, portions
from steward.shipping.pieces import Pieces
from steward.shipping.shipper import Shipper

GIVEN_UP = "aws/lambda/"
"""Where Lambda writes what an event source mapping gives up (developer guide, Kinesis)."""

PREFIXES = (parking.PREFIX, GIVEN_UP)

STEP_SECONDS = 20.0
"""A step's time where nobody asks for another: who asks waits 30 seconds for its answer."""

ANOTHER = 5.0
"""Seconds that have to be left for one more object to be begun."""

MOST_TOLD = 500
"""Objects that one answer tells of, beside those of which there is nothing to tell."""

NOTHING_SHIPPED = "nothing of it can be shipped"


class Objects(Protocol):
    """A bucket. Every method raises StewardError."""

    def get(self, key: str, most: int) -> bytes:
        """An object's body. Raises Gone where there is none, Refused where it is larger."""
        ...

    def delete(self, key: str) -> None: ...
    def keys(self, prefix: str, after: str = "") -> Iterator[str]: ...


class Shelter(Protocol):
    """Runs what may have a bug; then ``otherwise`` is told, and the object stays."""

    def __call__(
        self, key: str, act: Callable[[], None], otherwise: Callable[[str], None], /
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a redrive is asked for: ``{"prefix", "cursor", "plan", "seconds"}``."""

    prefix: str
    cursor: str = ""
    plan: bool = False
    """Nothing is changed; the objects are told."""
    seconds: float = STEP_SECONDS

    @classmethod
    def read(cls, asked: Any) -> Self:
        """Raises Invalid, naming the field, its value and what is allowed."""
        try:
            order = cls(**asked)
        except TypeError:
            told = ", ".join(cls.__dataclass_fields__)
            raise Invalid(f"redrive: is {asked!r:.80}, allowed: {told}") from None
        kinds = {"prefix": str, "cursor": str, "plan": bool, "seconds": (int, float)}
        for name, kind in kinds.items():
            if not isinstance(getattr(order, name), kind):  # type: ignore[arg-type]  # a type
                raise Invalid(f"redrive.{name}: is {getattr(order, name)!r:.80}")
        if not order.prefix.startswith(PREFIXES):
            allowed = " or ".join(PREFIXES)
            raise Invalid(f"redrive.prefix: is {order.prefix!r:.80}, allowed: {allowed}...")
        return order


@dataclass(slots=True)
class Redriven:
    """What became of the objects under a prefix."""

    looked: int = 0
    """Objects that were looked at; what vanished meanwhile is neither shipped nor left."""
    shipped: int = 0
    """Objects that are dealt with and deleted."""
    planned: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By key, what would be shipped: how many records, events and metrics, and their reasons."""
    left: dict[str, str] = field(default_factory=dict)
    """The keys of those that stay, with the reason."""
    parked: list[str] = field(default_factory=list)
    """The keys of objects that were written with what could not be shipped this time either."""
    cursor: str = ""
    """The key after which to go on; "" where all were looked at, or with an error none was."""
    error: str = ""
    """Why it ended before: the destination takes nothing, or the bucket does not answer."""

    @property
    def is_long(self) -> bool:
        return len(self.planned) + len(self.left) + len(self.parked) >= MOST_TOLD


@dataclass(frozen=True, slots=True)
class Redrive:
    """Ships objects once more, in the order of their keys.

    It holds one object (``LARGEST``) and one portion of what that inflates to at a time.
    """

    objects: Objects
    codec: Codec
    shipper: Callable[[], Shipper]
    """A shipper that remembers nothing."""
    publish: Callable[[Sequence[Mapping[str, Any]]], Sequence[tuple[Mapping[str, Any], str]]]
    """Sends PutMetricData's; those that did not succeed, with the reason."""
    shelter: Shelter

    def run(self, order: Order, deadline: Deadline) -> Redriven:
        """Deal with the objects that come after the cursor, as many as there is time for.

        The first one is begun however little that is. Raises nothing but bugs of its own.
        """
        done = Redriven(cursor=order.cursor)
        try:
            for key in self.objects.keys(order.prefix, order.cursor):
                if done.is_long or (done.looked and deadline.left() < ANOTHER):
                    return done
                if key not in done.parked:
                    self._look(key, order, deadline, done)
                done.cursor = key
        except StewardError as error:
            if done.looked > 1 and deadline.left() <= 0:
                done.looked -= 1  # it is begun anew, with time
            else:
                done.error = str(error) or type(error).__name__
            return done
        done.cursor = ""
        return done

    def _look(self, key: str, order: Order, deadline: Deadline, done: Redriven) -> None:
        done.looked += 1
        try:
            body = self.objects.get(key, LARGEST)
        except Gone:
            return
        except Refused as refusal:
            done.left[key] = str(refusal)
            return

        def act() -> None:
            shipper, tally = self.shipper(), Tally()
            obstacle = self._obstacle(body, shipper, tally)
            if obstacle:
                done.left[key] = obstacle
            elif order.plan:
                done.planned[key] = tally.told()
            else:
                self._redrive(key, body, shipper, deadline, done)

        self.shelter(key, act, lambda bug: done.left.update({key: bug}))

    def _obstacle(self, body: bytes, shipper: Shipper, tally: Tally) -> str:
        """Why nothing of an object may be sent; "" where there is no reason, and it is counted."""
        pieces = shipper.sender.pieces
        known = {shipper.form} if pieces else set()
        try:
            for portion in portions(body, self.codec):
                if foreign := sorted(portion.forms - known):
                    return f"events of the format {', '.join(foreign)}, and {shipper.form} is used"
                if pieces and portion.events:
                    pieces.encoder.body(portion.events)
                    if _too_old(pieces, portion.events, shipper.clock):
                        return f"events that are older than {shipper.form} keeps"
                tally.add(portion)
        except DamagedError as error:
            return f"damaged: {error}"
        except (LookupError, TypeError, AttributeError, ValueError):
            return f"damaged: has an event that is none of {shipper.form}"
        return ""

    def _redrive(
        self, key: str, body: bytes, shipper: Shipper, deadline: Deadline, done: Redriven
    ) -> None:
        """Ship an object, then delete it. Raises StewardError where not all is dealt with."""
        kept: list[str] = []
        try:
            for portion in portions(body, self.codec):
                self._ship(portion, shipper, deadline, kept)
        finally:
            done.parked += [one for one in kept if one != key]
        if key in kept:
            done.left[key] = NOTHING_SHIPPED
            return
        try:
            self.objects.delete(key)
        except Refused as refusal:
            done.left[key] = f"shipped, but not deleted: {refusal}"
        else:
            done.shipped += 1

    def _ship(
        self, portion: Portion, shipper: Shipper, deadline: Deadline, kept: list[str]
    ) -> None:
        """Ship a portion, park anew what is refused, and add the keys of that.

        Metrics come last: what is published twice counts twice. Raises StewardError.
        """
        refused = _sent(shipper, portion.events, deadline)
        if portion.records:
            shipped = shipper.ship(portion.records, deadline)
            kept += shipped.parked
            if shipped.again is not None:
                raise TryAgain(shipped.cause or "not taken")
        _park(shipper, refused, kept)
        left = self.publish(portion.calls)
        _park(shipper, [parking.metrics(*one) for one in left], kept)


def _sent(shipper: Shipper, items: Sequence[Any], deadline: Deadline) -> list[dict[str, Any]]:
    """Send events as they are; the lines of those that are refused again. Raises TryAgain."""
    pieces = shipper.sender.pieces
    if not items or pieces is None:
        return []
    shipment = shipper.sender.begin(deadline, shipper.pool)
    place = 0
    for some in fitting(pieces, items):
        last = place + len(some) - 1
        shipment.submit(pieces.of(Request(b"", len(some), place, last), some))
        place = last + 1
    sent = shipment.finish(_unchecked)
    if sent.unsent is not None:
        raise TryAgain(sent.cause or "not taken")
    return [parking.event(one.item, one.reason, shipper.form) for one in sent.rejected]


def fitting(pieces: Pieces, items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The items in as many parts as the service's limits ask for; one that is too large alone
    stands alone, and is cut when the service says so."""
    limits = pieces.encoder.limits
    is_large = len(items) > limits.events or len(pieces.encoder.body(items)) > limits.body_bytes
    if len(items) > 1 and is_large:
        middle = len(items) // 2
        yield from fitting(pieces, items[:middle])
        yield from fitting(pieces, items[middle:])
    else:
        yield items


def _unchecked(_request: Request, done: Callable[[], None]) -> bool:
    done()
    return True


def _too_old(pieces: Pieces, items: Sequence[Any], clock: Clock) -> bool:
    """Whether the service would say that it took them all, and drop one for its age."""
    oldest = pieces.encoder.limits.oldest
    if oldest is None:
        return False
    return min(map(oldest.time_of, items)) < clock.now().timestamp() * 1000 - oldest.ms


def _park(shipper: Shipper, lines: Sequence[Mapping[str, Any]], kept: list[str]) -> None:
    if lines:
        kept.append(shipper.parking.park(lines, shipper.clock.now()))
