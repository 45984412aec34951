"""How a Lambda function logs as this control sees it, and the policy over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "function-logging"
KIND = FUNCTION

JSON = "JSON"
"""The format of a LoggingConfig that is not plain text."""


class Group(StrEnum):
    """What is known of the log group that a function writes to."""

    NOT_ASKED = "not-asked"
    MISSING = "missing"
    KEPT_FOR_EVER = "kept-for-ever"
    EXPIRING = "expiring"


@dataclass(frozen=True, slots=True)
class Function:
    """A function's LoggingConfig, and whether its log group keeps events for a time."""

    name: str
    format: str
    application_level: str
    """Empty where the log is plain text."""
    system_level: str
    log_group: str
    """By default /aws/lambda/NAME; several functions may name the same one."""
    group: Group = Group.NOT_ASKED
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    require_json: bool
    application_levels: tuple[str, ...]
    system_levels: tuple[str, ...]
    require_retention: bool

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        levels = {name: tuple(document[name]) for name in ("application_levels", "system_levels")}
        return {**CommonPolicy.fields(document), **levels}
