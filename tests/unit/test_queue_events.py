"""Events of queues, and of what reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedded.handlers import automation_of
from steward.events import FUNCTION, Skip, named
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


def test_what_events_do_not_settle_is_left_to_sweeps() -> None:
    """No call says all of a resource's tags; what streams lead to takes a list of everything."""
    prompt = {control.id for control in AUTOMATION.prompt}
    left = {control.id for control in AUTOMATION.controls} - prompt
    assert left == {"event-source-failure-destination", "required-tags"}
    assert {"function-runtime", "queue-redrive"} <= prompt
