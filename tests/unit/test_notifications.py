"""What AWS Config invokes a rule with is understood, and what it never sends is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from steward.errors import Invalid
from steward.notifications import Message, Notification, Whole, settings

EVENTS = Path(__file__).parents[1] / "events" / "config"
KNOWN = {"hours": Whole(1, 168, 26)}


def recorded(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((EVENTS / f"rule.{name}.json").read_text("utf-8"))
    return told


def altered(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The event with another field of the invoking event; None takes it away."""
    inner = {**json.loads(event["invokingEvent"]), **fields}
    kept = {name: value for name, value in inner.items() if value is not None}
    return {**event, "invokingEvent": json.dumps(kept)}


def test_a_change_names_one_resource_and_when_it_was_captured() -> None:
    """Evaluations are ordered by the capture, not by the notice or by now."""
    told = Notification.read(recorded("change"))
    assert (told.message, told.rule, told.left_scope) == (Message.CHANGE, "steward-toys", False)
    assert told.item is not None
    assert (told.item.kind, told.item.id, told.item.name) == (
        "AWS::Lambda::Function",
        "checkout",
        "checkout",
    )
    assert told.item.is_there
    assert told.at == datetime(2026, 11, 20, 9, 58, 3, 636000, UTC)


def test_an_oversized_item_is_named_by_its_summary() -> None:
    """There is no item; its name may be null."""
    told = Notification.read(recorded("oversized"))
    assert told.message is Message.OVERSIZED
    assert told.item is not None
    assert (told.item.id, told.item.name) == ("checkout", None)
    assert told.at == told.item.captured


def test_the_clock_names_no_resource() -> None:
    """Ordered by when the notice was made; a rule without parameters has none of them at all."""
    told = Notification.read(recorded("scheduled"))
    assert (told.item, told.message) == (None, Message.SCHEDULED)
    assert told.at == datetime(2026, 11, 20, 10, 0, 0, 741000, UTC)
    assert told.parameters == {}


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("OK", True),
        ("ResourceDiscovered", True),
        ("ResourceNotRecorded", False),
        ("ResourceDeleted", False),
        ("ResourceDeletedNotRecorded", False),
    ],
)
def test_only_what_is_there_and_recorded_is_judged(status: str, there: bool) -> None:  # noqa: FBT001  # a case
    """Each status that an item may have (Config API reference)."""
    event = recorded("change")
    item = json.loads(event["invokingEvent"])["configurationItem"]
    told = Notification.read(
        altered(event, configurationItem={**item, "configurationItemStatus": status})
    )
    assert told.item is not None
    assert told.item.is_there is there


def test_a_resource_may_have_left_the_scope() -> None:
    """The event says so beside the item."""
    assert Notification.read({**recorded("change"), "eventLeftScope": True}).left_scope


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        pytest.param({}, "invokingEvent: is None", id="nothing"),
        pytest.param({"invokingEvent": "{"}, "invokingEvent: is '{'", id="no JSON"),
        pytest.param({"invokingEvent": "[]"}, "invokingEvent: is '[]'", id="a list"),
        pytest.param(
            altered(recorded("change"), messageType="ConfigurationSnapshotDeliveryCompleted"),
            "invokingEvent.messageType: is 'ConfigurationSnapshotDeliveryCompleted', allowed: ",
            id="a message that is none of a rule",
        ),
        pytest.param(
            altered(recorded("change"), configurationItem=None),
            "invokingEvent.configurationItem: is None",
            id="a change without an item",
        ),
        pytest.param(
            altered(recorded("oversized"), configurationItemSummary={}),
            "resourceType: is None",
            id="a summary without a type",
        ),
        pytest.param(
            altered(recorded("scheduled"), notificationCreationTime="soon"),
            "notificationCreationTime: is 'soon', allowed: a moment",
            id="no moment",
        ),
        pytest.param({**recorded("scheduled"), "resultToken": ""}, "resultToken", id="no token"),
        pytest.param({**recorded("scheduled"), "configRuleName": 7}, "configRuleName", id="7"),
        pytest.param(
            {**recorded("scheduled"), "ruleParameters": json.dumps({"a": "b" * 1025})},
            "ruleParameters: has 1034 characters, allowed: 1024 at most",
            id="parameters that are too long",
        ),
        pytest.param(
            {**recorded("scheduled"), "ruleParameters": "[1]"},
            "ruleParameters: is '[1]', allowed: an object of JSON",
            id="parameters that are no object",
        ),
    ],
)
def test_what_config_does_not_send_is_refused(event: dict[str, Any], problem: str) -> None:
    """The error names the field, the value and what is allowed."""
    with pytest.raises(Invalid) as error:
        Notification.read(event)
    assert str(error.value).startswith(problem)


@pytest.mark.parametrize("value", [72, "72", " 72 ", "072"], ids=repr)
def test_a_parameter_is_a_number_however_it_is_written(value: object) -> None:
    """InputParameters arrive as text."""
    assert settings({"hours": value}, KNOWN) == {"hours": 72}


def test_parameters_that_are_not_given_have_defaults() -> None:
    """As the rule's module says, not Config."""
    assert settings({}, KNOWN) == {"hours": 26}


@pytest.mark.parametrize("value", [0, 169, "", "many", "7.5", True, None, "\u0667", {}], ids=repr)
def test_a_parameter_that_is_not_allowed_is_told(value: object) -> None:
    """By name, value and what is allowed."""
    with pytest.raises(
        Invalid, match=r"ruleParameters\.hours: is .*, allowed: whole numbers from 1"
    ):
        settings({"hours": value}, KNOWN)


def test_a_parameter_that_nobody_knows_is_told() -> None:
    """A misspelt one would otherwise be without effect."""
    with pytest.raises(Invalid, match="ruleParameters: has 'hour', allowed: hours"):
        settings({"hour": 1}, KNOWN)


@settings_of(max_examples=40)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_value_breaks_the_reading(value: object) -> None:
    """Whatever stands there is understood or refused."""
    for event in (
        {"invokingEvent": value},
        altered(recorded("change"), configurationItem=value),
        altered(recorded("scheduled"), notificationCreationTime=value),
        {**recorded("scheduled"), "ruleParameters": value},
    ):
        try:
            read = Notification.read(event)
        except Invalid:
            continue
        assert isinstance(read, Notification)
