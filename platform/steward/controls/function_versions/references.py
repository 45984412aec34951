"""Versions of functions that are named in texts and documents of other services."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_VERSION = re.compile(
    r"arn:[^:\s\"]+:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":function:(?P<name>[A-Za-z0-9_-]{1,64}):(?P<number>\d+)(?![A-Za-z0-9_-])"
)
"""A version's ARN anywhere in a text, such as a URI of API Gateway."""

_PARTIAL = re.compile(r"(?:\d{12}:function:|function:)?([A-Za-z0-9_-]{1,64})(?::(\d+))?")
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


def reference(name: str, number: str | int) -> str:
    """How a version is written down: ``orders:7``, without leading zeros."""
    return f"{name}:{int(number)}"


def in_text(text: str, account: str, region: str) -> Iterator[str]:
    """The versions of this account and Region that a text names by ARN."""
    for found in _VERSION.finditer(text):
        if (found["account"], found["region"]) == (account, region):
            yield reference(found["name"], found["number"])


def in_document(document: Any, account: str, region: str) -> Iterator[str]:
    """The versions that a JSON document names: by ARN, or as FunctionName with a Qualifier.

    Texts that are JSON themselves, such as a schedule's input, are looked into.
    """
    if isinstance(document, str):
        yield from in_text(document, account, region)
        if document.lstrip()[:1] in ("{", "["):
            yield from in_document(parsed(document), account, region)
    elif isinstance(document, Mapping):
        yield from _asked(document, account, region)
        for inner in document.values():
            yield from in_document(inner, account, region)
    elif isinstance(document, Sequence):
        for inner in document:
            yield from in_document(inner, account, region)


def parsed(text: str) -> Any:
    """A text's JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def variables(text: str) -> set[str]:
    """The stage variables that a URI of API Gateway is made with."""
    return set(_VARIABLE.findall(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """A URI with a stage's variables; one that the stage does not have stays as it is."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def _asked(document: Mapping[str, Any], account: str, region: str) -> Iterator[str]:
    """``{"FunctionName": "orders", "Qualifier": "7"}``, by name, partial ARN or ARN."""
    told, number = document.get("FunctionName"), document.get("Qualifier")
    if not isinstance(told, str):
        return
    prefix = f":lambda:{region}:{account}:function:"
    short = told.rpartition(prefix)[2] if told.startswith("arn:") else told
    found = _PARTIAL.fullmatch(short)
    if found is None:
        return
    version = found[2] or (str(number) if number is not None else "")
    if version.isascii() and version.isdecimal():
        yield reference(found[1], version)
