"""Lists of AWS, read whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Described: TypeAlias = Mapping[str, Any]
"""As a service tells of a resource."""
