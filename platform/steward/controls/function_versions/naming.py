"""How the readers of evidence find versions in what AWS tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from steward.controls.function_versions.references import in_document
from steward.model import Aws

Found: TypeAlias = Iterator[str]
"""References such as ``orders:7``."""


def named(aws: Aws, *documents: Any) -> Found:
    for document in documents:
        yield from in_document(document, aws.account, aws.region)
