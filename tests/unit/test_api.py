"""The only way to AWS, held against an endpoint of our own that says what AWS would say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from steward.aws.api import ATTEMPTS, FIRST_BACKOFF, IN_FLIGHT, LONGEST_BACKOFF, Api, Identity
from steward.aws.pacing import Pacer
from steward.errors import (
    Denied,
    Gone,
    Invalid,
    NotConnected,
    OutOfTime,
    Refused,
    StewardError,
    Throttled,
    TryAgain,
)
from steward.model import Deadline
from tests.fakes import ACCOUNT, REGION, FakeClock

HERE = Identity(ACCOUNT, REGION, "aws")

DESCRIBE = ("logs", "DescribeLogGroups")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``status`` 0 hangs up without one."""

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """An HTTP request."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Endpoint:
    """What answers instead of AWS: its answers in turn, the last one for ever."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.answers: list[Answer] = [said({})]
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    endpoint.serve(self)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep a request and give the next answer."""
        address = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        query = parse_qs(address.query)
        self.requests.append(Asked(str(handler.command), address.path, query, body))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if not answer.status:
            return
        handler.send_response(answer.status)
        for name, value in answer.headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def said(document: Mapping[str, Any], status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(document).encode())


def failed(code: str, status: int = 400) -> Answer:
    """An error as the JSON protocols tell it."""
    body = json.dumps({"__type": code, "message": "No."}).encode()
    return Answer(status, body, (("x-amzn-errortype", code),))


def caller(arn: str) -> Answer:
    """What STS says of a caller."""
    fields = f"<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{arn.split(':')[4]}</Account>"
    result = f"<GetCallerIdentityResult>{fields}</GetCallerIdentityResult>"
    name = "GetCallerIdentityResponse"
    space = "https://sts.amazonaws.com/doc/2011-06-15/"
    return Answer(200, f'<{name} xmlns="{space}">{result}</{name}>'.encode())


@pytest.fixture(scope="module")
def _endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture
def endpoint(_endpoint: Endpoint) -> Endpoint:
    """The endpoint, with nothing asked yet."""
    _endpoint.requests.clear()
    _endpoint.answers = [said({})]
    return _endpoint


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connect(endpoint: Endpoint, clock: FakeClock) -> Callable[..., Api]:
    """Makes an Api at the endpoint, unpaced and of a known identity unless told otherwise."""

    def make(**settings: Any) -> Api:
        told = {"endpoint_url": endpoint.url, "identity": HERE, "region": REGION, **settings}
        return Api(clock=clock, **{"pacer": Pacer(clock, None), **told})

    return make


# Repeating


def test_a_throttled_request_is_repeated_until_it_passes(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """Each attempt counts as a call, and each throttle as one."""
    busy = failed("ThrottlingException")
    endpoint.answers = [busy, busy, said({"logGroups": [{"logGroupName": "/a"}]})]
    api = connect()
    assert api.ask(*DESCRIBE)["logGroups"] == [{"logGroupName": "/a"}]
    assert api.calls == {"logs.DescribeLogGroups": 3}
    assert api.throttled == {"logs.DescribeLogGroups": 2}
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(failed("ThrottlingException"), Throttled, id="throttled"),
        pytest.param(failed("OperationAbortedException"), TryAgain, id="somebody else changes it"),
        pytest.param(failed("InternalFailure", 500), TryAgain, id="server error"),
        pytest.param(Answer(502, b"<html>Bad Gateway</html>"), TryAgain, id="a proxy's page"),
        pytest.param(Answer(0), TryAgain, id="hung up"),
    ],
)
def test_a_request_that_never_passes_is_given_up(
    endpoint: Endpoint, connect: Callable[..., Api], answer: Answer, kind: type[StewardError]
) -> None:
    """After the last attempt comes the last error; the SDK repeats nothing on its own."""
    endpoint.answers = [answer]
    api = connect()
    with pytest.raises(TryAgain) as caught:
        api.ask(*DESCRIBE)
    assert type(caught.value) is kind
    assert api.calls["logs.DescribeLogGroups"] == len(endpoint.requests) == ATTEMPTS


def test_only_throttles_count_as_throttled(endpoint: Endpoint, connect: Callable[..., Api]) -> None:
    """A server error says nothing about our pace."""
    endpoint.answers = [failed("InternalFailure", 500), said({})]
    api = connect()
    api.ask(*DESCRIBE)
    assert api.throttled == {}


def test_pauses_double_with_jitter_up_to_the_longest(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """Clients that failed together do not come back together."""
    endpoint.answers = [failed("InternalFailure", 500)]
    with pytest.raises(TryAgain):
        connect().ask(*DESCRIBE)
    longest = [min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**n) for n in range(ATTEMPTS - 1)]
    assert len(clock.sleeps) == len(longest)
    assert all(most / 4 <= pause <= most for pause, most in zip(clock.sleeps, longest, strict=True))


@pytest.mark.parametrize("seconds", [0.01, 1.0, 5.0])
def test_repeating_ends_inside_the_deadline(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock, seconds: float
) -> None:
    """No pause is begun that would outlast the run."""
    endpoint.answers = [failed("ThrottlingException")]
    api = connect()
    api.deadline = Deadline(clock, seconds)
    with pytest.raises(Throttled):
        api.ask(*DESCRIBE)
    assert clock.monotonic() < seconds
    assert 1 <= len(endpoint.requests) < ATTEMPTS


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", Denied),
        ("InvalidParameterException", Invalid),
        ("ResourceNotFoundException", Gone),
        ("UnrecognizedClientException", NotConnected),
        ("NeverHeardOfIt", Refused),
    ],
)
def test_what_cannot_get_better_is_not_repeated(
    endpoint: Endpoint,
    connect: Callable[..., Api],
    clock: FakeClock,
    code: str,
    kind: type[StewardError],
) -> None:
    """One request, no pause, and the error with AWS's own code."""
    endpoint.answers = [failed(code)]
    api = connect()
    with pytest.raises(StewardError) as caught:
        api.ask(*DESCRIBE)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(endpoint.requests) == 1
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        pytest.param("lambda", "GetFunction", {}, id="its path is incomplete"),
        pytest.param("logs", "DescribeLogGroups", {"limit": "fifty"}, id="a text for a number"),
        pytest.param("logs", "DescribeLogGroups", {"prefix": "/a"}, id="a name it does not have"),
        pytest.param("dynamodb", "GetItem", {"Key": {"pk": 7}}, id="a number for a document"),
    ],
)
def test_parameters_that_do_not_fit_the_api_are_never_sent(
    endpoint: Endpoint,
    connect: Callable[..., Api],
    service: str,
    operation: str,
    params: Mapping[str, Any],
) -> None:
    """A misspelt filter would read everything, and a recorded call may be of an older make."""
    with pytest.raises(Invalid):
        connect().ask(service, operation, **params)
    assert endpoint.requests == []


# Pacing


def test_requests_are_paced_by_their_quota_group(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """All operations of Lambda share 15 requests per second, of which half is ours here."""
    api = connect(pacer=Pacer(clock, 0.5))
    api.ask("lambda", "ListFunctions")
    api.ask("lambda", "ListLayers")
    api.ask("lambda", "ListFunctions")
    assert clock.monotonic() == pytest.approx(2 / 7.5)


def test_each_attempt_waits_for_its_slot_and_a_throttle_slows_them(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """A repeated request takes as much of the quota as any other."""
    endpoint.answers = [*[failed("ThrottlingException")] * 2, said({})]
    connect(pacer=Pacer(clock, 0.01)).ask(*DESCRIBE)
    assert clock.monotonic() == pytest.approx(10 + 20)


def test_requests_that_pass_bring_the_pace_back(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """One throttle does not slow down the rest of a long run."""
    endpoint.answers = [failed("ThrottlingException"), said({})]
    api = connect(pacer=Pacer(clock, 1.0))
    for _ in range(30):
        api.ask(*DESCRIBE)
    before = clock.monotonic()
    api.ask(*DESCRIBE)
    assert clock.monotonic() - before == pytest.approx(1 / 10)


def test_a_request_without_a_slot_before_the_deadline_is_not_sent(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """OutOfTime promises that nothing was sent, and nothing is counted."""
    api = connect(pacer=Pacer(clock, 1.0))
    api.deadline = Deadline(clock, 0)
    with pytest.raises(OutOfTime):
        api.ask(*DESCRIBE)
    assert endpoint.requests == []
    assert api.calls == {}


def test_a_request_that_was_sent_once_never_ends_as_out_of_time(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """AWS may have done it although it hung up, so its change must not be forgotten as unsent."""
    endpoint.answers = [Answer(0)]
    api = connect(pacer=Pacer(clock, 0.01))  # the next slot comes in 20 seconds
    api.deadline = Deadline(clock, 10)
    with pytest.raises(TryAgain) as caught:
        api.ask("logs", "PutRetentionPolicy", logGroupName="/a", retentionInDays=30)
    assert len(endpoint.requests) == 1
    assert not isinstance(caught.value, OutOfTime)


# What is never sent


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("logs", "PutRetentionPolicy"),
        ("logs", "DeleteLogGroup"),
        ("logs", "TagResource"),
        ("lambda", "DeleteFunction"),
        ("lambda", "Invoke"),
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "BatchWriteItem"),
        ("sqs", "SendMessage"),
        ("sts", "AssumeRole"),
        ("apigateway", "TestInvokeMethod"),
    ],
)
def test_a_run_that_may_only_read_sends_no_write(
    endpoint: Endpoint, connect: Callable[..., Api], service: str, operation: str
) -> None:
    """Whoever asks, and before anything is counted."""
    api = connect(read_only=True)
    with pytest.raises(Refused, match="may only read"):
        api.ask(service, operation)
    assert endpoint.requests == []
    assert api.calls == {}


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("logs", "DescribeLogGroups", {}),
        ("lambda", "ListFunctions", {}),
        ("lambda", "GetFunction", {"FunctionName": "orders"}),
        ("ssm", "GetParameters", {"Names": ["/a"]}),
        ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}}]}}}),
        ("cloudtrail", "LookupEvents", {}),
    ],
)
def test_a_run_that_may_only_read_can_read(
    endpoint: Endpoint,
    connect: Callable[..., Api],
    service: str,
    operation: str,
    params: Mapping[str, Any],
) -> None:
    """Every read we use goes through."""
    connect(read_only=True).ask(service, operation, **params)
    assert len(endpoint.requests) == 1


UNNUMBERED = [
    pytest.param({}, id="absent"),
    pytest.param({"Qualifier": None}, id="None"),
    pytest.param({"Qualifier": ""}, id="empty"),
    pytest.param({"Qualifier": "$LATEST"}, id="latest"),
    pytest.param({"Qualifier": "$LATEST.PUBLISHED"}, id="latest published"),
    pytest.param({"Qualifier": "12a"}, id="begins with digits"),
    pytest.param({"Qualifier": "-1"}, id="negative"),
    pytest.param({"Qualifier": "live"}, id="an alias"),
    pytest.param({"Qualifier": 7}, id="no text"),
    pytest.param({"Qualifier": "\u0667"}, id="a digit of another script"),
]


@pytest.mark.parametrize("params", UNNUMBERED)
def test_a_function_is_never_deleted_as_a_whole(
    endpoint: Endpoint, connect: Callable[..., Api], params: Mapping[str, Any]
) -> None:
    """Without a numeric Qualifier the request is neither sent nor counted."""
    api = connect()
    with pytest.raises(Refused, match="Qualifier"):
        api.ask("lambda", "DeleteFunction", FunctionName="orders", **params)
    assert endpoint.requests == []
    assert api.calls == {}


@pytest.mark.parametrize("operation", ["delete_function", "deleteFunction"])
def test_no_other_spelling_deletes_a_function_as_a_whole(
    endpoint: Endpoint, connect: Callable[..., Api], operation: str
) -> None:
    """The SDK takes several spellings for one operation; the check must not take fewer."""
    with pytest.raises(Refused):
        connect().ask("lambda", operation, FunctionName="orders")
    assert endpoint.requests == []


def test_a_numbered_version_of_a_function_can_be_deleted(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """The Qualifier reaches AWS as it is."""
    endpoint.answers = [Answer(204, b"")]
    api = connect()
    api.ask("lambda", "DeleteFunction", FunctionName="orders", Qualifier="7")
    [request] = endpoint.requests
    assert (request.method, request.query) == ("DELETE", {"Qualifier": ["7"]})
    assert api.calls == {"lambda.DeleteFunction": 1}


# Pages


def test_pages_of_logs_follow_next_token(endpoint: Endpoint, connect: Callable[..., Api]) -> None:
    """Each page comes with the token of the next; the parameters stay the same."""
    endpoint.answers = [said({"nextToken": "2"}), said({"nextToken": "3"}), said({"logGroups": []})]
    found = list(connect().pages(*DESCRIBE, limit=50))
    assert [token for _, token in found] == ["2", "3", None]
    assert [request.document for request in endpoint.requests] == [
        {"limit": 50},
        {"limit": 50, "nextToken": "2"},
        {"limit": 50, "nextToken": "3"},
    ]


def test_pages_of_lambda_follow_next_marker(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """Lambda tells NextMarker and asks for Marker."""
    endpoint.answers = [said({"NextMarker": "2"}), said({"Functions": []})]
    found = list(connect().pages("lambda", "ListFunctions"))
    assert [token for _, token in found] == ["2", None]
    assert [request.query for request in endpoint.requests] == [{}, {"Marker": ["2"]}]


def test_pages_of_tags_end_with_an_empty_token(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """The tagging API ends with "" where others leave the token out."""
    empty: Mapping[str, Any] = {"ResourceTagMappingList": []}
    endpoint.answers = [
        said({"PaginationToken": "2", **empty}),
        said({"PaginationToken": "", **empty}),
    ]
    found = list(islice(connect().pages("resourcegroupstaggingapi", "GetResources"), 5))
    assert [token for _, token in found] == ["2", None]
    assert [request.document for request in endpoint.requests] == [{}, {"PaginationToken": "2"}]


def test_pages_go_on_from_a_token(endpoint: Endpoint, connect: Callable[..., Api]) -> None:
    """A sweep that was interrupted does not begin anew."""
    endpoint.answers = [said({"nextToken": "4"}), said({})]
    assert [token for _, token in connect().pages(*DESCRIBE, "3")] == ["4", None]
    assert [request.document["nextToken"] for request in endpoint.requests] == ["3", "4"]


def test_pages_are_read_only_as_far_as_they_are_wanted(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """A step that stops after a page has not asked for the next one."""
    endpoint.answers = [said({"nextToken": "2"})]
    pages = connect().pages(*DESCRIBE)
    next(pages)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        pytest.param("logs", "PutRetentionPolicy", id="has no pages"),
        pytest.param("logs", "NeverHeardOfIt", id="no such operation"),
        pytest.param("nonsense", "ListThings", id="no such service"),
        pytest.param("s3", "ListObjectVersions", id="pages by two tokens"),
        pytest.param("kinesis", "DescribeStream", id="its token lies deeper in the answer"),
    ],
)
def test_pages_that_cannot_be_followed_are_refused(
    endpoint: Endpoint, connect: Callable[..., Api], service: str, operation: str
) -> None:
    """A first page that is taken for everything would be silence about the rest."""
    with pytest.raises(Refused):
        list(connect().pages(service, operation))
    assert endpoint.requests == []


# Together


def test_results_come_in_the_order_of_the_items(connect: Callable[..., Api]) -> None:
    """Whichever is done first."""

    def slowest_first(number: int) -> int:
        time.sleep((20 - number) / 2000)
        return number * number

    api = connect()
    for _ in range(2):
        assert api.together(slowest_first, range(20)) == [n * n for n in range(20)]


@pytest.mark.parametrize("items", [[], [1]], ids=["none", "one"])
def test_a_few_items_are_no_special_case(connect: Callable[..., Api], items: list[int]) -> None:
    """Nothing and one give nothing and one."""
    assert connect().together(str, items) == [str(item) for item in items]


def test_eight_are_in_flight_and_never_more(connect: Callable[..., Api]) -> None:
    """The barrier opens only when eight act at once; the count shows that it is never nine."""
    together = threading.Barrier(IN_FLIGHT, timeout=10)
    lock = threading.Lock()
    flying, most = 0, 0

    def fly(_: int) -> None:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        together.wait()
        with lock:
            flying -= 1

    connect().together(fly, range(IN_FLIGHT * 5))
    assert most == IN_FLIGHT == 8


def test_an_error_of_one_item_is_raised(connect: Callable[..., Api]) -> None:
    """It is not swallowed by the pool."""

    def act(number: int) -> int:
        if number == 3:
            raise NotConnected("gone dark")
        return number

    with pytest.raises(NotConnected, match="gone dark"):
        connect().together(act, range(10))


def test_calls_of_many_threads_are_all_counted(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """No request is lost to the report on calls, by whichever of several clients."""
    api = connect()
    operations = [DESCRIBE, ("sqs", "ListQueues")] * 20
    api.together(lambda operation: api.ask(*operation), operations)
    assert api.calls == {"logs.DescribeLogGroups": 20, "sqs.ListQueues": 20}
    assert len(endpoint.requests) == 40


# Who and where


@pytest.mark.parametrize(
    ("arn", "partition"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/alice", "aws"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/Developer/alice", "aws-cn"),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:root", "aws-us-gov"),
    ],
)
def test_the_identity_is_what_sts_says_and_asked_once(
    endpoint: Endpoint, connect: Callable[..., Api], arn: str, partition: str
) -> None:
    """Account, partition and caller are STS's word; the Region is the one we talk to."""
    endpoint.answers = [caller(arn)]
    api = connect(identity=None, region="eu-central-1")
    assert api.identity == Identity(ACCOUNT, "eu-central-1", partition, arn)
    assert (api.account, api.region, api.partition) == (ACCOUNT, "eu-central-1", partition)
    assert api.calls == {"sts.GetCallerIdentity": 1}


def test_the_region_may_come_from_the_environment(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """Nobody needs to say it twice."""
    endpoint.answers = [caller(f"arn:aws:iam::{ACCOUNT}:user/alice")]
    assert connect(identity=None, region=None).region == "eu-west-1"


def test_sts_is_not_asked_for_an_identity_that_is_known(
    endpoint: Endpoint, connect: Callable[..., Api]
) -> None:
    """A function's own ARN says where it is; that costs no request."""
    api = connect()
    assert (api.account, api.region, api.partition) == (ACCOUNT, REGION, "aws")
    assert endpoint.requests == []


# Not connected


@pytest.mark.parametrize("url", ["not a url", "ftp//nowhere", "http://"])
def test_a_malformed_endpoint_is_not_connected(connect: Callable[..., Api], url: str) -> None:
    """The message names the endpoint that somebody mistyped."""
    with pytest.raises(NotConnected, match=url):
        connect(endpoint_url=url).ask(*DESCRIBE)


def test_an_endpoint_where_nobody_listens_is_not_connected(connect: Callable[..., Api]) -> None:
    """It is not repeated for minutes."""
    api = connect(endpoint_url="http://127.0.0.1:1")
    with pytest.raises(NotConnected):
        api.ask(*DESCRIBE)
    assert api.calls == {"logs.DescribeLogGroups": 1}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, b"<html>It works!</html>"), id="a page"),
        pytest.param(Answer(200, b"It works!"), id="a text"),
        pytest.param(Answer(404, b"404 page not found"), id="a text of failure"),
        pytest.param(Answer(404, b"<!doctype html><p>404<br>"), id="a page of failure"),
    ],
)
def test_an_endpoint_that_is_not_aws_is_told_in_our_words(
    endpoint: Endpoint, connect: Callable[..., Api], answer: Answer
) -> None:
    """A web server at the port somebody mistyped does not end in the SDK's traceback."""
    endpoint.answers = [answer]
    with pytest.raises(StewardError):
        _ = connect(identity=None).identity


def test_an_endpoint_that_keeps_silent_is_not_connected(
    endpoint: Endpoint, connect: Callable[..., Api], clock: FakeClock
) -> None:
    """Whoever does not say who we are within seconds is not asked for minutes."""
    endpoint.answers = [Answer(0)] * 10
    with pytest.raises(NotConnected):
        _ = connect(identity=None).identity
    assert clock.monotonic() < 20


def test_no_credentials_is_not_connected(
    endpoint: Endpoint, connect: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent unsigned."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NotConnected, match="credentials"):
        connect().ask(*DESCRIBE)
    assert endpoint.requests == []


def test_an_unknown_profile_is_not_connected(connect: Callable[..., Api]) -> None:
    """The message names it."""
    with pytest.raises(NotConnected, match="nobody"):
        connect(profile="nobody").ask(*DESCRIBE)


def test_a_profile_that_leads_nowhere_is_not_connected(
    connect: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A role whose source does not exist yields no credentials, and that is what it is called."""
    config = tmp_path / "config"
    role = f"role_arn = arn:aws:iam::{ACCOUNT}:role/x"
    config.write_text(f"[profile lost]\n{role}\nsource_profile = missing\n", "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(NotConnected):
        connect(profile="lost").ask(*DESCRIBE)


def test_no_region_is_not_connected(
    connect: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no default Region to fall back on in silence."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NotConnected, match="region"):
        connect(region=None).ask(*DESCRIBE)


def test_a_service_nobody_knows_is_refused(connect: Callable[..., Api]) -> None:
    """The SDK's own word for it does not get out."""
    with pytest.raises(Refused, match="nonsense"):
        connect().ask("nonsense", "ListThings")
