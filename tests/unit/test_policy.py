"""Policies: layers, defaults, and errors that name the field, its value and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from console.policies import told
from steward.controls import CONTROLS
from steward.controls.log_retention import CONTROL
from steward.controls.log_retention.state import LEGAL_DAYS, Rule
from steward.errors import BadPolicy
from steward.model import Mode
from steward.policy import complete, digest, load, merged, misfits, schema

ID = CONTROL.id


def refusal(*layers: dict[str, Any], ceiling: Mode = Mode.ENFORCE) -> str:
    with pytest.raises(BadPolicy) as caught:
        load(CONTROL, *layers, ceiling=ceiling)
    return str(caught.value)


def test_without_layers_the_schema_decides() -> None:
    """design: enforce, 30 days, no band, nothing is shortened, no budget for additive controls."""
    policy = load(CONTROL).policy
    assert (policy.mode, policy.days, policy.shorten) == (Mode.ENFORCE, 30, False)
    assert (policy.min_days, policy.max_days, policy.rules) == (None, None, ())
    assert (policy.max_changes_per_run, policy.max_changes_per_hour) == (None, None)
    assert (policy.exclude, policy.exemptions, policy.honor_tags) == ((), (), False)


def test_a_later_layer_decides_a_field_as_a_whole() -> None:
    """The template's value is replaced by the team's, not mixed with it."""
    template = {"days": 60, "rules": [{"name": "a", "days": 7}]}
    team = {"rules": [{"name": "b", "days": 14}]}
    policy = load(CONTROL, template, team).policy
    assert (policy.days, policy.rules) == (60, (Rule(14, name="b"),))
    assert merged(template, team) == {"days": 60, "rules": team["rules"]}


def test_defaults_are_filled_in_at_any_depth() -> None:
    """Objects and lists of objects, where the schema says so; what is given stays."""
    part = {
        "properties": {
            "a": {"default": 1},
            "b": {"properties": {"c": {"default": [2]}}},
            "d": {"items": {"properties": {"e": {"default": 3}}}},
        }
    }
    assert complete(part, {"b": {}, "d": [{}, {"e": 4}]}) == {
        "a": 1,
        "b": {"c": [2]},
        "d": [{"e": 3}, {"e": 4}],
    }


@pytest.mark.parametrize("days", [8, 0, -1, "seven", 7.5, None, True, 1e400, [30]], ids=repr)
def test_days_that_aws_does_not_take_are_refused(days: object) -> None:
    """RET-25: at load, with the value and all allowed ones."""
    message = refusal({"days": days})
    assert message.startswith("log-retention: days: is ")
    assert "allowed: " in message


def test_the_legal_days_are_all_taken() -> None:
    """RET-25: the 22 values of PutRetentionPolicy."""
    assert len(LEGAL_DAYS) == 22
    assert [load(CONTROL, {"days": days}).policy.days for days in LEGAL_DAYS] == list(LEGAL_DAYS)


def test_an_integral_float_is_an_integer() -> None:
    """30.0 is what some JSON writers make of 30; the API must never see a float."""
    days = load(CONTROL, {"days": 30.0, "rules": [{"name": "a", "days": 7.0}]}).policy
    assert (type(days.days), type(days.rules[0].days)) == (int, int)


@pytest.mark.parametrize(
    ("document", "parts"),
    [
        pytest.param({"dayz": 7}, ["policy: has no field dayz", "days"], id="unknown field"),
        pytest.param({"mode": "on"}, ['mode: is "on"', '"audit"'], id="mode"),
        pytest.param({"shorten": "yes"}, ['shorten: is "yes"', "boolean"], id="type"),
        pytest.param({"rules": [{"name": "a"}]}, ["rules[0]: lacks days"], id="required"),
        pytest.param({"rules": [{"days": 7}]}, ["rules[0]: needs a name"], id="matches all"),
        pytest.param(
            {"rules": [{"name": "a", "days": 7}, {"name": "b", "days": 9}]},
            ["rules[1].days: is 9", "14"],
            id="path",
        ),
        pytest.param({"max_changes_per_run": -1}, ["max_changes_per_run: is -1"], id="minimum"),
        pytest.param({"min_days": 60, "max_days": 30}, ["min_days: is 60"], id="band"),
        pytest.param({"days": 7, "min_days": 14}, ["days: is 7", "14 to 3653"], id="below"),
        pytest.param({"days": 60, "max_days": 30}, ["days: is 60", "1 to 30"], id="above"),
        pytest.param(
            {"max_days": 90, "rules": [{"name": "a", "days": 365}]},
            ["rules[0].days: is 365"],
            id="rule above",
        ),
        pytest.param(
            {"exemptions": [{"resource": "a", "reason": "b", "owner": "c"}]},
            ["exemptions[0]: lacks expires"],
            id="an exemption without end",
        ),
        pytest.param(
            {
                "exemptions": [
                    {"resource": "a", "reason": "b", "owner": "c", "expires": "2026-02-30"}
                ]
            },
            ["exemptions[0].expires: is '2026-02-30'", "2027-06-30"],
            id="no such day",
        ),
        pytest.param({"rules": [{"tags": {}, "days": 7}]}, ["rules[0].tags"], id="no tags"),
        pytest.param(
            {"rules": [{"tags": {"": "x"}, "days": 7}]},
            ["rules[0].tags: has an empty key", "1 to 128"],
            id="a tag without a key",
        ),
        pytest.param(
            {"rules": [{"name": "a", "tags": ["team", " =x"], "days": 7}]},
            ["rules[0].tags: has an empty key"],
            id="a tag without a key in a list",
        ),
    ],
)
def test_a_misfit_names_field_value_and_what_is_allowed(
    document: dict[str, Any], parts: list[str]
) -> None:
    """One message for the function and for the console."""
    message = refusal(document)
    assert all(part in message for part in [f"{ID}: ", *parts])
    [first, *_] = list(told(ID, document))
    assert message == f"{ID}: {first}"


def test_the_console_tells_all_misfits_at_once() -> None:
    """A person mends a file once."""
    assert len(list(told(ID, {"days": 8, "dayz": 1, "mode": "on"}))) == 3


@pytest.mark.parametrize(
    ("ceiling", "mode", "allowed"),
    [
        (Mode.AUDIT, "enforce", False),
        (Mode.AUDIT, "audit", True),
        (Mode.OFF, "audit", False),
        (Mode.ENFORCE, "off", True),
    ],
)
def test_a_policy_may_only_narrow_the_ceiling(ceiling: Mode, mode: str, *, allowed: bool) -> None:
    """Exceeding what the template allows is BadPolicy, not a silent downgrade."""
    if allowed:
        assert load(CONTROL, {"mode": mode}, ceiling=ceiling).policy.mode == mode
    else:
        assert f"the template allows '{ceiling}' at most" in refusal(
            {"mode": mode}, ceiling=ceiling
        )


@pytest.mark.parametrize(
    "tags", [{"team": "core", "legal": "*"}, ["team=core", "legal"], [" team =core", "legal "]]
)
def test_tags_of_a_rule_are_an_object_or_a_list(tags: Any) -> None:
    """'key' takes any value."""
    rules = load(CONTROL, {"rules": [{"tags": tags, "days": 7}]}).policy.rules
    assert rules == (Rule(7, tags={"team": "core", "legal": "*"}),)


def test_a_tag_value_may_contain_an_equals_sign() -> None:
    """SUB-75: of 'k=a=b' the value is 'a=b'."""
    rules = load(CONTROL, {"rules": [{"tags": ["k=a=b"], "days": 7}]}).policy.rules
    assert rules[0].tags == {"k": "a=b"}


def test_equal_documents_have_equal_hashes() -> None:
    """Whatever the order of their fields."""
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert load(CONTROL, {"days": 30}).hash == load(CONTROL).hash
    assert load(CONTROL, {"days": 60}).hash != load(CONTROL).hash


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 4000),
    st.sampled_from([30.0, 7.5, "audit", "enforce", "30", "", "a\n", "2026-01-01", "2026-01-01\n"]),
    st.sampled_from(LEGAL_DAYS),
)
NAMES = [*schema(ID)["properties"], "resource", "reason", "owner", "expires", "name", "tags", "x"]
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_both_validators_reach_the_same_verdict(document: dict[str, Any]) -> None:
    """The console (jsonschema) and the functions (fastjsonschema) accept the same documents."""
    full = complete(schema(ID), document)
    assert Draft7Validator(schema(ID)).is_valid(full) == (not list(misfits(ID, full)))


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_every_schema_is_sound(control: Any) -> None:
    """It is a schema, its defaults fit it, each field is described, no $ref, common fields."""
    whole = schema(control.id)
    Draft7Validator.check_schema(whole)
    assert "$ref" not in str(whole)
    assert not list(misfits(control.id, complete(whole, {})))
    assert all(part.get("description") for part in whole["properties"].values())
    assert all("default" in part for part in whole["properties"].values())
    common = {"mode", "exclude", "exemptions", "honor_tags"}
    assert common | {"max_changes_per_run", "max_changes_per_hour"} <= set(whole["properties"])
