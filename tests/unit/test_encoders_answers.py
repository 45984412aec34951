"""What each log service's answers mean: nothing counts as taken unless the service says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.encoders import ENCODERS
from steward.shipping.encoders.answers import clean, retry_after, said
from steward.shipping.encoders.base import Answer, Kind
from tests.blocks import CODECS, encoder

OK, RETRY, SPLIT = Kind.OK, Kind.RETRY, Kind.SPLIT
REJECT, CONFIGURE = Kind.REJECT, Kind.CONFIGURE

EVERY = pytest.mark.parametrize("name", ENCODERS)
LOGIN = b"\n <!doctype html><title>Sign in</title>"


def judge(
    name: str, status: int, body: bytes, count: int = 3, headers: Mapping[str, str] | None = None
) -> Answer:
    """What an answer means to the format of that name."""
    return encoder(name).judge(status, headers or {}, body, count)


STATUSES = [(100, RETRY), (301, CONFIGURE), (302, CONFIGURE), (307, CONFIGURE), (308, CONFIGURE)]
STATUSES += [(400, REJECT), (401, CONFIGURE), (403, CONFIGURE), (404, CONFIGURE), (405, CONFIGURE)]
STATUSES += [(402, CONFIGURE), (407, CONFIGURE), (410, CONFIGURE), (421, CONFIGURE)]
STATUSES += [(413, SPLIT), (415, CONFIGURE), (422, REJECT), (429, RETRY), (431, REJECT)]
STATUSES += [(502, RETRY), (503, RETRY), (504, RETRY), (600, RETRY)]
ORDINARY = [(408, RETRY), (425, RETRY), (500, RETRY), (501, RETRY), (507, RETRY), (529, RETRY)]
OF_OTLP = [(408, REJECT), (500, REJECT), (501, REJECT), (507, REJECT), (529, REJECT)]


@pytest.mark.parametrize("body", [b"", b"{}", LOGIN, b'{"mess'], ids=["", "{}", "page", "cut off"])
@pytest.mark.parametrize(("status", "kind"), STATUSES)
@EVERY
def test_a_status_means_the_same_everywhere(
    name: str, status: int, kind: Kind, body: bytes
) -> None:
    """Whatever the body, which may be a proxy's."""
    answer = judge(name, status, body)
    assert answer.kind is kind
    assert answer.reason.startswith(f"HTTP {status}")


@pytest.mark.parametrize(("status", "kind"), ORDINARY)
@pytest.mark.parametrize("name", [name for name in ENCODERS if name != "otlp"])
def test_errors_of_a_server_pass(name: str, status: int, kind: Kind) -> None:
    """A time-out and every error of a server are worth another attempt."""
    assert judge(name, status, b"").kind is kind


@pytest.mark.parametrize(("status", "kind"), OF_OTLP)
def test_otlp_forbids_other_retries(status: int, kind: Kind) -> None:
    """429, 502, 503 and 504 alone may be retried (opentelemetry.io/docs/specs/otlp)."""
    assert judge("otlp", status, b"").kind is kind


BULK_OK = {"create": {"status": 201}}
BULK_THERE = {
    "create": {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "x"}}
}


def bulk(status: int, kind: str, reason: str = "") -> dict[str, Any]:
    """What Elasticsearch says of an event that it did not take."""
    return {"create": {"status": status, "error": {"type": kind, "reason": reason}}}


BULK_BUSY = bulk(429, "es_rejected_execution_exception")
BULK_DOWN = bulk(503, "unavailable_shards_exception")
BULK_FULL = bulk(403, "cluster_block_exception", "index [logs] blocked by: [FORBIDDEN/12]")
BULK_DENIED = bulk(403, "security_exception", "action is unauthorized for API key id [hunter2]")
BULK_NO_INDEX = bulk(404, "index_not_found_exception", "no such index [logs-app]")
BULK_MAPPING = bulk(
    400,
    "document_parsing_exception",
    "[1:57] failed to parse field [log.level] of type [long] in document with id 'e1'. "
    "Preview of field's value: 'hunter2'",
)
MAPPING = "HTTP 400 document_parsing_exception field log.level of type long"

BULK = [
    pytest.param([BULK_OK] * 3, Answer(OK), id="all created"),
    pytest.param([BULK_OK, BULK_THERE, BULK_OK], Answer(OK), id="one was there already"),
    pytest.param(
        [BULK_OK, BULK_BUSY, BULK_DOWN],
        Answer(RETRY, "HTTP 429 es_rejected_execution_exception", 7.0, again=(1, 2)),
        id="two are to come again",
    ),
    pytest.param(
        [BULK_BUSY] * 3,
        Answer(RETRY, "HTTP 429 es_rejected_execution_exception", 7.0),
        id="all are to come again",
    ),
    pytest.param(
        [BULK_OK, BULK_MAPPING, BULK_THERE],
        Answer(OK, MAPPING, rejected={1: MAPPING}),
        id="one is never taken",
    ),
    pytest.param(
        [BULK_MAPPING, BULK_OK, BULK_BUSY],
        Answer(RETRY, MAPPING, 7.0, {0: MAPPING}, (2,)),
        id="one is never taken and one to come again",
    ),
    pytest.param(
        [BULK_MAPPING] * 3,
        Answer(OK, MAPPING, rejected=dict.fromkeys(range(3), MAPPING)),
        id="none",
    ),
    pytest.param(
        [BULK_FULL] * 3, Answer(RETRY, "HTTP 403 cluster_block_exception", 7.0), id="no disk space"
    ),
    pytest.param(
        [BULK_DENIED] * 3, Answer(CONFIGURE, "HTTP 403 security_exception"), id="nobody let in"
    ),
    pytest.param(
        [BULK_NO_INDEX] * 3,
        Answer(CONFIGURE, "HTTP 404 index_not_found_exception"),
        id="no index",
    ),
    pytest.param(
        [BULK_OK, BULK_OK, BULK_DENIED],
        Answer(
            OK,
            "HTTP 403 security_exception",
            rejected={2: "HTTP 403 security_exception"},
        ),
        id="one is not let in",
    ),
]


@pytest.mark.parametrize(("items", "answer"), BULK)
def test_elasticsearch_tells_of_each_event(items: list[Any], answer: Answer) -> None:
    """Created or there already is taken; what passes comes again, alone; the rest never does."""
    errors = any(item is not BULK_OK for item in items)
    body = json.dumps({"errors": errors, "items": items}).encode()
    assert judge("es_bulk", 200, body, headers={"retry-after": "7"}) == answer


UNCLEAR = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"{}", id="an empty object"),
    pytest.param(b"[]", id="no object"),
    pytest.param(b"null", id="null"),
    pytest.param(LOGIN, id="a page"),
    pytest.param(b'{"errors":false}', id="no items"),
    pytest.param(b'{"errors":false,"items":[]}', id="items of none"),
    pytest.param(b'{"errors":false,"items":[{"create":{"status":201}},', id="cut off"),
    pytest.param(
        b'{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}',
        id="items of fewer",
    ),
    pytest.param(
        json.dumps({"errors": False, "items": [BULK_OK] * 4}).encode(), id="items of more"
    ),
    pytest.param(
        json.dumps({"errors": False, "items": [BULK_OK, BULK_OK, {"index": {}}]}).encode(),
        id="an item of something else",
    ),
    pytest.param(
        json.dumps({"items": [BULK_OK, BULK_OK, BULK_OK, None]}).encode(),
        id="one too many, which is none",
    ),
    pytest.param(
        json.dumps({"items": [BULK_OK, BULK_OK, {"create": {"status": "201"}}]}).encode(),
        id="a status that is none",
    ),
    pytest.param(
        json.dumps({"items": [BULK_OK, BULK_OK, 201]}).encode(), id="an item that is none"
    ),
    pytest.param(b"[" * 100_000, id="deeper than anybody reads"),
]


@pytest.mark.parametrize("body", UNCLEAR)
def test_elasticsearch_has_to_tell_of_every_event(body: bytes) -> None:
    """Else all are sent again: their ids keep them from being there twice."""
    answer = judge("es_bulk", 200, body)
    assert answer == Answer(RETRY, "HTTP 200 with no result of every event")


PARTIAL = b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}'
TAKEN_BY_OTLP = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"{}", id="an empty object"),
    pytest.param(b'{"partialSuccess":{}}', id="nothing partial"),
    pytest.param(b'{"partialSuccess":null}', id="null"),
    pytest.param(b'{"partialSuccess":{"rejectedLogRecords":"0"}}', id="none refused"),
    pytest.param(b'{"partialSuccess":{"errorMessage":"slow down"}}', id="a warning"),
]
UNCLEAR_TO_OTLP = [
    pytest.param(LOGIN, id="a page"),
    pytest.param(b"OK", id="text"),
    pytest.param(b'{"partialSuccess":{"rejec', id="cut off"),
    pytest.param(b"[]", id="no object"),
    pytest.param(b'{"partialSuccess":"2"}', id="partial is no object"),
    pytest.param(b'{"partialSuccess":{"rejectedLogRecords":"two"}}', id="no number"),
    pytest.param(b'{"partialSuccess":{"rejectedLogRecords":1e999}}', id="no finite number"),
    pytest.param(b'{"partialSuccess":{"rejectedLogRecords":-1}}', id="a negative number"),
]


@pytest.mark.parametrize("body", TAKEN_BY_OTLP)
def test_otlp_has_taken_what_it_does_not_refuse(body: bytes) -> None:
    """A success may be empty; a warning is none of ours."""
    assert judge("otlp", 200, body) == Answer(OK)


@pytest.mark.parametrize("body", UNCLEAR_TO_OTLP)
def test_otlp_has_to_answer_in_its_own_way(body: bytes) -> None:
    """Anything else may come from somebody who took nothing."""
    assert judge("otlp", 200, body) == Answer(RETRY, "HTTP 200 with no answer of OTLP")


@pytest.mark.parametrize("number", [b'"2"', b"2"], ids=["as text", "as number"])
def test_partial_success_is_not_repeated(number: bytes) -> None:
    """Nobody tells which records were refused, so all are set aside."""
    reason = "2 of 3 refused: too old"
    answer = judge("otlp", 200, PARTIAL.replace(b'"2"', number))
    assert answer == Answer(OK, reason, rejected=dict.fromkeys(range(3), reason))


def hec(code: int, text: str = "told", place: int | None = None) -> bytes:
    """What Splunk's collector says."""
    number = {} if place is None else {"invalid-event-number": place}
    return json.dumps({"text": text, "code": code, **number}).encode()


TAKEN_BY_SPLUNK = {0: "Success", 24: "nearly full", 25: "nearly full of acknowledgements"}
SPLUNK = [
    pytest.param(401, 2, CONFIGURE, id="no token"),
    pytest.param(401, 3, CONFIGURE, id="no authorization"),
    pytest.param(403, 1, CONFIGURE, id="token disabled"),
    pytest.param(403, 4, CONFIGURE, id="no such token"),
    pytest.param(400, 21, CONFIGURE, id="no such token, told as 400"),
    pytest.param(400, 22, CONFIGURE, id="token disabled, told as 400"),
    pytest.param(400, 7, CONFIGURE, id="no such index"),
    pytest.param(400, 10, CONFIGURE, id="wants a channel"),
    pytest.param(400, 5, REJECT, id="no data"),
    pytest.param(400, 6, REJECT, id="bad data, nobody knows where"),
    pytest.param(400, 12, REJECT, id="an event is missing"),
    pytest.param(400, 99, REJECT, id="unheard of"),
    pytest.param(500, 8, RETRY, id="internal error"),
    pytest.param(503, 9, RETRY, id="busy"),
    pytest.param(503, 23, RETRY, id="shutting down"),
    pytest.param(429, 26, RETRY, id="queue full"),
    pytest.param(400, 9, RETRY, id="busy, told as 400"),
    pytest.param(413, 99, SPLIT, id="too large"),
]


@pytest.mark.parametrize("code", TAKEN_BY_SPLUNK)
def test_splunk_says_success_by_its_code(code: int) -> None:
    """Also when it is about to be full."""
    assert judge("splunk_hec", 200, hec(code)) == Answer(OK)


@pytest.mark.parametrize(("status", "code", "kind"), SPLUNK)
def test_splunk_says_failure_by_its_code(status: int, code: int, kind: Kind) -> None:
    """The code decides, where it is known."""
    after = 3.0 if kind is RETRY else None
    answer = judge("splunk_hec", status, hec(code), headers={"Retry-After": "3"})
    assert answer == Answer(kind, f"code {code}, HTTP {status}: told", after)


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"{}", LOGIN, hec(17), hec(9), b'{"code":false}', b'{"code":0'],
    ids=["nothing", "text", "no code", "page", "healthy", "busy", "no number", "cut off"],
)
def test_splunk_has_to_say_success(body: bytes) -> None:
    """Anything else may come from somebody who took nothing."""
    assert judge("splunk_hec", 200, body) == Answer(RETRY, "HTTP 200 with no code of success")


@pytest.mark.parametrize("code", [6, 12, 13, 15])
def test_splunk_names_the_event_that_it_refuses(code: int) -> None:
    """That one is set aside, and the others are sent at once, as they were refused with it: nobody
    has to wait for anything."""
    reason = f"code {code}, HTTP 400: told"
    answer = judge("splunk_hec", 400, hec(code, place=1), headers={"Retry-After": "3"})
    assert answer == Answer(REJECT, reason, rejected={1: reason})


@pytest.mark.parametrize(("place", "count"), [(3, 3), (-1, 3), (0, 1)])
def test_splunk_names_no_event_of_the_request(place: int, count: int) -> None:
    """Or the only one: then all are refused."""
    assert judge("splunk_hec", 400, hec(6, place=place), count).kind is REJECT


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"{}"), (202, b"{}"), (204, b""), (200, b"2 lines"), (200, b'{"cut')],
)
@pytest.mark.parametrize("name", ["datadog", "loki", "ndjson"])
def test_services_that_answer_by_status(name: str, status: int, body: bytes) -> None:
    """Any 2xx is a success."""
    assert judge(name, status, body) == Answer(OK)


@pytest.mark.parametrize("status", [200, 202, 204])
@EVERY
def test_a_page_is_no_success(name: str, status: int) -> None:
    """It is a login, or a proxy; the service itself has seen nothing."""
    answer = judge(name, status, LOGIN, headers={"Retry-After": "9"})
    assert (answer.kind, answer.after) == (RETRY, 9.0)


AFTER = [
    pytest.param({"Retry-After": "120"}, 120.0, id="seconds"),
    pytest.param({"RETRY-AFTER": " 1.5 "}, 1.5, id="any case, and a fraction"),
    pytest.param({}, None, id="nothing asked"),
    pytest.param({"Retry-After": "soon"}, None, id="nonsense"),
    pytest.param({"Retry-After": "-5"}, None, id="negative"),
    pytest.param({"Retry-After": "inf"}, None, id="for ever"),
    pytest.param({"Retry-After": "٣"}, None, id="digits of another script"),
    pytest.param({"Retry-After": "9" * 400}, None, id="too long a number"),
    pytest.param(
        {"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"},
        30.0,
        id="a date",
    ),
    pytest.param(
        {"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 +0000"},
        0.0,
        id="a date that is past",
    ),
    pytest.param(
        {"Retry-After": "Sat, 21 Nov 2026 12:00:30 -0000", "Date": "Sat, 21 Nov 2026 12:00:00 GMT"},
        30.0,
        id="a date without a zone",
    ),
    pytest.param({"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT"}, None, id="a date of no clock"),
]


@pytest.mark.parametrize(("headers", "seconds"), AFTER)
def test_the_wait_that_a_service_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date by the service's own clock."""
    assert retry_after(headers) == seconds


@EVERY
def test_the_wait_is_told(name: str) -> None:
    """With what is to be repeated, and only with that."""
    assert judge(name, 429, b"", headers={"Retry-After": "12"}).after == 12.0
    assert judge(name, 400, b"", headers={"Retry-After": "12"}).after is None


@given(asked=st.text(max_size=40), date=st.text(max_size=40))
def test_any_wait_is_read(asked: str, date: str) -> None:
    """Nothing that a service asks for is an error."""
    seconds = retry_after({"Retry-After": asked, "Date": date})
    assert seconds is None or seconds >= 0


SAID = [
    pytest.param(b'{"message":"bad key"}', "HTTP 400: bad key", id="a message"),
    pytest.param(
        b'{"errors":[{"status":"400","title":"Bad Request","detail":"empty"}]}',
        "HTTP 400: Bad Request: empty",
        id="Datadog's list",
    ),
    pytest.param(
        b'{"error":{"type":"x","reason":"hunter2"}}', "HTTP 400: x", id="reasons are not told"
    ),
    pytest.param(b'{"line":"hunter2"}', "HTTP 400", id="nothing known"),
    pytest.param(b'["a","b"]', "HTTP 400: a; b", id="a list"),
    pytest.param(b"entry too far behind\n", "HTTP 400: entry too far behind", id="text"),
    pytest.param(b"near 'hunter2 \\' x' here", "HTTP 400: near '...' here", id="a quotation"),
    pytest.param(b'expected " before: "hunter2', 'HTTP 400: expected "..."', id="without an end"),
    pytest.param(b"can't parse 'hunter2'", "HTTP 400: can't parse '...'", id="an apostrophe"),
    pytest.param(b"a\x00b\x1b[31mc\r\nd", "HTTP 400: a b [31mc d", id="control characters"),
    pytest.param(b"caf\xc3\xa9 \xff", "HTTP 400: caf\u00e9 \ufffd", id="no UTF-8"),
    pytest.param(LOGIN, "HTTP 400", id="a page"),
    pytest.param(b"", "HTTP 400", id="nothing"),
]


@pytest.mark.parametrize("codec", CODECS.values(), ids=list(CODECS))
@pytest.mark.parametrize(("body", "reason"), SAID)
def test_what_a_service_says_is_told_without_our_events(
    codec: Any, body: bytes, reason: str
) -> None:
    """Quotations may be parts of events, and are left out."""
    assert said(codec, 400, body) == reason


@pytest.mark.parametrize("form", ["es_bulk", "otlp", "ndjson", "splunk_hec"])
def test_what_a_service_quotes_is_not_told(form: str) -> None:
    """Not from an error of the whole request, either."""
    error = {"type": "parse_exception", "reason": "unexpected 'hunter2'", "message": "'hunter2'"}
    body = json.dumps({"error": error, "text": 'got "hunter2"', "status": 400}).encode()
    answer = judge(form, 400, body)
    assert answer.kind is REJECT
    assert "hunter2" not in answer.reason
    assert answer.reason.startswith("HTTP 400")


@given(text=st.text(max_size=400))
def test_reasons_are_short_lines(text: str) -> None:
    """Whatever a service says."""
    reason = clean(text)
    assert len(reason) <= 256
    assert len(reason.splitlines()) <= 1


def test_a_long_reason_is_cut() -> None:
    """At 256 characters."""
    assert clean("x" * 10_000) == "x" * 256


NUMBERS = ("invalid-event-number", "partialSuccess", "rejectedLogRecords", "errorMessage")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("items", "create", "status", "error", "type", "reason", "code", "text", *NUMBERS)
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@EVERY
@given(
    status=st.integers(100, 700),
    body=st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()),
    count=st.integers(1, 3),
    after=st.text(max_size=8),
)
def test_every_answer_has_a_meaning(
    name: str, status: int, body: bytes, count: int, after: str
) -> None:
    """No answer is an error, none is a success but a 2xx, and places are of the request."""
    answer = judge(name, status, body, count, {"Retry-After": after})
    assert (answer.kind is OK) <= (200 <= status < 300)
    assert len(answer.reason) <= 256
    assert bool(answer.reason) or answer.kind is OK
    assert {*answer.rejected, *answer.again} <= set(range(count))
    assert not {*answer.rejected} & {*answer.again}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"\xef\xbb\xbf<!DOCTYPE html><p>please log in"),
        ({"content-type": "text/html; charset=utf-8"}, b"please log in"),
    ],
    ids=["behind a byte order mark", "by its type"],
)
@pytest.mark.parametrize("name", ["datadog", "loki", "ndjson"])
def test_a_page_is_never_a_success(name: str, headers: dict[str, str], body: bytes) -> None:
    """It is a proxy's or a login's, and nobody took the events."""
    assert judge(name, 200, body, headers=headers).kind is RETRY
