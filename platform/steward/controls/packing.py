"""Documents as cursors: the ledger keeps them, and the state machine hands them on."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from typing import Any


def packed(document: Any) -> str:
    """JSON, compressed: names repeat each other."""
    return b64encode(zlib.compress(json.dumps(document).encode(), 1)).decode()


def unpacked(text: str) -> Any:
    """What was packed. Raises ValueError for anything else."""
    try:
        return json.loads(zlib.decompress(b64decode(text, validate=True)))
    except zlib.error as error:
        raise ValueError(str(error)) from error
