"""Files of the repository that a command writes, whole or in part; a test holds them fresh."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def keep(arguments: Sequence[str] | None, command: str, text: str, file: Path) -> int:
    """Write the file, or say with ``--check`` whether it is fresh; the exit code."""
    parser = argparse.ArgumentParser(
        prog=command, description=f"Writes what is made of code in {file.name}."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if stale")
    asked = parser.parse_args(arguments)
    fresh = file.exists() and file.read_text("utf-8") == text
    if not asked.check and not fresh:
        file.write_text(text, "utf-8")
    elif not fresh:
        print(f"{file}: is not fresh; {command} writes it", file=sys.stderr)
        return 1
    return 0
