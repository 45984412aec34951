"""What is lost on the embedded account: events, records and messages that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault
from embedded.seeding import FunctionSeed, seed_functions, seed_layer
from tests.scenarios.embedding import codes, installed, ledger, put_policy

ASYNC, STREAMS, QUEUES = (
    "async-failure-destination",
    "event-source-failure-destination",
    "queue-redrive",
)
LAYERS = "function-layers"
PROBE = "arn:aws:lambda:eu-west-1:123456789012:layer:probe:1"
PLACE = "eu-west-1:123456789012"


def before(here: EmbeddedAccount) -> None:
    """A layer, and a function that has received events asynchronously for days."""
    seed_layer("probe", region=here.region)
    seed_functions([FunctionSeed(name="thumbnails")], region=here.region)
    datum = {
        "MetricName": "AsyncEventsReceived",
        "Dimensions": [{"Name": "FunctionName", "Value": "thumbnails"}],
        "Timestamp": here.clock.now() - timedelta(days=3),
        "Value": 7,
    }
    here.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])


@pytest.fixture(scope="module")
def here() -> Iterator[EmbeddedAccount]:
    """One account for all of these scenarios: each has functions and queues of its own."""
    controls = (ASYNC, STREAMS, QUEUES, LAYERS)
    shipping = {"LogShipping": "enabled", "StreamMode": "PROVISIONED"}
    with installed(before, controls=controls, FunctionLayerArns=PROBE, **shipping) as account:
        rule = {"layer_arn": PROBE, "include": {"names": ["orders*"]}}
        put_policy(account, LAYERS, mode="enforce", rules=[rule])
        account.settle()
        yield account


def queue(here: EmbeddedAccount, name: str, **attributes: str) -> str:
    made = here.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return str(made["QueueUrl"])


def redrive(name: str, receives: int) -> str:
    told = {"deadLetterTargetArn": f"arn:aws:sqs:{PLACE}:{name}", "maxReceiveCount": receives}
    return json.dumps(told)


def assessed(here: EmbeddedAccount) -> int:
    """Batches of events that the assessor has had."""
    mine = (one for one in here.host.invocations if one.function.endswith("-assessor"))
    return sum("Records" in one.event for one in mine)


def test_a_stack_keeps_to_what_it_asks_of_others(here: EmbeddedAccount) -> None:
    """Every inbox gives its function time, the shipper's records are kept, and what a clock
    invokes needs no destination."""
    own = {name: code for name, code in codes(here, QUEUES).items() if name.startswith("steward-")}
    feeding = {name for name, code in own.items() if code == "FITS"}
    assert feeding == {f"steward-{name}" for name in ("assessor", "function-layers")}
    assert set(own.values()) == {"FITS", "FEEDS_NO_FUNCTION"}
    assert codes(here, STREAMS)["steward-log-shipper"] == "HAS_DESTINATION"
    found = {code for name, code in codes(here, ASYNC).items() if name.startswith("steward-")}
    assert found <= {"NO_EVIDENCE", "REPEATED"}


def test_two_automations_see_a_new_function_and_neither_goes_round(here: EmbeddedAccount) -> None:
    """One gives it its layer, and the other says that its failures are lost; the layer's call comes
    back to both as an event, and that is the end of it."""
    seed_functions([FunctionSeed(name="orders")], region=here.region)
    lambdas = here.client("lambda")
    lambdas.update_function_configuration(FunctionName="orders", Timeout=9)
    grant: dict[str, Any] = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    lambdas.add_permission(FunctionName="orders", StatementId="topic", **grant)
    here.settle()
    told = lambdas.get_function_configuration(FunctionName="orders")
    assert [one["Arn"] for one in told["Layers"]] == [PROBE]
    assert codes(here, ASYNC)["orders"] == "NO_DESTINATION"
    before = assessed(here)
    topic = here.client("sns").create_topic(Name="failed")["TopicArn"]
    end = {"OnFailure": {"Destination": topic}}
    lambdas.put_function_event_invoke_config(FunctionName="orders", DestinationConfig=end)
    here.settle()
    assert codes(here, ASYNC)["orders"] == "HAS_DESTINATION"
    lambdas.delete_function_event_invoke_config(FunctionName="orders")
    here.settle()
    assert codes(here, ASYNC)["orders"] == "NO_DESTINATION"
    assert assessed(here) == before + 2
    lambdas.remove_permission(FunctionName="orders", StatementId="topic")
    here.settle()
    assert codes(here, ASYNC)["orders"] == "NO_EVIDENCE"
    assert here.server.calls["lambda.UpdateFunctionConfiguration"] == 2


def test_a_queue_is_judged_from_the_moment_that_it_feeds_a_function(here: EmbeddedAccount) -> None:
    """By the events of the mapping and of the queue; a queue that vanishes is forgotten."""
    seed_functions([FunctionSeed(name="billing")], region=here.region)
    queue(here, "bills-dead")
    url = queue(here, "bills")
    here.settle()
    assert "bills" not in codes(here, QUEUES)
    source = {"FunctionName": "billing", "EventSourceArn": f"arn:aws:sqs:{PLACE}:bills"}
    made = here.client("lambda").create_event_source_mapping(**source)
    here.settle()
    assert codes(here, QUEUES)["bills"] == "NO_DEAD_LETTERS"
    sqs = here.client("sqs")
    for receives, code in ((2, "FEW_RECEIVES"), (5, "FITS")):
        policy = {"RedrivePolicy": redrive("bills-dead", receives)}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=policy)
        here.settle()
        assert codes(here, QUEUES)["bills"] == code
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "17"})
    here.settle()
    assert codes(here, QUEUES)["bills"] == "SHORT_VISIBILITY"
    here.client("lambda").delete_event_source_mapping(UUID=made["UUID"])
    here.settle()
    assert codes(here, QUEUES)["bills"] == "FEEDS_NO_FUNCTION"
    sqs.delete_queue(QueueUrl=url)
    here.settle()
    assert "bills" not in codes(here, QUEUES)


def test_a_stream_that_is_read_without_a_destination_is_reported(here: EmbeddedAccount) -> None:
    """By the next sweep, and no longer once the mapping keeps what failed."""
    seed_functions([FunctionSeed(name="clicks")], region=here.region)
    here.client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    lambdas = here.client("lambda")
    made = lambdas.create_event_source_mapping(
        FunctionName="clicks",
        EventSourceArn=f"arn:aws:kinesis:{PLACE}:stream/clicks",
        StartingPosition="LATEST",
    )
    here.settle()
    here.sweep()
    assert codes(here, STREAMS)["clicks"] == "NO_DESTINATION"
    queue(here, "clicks-failed")
    end = {"OnFailure": {"Destination": f"arn:aws:sqs:{PLACE}:clicks-failed"}}
    lambdas.update_event_source_mapping(
        UUID=made["UUID"], DestinationConfig=end, MaximumRetryAttempts=3
    )
    here.settle()
    here.sweep()
    assert codes(here, STREAMS)["clicks"] == "HAS_DESTINATION"


def test_a_sweep_goes_on_past_what_it_cannot_read_and_writes_nothing_twice(
    here: EmbeddedAccount,
) -> None:
    """The metric tells of invocations that no policy shows; one function stays unknown meanwhile,
    and its sweep is not called complete."""
    seed_functions([FunctionSeed(name="locked")], region=here.region)
    denied = Fault(
        operation="lambda.GetPolicy",
        code="AccessDeniedException",
        status=403,
        when=lambda params: params["FunctionName"] == "locked",
        times=None,
    )
    here.server.faults = (denied,)
    here.sweep()
    found = codes(here, ASYNC)
    assert (found["locked"], found["thumbnails"]) == ("ACCESS_DENIED", "NO_DESTINATION")
    last = next(ledger(here).sweeps(ASYNC))
    assert (last.complete, last.verdicts["UNKNOWN"]) == (False, 1)
    here.server.faults = ()
    here.sweep()
    items = {control: list(ledger(here).all_items(control)) for control in (ASYNC, STREAMS, QUEUES)}
    assert codes(here, ASYNC)["locked"] == "NO_EVIDENCE"
    here.sweep()
    assert {control: list(ledger(here).all_items(control)) for control in items} == items
    assert all(next(ledger(here).sweeps(control)).complete for control in items)
