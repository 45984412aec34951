"""What the console shows to people: progress on standard error, tables on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from steward.ledger import Sweep
from steward.model import Control, Fate, Verdict
from steward.policy import steers
from steward.run import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from console.lines import Summary
    from steward.aws.api import Api

SHOWN = 50
"""Rows of a table of findings; more are counted, and told by --json."""

WIDTH = 200
"""Columns where the output is no terminal."""

_TOLD = 40  # columns of what replay tells while it runs

_STYLES = {
    Fate.REMEDIATED: "green",
    Fate.PLANNED: "yellow",
    Fate.REPORTED: "yellow",
    Fate.HELD: "yellow",
    Fate.FAILED: "red",
    Fate.UNKNOWN: "red",
}


def console(*, stderr: bool = False) -> Console:
    """Rich's console; it honours NO_COLOR and is plain where nobody watches."""
    from rich.console import Console  # noqa: PLC0415  # --json must not pay for it

    stream = sys.stderr if stderr else sys.stdout
    asked = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, highlight=False, width=None if asked else WIDTH)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; its cells are text, never markup."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(
        title=Text(printable(title)),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if any(columns) else None,
        show_header=any(columns),
    )
    for column in columns:  # an id is there to be copied
        shown.add_column(column, overflow="fold", no_wrap=column == "change")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    console().print(shown)


def printable(cell: object) -> str:
    """A text as people see it: what would steer their terminal is told by its code."""
    return "".join(map(_seen, str(cell)))


def _seen(one: str) -> str:
    return one if one == "\n" or not steers(one) else f"\\u{ord(one):04x}"


class FindingsView:
    """Findings as a person sees them; ``plain`` shows none, for --json."""

    elsewhere = "see the errors on standard error"
    """Where it is told why a run is not complete of which no finding says so."""

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self._rows: list[Outcome] = []
        self._hidden = 0

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Show these at the end, but for what is simply in order."""
        for outcome in outcomes if not self.plain else ():
            if outcome.fate is Fate.NONE and outcome.finding.verdict is not Verdict.EXEMPT:
                continue
            if len(self._rows) < SHOWN:
                self._rows.append(outcome)
            else:
                self._hidden += 1

    def off(self, control: Control[Any, Any]) -> None:
        if not self.plain:
            console(stderr=True).print(f"{control.id} is off")

    def conclude(self, summary: Summary, aws: Api, *, enforce: bool) -> None:
        """The findings that are not simply in order, and what the run came to."""
        if self._rows:
            columns = ("fate", "resource", "verdict", "code", "reason")
            table("Findings", columns, map(_row, self._rows))
        if self._hidden:
            console().print(f"... and {self._hidden} more; --json shows all\n")
        line = summary.line(aws.calls)["summary"]
        rows = [(name, _counts(line[name])) for name in ("verdicts", "fates", "calls")]
        rows.insert(0, ("resources", str(summary.resources)))
        if summary.skipped:
            rows.append(("skipped", _counts(summary.skipped)))
        if aws.throttled:
            rows.append(("throttled", _counts(aws.throttled)))
        rows.append(("complete", "yes" if summary.complete else f"NO: {self._why(summary)}"))
        table("Summary", ("", ""), rows)
        if summary.fates.get("planned") and not enforce:
            console().print("Nothing was written. --enforce makes the planned changes.")

    def _why(self, summary: Summary) -> str:
        """What was left: the findings tell it, else standard error."""
        left = {name: summary.fates[name] for name in ("failed", "unknown") if summary.fates[name]}
        return f"see the findings, {_counts(left)}" if left else self.elsewhere


class SweepView(FindingsView):
    """A sweep, with a progress bar on a terminal."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__(plain=plain)
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if not self.plain and sys.stderr.isatty():
            self._progress = _progress()
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def start(self, control: Control[Any, Any], at: Sweep, expected: int) -> None:
        if at.pages:
            already = f"{at.pages} pages, {at.resources} resources"
            console(stderr=True).print(f"{control.id}: resuming a sweep after {already}")
        if self._progress is not None:
            self._task = self._progress.add_task(
                control.id, total=expected or None, completed=at.resources, seen="reading"
            )

    def advance(self, at: Sweep, outcomes: Sequence[Outcome]) -> None:
        self.keep(outcomes)
        if self._progress is not None:
            changed = at.fates.get("remediated", 0)
            seen = f"{at.resources} read, {changed} changed"
            self._progress.update(self._task, completed=at.resources, seen=seen)

    def end(self, at: Sweep, *, interrupted: bool) -> None:
        if at.error:
            print(f"steward: {at.control}: {at.error}", file=sys.stderr)
        if interrupted or at.error:
            where = f"{at.control}: stopped after {at.pages} pages, {at.resources} resources"
            print(f"steward: {where}; run the same command again to resume", file=sys.stderr)


class ReplayView(FindingsView):
    """Replayed events: why some name nothing, and what became of what the others name."""

    elsewhere = "see what was skipped, and standard error"

    def __init__(self, *, plain: bool) -> None:
        super().__init__(plain=plain)
        self._skipped: list[tuple[str, str]] = []
        self._read = 0
        self._more = 0
        self._seen = 0
        self._wanted = 0

    def read(self) -> None:
        """One more event; on a terminal, a sign of life for every thousand."""
        self._read += 1
        if not self._read % 1000:
            self._tell(f"{self._read} events read")

    def looking(self, wanted: int) -> None:
        """So many resources are looked at from now on; on a terminal, how many were is told."""
        self._wanted = wanted
        self.looked([])

    def looked(self, outcomes: Sequence[Outcome]) -> None:
        """What became of some more of them."""
        self.keep(outcomes)
        self._seen += len(outcomes)
        end = "" if self._seen < self._wanted else "\n"
        self._tell(f"{self._seen} of {self._wanted} resources looked at", end)

    def _tell(self, text: str, end: str = "") -> None:
        """Write over what was told before."""
        if not self.plain and sys.stderr.isatty():
            print(f"\r{text:<{_TOLD}}", end=end, file=sys.stderr, flush=True)

    def skip(self, reason: str, event: str) -> None:
        """Show why an event was left alone."""
        if self.plain:
            return
        if len(self._skipped) < SHOWN:
            self._skipped.append((reason, event))
        else:
            self._more += 1

    def conclude(self, summary: Summary, aws: Api, *, enforce: bool) -> None:
        if self._skipped:
            table("Skipped", ("reason", "event"), sorted(self._skipped))
        if self._more:
            console().print(f"... and {self._more} more; --json shows all\n")
        super().conclude(summary, aws, enforce=enforce)


def _row(outcome: Outcome) -> Sequence[object]:
    from rich.text import Text  # noqa: PLC0415

    fate = Text(outcome.fate.value, style=_STYLES.get(outcome.fate, ""))
    finding = outcome.finding
    return fate, finding.ref.id, finding.verdict.value, finding.code, outcome.reason


def _counts(counts: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _progress() -> Any:
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[seen]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console(stderr=True), transient=True)
