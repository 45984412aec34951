"""A log stream of our own in a log group that is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steward.errors import Gone, Refused
from steward.model import Aws, Clock

MOST_EVENTS = 10_000
MOST_BYTES = 1_048_576  # of a request; each event counts OVERHEAD besides (PutLogEvents)
OVERHEAD = 26


class LogStream:
    """Writes lines to a stream, which it makes when it first writes, or when it is gone."""

    def __init__(self, aws: Aws, clock: Clock, group: str, name: str) -> None:
        self._aws = aws
        self._clock = clock
        self._place = {"logGroupName": group, "logStreamName": name}
        self._made = False

    def put(self, lines: Sequence[str]) -> None:
        """Write lines, in as few requests as they fit into. Raises StewardError."""
        for some in batches(lines):
            if not self._made:
                self._make()
            try:
                self._put(some)
            except Gone:  # somebody has deleted it
                self._make()
                self._put(some)

    def _make(self) -> None:
        try:
            self._aws.ask("logs", "CreateLogStream", **self._place)
        except Refused as refusal:  # a request that was repeated has made it after all
            if refusal.code != "ResourceAlreadyExistsException":
                raise
        self._made = True

    def _put(self, lines: Sequence[str]) -> None:
        now = int(self._clock.now().timestamp() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        answer = self._aws.ask("logs", "PutLogEvents", **self._place, logEvents=events)
        if refused := answer.get("rejectedLogEventsInfo"):
            raise Refused(f"PutLogEvents: some lines were not taken: {refused}")


def batches(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """The lines in order, as many together as one request takes."""
    some: list[str] = []
    size = 0
    for line in lines:
        more = len(line.encode()) + OVERHEAD
        if some and (len(some) == MOST_EVENTS or size + more > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(line)
        size += more
    if some:
        yield some
