"""Policies and the stop switch, from SSM Parameter Store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from steward.errors import BadPolicy
from steward.model import Aws

BATCH = 10
"""Names that one GetParameters request takes (API reference)."""


def defaults_name(stack: str, control: str) -> str:
    """The parameter that the template owns."""
    return f"/{stack}/defaults/{control}"


def policy_name(stack: str, control: str) -> str:
    """The parameter that the team owns."""
    return f"/{stack}/policy/{control}"


def stop_name(stack: str) -> str:
    """The stop switch: while it exists with another value than 'false', every write is held."""
    return f"/{stack}/stop"


def read(aws: Aws, names: Sequence[str]) -> Mapping[str, str]:
    """The values of those parameters that exist, ten to a request."""
    found: dict[str, str] = {}
    for start in range(0, len(names), BATCH):
        batch = list(names[start : start + BATCH])
        answer = aws.ask("ssm", "GetParameters", Names=batch, WithDecryption=True)
        found.update({entry["Name"]: entry["Value"] for entry in answer["Parameters"]})
    return found


def layers(values: Mapping[str, str], stack: str, control: str) -> list[Mapping[str, Any]]:
    """A control's policy layers in rising precedence; a parameter that is missing is empty."""
    names = (defaults_name(stack, control), policy_name(stack, control))
    return [_document(name, values[name]) for name in names if name in values]


def is_stopped(values: Mapping[str, str], stack: str) -> bool:
    """Whether the stop switch is set."""
    return values.get(stop_name(stack), "false").strip().lower() != "false"


def _document(name: str, text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPolicy(f"{name}: is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadPolicy(f"{name}: is {text[:40]!r}, allowed: a JSON object")
    return document
