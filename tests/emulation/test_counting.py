"""The counting server counts, slows, throttles and fails requests, and ends with its owner."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded.counting import CountingServer
from embedded.faults import Bucket, Fault, has
from embedded.process import CountingProcess
from embedded.seeding import clear_logs

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def running() -> Iterator[CountingServer]:
    with CountingServer() as server:
        yield server


@pytest.fixture
def server(running: CountingServer) -> CountingServer:
    """The server, as if just started, with an account that has no log groups."""
    running.latency, running.quotas, running.faults = 0.0, {}, ()
    clear_logs(region=REGION)
    running.clear()
    return running


def client(server: CountingServer | CountingProcess, service: str) -> Any:
    """A client that sends each request once, whatever comes back."""
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
    return session().client(service, endpoint_url=server.url, config=once)


@cache
def session() -> Any:
    """One session, because reading the services' models takes most of a test's time."""
    return boto3.Session(region_name=REGION)


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_requests_are_counted_by_operation_in_every_protocol(server: CountingServer) -> None:
    """JSON, query and REST; also a request that is refused."""
    logs = client(server, "logs")
    logs.create_log_group(logGroupName="/a")
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName="/a")
    client(server, "sts").get_caller_identity()
    client(server, "lambda").list_functions()
    client(server, "resourcegroupstaggingapi").get_resources()
    assert server.calls == {
        "logs.CreateLogGroup": 2,
        "sts.GetCallerIdentity": 1,
        "lambda.ListFunctions": 1,
        "resourcegroupstaggingapi.GetResources": 1,
    }


def test_both_versions_of_api_gateway_are_told_apart(server: CountingServer) -> None:
    """Requests of both are signed under one name."""
    client(server, "apigateway").get_rest_apis()
    server.faults = [Fault(operation="apigatewayv2.GetApis", code="TooManyRequestsException")]
    with pytest.raises(ClientError) as refused:
        client(server, "apigatewayv2").get_apis()
    assert code(refused) == ("TooManyRequestsException", 400)
    assert server.calls == {"apigateway.GetRestApis": 1, "apigatewayv2.GetApis": 1}


def test_the_server_is_faithful(server: CountingServer) -> None:
    """The overlays are there without being asked for."""
    logs = client(server, "logs")
    logs.create_log_group(logGroupName="/a")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName="/a", retentionInDays=8)


def test_clearing_forgets_the_counts_and_keeps_the_account(server: CountingServer) -> None:
    """Seeding is not part of what is measured afterwards."""
    logs = client(server, "logs")
    logs.create_log_group(logGroupName="/a")
    server.clear()
    assert server.stats() == {"calls": {}, "throttled": {}, "in_flight_max": 0}
    assert len(logs.describe_log_groups()["logGroups"]) == 1


def test_latency_is_added_to_each_request_and_requests_overlap(server: CountingServer) -> None:
    """Eight at once take as long as one."""
    logs = client(server, "logs")
    logs.describe_log_groups()
    server.clear()
    server.latency = 0.3
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: logs.describe_log_groups(), range(8)))
    took = time.monotonic() - started
    assert 0.3 <= took < 1.2
    assert server.in_flight_max == 8


def test_requests_above_the_quota_are_throttled(server: CountingServer) -> None:
    """A second's worth goes through; throttled requests count as requests, too."""
    server.quotas = {"logs.DescribeLogGroups": 3}
    logs = client(server, "logs")
    for _ in range(3):
        logs.describe_log_groups()
    with pytest.raises(ClientError) as error:
        logs.describe_log_groups()
    assert code(error) == ("ThrottlingException", 400)
    assert server.calls == {"logs.DescribeLogGroups": 4}
    assert server.throttled == {"logs.DescribeLogGroups": 1}
    logs.create_log_group(logGroupName="/a")


def test_a_quota_fills_up_again_at_its_rate() -> None:
    """And holds no more than a second's worth."""
    bucket = Bucket(50)
    time.sleep(0.2)
    taken = sum(bucket.take() for _ in range(80))
    time.sleep(0.1)
    again = sum(bucket.take() for _ in range(80))
    assert 50 <= taken < 55
    assert 4 <= again < 30


def test_a_fault_strikes_the_nth_request_once(server: CountingServer) -> None:
    """Its status, code and message are as told."""
    server.faults = [
        Fault(
            operation="logs.DescribeLogGroups",
            nth=2,
            status=503,
            code="ServiceUnavailableException",
            message="later",
        )
    ]
    logs = client(server, "logs")
    logs.describe_log_groups()
    with pytest.raises(ClientError, match="later") as error:
        logs.describe_log_groups()
    assert code(error) == ("ServiceUnavailableException", 503)
    logs.describe_log_groups()


def test_a_fault_strikes_where_the_parameters_say(server: CountingServer) -> None:
    """As often as told; None is each time."""
    logs = client(server, "logs")
    for name in ("/a", "/b"):
        logs.create_log_group(logGroupName=name)
    denied = Fault(
        operation="logs.PutRetentionPolicy",
        when=has(logGroupName="/b"),
        code="AccessDeniedException",
        times=None,
    )
    server.faults = [denied]
    logs.put_retention_policy(logGroupName="/a", retentionInDays=30)
    for _ in range(3):
        with pytest.raises(ClientError) as error:
            logs.put_retention_policy(logGroupName="/b", retentionInDays=30)
        assert code(error) == ("AccessDeniedException", 400)


@pytest.mark.parametrize(
    ("service", "operation", "method"),
    [
        ("sts", "GetCallerIdentity", "get_caller_identity"),
        ("lambda", "ListFunctions", "list_functions"),
        ("s3", "ListBuckets", "list_buckets"),
        ("sns", "ListTopics", "list_topics"),
    ],
)
def test_errors_are_told_in_the_services_own_protocol(
    server: CountingServer, service: str, operation: str, method: str
) -> None:
    """Query, REST-JSON and REST-XML clients understand them."""
    server.faults = [Fault(operation=f"{service}.{operation}", code="AccessDenied", status=403)]
    with pytest.raises(ClientError, match="injected") as error:
        getattr(client(server, service), method)()
    assert code(error) == ("AccessDenied", 403)


def test_an_operation_that_nobody_emulates_is_an_error_at_once(server: CountingServer) -> None:
    """Not a 500, which clients would repeat."""
    with pytest.raises(ClientError) as error:
        client(server, "logs").list_log_groups()
    assert code(error) == ("UnknownOperationException", 400)
    assert server.calls == {"logs.ListLogGroups": 1}


def test_the_account_is_the_one_in_the_environment(
    server: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MOTO_ACCOUNT_ID is honoured."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "210987654321")
    assert client(server, "sts").get_caller_identity()["Account"] == "210987654321"


def test_a_server_in_its_own_process_is_controlled_over_http() -> None:
    """Seed, configure, measure, clear; control is never counted."""
    with CountingProcess() as server:
        server.seed([{"name": "/forgotten"}], region=REGION)
        server.seed([{"name": "/a"}, {"name": "/b", "days": 7}], region=REGION)
        server.configure(
            latency=0.05,
            quotas={"logs.DescribeLogGroups": 1},
            faults=[
                {
                    "operation": "logs.PutRetentionPolicy",
                    "code": "OperationAbortedException",
                    "where": {"logGroupName": "/a"},
                }
            ],
        )
        logs = client(server, "logs")
        started = time.monotonic()
        assert len(logs.describe_log_groups()["logGroups"]) == 2
        assert time.monotonic() - started >= 0.05
        with pytest.raises(ClientError):
            logs.describe_log_groups()
        with pytest.raises(logs.exceptions.OperationAbortedException):
            logs.put_retention_policy(logGroupName="/a", retentionInDays=30)
        logs.put_retention_policy(logGroupName="/a", retentionInDays=30)
        assert server.stats() == {
            "calls": {"logs.DescribeLogGroups": 2, "logs.PutRetentionPolicy": 2},
            "throttled": {"logs.DescribeLogGroups": 1},
            "in_flight_max": 1,
        }
        assert server.retention(region=REGION) == {"/a": 30, "/b": 7}
        server.clear()
        assert server.stats()["calls"] == {}


def test_the_process_ends_when_its_standard_input_does() -> None:
    """So that it never outlives who started it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "embedded.counting"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    with server, server.stdout, server.stdin:
        assert server.stdout.readline().startswith("http://127.0.0.1:")
        server.stdin.close()
        assert server.wait(timeout=10) == 0


def environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
