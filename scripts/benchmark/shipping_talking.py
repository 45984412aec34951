"""A process of its own that answers questions, one JSON text a line on its standard streams."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

Answer = dict[str, Any]


class Talking(AbstractContextManager["Talking"]):
    """``python -m MODULE ARGUMENTS`` while it is entered. It says a line when it is ready."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(  # our own modules
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=dict(environment),
            text=True,
        )
        self.greeting = self._answer()

    def ask(self, **question: object) -> Answer:
        """Its answer. Raises RuntimeError where it has ended instead."""
        with suppress(BrokenPipeError):  # then there is no answer, either
            if self._process.stdin is not None:
                print(json.dumps(question), file=self._process.stdin, flush=True)
        return self._answer()

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its questions end, and with them the process
        self._said.close()

    def _answer(self) -> Answer:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            self._process.communicate()
            raise RuntimeError(f"exit code {self._process.returncode}: {self._last_line()}")
        answer: Answer = json.loads(line)
        return answer

    def _last_line(self) -> str:
        with self._said as said:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"


def answering(greeting: Mapping[str, Any], answer: Callable[[Answer], Mapping[str, Any]]) -> None:
    """The other end: say the greeting, then answer each question until there are no more."""
    print(json.dumps(greeting), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
