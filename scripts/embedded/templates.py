"""Lets moto's CloudFormation read a template of JSON as JSON.

It reads each as YAML, with a parser in Python, which takes longer than to make most of the stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.cloudformation.models import Stack

from embedded.overlays import MotoChangedError

_SEAM = "parse_template"


@contextmanager
def json_read_as_json() -> Iterator[None]:
    """Within, only what is no JSON is read as YAML. Raises MotoChangedError."""
    own = getattr(Stack, _SEAM, None)
    if own is None:
        raise MotoChangedError(f"moto's Stack has no more {_SEAM}")

    def read(template: str) -> Any:
        try:
            return json.loads(template)
        except ValueError:
            return own(template)

    setattr(Stack, _SEAM, staticmethod(read))
    try:
        yield
    finally:
        setattr(Stack, _SEAM, staticmethod(own))
