"""The audit log tells every change, every failure and what was held, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.audit import LONGEST, Audit
from steward.aws.log_stream import MOST_BYTES, MOST_EVENTS, OVERHEAD, LogStream, batches
from steward.errors import Denied, Gone, Refused
from steward.ledger import Change, Status, stamp
from steward.model import Call, Fate, Finding, Ref, Trigger, Verdict
from steward.run import Outcome
from tests.fakes import START, FakeAws, FakeClock
from tests.toy import Telling

REF = Ref("AWS::Logs::LogGroup", "/aws/lambda/orders")
WRONG = Finding(REF, Verdict.NON_COMPLIANT, "NEVER_EXPIRES", "kept for ever, should be 30 days")
UNDO = Call("logs", "DeleteRetentionPolicy", {"logGroupName": REF.id})
CALL = Call("logs", "PutRetentionPolicy", {"logGroupName": REF.id, "retentionInDays": 30}, UNDO)


def change(status: Status = Status.DONE, **fields: Any) -> Change:
    told: dict[str, Any] = {
        "id": "log-retention-1",
        "control": "log-retention",
        "ref": REF,
        "status": status,
        "at": stamp(START),
        "trigger": Trigger.SWEEP,
        "run": "run-1",
        "code": WRONG.code,
        "reason": WRONG.reason,
        "before": {"days": None, "tags": {"team": "shop"}},
        "calls": (CALL,),
    }
    return Change(**{**told, **fields})


def outcome(fate: Fate, change: str = "", note: str = "") -> Outcome:
    return Outcome("log-retention", WRONG, fate, Trigger.EVENT, note, change)


class Log:
    """Keeps the lines that it is given, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.texts: list[str] = []
        self.telling = Telling()
        self.audit = Audit(self._put, FakeClock(), self.telling)
        self._error = error

    @property
    def lines(self) -> list[dict[str, str]]:
        return [json.loads(text) for text in self.texts]

    def _put(self, lines: Sequence[str]) -> None:
        if self._error:
            raise self._error
        self.texts += lines


def test_a_change_is_one_line_with_what_was_before_and_what_was_called() -> None:
    """Both as texts: each is one column of a table, not hundreds of fields."""
    log = Log()
    log.audit.remember([change()])
    log.audit.write([outcome(Fate.REMEDIATED, "log-retention-1")])
    [line] = log.lines
    assert json.loads(line.pop("before")) == {"days": None, "tags": {"team": "shop"}}
    assert json.loads(line.pop("calls")) == [
        {"service": "logs", "operation": "PutRetentionPolicy", "params": dict(CALL.params)}
    ]
    assert line == {
        "time": stamp(START),
        "control": "log-retention",
        "kind": REF.kind,
        "resource": REF.id,
        "fate": "remediated",
        "code": "NEVER_EXPIRES",
        "reason": "kept for ever, should be 30 days",
        "trigger": "event",
        "change": "log-retention-1",
    }


@pytest.mark.parametrize("fate", Fate)
def test_failures_and_what_was_held_are_told_without_a_change(fate: Fate) -> None:
    """What is only planned or reported stands in the ledger, and would be told by each sweep."""
    log = Log()
    log.audit.write([outcome(fate)])
    told = fate in (Fate.REMEDIATED, Fate.FAILED, Fate.HELD, Fate.UNKNOWN)
    assert [line["fate"] for line in log.lines] == [fate.value] * told


@pytest.mark.parametrize(
    ("status", "fates"),
    [
        (Status.DONE, ["remediated"]),
        (Status.FAILED, ["failed"]),
        (Status.INTENT, []),
        (Status.UNDONE, []),
    ],
)
def test_what_a_killed_run_did_is_told_by_the_look_that_settles_it(
    status: Status, fates: list[str]
) -> None:
    """A change without an outcome; one that is open still, or was undone, is told otherwise."""
    log = Log()
    log.audit.remember([change(status, settled_at="2026-11-20T12:00:00Z")])
    log.audit.write([])
    assert [(line["fate"], line["time"]) for line in log.lines] == [
        (fate, "2026-11-20T12:00:00Z") for fate in fates
    ]


def test_a_change_is_told_once() -> None:
    """Not with the next batch again."""
    log = Log()
    log.audit.remember([change()])
    for _ in range(2):
        log.audit.write([])
    assert len(log.lines) == 1


SECRETS = [
    pytest.param("Authorization: Bearer c2VjcmV0c2VjcmV0c2VjcmV0", "c2VjcmV0", id="a bearer"),
    pytest.param("password=hunter2hunter2", "hunter2", id="a password"),
    pytest.param("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", id="an access key"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_in_a_tag_is_not_told(text: str, secret: str) -> None:
    """Nobody should put it there; neither before, nor calls, nor AWS's own words carry it on."""
    log = Log()
    call = Call("tag", "TagResources", {"Tags": {"note": text}})
    log.audit.remember([change(before={"tags": {"note": text}}, calls=(call,))])
    log.audit.write([outcome(Fate.FAILED, "log-retention-1", f"refused: {text}")])
    [line] = log.texts
    assert secret not in line
    assert line.count("REDACTED") >= 3


PAIRS = [
    pytest.param({"Key": "db_password", "Value": "hunter2"}, id="a tag"),
    pytest.param({"value": "hunter2", "name": "API_KEY"}, id="a variable"),
    pytest.param({"TagKey": "token", "TagValue": "hunter2"}, id="a tag of KMS"),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_secret_in_a_pair_is_known_by_what_the_pair_is_called(pair: dict[str, str]) -> None:
    """As it is where the same tags are written as a map."""
    log = Log()
    call = Call("tag", "TagResource", {"Tags": [pair, {"Key": "team", "Value": "shop"}]})
    log.audit.remember([change(before={"tags": [pair]}, calls=(call,))])
    log.audit.write([])
    [line] = log.texts
    assert "hunter2" not in line
    assert "shop" in line


def test_a_secret_at_the_cut_is_not_told_by_half() -> None:
    """No rule would know what is left of it."""
    for size in range(LONGEST - 60, LONGEST):
        log = Log()
        log.audit.remember([change(before={"note": "x " * (size // 2) + "AKIAIOSFODNN7EXAMPLE"})])
        log.audit.write([])
        assert "AKIAI" not in log.texts[0]


def test_half_a_pair_of_surrogates_is_spelled_out() -> None:
    """A tag may hold it, and no file, log or request may."""
    log = Log()
    call = Call("tag", "TagResource", {"note": "\ud83e"})
    log.audit.remember([change(before={"note": "\ud83e"}, calls=(call,), error="\ud83e")])
    log.audit.write([])
    [line] = log.texts
    line.encode()
    assert "\ud83e" in json.loads(line)["calls"]


def test_undo_calls_are_left_to_the_ledger() -> None:
    """A line is to be read, not to be worked with."""
    log = Log()
    log.audit.remember([change()])
    log.audit.write([])
    assert UNDO.operation not in log.texts[0]


def test_a_line_is_never_larger_than_cloudwatch_logs_takes() -> None:
    """256 kB, whatever characters it has."""
    log = Log()
    params = {"DashboardBody": '"\U0001f980' * 300_000}
    log.audit.remember([change(before=params, calls=(Call("cloudwatch", "Put", params),))])
    log.audit.write([])
    [line] = log.texts
    assert LONGEST < len(line.encode()) <= 256 * 1024 - OVERHEAD


def test_a_log_that_cannot_be_written_stops_nothing_and_is_told() -> None:
    """The ledger is the record."""
    log = Log(Denied("PutLogEvents: not allowed"))
    log.audit.write([outcome(Fate.HELD)])
    assert (log.telling.told, log.telling.metrics["AuditFailures"]) == (["audit not written"], 1)


@given(sizes=st.lists(st.sampled_from([0, 1, 1000, 260_000]), max_size=60), many=st.booleans())
def test_batches_keep_every_line_in_order_and_fit_into_requests(
    *, sizes: list[int], many: bool
) -> None:
    """CloudWatch Logs counts 26 bytes for each event besides (PutLogEvents)."""
    lines = [f"{n:03}" + "x" * size for n, size in enumerate(sizes)] + ["y"] * 12_000 * many
    some = list(batches(lines))
    assert [line for batch in some for line in batch] == lines
    assert all(0 < len(batch) <= MOST_EVENTS for batch in some)
    assert all(sum(len(line) + OVERHEAD for line in batch) <= MOST_BYTES for batch in some)


def stream(**answers: Any) -> tuple[FakeAws, LogStream]:
    aws = FakeAws({("logs", name): answer for name, answer in answers.items()})
    return aws, LogStream(aws, FakeClock(), "/steward/steward/audit", "function/1")


def test_a_stream_is_made_once() -> None:
    """With its first lines."""
    aws, log = stream(CreateLogStream={}, PutLogEvents={})
    log.put([])
    assert aws.requests == []
    log.put(["a"])
    log.put(["b", "c"])
    assert len(aws.asked("logs", "CreateLogStream")) == 1
    events = [one["logEvents"] for one in aws.asked("logs", "PutLogEvents")]
    assert [[event["message"] for event in some] for some in events] == [["a"], ["b", "c"]]
    assert events[0][0]["timestamp"] == int(START.timestamp()) * 1000


def test_a_stream_that_somebody_deleted_is_made_anew() -> None:
    """And the lines are written after all."""
    aws, log = stream(CreateLogStream={}, PutLogEvents=[{}, Gone("no stream"), {}])
    log.put(["a"])
    log.put(["b"])
    assert len(aws.asked("logs", "CreateLogStream")) == 2


def test_a_stream_that_is_there_after_all_is_used() -> None:
    """A request that was repeated, because its answer did not come, had made it."""
    there = Refused("it exists", code="ResourceAlreadyExistsException")
    aws, log = stream(CreateLogStream=there, PutLogEvents={})
    log.put(["a"])
    assert len(aws.asked("logs", "PutLogEvents")) == 1


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"CreateLogStream": Denied("no")}, id="no stream"),
        pytest.param(
            {
                "CreateLogStream": {},
                "PutLogEvents": {"rejectedLogEventsInfo": {"tooNewLogEventStartIndex": 0}},
            },
            id="lines that are not taken",
        ),
        pytest.param(
            {"CreateLogStream": [{}, Gone("no group")], "PutLogEvents": Gone("no stream")},
            id="no group",
        ),
    ],
)
def test_lines_that_are_not_written_are_no_success(answers: dict[str, Any]) -> None:
    """Whoever writes is told."""
    _, log = stream(**answers)
    with pytest.raises((Refused, Gone)):
        log.put(["a"])
