"""How the readers of evidence ask AWS, and find versions in what it tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from steward.controls.function_versions.references import in_document
from steward.model import Aws

Found: TypeAlias = Iterator[str]
"""References such as ``orders:7``."""


def named(aws: Aws, *documents: Any) -> Found:
    for document in documents:
        yield from in_document(document, aws.account, aws.region)


def entries(aws: Aws, service: str, operation: str, key: str, **params: Any) -> list[Any]:
    """What all pages of a list have under ``key``."""
    answers = aws.pages(service, operation, None, **params)
    return [entry for answer, _ in answers for entry in answer.get(key) or ()]


def by_token(
    aws: Aws, service: str, operation: str, token: str, **params: Any
) -> Iterator[Mapping[str, Any]]:
    """The pages of an operation that botocore knows no pages of."""
    more: Mapping[str, Any] = {}
    while True:
        answer = aws.ask(service, operation, **params, **more)
        yield answer
        if not answer.get(token):
            return
        more = {token: answer[token]}
