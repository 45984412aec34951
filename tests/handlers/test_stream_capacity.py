"""How streams are read, changed and remembered, on a faithful moto: pages, metrics, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.kinesis.models import kinesis_backends

from console.sqlite_ledger import SQLiteLedger
from embedded.handlers import automation_of
from embedded.overlays import faithful
from steward.account import Account, Memory
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.stream_capacity import CONTROL
from steward.controls.stream_capacity.load import BYTES, LAG, RECORDS, REJECTED, STATISTICS, Load
from steward.controls.stream_capacity.readers import discover, observe
from steward.controls.stream_capacity.state import KIND, Stream
from steward.errors import (
    Denied,
    Gone,
    Invalid,
    Limit,
    OutOfTime,
    Refused,
    StewardError,
    Throttled,
)
from steward.ledger import Item, Status
from steward.look import look
from steward.model import Deadline, Known, Ref, Sight, Trigger, Unread
from steward.policy import load
from steward.run import Outcome
from steward.runtime import handler, sheltered
from steward.undo import undo
from tests.fakes import REGION, START, FakeAws, FakeClock, NothingKnown
from tests.toy import Telling

HERE = "123456789012"
FUNCTION = Path(__file__).parents[2] / "functions" / "stream_capacity"
CREATED = START - timedelta(days=9)

SCALING: dict[str, Any] = {"mode": "enforce", "managed": ["*"], "scale_down": True}


@pytest.fixture
def api() -> Iterator[Api]:
    clock = FakeClock()
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        yield Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


def create(api: Api, *names: str, shards: int = 1, mode: str = "PROVISIONED") -> None:
    """Streams that are nine days old."""
    for name in names:
        count = {"ShardCount": shards} if mode == "PROVISIONED" else {}
        asked = {"StreamName": name, "StreamModeDetails": {"StreamMode": mode}, **count}
        api.ask("kinesis", "CreateStream", **asked)
        vars(kinesis_backends[HERE][REGION].streams[name])["creation_datetime"] = CREATED
    api.calls.clear()


def measure(api: Api, name: str, metric: str, value: float, at: datetime) -> None:
    datum = {
        "MetricName": metric,
        "Dimensions": [{"Name": "StreamName", "Value": name}],
        "Timestamp": at,
        "Value": value,
    }
    api.ask("cloudwatch", "PutMetricData", Namespace="AWS/Kinesis", MetricData=[datum])
    api.calls.clear()


def written(api: Api, name: str, megabytes: float, minutes: float = 7) -> None:
    """Records came in, so much a second in one period of five minutes, so many minutes ago."""
    at = START - timedelta(minutes=minutes)
    measure(api, name, BYTES, megabytes * 1_000_000 * 300, at)
    measure(api, name, RECORDS, 300, at)


def shards(api: Api, name: str) -> int:
    told = api.ask("kinesis", "DescribeStreamSummary", StreamName=name)
    count: int = told["StreamDescriptionSummary"]["OpenShardCount"]
    return count


def sight(aws: Any, known: Known | None = None, **policy: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, policy).policy, known or NothingKnown(), START)


def refs(*names: str) -> list[Ref]:
    return [Ref(KIND, name) for name in names]


@dataclass
class Stage:
    """The control, its ledger and a clock, over some AWS."""

    aws: Any
    book: SQLiteLedger
    clock: FakeClock

    def look(self, *names: str, **policy: Any) -> list[Outcome]:
        return list(look(self._run({**SCALING, **policy}), refs(*names)).outcomes)

    def one(self, name: str, **policy: Any) -> tuple[str, str, list[int]]:
        """Code, fate and planned shards of one stream that is looked at."""
        [found] = self.look(name, **policy)
        planned = [call.params["TargetShardCount"] for call in found.finding.remediation]
        return found.finding.code, found.fate.value, planned

    def undo(self) -> Outcome:
        [change] = self.book.changes(CONTROL.id)
        return undo(self._run(SCALING), change.id, "alice")

    def known(self, name: str) -> Item:
        [item] = self.book.items(CONTROL.id, refs(name)).values()
        return item

    def _run(self, policy: Mapping[str, Any]) -> Any:
        account = Account(
            self.aws, self.book, self.clock, Telling(), lambda control: load(control, policy)
        )
        deadline, shelter = Deadline(self.clock), sheltered(Telling())
        return account.run(CONTROL, Trigger.DIRECT, "run", deadline=deadline, shelter=shelter)


@pytest.fixture
def stage(api: Api, book: SQLiteLedger) -> Stage:
    return Stage(api, book, FakeClock())


def test_discovery_reads_a_page_with_one_request_for_its_metrics(api: Api) -> None:
    """Each stream once, in whatever order; a cursor is the last name of a page."""
    names = [f"s{number:02}" for number in range(51)]
    create(api, *names)
    pages = list(discover(sight(api), None))
    assert [len(page.states) for page in pages] == [50, 1]
    assert sorted(one.ref.id for page in pages for one in page.states) == names
    assert dict(api.calls) == {
        "kinesis.ListStreams": 2,
        "kinesis.DescribeStreamSummary": 51,
        "cloudwatch.GetMetricData": 2,
    }
    resumed = list(discover(sight(api), pages[0].cursor))
    assert [page.states for page in resumed] == [pages[1].states]


def test_what_is_not_to_be_judged_is_not_looked_into(api: Api) -> None:
    """KIN-11: on demand; and what the policy leaves out. Each is told of, all the same."""
    create(api, "demand", mode="ON_DEMAND")
    create(api, "apart", "other", "orders")
    asked: dict[str, Any] = {"streams": ["demand", "apart", "orders"], "exclude": ["apart"]}
    [page] = discover(sight(api, **asked), None)
    codes = {
        one.ref.id: CONTROL.assess(one, load(CONTROL, asked).policy).code
        for one in page.states
        if isinstance(one, Stream)
    }
    assert (codes.pop("demand"), codes.pop("other")) == ("ON_DEMAND", "NOT_SELECTED")
    assert set(codes) == {"apart", "orders"}
    assert api.calls["kinesis.DescribeStreamSummary"] == 1
    named = list(observe(sight(api, **asked), refs("demand", "apart", "other")))
    assert sorted(one.ref.id for one in named) == ["apart", "demand", "other"]
    assert api.calls["cloudwatch.GetMetricData"] == 1


def test_no_streams_need_no_metrics(api: Api) -> None:
    """An account without streams has one page with nothing on it."""
    assert [(page.states, page.cursor) for page in discover(sight(api), None)] == [([], None)]
    assert dict(api.calls) == {"kinesis.ListStreams": 1}


def test_a_stream_is_read_alike_in_a_sweep_and_by_its_name(api: Api) -> None:
    """Shards, age, and the load of the busiest five minutes of the look-back."""
    create(api, "orders", shards=3)
    written(api, "orders", 2.5, minutes=23 * 60)
    written(api, "orders", 9.0, minutes=25 * 60)
    measure(api, "orders", REJECTED, 5, START - timedelta(hours=2))
    measure(api, "orders", LAG, 400_000, START - timedelta(minutes=20))
    [page] = discover(sight(api), None)
    [named] = observe(sight(api), refs("orders"))
    assert list(page.states) == [named]
    assert named == Stream(
        name="orders",
        shards=3,
        counted=3,
        load=Load(bytes=2_500_000, records=1, rejected=True, rejects=True, lag_minutes=6),
        age_hours=9 * 24,
        read_at=START.isoformat(),
        memory="3 -",
    )


def test_only_the_stream_that_is_named_is_read(api: Api) -> None:
    """Each name once; of one that is gone nothing is told."""
    create(api, "orders", "orders-prod")
    found = list(observe(sight(api), refs("orders", "order", "orders")))
    assert [one.ref.id for one in found] == ["orders"]
    assert api.calls["kinesis.DescribeStreamSummary"] == 2


@pytest.mark.parametrize("name", ["", "a/b", "arn:aws:kinesis:eu-west-1:1:stream/a", "x" * 129])
def test_what_is_no_streams_name_is_not_asked_for(name: str) -> None:
    """Kinesis would refuse it."""
    assert list(observe(sight(FakeAws()), refs(name))) == []


def described(name: str, **fields: Any) -> dict[str, Any]:
    told = {
        "StreamName": name,
        "StreamARN": f"arn:aws:kinesis:{REGION}:{HERE}:stream/{name}",
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "StreamCreationTimestamp": CREATED,
        "OpenShardCount": 4,
    }
    return {"StreamDescriptionSummary": {**told, **fields}}


def measured(params: Mapping[str, Any], **values: float) -> Mapping[str, Any]:
    """An answer with a point of each of these metrics, for every stream that is asked for."""
    results = []
    for query in params["MetricDataQueries"]:
        value = values.get(query["MetricStat"]["Metric"]["MetricName"].replace(".", "_"))
        points = [] if value is None else [(START - timedelta(minutes=10), value)]
        results.append(
            {
                "Id": query["Id"],
                "Timestamps": [at for at, _ in points],
                "Values": [one for _, one in points],
                "StatusCode": "Complete",
            }
        )
    return {"MetricDataResults": results}


DESCRIBE, METRICS = ("kinesis", "DescribeStreamSummary"), ("cloudwatch", "GetMetricData")
UPDATE = ("kinesis", "UpdateShardCount")
OPEN: dict[tuple[str, str], Any] = {
    DESCRIBE: lambda params: described(params["StreamName"]),
    METRICS: measured,
}


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        pytest.param(Refused("no"), "UNREADABLE", id="refused"),
        pytest.param(Invalid("no"), "UNREADABLE", id="invalid"),
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
        pytest.param(Throttled("no"), "BUSY", id="busy"),
        pytest.param(Gone("no"), None, id="gone"),
    ],
)
def test_a_stream_that_cannot_be_read_spoils_only_itself(
    refusal: StewardError, code: str | None
) -> None:
    """It is told why not; the others are read."""

    def describe(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if params["StreamName"] == "bad":
            raise refusal
        return described(params["StreamName"])

    found = list(observe(sight(FakeAws({**OPEN, DESCRIBE: describe})), refs("a", "bad", "b")))
    assert [one.ref.id for one in found if isinstance(one, Stream)] == ["a", "b"]
    unread = [(one.ref.id, one.code) for one in found if isinstance(one, Unread)]
    assert unread == ([] if code is None else [("bad", code)])


def test_what_a_step_of_a_sweep_has_no_time_for_the_next_one_reads() -> None:
    """It is not told as unread, which would make each sweep of many streams incomplete."""
    listing = {"StreamNames": ["late"], "HasMoreStreams": False}

    def describe(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise OutOfTime("no request is left before the deadline")

    aws = FakeAws({**OPEN, DESCRIBE: describe, ("kinesis", "ListStreams"): listing})
    with pytest.raises(OutOfTime):
        list(discover(sight(aws), None))


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        pytest.param(Refused("no"), "UNREADABLE", id="refused"),
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
    ],
)
def test_streams_whose_metrics_cannot_be_read_are_not_judged(
    refusal: StewardError, code: str
) -> None:
    """They might bear any load."""
    found = list(observe(sight(FakeAws({**OPEN, METRICS: refusal})), refs("a", "b")))
    told = [(one.ref.id, one.code) for one in found if isinstance(one, Unread)]
    assert told == [("a", code), ("b", code)]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param("PartialData", "UNREADABLE", id="a part of the data"),
        pytest.param("InternalError", "UNREADABLE", id="an error"),
        pytest.param("Forbidden", "ACCESS_DENIED", id="forbidden"),
        pytest.param(None, "UNREADABLE", id="no result"),
    ],
)
def test_a_stream_with_incomplete_metrics_is_not_judged(status: str | None, code: str) -> None:
    """The busiest minutes may be among what is missing; another stream is judged."""

    def answer(params: Mapping[str, Any]) -> Mapping[str, Any]:
        first, *rest = measured(params)["MetricDataResults"]
        changed = [] if status is None else [{**first, "StatusCode": status}]
        return {"MetricDataResults": [*changed, *rest]}

    found = list(observe(sight(FakeAws({**OPEN, METRICS: answer})), refs("a", "b")))
    assert [one.code for one in found if isinstance(one, Unread)] == [code]
    assert [one.ref.id for one in found if isinstance(one, Stream)] == ["b"]


def test_metrics_are_read_to_their_last_page() -> None:
    """A result that is incomplete on a page goes on with the next one."""

    def part(value: float, status: str) -> Mapping[str, Any]:
        at = [START - timedelta(hours=1)]
        first = {"Id": "s0_0", "Timestamps": at, "Values": [value], "StatusCode": status}
        rest = [
            {"Id": f"s0_{n}", "Timestamps": [], "Values": [], "StatusCode": "Complete"}
            for n in range(1, len(STATISTICS))
        ]
        return {"MetricDataResults": [first, *rest]}

    pages = [{**part(9000, "PartialData"), "NextToken": "more"}, part(300, "Complete")]
    [stream] = observe(sight(FakeAws({**OPEN, METRICS: pages})), refs("a"))
    assert isinstance(stream, Stream)
    assert stream.load == Load(bytes=30)


def test_the_metrics_of_a_hundred_streams_are_one_request() -> None:
    """Whole periods of five minutes, the one under way left out; every query has its own id."""
    aws = FakeAws(OPEN)
    now = START + timedelta(minutes=3, seconds=7)
    where = replace(sight(aws, lookback_hours=2), now=now)
    names = [f"s{number:03}" for number in range(101)]
    assert len(list(observe(where, refs(*names)))) == 101
    asked = aws.asked(*METRICS)
    assert [len(one["MetricDataQueries"]) for one in asked] == [500, 5]
    assert len({query["Id"] for query in asked[0]["MetricDataQueries"]}) == 500
    assert {one["StartTime"] for one in asked} == {START - timedelta(hours=2)}
    assert {one["EndTime"] for one in asked} == {START}
    assert asked[1]["MetricDataQueries"][0]["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/Kinesis",
            "MetricName": "IncomingBytes",
            "Dimensions": [{"Name": "StreamName", "Value": "s100"}],
        },
        "Period": 300,
        "Stat": "Sum",
    }


TAGS = ("resourcegroupstaggingapi", "GetResources")


def tagged(params: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {"ResourceARN": described("a")["StreamDescriptionSummary"]["StreamARN"]}
    tags = [{"Key": "steward:exempt/stream-capacity", "Value": "2027-01-31"}]
    return {"ResourceTagMappingList": [{**told, "Tags": tags}]}


LISTED = {"StreamNames": ["a", "b"], "HasMoreStreams": False}


@pytest.mark.parametrize("by_name", [True, False], ids=["observe", "discover"])
def test_tags_are_read_where_the_policy_goes_by_them(*, by_name: bool) -> None:
    """By ARN after a name, else the whole index; a list without summaries is enough."""
    aws = FakeAws({**OPEN, TAGS: tagged, ("kinesis", "ListStreams"): LISTED})
    where = sight(aws, honor_tags=True)
    found = list(observe(where, refs("a", "b")) if by_name else next(discover(where, None)).states)
    tags = [one.tags for one in found if isinstance(one, Stream)]
    assert tags == [{"steward:exempt/stream-capacity": "2027-01-31"}, {}]
    [asked] = aws.asked(*TAGS)
    assert ("ResourceARNList" in asked) == by_name
    assert asked.get("ResourceTypeFilters") == (None if by_name else ["kinesis:stream"])


def test_streams_whose_tags_cannot_be_read_are_not_judged() -> None:
    """An exemption might be among the tags."""
    aws = FakeAws({**OPEN, TAGS: Denied("GetResources: no")})
    found = list(observe(sight(aws, honor_tags=True), refs("a", "b")))
    told = [(one.ref.id, one.code) for one in found if isinstance(one, Unread)]
    assert told == [("a", "TAGS_UNREADABLE"), ("b", "TAGS_UNREADABLE")]


def test_the_reads_are_those_that_the_control_declares(api: Api) -> None:
    """What the role of the function must grant, and no more."""
    create(api, "orders")
    assert list(observe(sight(api, honor_tags=True), refs("orders")))
    assert list(discover(sight(api, honor_tags=True), None))
    actions = {call.replace("resourcegroupstaggingapi.", "tag.") for call in api.calls}
    assert {action.replace(".", ":") for action in actions} == CONTROL.reads


def test_shards_follow_the_load_and_are_remembered(api: Api, stage: Stage) -> None:
    """KIN-13: by doubling, then no further; what is as it should be is not called for again."""
    create(api, "orders", shards=2)
    written(api, "orders", 4.0)
    assert stage.one("orders") == ("TOO_FEW_SHARDS", "remediated", [4])
    assert (shards(api, "orders"), stage.known("orders").memory) == (4, f"4 {START.isoformat()}")
    assert stage.one("orders") == ("TOO_FEW_SHARDS", "reported", [])
    stage.clock.advance(3600)
    assert stage.one("orders") == ("TOO_FEW_SHARDS", "remediated", [6])
    stage.clock.advance(3600)
    assert stage.one("orders") == ("FITS", "none", [])
    assert api.calls["kinesis.UpdateShardCount"] == 2


def test_a_dry_run_calls_nothing(api: Api, stage: Stage) -> None:
    """KIN-16: in mode audit the call is told and not sent."""
    create(api, "orders")
    written(api, "orders", 4.0)
    assert stage.one("orders", mode="audit") == ("TOO_FEW_SHARDS", "planned", [2])
    assert shards(api, "orders") == 1
    assert "kinesis.UpdateShardCount" not in api.calls


def test_undo_gives_back_the_shards_there_were(api: Api, stage: Stage) -> None:
    """And leaves the stream alone for a while."""
    create(api, "orders", shards=8)
    written(api, "orders", 0.5)
    assert stage.one("orders") == ("TOO_MANY_SHARDS", "remediated", [4])
    assert stage.undo().fate == "remediated"
    assert shards(api, "orders") == 8
    assert {change.status for change in stage.book.changes(CONTROL.id)} == {
        Status.UNDONE,
        Status.DONE,
    }
    assert stage.one("orders") == ("TOO_MANY_SHARDS", "none", [])


def test_somebody_elses_change_is_waited_for_too(api: Api, stage: Stage) -> None:
    """It is known to have happened when it is first seen."""
    create(api, "orders", shards=4)
    written(api, "orders", 0.5)
    assert stage.one("orders", mode="audit") == ("TOO_MANY_SHARDS", "planned", [2])
    api.ask("kinesis", "UpdateShardCount", StreamName="orders", TargetShardCount=8, **UNIFORM)
    for minutes, fate in [(10, "reported"), (50, "reported"), (10, "remediated")]:
        stage.clock.advance(minutes * 60)
        assert stage.one("orders")[:2] == ("TOO_MANY_SHARDS", fate)


UNIFORM = {"ScalingType": "UNIFORM_SCALING"}


def test_what_kinesis_refuses_for_now_is_reported_and_tried_again(book: SQLiteLedger) -> None:
    """KIN-14: ten changes in 24 hours; no failure, and tried again after an hour."""
    full = Limit("UpdateShardCount: LimitExceededException: 10 in 24 hours")
    busy = {**OPEN, METRICS: lambda params: measured(params, IncomingBytes=3e9)}
    aws = FakeAws({**busy, UPDATE: [full, full, {}]})
    stage = Stage(aws, book, FakeClock())
    for minutes, calls in [(0, 1), (30, 1), (30, 2)]:
        stage.clock.advance(minutes * 60)
        assert stage.one("a") == ("CHANGE_LIMIT", "reported", [8])
        assert len(aws.asked(*UPDATE)) == calls
    stage.clock.advance(3600)
    assert stage.one("a") == ("TOO_FEW_SHARDS", "remediated", [8])
    assert stage.known("a").memory == f"8 {(START + timedelta(hours=2)).isoformat()}"


def test_a_stream_under_change_waits_for_the_next_look(book: SQLiteLedger) -> None:
    """KIN-12: not judged by shards that are in between, and not forgotten."""
    answers: Sequence[Any] = [
        described("a"),
        described("a", StreamStatus="UPDATING", OpenShardCount=6),
        described("a", OpenShardCount=8),
    ]
    busy = {**OPEN, METRICS: lambda params: measured(params, IncomingBytes=1.6e9)}
    aws = FakeAws({**busy, DESCRIBE: answers, UPDATE: {}})
    stage = Stage(aws, book, FakeClock())
    assert stage.one("a") == ("TOO_FEW_SHARDS", "remediated", [8])
    stage.clock.advance(600)
    assert stage.one("a") == ("BEING_CHANGED", "none", [])
    stage.clock.advance(600)
    assert stage.one("a") == ("FITS", "none", [])
    assert stage.known("a").memory == f"8 {START.isoformat()}"
    assert len(aws.asked(*METRICS)) == 2


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{HERE}:function:steward-stream-capacity"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


def test_the_function_looks_at_a_stream_that_it_is_told_and_sweeps_all(
    api: Api, book: SQLiteLedger
) -> None:
    """The one more often than the others, which it only reports."""
    create(api, "own", "theirs")
    written(api, "own", 1.0)
    written(api, "theirs", 1.0)
    asked = {"mode": "enforce", "managed": ["own"]}
    account = Account(api, book, FakeClock(), Telling(), lambda control: load(control, asked))
    answer = handler(automation_of(FUNCTION), lambda *_: account)
    told = {"control": CONTROL.id, "resources": ["own"]}
    assert answer({"look": told}, Context()) == {"fates": {"remediated": 1}, "untouched": []}
    swept = answer({"sweep": {"control": CONTROL.id, "cursor": None}}, Context())
    assert (swept["complete"], swept["fates"]) == (True, {"none": 1, "reported": 1})
    assert (shards(api, "own"), shards(api, "theirs")) == (2, 1)


def test_memory_is_the_ledgers(book: SQLiteLedger) -> None:
    """Rejections before the last change are no evidence against the shards of now."""
    aws = FakeAws({**OPEN, METRICS: lambda params: measured(params, **{REJECTED: 5.0})})
    stage = Stage(aws, book, FakeClock())
    assert stage.one("a", managed=[])[0] == "UNEVEN_LOAD"
    changed = f"4 {(START - timedelta(minutes=20)).isoformat()}"
    item = stage.known("a")
    book.commit(items=[replace(item, memory=changed)])
    [stream] = observe(sight(aws, Memory(book, CONTROL.id)), refs("a"))
    assert isinstance(stream, Stream)
    assert stream.load == Load(rejected=True)
    assert (stream.memory, stream.settled_minutes) == (changed, 20)
