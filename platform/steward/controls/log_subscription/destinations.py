"""Where log events go, by ARN, and which log groups stand in that path themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

_PLACE = r"[a-z0-9-]+:[0-9]{12}"
_FORMS = {
    "stream": re.compile(rf"arn:aws[a-z-]*:kinesis:{_PLACE}:stream/([\w.-]{{1,128}})"),
    "firehose": re.compile(rf"arn:aws[a-z-]*:firehose:{_PLACE}:deliverystream/([\w.-]{{1,64}})"),
    "function": re.compile(
        rf"arn:aws[a-z-]*:lambda:{_PLACE}:function:([\w-]{{1,140}})(?::[\w$-]{{1,128}})?"
    ),
    "destination": re.compile(rf"arn:aws[a-z-]*:logs:{_PLACE}:destination:([^:*]{{1,512}})"),
}
"""What PutSubscriptionFilter takes, in any partition (API reference)."""

ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination by its kind: stream, firehose, function or destination (of Logs)."""

    kind: str
    name: str

    @classmethod
    def read(cls, arn: str) -> Self | None:
        """The destination of an ARN; None for anything else."""
        for kind, form in _FORMS.items():
            if found := form.fullmatch(arn):
                return cls(kind, found[1])
        return None

    @property
    def needs_role(self) -> bool:
        """Kinesis and Firehose are written to by a role; the others' own policies let us in."""
        return self.kind in ("stream", "firehose")

    @property
    def takes_role(self) -> bool:
        """A destination of Logs is told a role where its policy goes by an organization's id."""
        return self.kind != "function"

    @property
    def is_distributed(self) -> bool:
        """Only a stream's events are spread over shards (PutSubscriptionFilter)."""
        return self.kind == "stream"

    def own_groups(self) -> tuple[str, ...]:
        """Where the destination's own log goes: its events would go in a circle.

        A function at an edge location writes to a group named after the function's own Region.
        """
        if self.kind == "firehose":
            return (f"/aws/kinesisfirehose/{self.name}",)
        own = (f"/aws/lambda/{self.name}", f"/aws/lambda/us-east-1.{self.name}")
        return own if self.kind == "function" else ()


def problems(arn: str, role: str, *, needed_by: str) -> Iterator[str]:
    """What is wrong with a destination and its role; it is needed by a mode, or by none ('')."""
    if not arn:
        if needed_by:
            yield f"destination_arn: is missing, needed with mode '{needed_by}'"
        if role:
            yield "role_arn: is of no use without destination_arn"
        return
    destination = Destination.read(arn)
    if destination is None:
        kinds = "a Kinesis stream, a Firehose stream, a Lambda function, a destination of Logs"
        yield f"destination_arn: is {arn[:80]!r}, allowed: the ARN of {kinds}"
    elif role and not destination.takes_role:
        yield f"role_arn: a {destination.kind} takes none; its own policy lets Logs in"
    elif (role or destination.needs_role) and not ROLE.fullmatch(role):
        yield f"role_arn: is {role[:80]!r}, allowed: the ARN of a role that may write"
