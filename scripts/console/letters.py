"""The dead letters of a stack: shown with what they name and why they are there, and sent back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from console import letter_box
from console.causes import judged_by
from console.dead_letters import Judged, Letter, saved, what
from console.lines import emit
from console.options import Options
from console.parked import progress
from console.place import Place
from console.queues import Queue, Unreadable, read, sources
from console.views import SHOWN, console, table
from steward.errors import BadPolicy, Invalid, NotConnected, Refused, StewardError
from steward.model import Deadline

SECONDS = 600
"""The time for which letters are sent back; what is left then waits for the next run."""


@dataclass(slots=True)
class Total:
    """What became of the letters that were looked at."""

    lines: list[Mapping[str, Any]] = field(default_factory=list)
    unseen: int = 0
    """Letters that SQS moved and that were not looked at."""
    more: int = 0
    """Letters that lie there besides, by SQS's count."""
    held: int = 0
    """Those of them that somebody else has received just now."""
    errors: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        fates = Counter(line["fate"] for line in self.lines)
        told = {name: fates[name] for name in ("planned", "sent", "left", "discarded")}
        besides = {"unseen": self.unseen, "more": self.more, "held": self.held}
        return {"looked": len(self.lines), **told, **besides}

    @property
    def stays(self) -> bool:
        """Whether something lies there still."""
        return bool(self.counts["planned"] or self.counts["left"] or self.more)


@dataclass(frozen=True, slots=True)
class Box:
    """A dead-letter queue of the stack; ``source`` is the inbox whose failures it keeps."""

    queue: Queue
    source: Queue | None
    inboxes: Mapping[str, Queue]
    """All of the stack's, by ARN."""


def chosen(place: Place, asked: str | None) -> list[Box]:
    """The dead-letter queues of the stack, or the one of a name, with the stack's or without.

    Raises BadPolicy for a name that is none. A queue that could not be read is none to look into;
    ``redrive`` tells of it.
    """
    queues = [one for one in place.queues if isinstance(one, Queue)]
    inboxes, source = {one.arn: one for one in queues if one.dead_letters}, sources(queues)
    found = [Box(one, source.get(one.arn), inboxes) for one in queues if one.arn not in inboxes]
    wanted = {asked, f"{place.name}-{asked}"}
    picked = [one for one in found if asked is None or one.queue.name in wanted]
    unread = [one.name for one in place.queues if isinstance(one, Unreadable)]
    if not picked and asked is not None and wanted.isdisjoint(unread):
        known = [*(one.queue.name for one in found), *unread]
        names = ", ".join(known) or "none: the stack has no such queue"
        raise BadPolicy(f"--queue: is {asked!r}, allowed: {names}")
    return picked


def redrive(
    place: Place, options: Options, boxes: Sequence[Box], save: Path | None, gone: Sequence[str]
) -> Total:
    """Look into each queue; with --enforce delete ``gone``, and send back what can be.

    Raises Invalid, before anything is done, for an id in ``gone`` that lies in none of them.
    """
    unread = [one for one in place.queues if isinstance(one, Unreadable)]
    total = Total(errors=[f"{one.name}: {one.error}" for one in unread])
    redriving = _Redriving(place, options, gone, total, Deadline(place.clock, SECONDS))
    seen: list[tuple[Box, Sequence[Letter]]] = []
    try:
        seen.extend(_peeked(place, boxes, total))
        _refuse(gone, {letter.id for _, some in seen for letter in some})
        for _, some in seen:
            if save is not None:
                _save(save, some)
        for box, some in seen:
            redriving.box(box, some)
    finally:
        away = {line["message"] for line in total.lines if line["fate"] in _AWAY}
        for box, some in seen:
            _release(place, box.queue, [one for one in some if one.id not in away])
    return total


def _peeked(
    place: Place, boxes: Sequence[Box], total: Total
) -> Iterator[tuple[Box, Sequence[Letter]]]:
    """What lies in each queue; one that may not be looked into hinders no other."""
    for box in boxes:
        try:
            if box.queue.messages:
                yield box, letter_box.peek(place.aws, box.queue)
        except NotConnected:
            raise
        except StewardError as error:
            total.errors.append(f"{box.queue.name}: {error}")


def _release(place: Place, queue: Queue, letters: Sequence[Letter]) -> None:
    """Let letters be seen again, now or, where that is not allowed, in two minutes."""
    with suppress(Refused):
        letter_box.release(place.aws, queue, letters)


def _refuse(gone: Sequence[str], known: set[str]) -> None:
    if missing := sorted(set(gone) - known):
        told = ", ".join(sorted(known)[:SHOWN]) or "none: nothing lies there"
        raise Invalid(f"--discard: is {missing[0]!r}, allowed: {told}")


def _save(folder: Path, letters: Sequence[Letter]) -> None:
    """A file for each letter, which nobody else may read. Raises Invalid where that fails."""
    for one in letters:
        path = folder / f"{one.queue}-{one.id}.json"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(json.dumps(saved(one)) + "\n", "utf-8")
        except OSError as error:
            raise Invalid(f"--save: {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _Redriving:
    """One run of the command over the letters of several queues."""

    place: Place
    options: Options
    gone: Sequence[str]
    total: Total
    deadline: Deadline

    def box(self, box: Box, letters: Sequence[Letter]) -> None:
        """One queue; what goes wrong with it hinders no other."""
        unseen = max(0, box.queue.messages - len(letters))
        besides = replace(box.queue, messages=unseen)
        judged = judged_by(self.place, box.source, box.inboxes, letters)
        fates = {one.letter.id: _planned(one, self.gone) for one in judged}
        if self.options.enforce:
            try:
                besides = self._enforced(box, judged, fates, besides)
            except NotConnected:
                raise
            except StewardError as error:
                self.total.errors.append(f"{box.queue.name}: {error}")
        lines = [_line(one, *fates[one.letter.id]) for one in judged]
        self.total.lines += lines
        self.total.more += besides.messages
        self.total.held += min(besides.messages, besides.held)
        if self.options.json:
            emit(lines)

    def _enforced(
        self, box: Box, judged: Sequence[Judged], fates: dict[str, tuple[str, str]], besides: Queue
    ) -> Queue:
        """Do what is planned; the queue as far as it was not looked at, with what stays there.

        Where all that was looked at can be read, SQS moves all that lies there, also what was not
        looked at: what of that no function can read comes back. Else they are sent singly.
        """
        aws, queue = self.place.aws, box.queue
        for one in judged:
            if one.letter.id in self.gone:
                letter_box.discard(aws, queue, one.letter)
                fates[one.letter.id] = "discarded", ""
        rest = [one for one in judged if one.letter.id not in self.gone]
        back = [one for one in rest if one.inbox is not None]
        if box.source is not None and len(back) == len(rest) and (rest or besides.messages):
            besides = self._moved(queue, [one.letter for one in rest], besides.messages)
            failed: Mapping[str, StewardError] = {}
        else:
            meant = [(one.letter, one.inbox) for one in rest if one.inbox is not None]
            failed = letter_box.send_back(aws, queue, meant)
        for one in back:
            error = failed.get(one.letter.id)
            fates[one.letter.id] = ("left", str(error)) if error else ("sent", "")
        self.total.errors += [f"{queue.name}: {error}" for error in failed.values()][:1]
        return besides

    def _moved(self, queue: Queue, letters: Sequence[Letter], besides: int) -> Queue:
        """Have SQS move these and what lies there besides; the queue as it is afterwards."""
        aws, clock = self.place.aws, self.place.clock
        letter_box.release(aws, queue, letters)
        moved = letter_box.move(aws, queue, clock, self.deadline, self._tell)
        self.total.unseen += max(0, moved - len(letters))
        [told] = read(aws, [queue.url])
        after = told if isinstance(told, Queue) else queue
        # SQS's counts lag behind a move, and what it moved is known.
        left = max(0, len(letters) + besides - moved)
        return replace(after, messages=min(after.messages, left))

    def _tell(self, text: str) -> None:
        progress(self.options, f"\r{text}")


def _planned(one: Judged, gone: Sequence[str]) -> tuple[str, str]:
    if one.letter.id in gone:
        return "planned", "to be discarded"
    return ("left", one.left) if one.left else ("planned", "")


_AWAY = ("sent", "discarded")
"""Fates of letters that lie there no more."""


def _line(one: Judged, fate: str, note: str) -> Mapping[str, Any]:
    letter = one.letter
    return {
        "queue": letter.queue,
        "message": letter.id,
        "fate": fate,
        "reason": "; ".join(filter(None, (note, one.why))),
        "sent": letter.sent or None,
        "received": letter.received,
        "event": what(letter, one.refs),
    }


def show(total: Total) -> None:
    """A table of what lies there, of what, and why."""
    if total.lines:
        columns = ("fate", "queue", "message", "event", "reason")
        table("Dead letters", columns, map(_row, total.lines[:SHOWN]))
    if hidden := len(total.lines[SHOWN:]):
        console().print(f"... and {hidden} more; --json shows all")
    if total.unseen:
        console().print(f"SQS sent {total.unseen} besides, which were not looked at")
    if waiting := total.more - total.held:
        console().print(f"About {waiting} lie there besides; run it again for those")
    if total.held:
        console().print(f"{total.held} lie there, in somebody's hands; try again in two minutes")


def _row(line: Mapping[str, Any]) -> Sequence[str]:
    event = line["event"]
    names = " ".join(one["id"] for one in event["resources"])
    told = filter(None, (event["name"], names, event["time"]))  # whatever JSON somebody has sent
    return line["fate"], line["queue"], line["message"], " ".join(map(str, told)), line["reason"]
