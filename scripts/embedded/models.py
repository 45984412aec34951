"""Lets botocore read a service's model once in a process, whatever number of sessions there is.

Each session reads for itself: each cold start of an embedded function for some services, which
takes longer than all that the function does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import JSONFileLoader, Loader

_SEAM = "create_loader"


class _Once(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """What is in a file; nobody changes what was read from it."""

    def load_file(self, file_path: str) -> Any:
        return _read(file_path)


@cache
def _read(path: str) -> Any:
    return JSONFileLoader().load_file(path)


@contextmanager
def models_read_once() -> Iterator[None]:
    """Within, sessions share what they read; moto reads for itself, and changes it."""
    names = vars(botocore.session)
    own = names[_SEAM]

    def sharing(search_path: str | None = None) -> Loader:
        loader = own(search_path)
        loader.file_loader = _Once()
        return loader

    names[_SEAM] = sharing
    try:
        yield
    finally:
        names[_SEAM] = own
