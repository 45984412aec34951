"""What a process of its own cost, as the system tells it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    wall: float  # seconds
    cpu: float  # seconds, user and system
    rss: float  # MiB, at the peak
    exit_code: int


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Usage:
    """Run a command to its end, with all it says in ``log``.

    Linux counts a child's peak memory from its parent's on, so this process imports no SDK.
    """
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(  # our own contenders
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    return Usage(wall, cpu, usage.ru_maxrss / 1024, process.returncode)
