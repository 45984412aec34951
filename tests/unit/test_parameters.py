"""Policies and the stop switch come from Parameter Store, and a broken one is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from steward.aws import parameters
from steward.errors import BadPolicy, Denied
from tests.fakes import FakeAws

STACK = "steward"
CONTROL = "log-retention"
DEFAULTS = "/steward/defaults/log-retention"
POLICY = "/steward/policy/log-retention"
STOP = "/steward/stop"


def store(values: Mapping[str, str]) -> FakeAws:
    """A Parameter Store that holds these values and tells of the others that they are invalid."""

    def get(params: Mapping[str, Any]) -> Mapping[str, Any]:
        assert 1 <= len(params["Names"]) <= 10, "GetParameters takes one to ten names"
        found = [{"Name": n, "Value": values[n]} for n in params["Names"] if n in values]
        return {
            "Parameters": found,
            "InvalidParameters": [name for name in params["Names"] if name not in values],
        }

    return FakeAws({("ssm", "GetParameters"): get})


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 23])
def test_parameters_are_read_ten_to_a_request(count: int) -> None:
    """Every value is found, in as few requests as the API allows."""
    values = {f"/steward/policy/control-{number}": str(number) for number in range(count)}
    aws = store(values)
    assert parameters.read(aws, list(values)) == values
    assert len(aws.requests) == -(-count // 10)


def test_a_missing_parameter_is_simply_not_there() -> None:
    """A team that never wrote a policy has the defaults."""
    assert parameters.read(store({POLICY: "{}"}), [STOP, DEFAULTS, POLICY]) == {POLICY: "{}"}


def test_an_encrypted_parameter_is_read_in_plain() -> None:
    """A team may keep its policy as a SecureString."""
    aws = store({POLICY: "{}"})
    parameters.read(aws, [POLICY])
    assert aws.asked("ssm", "GetParameters") == [{"Names": [POLICY], "WithDecryption": True}]


def test_a_refusal_to_read_is_not_taken_for_a_missing_parameter() -> None:
    """Without its policy a control must not run on the defaults."""
    with pytest.raises(Denied):
        parameters.read(FakeAws({("ssm", "GetParameters"): Denied("no")}), [POLICY])


@pytest.mark.parametrize(
    ("values", "layers"),
    [
        pytest.param({}, [], id="neither"),
        pytest.param({DEFAULTS: '{"days": 14}'}, [{"days": 14}], id="the template's"),
        pytest.param({POLICY: '{"days": 90}'}, [{"days": 90}], id="the team's"),
        pytest.param(
            {POLICY: '{"days": 90}', DEFAULTS: '{"days": 14}'},
            [{"days": 14}, {"days": 90}],
            id="the team's come last and win",
        ),
        pytest.param({"/steward/policy/function-versions": '{"keep": 1}'}, [], id="another's"),
        pytest.param({"/other/policy/log-retention": '{"days": 1}'}, [], id="another stack's"),
        pytest.param({POLICY: " {}\n"}, [{}], id="with space around"),
    ],
)
def test_the_layers_of_a_policy_come_in_rising_precedence(
    values: Mapping[str, str], layers: list[Mapping[str, Any]]
) -> None:
    """Only what exists for this stack and control is a layer."""
    assert parameters.layers(values, STACK, CONTROL) == layers


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "is not JSON", id="empty"),
        pytest.param("days: 30", "is not JSON", id="YAML"),
        pytest.param('{"days": 30', "is not JSON", id="cut off"),
        pytest.param("[" * 4000, "is not JSON", id="nested too deep to be read"),
        pytest.param("[]", "allowed: a JSON object", id="a list"),
        pytest.param("30", "allowed: a JSON object", id="a number"),
        pytest.param("null", "allowed: a JSON object", id="null"),
        pytest.param('"{}"', "allowed: a JSON object", id="JSON within a string"),
    ],
)
@pytest.mark.parametrize("name", [DEFAULTS, POLICY])
def test_a_parameter_that_is_no_document_is_a_bad_policy(
    name: str, text: str, problem: str
) -> None:
    """The message names the parameter that somebody has to put right."""
    with pytest.raises(BadPolicy) as caught:
        parameters.layers({DEFAULTS: "{}", POLICY: "{}", name: text}, STACK, CONTROL)
    assert str(caught.value).startswith(f"{name}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("values", "stopped"),
    [
        pytest.param({}, False, id="missing"),
        pytest.param({STOP: "false"}, False, id="false"),
        pytest.param({STOP: " False\n"}, False, id="false, typed by hand"),
        pytest.param({STOP: "true"}, True, id="true"),
        pytest.param({STOP: "TRUE"}, True, id="TRUE"),
        pytest.param({STOP: "yes"}, True, id="yes"),
        pytest.param({STOP: "incident 4711"}, True, id="a reason"),
        pytest.param({STOP: "no"}, True, id="another word for false"),
        pytest.param({STOP: "0"}, True, id="0"),
        pytest.param({STOP: ""}, True, id="empty"),
        pytest.param({"/other/stop": "true"}, False, id="another stack's"),
    ],
)
def test_the_stop_switch_stops_unless_it_is_false(
    values: Mapping[str, str], *, stopped: bool
) -> None:
    """In doubt, nothing is written."""
    assert parameters.is_stopped(values, STACK) is stopped
