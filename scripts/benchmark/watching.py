"""A progress bar on standard error, for runs that take minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 1.0  # seconds; rarely, because whoever is measured needs the processors


@contextmanager
def watched(title: str, total: int, done: Callable[[], int]) -> Iterator[None]:
    """Show how much is done, for as long as it is entered; where nobody looks, only the title."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(title, highlight=False)
        yield
        return
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    over = threading.Event()
    with Progress(*bar, console=console, transient=True, refresh_per_second=2) as progress:
        task = progress.add_task(title, total=total or None)

        def watch() -> None:
            while not over.wait(EVERY):
                progress.update(task, completed=done())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
