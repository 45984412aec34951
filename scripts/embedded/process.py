"""The counting server in a process of its own, so that it shares no interpreter with a client.

Standard library only: a child's peak memory is measured from its parent's size on, so whoever
measures children must stay small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

_ROOT = Path(__file__).parents[2]


class CountingProcess:
    """A counting server for as long as it is entered; see ``embedded.control`` for the bodies."""

    url: str

    def __enter__(self) -> Self:
        path = os.pathsep.join([str(_ROOT / "platform"), str(_ROOT / "scripts")])
        self._server = subprocess.Popen(
            [sys.executable, "-m", "embedded.counting", "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self.url = self._output().readline().strip()
        if not self.url:
            self.__exit__()
            raise RuntimeError("the counting server did not start; its error stands above")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate(timeout=30)  # closes its standard input, which ends it

    def stats(self) -> Mapping[str, Any]:
        """Calls, throttled calls by operation, and in_flight_max."""
        found: Mapping[str, Any] = self._control("GET", "stats")
        return found

    def clear(self) -> None:
        self._control("POST", "clear")

    def configure(self, **settings: Any) -> None:
        """latency (seconds), quotas (by operation), faults."""
        self._control("POST", "configure", settings)

    def seed(self, groups: Sequence[Mapping[str, Any]], **place: str) -> None:
        """Make these log groups the only ones in their account and Region."""
        self._control("POST", "seed", {"groups": groups, **place})

    def retention(self, **place: str) -> Mapping[str, int | None]:
        """Each log group's days."""
        found: Mapping[str, int | None] = self._control("POST", "retention", place)
        return found

    def _output(self) -> Any:
        return self._server.stdout

    def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  # our own server on the loopback
            f"{self.url}/_control/{path}", json.dumps(body or {}).encode(), method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # see above
            return json.load(answer)
