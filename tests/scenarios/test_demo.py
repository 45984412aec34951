"""The demo ends as it should, on any machine and within its time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_tells_its_story_to_the_end() -> None:
    """Every kind of verdict and fate is shown; nothing of it needs a terminal."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
    played = subprocess.run(
        [sys.executable, "-m", "embedded.demo"],
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (played.returncode, played.stderr) == (0, "")
    for shown in ("planned", "remediated", "reported", "EXEMPT", "INVALID_TAG", "undone", "UNDONE"):
        assert shown in played.stdout
