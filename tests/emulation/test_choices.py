"""Conditions of a template are decided as CloudFormation decides them."""

from __future__ import annotations

from typing import Any

import pytest

from embedded.choices import ParameterError, choose

GIVEN = {"Arn": "arn:aws:lambda:a:1:function:b", "At": "3", "Empty": ""}
PARTS = {"Fn::Split": [":", {"Ref": "Arn"}]}


def holds(left: Any, right: Any) -> bool:
    """Whether a condition that two values are equal holds."""
    parameters = {name: {"Type": "String", "Default": value} for name, value in GIVEN.items()}
    document = {
        "Parameters": parameters,
        "Conditions": {"C": {"Fn::Equals": [left, right]}},
        "Resources": {"R": {"Type": "T", "Condition": "C"}},
    }
    return "R" in choose(document, {}).decided()["Resources"]


@pytest.mark.parametrize(
    ("told", "value"),
    [
        pytest.param({"Ref": "At"}, "3", id="a parameter"),
        pytest.param({"Fn::Select": [2, PARTS]}, "lambda", id="a part"),
        pytest.param({"Fn::Select": ["6", PARTS]}, "b", id="the last part, its place a text"),
        pytest.param({"Fn::Sub": "${Arn}:${At}"}, f"{GIVEN['Arn']}:3", id="substituted"),
        pytest.param(
            {"Fn::Select": [2, {"Fn::Split": [":", {"Fn::Sub": "${Empty}:::"}]}]},
            "",
            id="a part of nothing",
        ),
    ],
)
def test_a_value_of_a_condition_is_worked_out(told: Any, value: str) -> None:
    """By the functions that CloudFormation takes within Fn::Equals."""
    assert holds(told, value)
    assert not holds(told, f"{value}?")


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        pytest.param({"Fn::Select": [7, PARTS]}, "no part 7 of 7", id="no such part"),
        pytest.param({"Fn::ImportValue": "x"}, "is not supported", id="another function"),
    ],
)
def test_a_value_that_cannot_be_told_is_refused(told: Any, problem: str) -> None:
    """CloudFormation would fail; nothing is decided by a guess."""
    with pytest.raises(ParameterError, match=problem):
        holds(told, "")
