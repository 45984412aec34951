"""What is shown: paced and coloured on a terminal, plain lines of any length elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

UNLIMITED = 10_000
"""Columns where nobody watches: one line is one line."""

STEP, SCENE = 0.12, 1.0
"""Seconds to read a line, and to see that a scene ends."""

PATIENCE = 18.0
"""Seconds of pauses altogether, however much there is to read."""

_TIME = len("08:00:00")


class Screen:
    """Prints what happens. What it is given is text, never markup."""

    def __init__(self, console: Console, *, paced: bool) -> None:
        self._console = console
        self._left = PATIENCE if paced else 0.0

    def scene(self, number: int, title: str) -> None:
        """Begin a scene."""
        self._pause(SCENE if number > 1 else 0)
        self._console.print()
        self._console.print(Text(f"{number}. {title}", style="bold"))

    def say(self, text: str) -> None:
        """What is to be known before one looks."""
        self._console.print(Text(text, style="italic"))
        self._pause(STEP * 3)

    def line(
        self, moment: datetime | None, text: str | Text, style: str = "", depth: int = 0
    ) -> None:
        """Something that happened, and when; ``depth`` tells what it is a part of."""
        shown = text if isinstance(text, Text) else Text(text, style=style)
        row = Table.grid(padding=(0, 1))
        row.add_column(width=_TIME + 2 * depth)
        row.add_column(overflow="fold")
        row.add_row(Text(f"{moment:%H:%M:%S}" if moment else "", style="dim"), shown)
        self._print(row if moment or depth else shown)
        self._pause(STEP)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows under columns; numbers stand to the right."""
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        cells = [*rows]
        for number, column in enumerate(columns):
            right = all(isinstance(row[number], int) for row in cells)
            shown.add_column(column, justify="right" if right else "left", overflow="fold")
        for row in cells:
            shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
        self._print(shown)
        self._pause(SCENE)

    def _print(self, shown: RenderableType) -> None:
        """Print something; where nobody watches, without the blanks that fill its lines."""
        if self._console.is_terminal:
            self._console.print(shown)
            return
        with self._console.capture() as told:
            self._console.print(shown)
        for line in told.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)

    def _pause(self, seconds: float) -> None:
        pause = min(seconds, self._left)
        self._left -= pause
        time.sleep(pause)


def of_this_process() -> Screen:
    """The screen on standard output; NO_COLOR is honoured."""
    watched = sys.stdout.isatty()
    console = Console(highlight=False, width=None if watched else UNLIMITED)
    return Screen(console, paced=watched)
