"""Events of queues, and of what reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded.handlers import automation_of
from steward.events import FUNCTION, Skip, concerned, named
from steward.model import Ref
from steward.queue_events import event_source_mapping, queue
from tests.fakes import ACCOUNT, REGION

AUTOMATION = automation_of(Path(__file__).parents[2] / "functions" / "assessor")
QUEUE = "AWS::SQS::Queue"
PLACE = f"{REGION}:{ACCOUNT}"
URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/orders"
SOURCE = f"arn:aws:sqs:{PLACE}:orders"
ARN = f"arn:aws:lambda:{PLACE}:function:handle"


def event(name: str, source: str = "aws.lambda", **detail: Any) -> dict[str, Any]:
    envelope = {"detail-type": "AWS API Call via CloudTrail", "source": source}
    place = {"account": ACCOUNT, "region": REGION}
    return {**envelope, **place, "detail": {"eventName": name, **detail}}


def looked_at(told: dict[str, Any]) -> list[Ref] | Skip:
    return named(AUTOMATION, told, account=ACCOUNT, region=REGION)


MAPPINGS = [
    pytest.param(
        {"eventSourceArn": SOURCE, "functionName": "handle"}, None, ["handle", "orders"], id="new"
    ),
    pytest.param(
        {"uUID": "1"},
        {"eventSourceArn": SOURCE, "functionArn": f"{ARN}:live"},
        ["handle", "orders"],
        id="changed, of an alias",
    ),
    pytest.param(
        {"uUID": "1"},
        {"eventSourceArn": f"arn:aws:kinesis:{PLACE}:stream/clicks", "functionArn": ARN},
        ["handle"],
        id="of a stream",
    ),
    pytest.param(
        {"functionName": "handle", "selfManagedEventSource": {}}, None, ["handle"], id="brokers"
    ),
    pytest.param({"uUID": "1"}, None, [], id="no answer"),
    pytest.param(None, None, [], id="nothing"),
    pytest.param([], "no", [], id="of other types"),
    pytest.param({"functionName": 7, "eventSourceArn": ["a"]}, None, [], id="no texts"),
    pytest.param({"eventSourceArn": f"{SOURCE}:more"}, None, [], id="no ARN of a queue"),
]


@pytest.mark.parametrize(("asked", "answered", "names"), MAPPINGS)
def test_a_mapping_names_its_function_and_its_queue(
    asked: object, answered: object, names: list[str]
) -> None:
    """Only the answer tells them of a mapping that is changed or deleted."""
    found = event_source_mapping({"requestParameters": asked, "responseElements": answered})
    assert [one.id for one in found] == names


URLS = [
    pytest.param(URL, "orders", id="a URL"),
    pytest.param(f"{URL}.fifo", "orders.fifo", id="first in, first out"),
    pytest.param(f"https://{REGION}.queue.amazonaws.com/{ACCOUNT}/orders", "orders", id="old"),
    pytest.param(f"{URL}?x=1", "", id="with a question"),
    pytest.param(f"{URL}/", "", id="no name"),
    pytest.param("orders", "", id="a name, which no call takes"),
    pytest.param(f"{URL}{'x' * 80}", "", id="too long"),
    pytest.param(None, "", id="null"),
    pytest.param([URL], "", id="a list"),
]


@pytest.mark.parametrize(("url", "name"), URLS)
def test_a_queue_is_named_by_its_url(url: object, name: str) -> None:
    """Whatever domain the URL is of."""
    found = list(queue({"requestParameters": {"queueUrl": url}}))
    assert found == ([Ref(QUEUE, name)] if name else [])
    assert list(queue({"requestParameters": None})) == []


def test_the_assessor_knows_the_events_of_two_services() -> None:
    """Each by the service's own name of it, which another's event of that name is not."""
    asked: dict[str, Any] = {"requestParameters": {"functionName": "handle"}}
    for name in ("CreateFunction20150331", "AddPermission20150331v2", "RemovePermission20150331v2"):
        assert looked_at(event(name, **asked)) == [Ref(FUNCTION, "handle")]
    assert looked_at(event("PutFunctionEventInvokeConfig", **asked)) == [Ref(FUNCTION, "handle")]
    made: dict[str, Any] = {
        "requestParameters": {"eventSourceArn": SOURCE, "functionName": "handle"}
    }
    both = [Ref(FUNCTION, "handle"), Ref(QUEUE, "orders")]
    assert looked_at(event("CreateEventSourceMapping20150331", **made)) == both
    of_queue: dict[str, Any] = {"requestParameters": {"queueUrl": URL}}
    assert looked_at(event("SetQueueAttributes", "aws.sqs", **of_queue)) == [Ref(QUEUE, "orders")]
    assert looked_at(event("SetQueueAttributes", **of_queue)) is Skip.NO_RULE
    assert looked_at(event("AddPermission", "aws.sqs", **of_queue)) is Skip.NO_RULE
    failed = event("DeleteQueue", "aws.sqs", errorCode="AccessDenied", **of_queue)
    assert looked_at(failed) is Skip.FAILED_CALL


def test_required_tags_are_left_to_sweeps() -> None:
    """A call of Lambda or SQS says nothing of tags, and of most types nothing is required."""
    prompt = {control.id for control in AUTOMATION.prompt}
    left = {control.id for control in AUTOMATION.controls} - prompt
    assert left == {"required-tags"}


ALL_FUNCTIONS = ["function-runtime", "function-role-not-shared", "function-logging"]


@pytest.mark.parametrize(
    ("call", "source", "controls"),
    [
        ("CreateFunction20150331", "aws.lambda", [*ALL_FUNCTIONS, "async-failure-destination"]),
        ("AddPermission20150331v2", "aws.lambda", ["async-failure-destination"]),
        ("PutFunctionEventInvokeConfig", "aws.lambda", ["async-failure-destination"]),
        (
            "UpdateEventSourceMapping20150331",
            "aws.lambda",
            ["event-source-failure-destination", "queue-redrive"],
        ),
        (
            "DeleteFunction20150331",
            "aws.lambda",
            [*ALL_FUNCTIONS, "async-failure-destination", "event-source-failure-destination"],
        ),
        ("PutRetentionPolicy", "aws.logs", ["function-logging"]),
        ("SetQueueAttributes", "aws.sqs", ["queue-redrive"]),
        ("PutRolePolicy", "aws.iam", ["function-role-least-privilege"]),
    ],
)
def test_a_call_concerns_the_controls_that_judge_by_what_it_says(
    call: str, source: str, controls: list[str]
) -> None:
    """And no other one: a burst of them costs a request of Lambda for each function."""
    assert [control.id for control in concerned(AUTOMATION, event(call, source))] == controls
