"""Prints each module below a folder whose bytecode is not what a read-only mount needs.

Run by the Python that the functions run on, which alone can tell: ``python bytecode.py FOLDER``.
"""

from __future__ import annotations

import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

UNCHECKED = (0b01).to_bytes(4, "little")
"""The flags of bytecode that is found by hash and never compared with its source (PEP 552)."""

for source in sorted(Path(sys.argv[1]).rglob("*.py")):
    compiled = Path(cache_from_source(str(source)))
    wanted = MAGIC_NUMBER + UNCHECKED + source_hash(source.read_bytes())
    if not compiled.exists() or compiled.read_bytes()[:16] != wanted:
        sys.stdout.write(f"{source}\n")
