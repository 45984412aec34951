"""State machines run in the embedded account as on AWS, but without waiting."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
from moto.awslambda.models import LambdaFunction
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded.clock import EmbeddedClock
from embedded.counting import CountingServer
from embedded.overlays import MotoChangedError
from embedded.request import Refusal
from embedded.state_machines import Execution, StateMachines, definition, executing, without_waits

REGION = "eu-west-1"
ACCOUNT = "123456789012"
FUNCTION = "steward-sweeper"
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sweep"

THROTTLES = ["Lambda.TooManyRequestsException", "Lambda.ServiceException"]
STEP = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {
        "FunctionName.$": "$.function",
        "Payload": {"sweep": {"control.$": "$.control", "cursor.$": "$.step.cursor"}},
    },
    "ResultSelector": {"cursor.$": "$.Payload.cursor", "complete.$": "$.Payload.complete"},
    "ResultPath": "$.step",
    "Retry": [
        {"ErrorEquals": THROTTLES, "IntervalSeconds": 2, "MaxAttempts": 6, "BackoffRate": 2},
        {"ErrorEquals": ["Busy"], "IntervalSeconds": 60, "MaxAttempts": 3, "BackoffRate": 1},
    ],
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}],
    "Next": "Over",
}
CONTROL = {
    "ProcessorConfig": {"Mode": "INLINE"},
    "StartAt": "Pause",
    "States": {
        "Pause": {"Type": "Wait", "Seconds": 3600, "Next": "Step"},
        "Step": STEP,
        "Over": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.step.cursor", "IsNull": True, "Next": "Swept"}],
            "Default": "Step",
        },
        "Swept": {
            "Type": "Pass",
            "Parameters": {"control.$": "$.control", "complete.$": "$.step.complete"},
            "End": True,
        },
        "Failed": {
            "Type": "Pass",
            "Parameters": {
                "control.$": "$.control",
                "complete": False,
                "error.$": "$.error.Error",
            },
            "End": True,
        },
    },
}
CONTROLS = {
    "Type": "Map",
    "ItemsPath": "$.controls",
    "MaxConcurrency": 1,
    "ItemSelector": {
        "control.$": "$$.Map.Item.Value.control",
        "function.$": "$$.Map.Item.Value.function",
        "step": {"cursor": ""},
    },
    "ItemProcessor": CONTROL,
    "ResultSelector": {
        "controls.$": "$",
        "incomplete.$": "States.ArrayContains($[*].complete, false)",
    },
    "End": True,
}
SWEEP = {
    "StartAt": "Groups",
    "States": {
        "Groups": {
            "Type": "Map",
            "ItemsPath": "$.groups",
            "MaxConcurrency": 4,
            "ItemProcessor": {"StartAt": "Controls", "States": {"Controls": CONTROLS}},
            "ResultSelector": {
                "groups.$": "$",
                "incomplete.$": "States.ArrayContains($[*].incomplete, true)",
            },
            "Next": "Verdict",
        },
        "Verdict": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.incomplete", "BooleanEquals": True, "Next": "Incomplete"}],
            "Default": "Complete",
        },
        "Complete": {"Type": "Succeed"},
        "Incomplete": {
            "Type": "Fail",
            "Error": "Incomplete",
            "CausePath": "States.JsonToString($.groups)",
        },
    },
}

Answer = Mapping[str, Any] | Refusal


def raised(name: str) -> Answer:
    """What a function says that ended with an error of this class."""
    return {"errorType": name, "errorMessage": "boom", "stackTrace": []}


def done(*, complete: bool = True) -> Answer:
    return {"cursor": None, "complete": complete}


class Scene:
    """A machine that sweeps, and what its function was asked."""

    def __init__(self, server: CountingServer) -> None:
        self.server = server
        self.clock = EmbeddedClock(START)
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, list[Answer]] = {}
        self.answering = threading.Event()
        self.answering.set()
        self.machines = StateMachines(ACCOUNT, REGION)

    def answer(self, function: str, step: Mapping[str, str]) -> tuple[str, bool, str]:
        assert function == FUNCTION
        self.answering.wait(timeout=10)
        control, cursor = step["control"], step["cursor"]
        self.asked.append((control, cursor))
        told = self.answers[control].pop(0)
        if isinstance(told, Refusal):
            raise told
        return json.dumps(told), "errorType" in told, ""

    def sweep(self, **controls: list[Answer]) -> Execution:
        """Sweep groups of controls; a name such as logs_a is of the control a in the group logs."""
        groups: dict[str, list[dict[str, str]]] = {}
        for name, answers in controls.items():
            group, _, control = name.partition("_")
            self.answers[control] = answers
            groups.setdefault(group, []).append({"control": control, "function": FUNCTION})
        told = [{"group": group, "controls": some} for group, some in groups.items()]
        arn = self.machines.make("sweep", {"Definition": SWEEP, "RoleArn": ROLE})
        return self.machines.execute(arn, {"groups": told})


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    """An account with the function in it."""
    with CountingServer() as running:
        session = boto3.Session(region_name=REGION)
        role = session.client("iam", endpoint_url=running.url).create_role(
            RoleName="sweep", AssumeRolePolicyDocument="{}"
        )
        code = BytesIO()
        with ZipFile(code, "w") as archive:
            archive.writestr("app.py", "")
        session.client("lambda", endpoint_url=running.url).create_function(
            FunctionName=FUNCTION,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": code.getvalue()},
        )
        yield running


@pytest.fixture
def scene(server: CountingServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Machines run, and the function answers what the test says."""
    stepfunctions_parser_backends[ACCOUNT][REGION].reset()
    scene = Scene(server)

    def invoke(function: LambdaFunction, event: Any) -> tuple[str, bool, str]:
        return scene.answer(function.function_name, event["sweep"])

    monkeypatch.setattr(LambdaFunction, "_invoke_lambda", invoke)
    port = int(server.url.rpartition(":")[2])
    with executing(scene.clock.sleep, port=port):
        yield scene


def test_a_sweep_goes_on_until_there_is_no_cursor(scene: Scene) -> None:
    """Step by step, a group's controls one after the other; a Wait takes no time."""
    pages = [{"cursor": "2", "complete": False}, {"cursor": "3", "complete": False}, done()]
    ended = scene.sweep(logs_a=pages, logs_b=[done()])
    assert scene.asked == [("a", ""), ("a", "2"), ("a", "3"), ("b", "")]
    controls = [{"control": "a", "complete": True}, {"control": "b", "complete": True}]
    output = {"groups": [{"controls": controls, "incomplete": False}], "incomplete": False}
    assert ended == Execution("SUCCEEDED", output)
    assert scene.clock.now() == START


def test_one_incomplete_control_fails_the_sweep_and_hinders_no_other(scene: Scene) -> None:
    """Whether its function erred or said so; the cause names them."""
    ended = scene.sweep(
        logs_a=[raised("Invalid")],
        logs_b=[done()],
        lambda_c=[done(complete=False)],
        lambda_d=[done()],
    )
    assert sorted(scene.asked) == [("a", ""), ("b", ""), ("c", ""), ("d", "")]
    assert (ended.status, ended.error) == ("FAILED", "Incomplete")
    assert [group["controls"] for group in json.loads(ended.cause or "")] == [
        [
            {"control": "a", "complete": False, "error": "Invalid"},
            {"control": "b", "complete": True},
        ],
        [{"control": "c", "complete": False}, {"control": "d", "complete": True}],
    ]


def test_a_busy_control_is_tried_again_in_virtual_time(scene: Scene) -> None:
    """The handler's error is known by its class; each retry takes the clock a minute further."""
    ended = scene.sweep(logs_a=[raised("Busy"), raised("Busy"), done()])
    assert (ended.status, len(scene.asked)) == ("SUCCEEDED", 3)
    assert scene.clock.now() == START + timedelta(minutes=2)


def test_retries_end(scene: Scene) -> None:
    """After the last one the error is caught as any other."""
    ended = scene.sweep(logs_a=[raised("Busy")] * 4)
    assert (ended.status, len(scene.asked)) == ("FAILED", 4)
    assert '"error":"Busy"' in (ended.cause or "")


def test_a_throttled_invocation_is_tried_again(scene: Scene) -> None:
    """By the service's error, with a doubling interval."""
    throttled = Refusal("TooManyRequestsException", "Rate Exceeded.")
    ended = scene.sweep(logs_a=[throttled, throttled, done()])
    assert (ended.status, len(scene.asked)) == ("SUCCEEDED", 3)
    assert scene.clock.now() == START + timedelta(seconds=2 + 4)


def test_nothing_to_sweep_is_complete(scene: Scene) -> None:
    """No groups, and a group without controls."""
    arn = scene.machines.make("empty", {"Definition": SWEEP, "RoleArn": ROLE})
    for groups in ([], [{"group": "logs", "controls": []}]):
        assert scene.machines.execute(arn, {"groups": groups}).status == "SUCCEEDED"


def test_a_machine_can_be_replaced(scene: Scene) -> None:
    """It keeps its ARN and runs the newer definition."""
    first = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    second = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Newer"}}}
    made = [
        scene.machines.make("one", {"Definition": one, "RoleArn": ROLE}) for one in (first, second)
    ]
    assert made[0] == made[1] == f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:one"
    assert scene.machines.execute(made[0], {}) == Execution("FAILED", error="Newer")


def test_clients_see_the_machine_and_its_executions(scene: Scene) -> None:
    """The API tells what ``execute`` tells."""
    scene.sweep(logs_a=[done()])
    client = boto3.client("stepfunctions", region_name=REGION, endpoint_url=scene.server.url)
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:sweep"
    listed = client.list_executions(stateMachineArn=arn)["executions"]
    assert [one["status"] for one in listed] == ["SUCCEEDED"]


def test_what_runs_for_too_long_is_given_up(scene: Scene) -> None:
    """The caller is told, instead of waiting for ever."""
    arn = scene.machines.make("sweep", {"Definition": SWEEP, "RoleArn": ROLE})
    scene.answers["a"] = [done()]
    controls = [{"control": "a", "function": FUNCTION}]
    scene.answering.clear()
    before = threading.enumerate()
    with pytest.raises(TimeoutError, match="still running"):
        scene.machines.execute(arn, {"groups": [{"controls": controls}]}, seconds=0.1)
    scene.answering.set()
    for thread in set(threading.enumerate()).difference(before):
        thread.join(timeout=10)


def test_afterwards_moto_is_what_it_was(scene: Scene) -> None:
    """Nested, it is refused: the inner would undo the outer."""
    with pytest.raises(MotoChangedError), executing(scene.clock.sleep):
        pass
    assert default_user_config["stepfunctions"] == {"execute_state_machine": True}


def test_outside_moto_runs_nothing() -> None:
    """The configuration, the environment and the sleep are moto's own again."""
    with executing(lambda _: None, port=1):
        pass
    assert default_user_config["stepfunctions"] == {"execute_state_machine": False}
    assert vars(retrier_decl)["time"] is time
    assert "MOTO_PORT" not in os.environ


@pytest.mark.parametrize(
    "until",
    [{"Seconds": 5}, {"SecondsPath": "$.s"}, {"Timestamp": "2030-01-01T00:00:00Z"}],
    ids=["seconds", "a path", "a moment"],
)
@pytest.mark.parametrize("kind", ["top", "ItemProcessor", "Iterator", "Branches"])
def test_waits_are_cut_out_wherever_they_are(kind: str, until: Mapping[str, Any]) -> None:
    """In maps and parallel branches as well; all else stays, and so does the original."""

    def machine(wait: Mapping[str, Any]) -> dict[str, Any]:
        inner: dict[str, Any] = {
            "StartAt": "W",
            "States": {
                "W": {"Type": "Wait", **wait, "Next": "P"},
                "P": {"Type": "Pass", "Result": {"Type": "Wait", "Seconds": 1}, "End": True},
            },
        }
        if kind == "top":
            return inner
        wrapped = {"Type": "Map", kind: [inner, inner] if kind == "Branches" else inner}
        return {"StartAt": "M", "States": {"M": {**wrapped, "End": True}}}

    original = machine(until)
    assert without_waits(original) == machine({"Seconds": 0})
    assert original == machine(until)


@pytest.mark.parametrize(
    ("key", "make"),
    [("DefinitionString", json.dumps), ("Definition", dict)],
    ids=["text", "object"],
)
def test_a_definition_is_substituted(key: str, make: Callable[[Any], Any]) -> None:
    """Given as text or as an object."""
    told = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${F}:${G}"}}}
    found = definition({key: make(told), "DefinitionSubstitutions": {"F": "f", "G": 1}})
    assert found["States"]["A"]["Resource"] == "f:1"


def test_a_machine_needs_a_definition() -> None:
    """One in S3 is not read."""
    with pytest.raises(ValueError, match="allowed: it or Definition"):
        definition({"DefinitionS3Location": {"Bucket": "b", "Key": "k"}})
