"""What AWS Config invokes a rule's function with. Pure.

``invokingEvent`` and ``ruleParameters`` are texts in JSON; ``ruleParameters`` is absent where a
rule has none (AWS Config developer guide, "Example Lambda functions and events").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from steward.errors import Invalid

LONGEST_PARAMETERS = 1024
"""Characters of a rule's InputParameters (PutConfigRule, API reference)."""

_THERE = ("OK", "ResourceDiscovered")


class Message(StrEnum):
    """What made Config invoke the rule."""

    CHANGE = "ConfigurationItemChangeNotification"
    OVERSIZED = "OversizedConfigurationItemChangeNotification"
    SCHEDULED = "ScheduledNotification"


@dataclass(frozen=True, slots=True)
class ConfigurationItem:
    """Which resource changed, and whether it is there; what it looks like is read from AWS."""

    kind: str
    id: str
    name: str | None
    status: str
    captured: datetime

    @property
    def is_there(self) -> bool:
        """Of deleted resources, and those that are not recorded here, nothing is judged."""
        return self.status in _THERE

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> ConfigurationItem:
        """From an item or summary of a notification, or of the history. Raises Invalid."""
        name = told.get("resourceName")
        return cls(
            _text(told, "resourceType"),
            _text(told, "resourceId"),
            name if isinstance(name, str) else None,
            _text(told, "configurationItemStatus"),
            moment("configurationItemCaptureTime", told.get("configurationItemCaptureTime")),
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """One invocation of a rule."""

    rule: str
    """Its name in Config."""
    token: str
    message: Message
    at: datetime
    """By which Config orders evaluations: of a change when it was captured, else of the notice."""
    parameters: Mapping[str, object]
    item: ConfigurationItem | None = None
    left_scope: bool = False

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Notification:
        """Raises Invalid, naming the field, for what Config does not send."""
        told = _document("invokingEvent", event.get("invokingEvent"))
        kind = str(told.get("messageType"))
        if kind not in [*Message]:
            allowed = ", ".join(Message)
            raise Invalid(f"invokingEvent.messageType: is {kind!r:.80}, allowed: {allowed}")
        message, item = Message(kind), None
        if message is not Message.SCHEDULED:
            oversized = message is Message.OVERSIZED
            field = "configurationItemSummary" if oversized else "configurationItem"
            item = ConfigurationItem.read(_object(f"invokingEvent.{field}", told.get(field)))
        at = item.captured if item else moment("notificationCreationTime", _created(told))
        return cls(
            _text(event, "configRuleName"),
            _text(event, "resultToken"),
            message,
            at,
            _parameters(event.get("ruleParameters")),
            item,
            event.get("eventLeftScope") is True,
        )


@dataclass(frozen=True, slots=True)
class Whole:
    """A parameter of a rule that takes whole numbers; they arrive as text."""

    lowest: int
    highest: int
    default: int

    def read(self, name: str, value: object) -> int:
        """Raises Invalid, naming the parameter, the value and what is allowed."""
        text = str(value).strip()
        if isinstance(value, bool) or not text.isdecimal() or not text.isascii():
            number = None
        else:
            number = int(text)
        if number is None or not self.lowest <= number <= self.highest:
            allowed = f"whole numbers from {self.lowest} to {self.highest}"
            raise Invalid(f"ruleParameters.{name}: is {value!r:.80}, allowed: {allowed}")
        return number


def settings(told: Mapping[str, object], known: Mapping[str, Whole]) -> dict[str, int]:
    """A rule's parameters, completed with defaults. Raises Invalid."""
    for name in told:
        if name not in known:
            raise Invalid(f"ruleParameters: has {name!r:.80}, allowed: {', '.join(known)}")
    given = {name: known[name].read(name, value) for name, value in told.items()}
    return {name: given.get(name, one.default) for name, one in known.items()}


def moment(field: str, told: object) -> datetime:
    """A moment as Config tells it, or as botocore has read it. Raises Invalid."""
    try:
        found = told if isinstance(told, datetime) else datetime.fromisoformat(str(told))
    except ValueError:
        raise Invalid(f"{field}: is {told!r:.80}, allowed: a moment in ISO 8601") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _created(told: Mapping[str, Any]) -> object:
    return told.get("notificationCreationTime")


def _parameters(text: object) -> Mapping[str, object]:
    if text is None or text == "":
        return {}
    if isinstance(text, str) and len(text) > LONGEST_PARAMETERS:
        allowed = f"{LONGEST_PARAMETERS} at most"
        raise Invalid(f"ruleParameters: has {len(text)} characters, allowed: {allowed}")
    return _document("ruleParameters", text)


def _document(field: str, text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        found = None
    return _object(field, found, text)


def _object(field: str, found: object, told: object = None) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        shown = found if told is None else told
        raise Invalid(f"{field}: is {shown!r:.80}, allowed: an object of JSON")
    return found


def _text(told: Mapping[str, Any], field: str) -> str:
    value = told.get(field)
    if not isinstance(value, str) or not value:
        raise Invalid(f"{field}: is {value!r:.80}, allowed: text")
    return value
