"""How stages are read with their alarms, changed and remembered, on a faithful moto."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.api_seeding import ApiSeed, seed_api
from embedded.handlers import automation_of
from embedded.metric_alarms import seed
from embedded.overlays import faithful
from embedded.stamping import metrics_stamped_by
from steward.account import Account, Memory
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.api_alarms import CONTROL, names
from steward.controls.api_alarms.alarms import wanted
from steward.controls.api_alarms.boards import Board
from steward.controls.api_alarms.changes import MOST
from steward.controls.api_alarms.costs import DEFAULT_SORTS
from steward.controls.api_alarms.readers import LAST, discover, observe
from steward.controls.api_alarms.state import ALARM, DASHBOARD, Watched
from steward.controls.api_gateway import REST, V2
from steward.controls.api_throttling import CONTROL as THROTTLING
from steward.errors import Denied, Gone, Invalid, Limit, Refused, Throttled
from steward.events import Skip, named
from steward.ledger import Status
from steward.look import look
from steward.model import Deadline, Known, Ref, Sight, Trigger, Unread
from steward.policy import load
from steward.run import Outcome
from steward.runtime import sheltered
from steward.sweep import advance, begin
from steward.undo import undo
from tests.fakes import ACCOUNT, REGION, START, FakeAws, FakeClock, NothingKnown
from tests.toy import Telling

HERE = "123456789012"
BY_METHOD: dict[str, Any] = {"granularity": "method"}
PLANS = (
    "apigateway.UpdateStage",
    "apigatewayv2.UpdateStage",
    "cloudwatch.DeleteAlarms",
    "cloudwatch.DeleteDashboards",
    "cloudwatch.PutDashboard",
    "cloudwatch.PutMetricAlarm",
)
"""Every write there is."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> Iterator[Api]:
    with faithful(), mock_aws(), metrics_stamped_by(clock):
        where = Identity(HERE, REGION, "aws")
        yield Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield ledger
    ledger.close()


def create(api: Api, name: str = "orders", **fields: Any) -> str:
    """An API with two methods, deployed on prod; its id."""
    usual = {"methods": ["GET /items", "OPTIONS /items"]}
    made = seed_api(ApiSeed(name=name, **{**usual, **fields}), region=REGION, account=HERE)
    api.calls.clear()
    return made


def alarms(api: Api, prefix: str = "steward/") -> dict[str, Mapping[str, Any]]:
    pages = api.pages("cloudwatch", "DescribeAlarms", AlarmNamePrefix=prefix)
    found = {one["AlarmName"]: one for page, _ in pages for one in page["MetricAlarms"]}
    api.calls.clear()
    return found


def dashboards(api: Api) -> list[str]:
    return [
        one["DashboardName"] for one in api.ask("cloudwatch", "ListDashboards")["DashboardEntries"]
    ]


def writes(api: Api) -> dict[str, int]:
    return {call: api.calls[call] for call in PLANS if api.calls[call]}


def sight(aws: Any, known: Known | None = None, **asked: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, asked).policy, known or NothingKnown(), START)


@dataclass
class Control:
    """The control, its ledger and a clock, over some AWS."""

    aws: Any
    book: SQLiteLedger
    clock: FakeClock
    control: Any = CONTROL

    def look(self, *refs: Ref, **policy: Any) -> list[Outcome]:
        return list(look(self._run(policy), list(refs)).outcomes)

    def told(self, *refs: Ref, **policy: Any) -> dict[str, tuple[str, str]]:
        """Code and fate of each resource that is looked at."""
        return {
            one.finding.ref.id: (one.finding.code, one.fate.value)
            for one in self.look(*refs, **policy)
        }

    def sweep(self, **policy: Any) -> Counter[str]:
        """A whole pass; how many resources met which fate."""
        run = self._run(policy)
        started = begin(self.book, self.control.id, "policy", self.clock.now(), restart=True)
        steps = list(advance(run, started))
        assert steps[-1].sweep.error == ""
        return Counter(steps[-1].sweep.fates)

    def undo(self, number: int = 0, **policy: Any) -> Outcome:
        change = list(self.book.changes(CONTROL.id))[number]
        return undo(self._run(policy), change.id, "alice")

    def _run(self, policy: Mapping[str, Any]) -> Any:
        account = Account(
            self.aws, self.book, self.clock, Telling(), lambda control: load(control, policy)
        )
        deadline, shelter = Deadline(self.clock), sheltered(Telling())
        return account.run(self.control, Trigger.DIRECT, "run", deadline=deadline, shelter=shelter)


@pytest.fixture
def control(api: Api, book: SQLiteLedger, clock: FakeClock) -> Control:
    return Control(api, book, clock)


def test_a_new_stage_gets_its_alarms_and_a_second_look_writes_nothing(
    api: Api, control: Control
) -> None:
    """ALM-12: tags tell whose they are."""
    ref = Ref(REST, f"{create(api)}/prod")
    assert control.told(ref) == {ref.id: ("MISSING_ALARMS", "remediated")}
    found = alarms(api)
    assert sorted(name.removeprefix(f"steward/{ref.id}/") for name in found) == [
        "error_4xx_rate",
        "error_5xx_rate",
        "latency_p99_ms",
    ]
    [arn, *_] = (one["AlarmArn"] for one in found.values())
    tags = api.ask("cloudwatch", "ListTagsForResource", ResourceARN=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "steward:control": "api-alarms",
        "steward:stack": "steward",
        "steward:api": ref.id.partition("/")[0],
    }
    assert control.told(ref) == {ref.id: ("ALARMED", "none")}
    assert writes(api) == {}


def test_a_redeployment_takes_alarms_of_removed_methods_and_adds_those_of_new_ones(
    api: Api, control: Control
) -> None:
    """ALM-12: foreign alarms stay, and so do those of a similarly named API (ALM-10)."""
    one = create(api, methods=["GET /items", "GET /old"])
    ref = Ref(REST, f"{one}/prod")
    control.look(ref, **BY_METHOD)
    theirs = {"AlarmName": f"steward/{one}/prod/GET /old/theirs", "AlarmDescription": "by hand"}
    plain = {k: v for k, v in alarms(api)[f"steward/{ref.id}/latency_p99_ms"].items() if k in KEPT}
    for name in (theirs, {"AlarmName": f"steward/{one}x/prod/latency_p99_ms"}):
        api.ask("cloudwatch", "PutMetricAlarm", **{**plain, **name})
    resources = api.ask("apigateway", "GetResources", restApiId=one)["items"]
    old = next(each["id"] for each in resources if each["path"] == "/old")
    api.ask("apigateway", "DeleteMethod", restApiId=one, resourceId=old, httpMethod="GET")
    api.ask("apigateway", "CreateDeployment", restApiId=one, stageName="prod")
    api.calls.clear()
    assert control.told(ref, **BY_METHOD) == {ref.id: ("STALE_ALARMS", "remediated")}
    assert writes(api) == {"cloudwatch.DeleteAlarms": 3}
    left = [name for name in alarms(api) if "/old" in name or f"{one}x" in name]
    assert left == [theirs["AlarmName"], f"steward/{one}x/prod/latency_p99_ms"]
    assert control.told(ref, **BY_METHOD) == {ref.id: ("ALARMED", "none")}


KEPT = ("Metrics", "EvaluationPeriods", "Threshold", "ComparisonOperator", "AlarmDescription")


def test_method_metrics_are_switched_on_and_limits_stay(api: Api, control: Control) -> None:
    """ALM-1, ALM-17: an automation that sets limits is not disturbed, of either sort of API."""
    rest, http = create(api), create(api, "shop", protocol="HTTP", methods=["GET /a", "$default"])
    limit = {"op": "replace", "path": "/~1items/GET/throttling/rateLimit", "value": "7"}
    api.ask("apigateway", "UpdateStage", restApiId=rest, stageName="prod", patchOperations=[limit])
    route = {"GET /a": {"ThrottlingRateLimit": 7.0, "ThrottlingBurstLimit": 3}}
    api.ask("apigatewayv2", "UpdateStage", ApiId=http, StageName="prod", RouteSettings=route)
    refs = [Ref(REST, f"{rest}/prod"), Ref(V2, f"{http}/prod")]
    told = control.told(*refs, **BY_METHOD)
    assert set(told.values()) == {("METRICS_OFF", "remediated")}
    [stage] = api.ask("apigateway", "GetStages", restApiId=rest)["item"]
    own = stage["methodSettings"]["~1items/GET"]
    assert (own["metricsEnabled"], own["throttlingRateLimit"]) == (True, 7.0)
    assert "*/*" not in stage["methodSettings"]
    [stage] = api.ask("apigatewayv2", "GetStages", ApiId=http)["Items"]
    own = stage["RouteSettings"]["GET /a"]
    assert (own["DetailedMetricsEnabled"], own["ThrottlingRateLimit"]) == (True, 7.0)
    assert own["ThrottlingBurstLimit"] == 3
    assert set(control.told(*refs, **BY_METHOD).values()) == {("ALARMED", "none")}
    names = alarms(api)
    assert len(names) == 12
    assert not any("OPTIONS" in name or "$default" in name for name in names)


def test_a_stage_a_deployment_and_an_api_that_go_take_their_alarms_along(
    api: Api, control: Control
) -> None:
    """ALM-13: an event of the API names all its stages; others' alarms stay."""
    one, other = create(api, stages=["dev", "prod"]), create(api, "shop", protocol="HTTP")
    control.look(Ref(REST, f"{one}/*"), Ref(V2, f"{other}/*"))
    assert len(alarms(api)) == 9
    api.ask("apigateway", "DeleteStage", restApiId=one, stageName="dev")
    told = control.told(Ref(REST, f"{one}/dev"))
    assert told == {f"{one}/dev": ("STAGE_GONE", "remediated")}
    assert {name.split("/")[2] for name in alarms(api)} == {"prod"}
    api.ask("apigateway", "DeleteRestApi", restApiId=one)
    assert control.told(Ref(REST, f"{one}/*")) == {
        f"{one}/dev": ("GONE", "gone"),
        f"{one}/prod": ("STAGE_GONE", "remediated"),
    }
    assert {name.split("/")[1] for name in alarms(api)} == {other}
    assert control.told(Ref(REST, f"{one}/*"), Ref(REST, f"{one}/prod")) == {
        f"{one}/prod": ("GONE", "gone")
    }


def test_a_sweep_finds_what_stages_have_left_that_the_ledger_never_knew(
    api: Api, control: Control, book: SQLiteLedger, tmp_path: Path
) -> None:
    """ALM-13: by the mark of the alarms, after the last page."""
    gone = create(api)
    control.look(Ref(REST, f"{gone}/prod"), dashboard=True)
    control.look(Ref(DASHBOARD, f"steward-apis-eu-west-1-rest-{gone}"), dashboard=True)
    assert dashboards(api) == [f"steward-apis-eu-west-1-rest-{gone}"]
    api.ask("apigateway", "DeleteRestApi", restApiId=gone)
    fresh = SQLiteLedger(tmp_path / "other.sqlite3", "here")
    anew = Control(api, fresh, control.clock)
    assert anew.sweep(dashboard=True) == {"remediated": 2}
    assert (alarms(api), dashboards(api)) == ({}, [])
    fresh.close()
    assert control.sweep(dashboard=True) == {"gone": 2}


def test_more_alarms_than_a_change_may_put_are_not_told_as_done(
    api: Api, control: Control, book: SQLiteLedger
) -> None:
    """The message of an event comes back, and no sweep is complete, until all are there."""
    ref = Ref(REST, f"{create(api, methods=[f'GET /{n}' for n in range(30)])}/prod")
    [outcome] = control.look(ref, **BY_METHOD)
    assert (outcome.fate, outcome.note, outcome.retry) == ("held", "the rest follows", True)
    assert len(alarms(api)) == MOST
    assert {one.status for one in book.changes(CONTROL.id)} == {Status.DONE}
    assert control.sweep(**BY_METHOD) == {"remediated": 1}
    assert len(alarms(api)) == 93
    assert control.sweep(alarms=dict.fromkeys(DEFAULT_SORTS)) == {"held": 1}
    assert control.sweep(alarms=dict.fromkeys(DEFAULT_SORTS)) == {"remediated": 1}
    assert alarms(api) == {}


def test_without_an_api_there_is_nothing_to_put(api: Api, control: Control) -> None:
    """ALM-4: nor for an API without a stage."""
    assert control.sweep(dashboard=True) == {}
    create(api, stages=[])
    assert control.sweep(dashboard=True) == {}
    assert (writes(api), alarms(api)) == ({}, {})


def test_limits_of_a_method_go_though_its_metrics_were_switched_on(
    api: Api, control: Control, book: SQLiteLedger
) -> None:
    """Both automations meet on a stage: the limits are still known as those of the other."""
    limited = {"mode": "enforce", "rate": 100, "burst": 50}
    limits = Control(api, book, control.clock, THROTTLING)
    one = create(api, methods=["GET /items", "GET /old"])
    assert limits.sweep(**limited) == control.sweep(**BY_METHOD) == {"remediated": 1}
    assert limits.sweep(**limited) == control.sweep(**BY_METHOD) == {"none": 1}
    resources = api.ask("apigateway", "GetResources", restApiId=one)["items"]
    old = next(each["id"] for each in resources if each["path"] == "/old")
    api.ask("apigateway", "DeleteMethod", restApiId=one, resourceId=old, httpMethod="GET")
    api.ask("apigateway", "CreateDeployment", restApiId=one, stageName="prod")
    assert limits.sweep(**limited) == control.sweep(**BY_METHOD) == {"remediated": 1}
    [stage] = api.ask("apigateway", "GetStages", restApiId=one)["item"]
    [(key, own)] = stage["methodSettings"].items()
    assert key == "~1items/GET"
    assert (own["metricsEnabled"], own["throttlingRateLimit"]) == (True, 100.0)
    assert limits.sweep(**limited) == control.sweep(**BY_METHOD) == {"none": 1}


def test_two_apis_of_one_name_are_told(api: Api, control: Control) -> None:
    """ALM-16: both are watched, and both findings stay open."""
    one, other = create(api), create(api)
    refs = [Ref(REST, f"{one}/prod"), Ref(REST, f"{other}/prod")]
    assert set(control.told(*refs).values()) == {("SHARED_NAME", "remediated")}
    assert set(control.told(*refs).values()) == {("SHARED_NAME", "reported")}
    assert len(alarms(api)) == 6
    api.ask("apigateway", "DeleteRestApi", restApiId=other)
    assert control.told(refs[0]) == {refs[0].id: ("ALARMED", "none")}


def test_an_undo_takes_alarms_back_and_leaves_what_was_edited_since(
    api: Api, control: Control
) -> None:
    """In reverse order, and only of the stage's own."""
    ref = Ref(REST, f"{create(api)}/prod")
    control.look(ref, **BY_METHOD)
    assert control.undo(**BY_METHOD).fate == "remediated"
    assert alarms(api) == {}
    [stage] = api.ask("apigateway", "GetStages", restApiId=ref.id.partition("/")[0])["item"]
    assert stage["methodSettings"]["*/*"]["metricsEnabled"] is False
    assert control.told(ref, **BY_METHOD) == {ref.id: ("METRICS_OFF", "none")}  # exempt


def test_an_undo_puts_back_alarms_that_were_changed_or_deleted(api: Api, control: Control) -> None:
    """As they were, field by field; a new one is taken away."""
    ref = Ref(REST, f"{create(api)}/prod")
    control.look(ref)
    before = {name: {key: one[key] for key in KEPT} for name, one in alarms(api).items()}
    wanted = {"error_4xx_rate": None, "error_5xx_rate": 0.5, "latency_average_ms": 9}
    other: dict[str, Any] = {"alarms": wanted}
    control.clock.advance(3600)
    assert control.told(ref, **other) == {ref.id: ("MISSING_ALARMS", "remediated")}
    assert set(alarms(api)) ^ set(before)
    assert control.undo(**other).fate == "remediated"
    after = {name: {key: one[key] for key in KEPT} for name, one in alarms(api).items()}
    assert after == before


def test_an_undo_puts_back_an_alarm_over_all_apis_that_was_deleted(
    api: Api, control: Control
) -> None:
    """Though the policy has no use for it."""
    create(api)
    control.sweep(granularity="grouped")
    before = {name: one["Metrics"] for name, one in alarms(api, "steward/all/").items()}
    control.clock.advance(3600)
    control.sweep()
    assert (len(before) > 1, alarms(api, "steward/all/")) == (True, {})
    codes = [change.code for change in control.book.changes(CONTROL.id)]
    assert control.undo(codes.index("LEFT_OVER")).fate == "remediated"
    [(name, one)] = alarms(api, "steward/all/").items()
    assert one["Metrics"] == before[name]


def test_an_undo_puts_a_dashboard_back_as_it_was(api: Api, control: Control) -> None:
    """After it was made, overwritten, or deleted."""
    one = create(api)
    name = f"steward-apis-eu-west-1-rest-{one}"
    board = Ref(DASHBOARD, name)

    def body() -> str:
        return str(api.ask("cloudwatch", "GetDashboard", DashboardName=name)["DashboardBody"])

    control.look(Ref(REST, f"{one}/prod"), dashboard=True)
    edited = json.dumps({"widgets": json.loads(body())["widgets"][:1]})
    control.clock.advance(3600)
    api.ask("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=edited)
    control.look(board, dashboard=True)
    assert (control.undo(dashboard=True).fate, body()) == ("remediated", edited)
    control.book.unexempt(CONTROL.id, name)
    control.clock.advance(3600)
    assert control.told(board)[name] == ("LEFT_OVER", "remediated")
    assert dashboards(api) == []
    assert (control.undo().fate, body()) == ("remediated", edited)


def test_an_undo_is_refused_once_an_alarm_was_edited(api: Api, control: Control) -> None:
    """Somebody else's change is not overwritten."""
    ref = Ref(REST, f"{create(api)}/prod")
    control.look(ref)
    name, alarm = next(iter(alarms(api).items()))
    edited = {key: alarm[key] for key in KEPT} | {"Threshold": 99.0}
    api.ask("cloudwatch", "PutMetricAlarm", AlarmName=name, **edited)
    with pytest.raises(Refused, match="was changed since"):
        control.undo()
    assert control.told(ref) == {ref.id: ("WRONG_ALARMS", "remediated")}


def test_one_alarm_for_each_metric_takes_the_place_of_those_of_stages(
    api: Api, control: Control
) -> None:
    """And the other way round, by sweeps; an event brings them along."""
    refs = [Ref(REST, f"{create(api, name)}/prod") for name in ("orders", "shop")]
    grouped = {"granularity": "grouped"}
    told = control.told(refs[0], **grouped)
    assert Counter(told.values()) == {("NOT_IN_PLACE", "remediated"): 7, ("GROUPED", "none"): 1}
    assert len(alarms(api, "steward/all/")) == 7
    assert control.sweep(**grouped) == {"none": 9}
    assert writes(api) == {}
    assert control.sweep() == {"remediated": 9}
    assert {name.split("/")[1] for name in alarms(api)} == {one.id.split("/")[0] for one in refs}
    assert control.sweep(**grouped) == {"remediated": 9}
    assert {name.split("/")[1] for name in alarms(api)} == {"all"}


def test_a_dashboard_is_made_kept_and_deleted_with_its_api(api: Api, control: Control) -> None:
    """An edit is undone; nobody reads what the ledger remembers."""
    one = create(api)
    name = f"steward-apis-eu-west-1-rest-{one}"
    told = control.told(Ref(REST, f"{one}/prod"), dashboard=True)
    assert told[name] == ("NOT_IN_PLACE", "remediated")
    api.calls.clear()
    assert control.sweep(dashboard=True) == {"none": 2}
    assert (writes(api), api.calls["cloudwatch.GetDashboard"]) == ({}, 0)
    body = api.ask("cloudwatch", "GetDashboard", DashboardName=name)["DashboardBody"]
    edited = json.dumps({"widgets": json.loads(body)["widgets"][:1]})
    control.clock.advance(3600)
    api.ask("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=edited)
    assert control.told(Ref(DASHBOARD, name), dashboard=True)[name] == (
        "NOT_IN_PLACE",
        "remediated",
    )
    assert control.told(Ref(DASHBOARD, name))[name] == ("LEFT_OVER", "remediated")
    assert dashboards(api) == []


def test_a_dashboard_that_is_not_ours_is_left_alone(api: Api, control: Control) -> None:
    """Whatever it is called."""
    one = create(api)
    name = f"steward-apis-eu-west-1-rest-{one}"
    body = json.dumps({"widgets": []})
    api.ask("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=body)
    told = control.told(Ref(DASHBOARD, name), dashboard=True)
    assert told == {name: ("NAME_TAKEN", "reported")}
    assert control.told(Ref(DASHBOARD, name)) == {name: ("NOT_OURS", "none")}
    assert writes(api) == {"cloudwatch.PutDashboard": 1}


def test_dashboards_of_another_region_are_left_alone(api: Api, control: Control) -> None:
    """All Regions of an account share them, and a stack has the same name in each."""
    there = Ref(REST, "a1b2c3d4e5/*")
    name = names.dashboard_name("steward", "us-east-1", there)
    note = names.mark(Ref(DASHBOARD, name), name)
    text = {"type": "text", "properties": {"markdown": note}}
    told = {"DashboardName": name, "DashboardBody": json.dumps({"widgets": [text]})}
    api.ask("cloudwatch", "PutDashboard", **told)
    create(api)
    assert control.sweep(dashboard=True) == {"remediated": 2}
    assert control.sweep() == {"none": 1, "remediated": 1}
    assert dashboards(api) == [name]


def watch_all(api: Api, **asked: Any) -> int:
    """Let every stage have its alarms, without a thousand calls; how many those are."""
    policy = load(CONTROL, asked).policy
    pages = discover(sight(api, **asked), None)
    states = [one for page in pages for one in page.states if isinstance(one, Watched)]
    found = {name: alarm for one in states for name, alarm in wanted(one, policy).items()}
    seed(found, region=REGION, account=HERE)
    return len(found)


def test_a_second_pass_over_fifty_apis_writes_nothing_and_reads_little(
    api: Api, control: Control
) -> None:
    """At most two calls an API and the list pages, a hundred alarms to a page, no dashboard."""
    for number in range(50):
        protocol = ("REST", "HTTP")[number % 2]
        methods = [f"GET /{each}" for each in range(10)]
        create(api, f"api-{number}", protocol=protocol, methods=methods)
    asked = {**BY_METHOD, "dashboard": True}
    count = watch_all(api, **asked)
    assert control.sweep(**asked) == {"remediated": 100}  # metrics and dashboards
    api.calls.clear()
    assert control.sweep(**asked) == {"none": 100}
    assert dict(api.calls) == {
        "apigateway.GetRestApis": 2,
        "apigateway.GetStages": 25,
        "apigateway.GetExport": 25,
        "apigatewayv2.GetApis": 1,
        "apigatewayv2.GetStages": 25,
        "apigatewayv2.GetRoutes": 25,
        "cloudwatch.DescribeAlarms": -(-count // 100),
        "cloudwatch.ListDashboards": 1,
    }


def test_a_sweep_goes_on_where_it_stopped_and_takes_nothing_for_left(
    api: Api, control: Control, book: SQLiteLedger
) -> None:
    """What an earlier step has met is not read again at the end."""
    for number in range(12):
        create(api, f"api-{number}")
    control.sweep()
    api.calls.clear()
    known = Memory(book, CONTROL.id)
    pages = list(discover(sight(api, known), None))
    assert [len(page.states) for page in pages] == [5, 5, 2, 0, 0]
    assert pages[-2].cursor == LAST
    api.calls.clear()
    [page] = discover(sight(api, Memory(book, CONTROL.id)), LAST)
    assert page.states == []
    assert dict(api.calls) == {"cloudwatch.DescribeAlarms": 1, "cloudwatch.ListDashboards": 1}


def test_the_alarms_of_many_apis_that_are_named_are_read_together(api: Api) -> None:
    """And of few each by its own prefix."""
    refs = [Ref(REST, f"{create(api, f'api-{number}')}/prod") for number in range(5)]
    api.calls.clear()
    assert len(list(observe(sight(api), refs))) == 5
    assert api.calls["cloudwatch.DescribeAlarms"] == 1
    assert len(list(observe(sight(api), refs[:4]))) == 4
    assert api.calls["cloudwatch.DescribeAlarms"] == 5


def test_the_reads_are_those_that_the_control_declares(api: Api) -> None:
    """What the role of the function must grant."""
    create(api)
    create(api, "shop", protocol="HTTP")
    assert list(discover(sight(api, **BY_METHOD, dashboard=True), None))
    services = {call.partition(".")[0] for call in api.calls}
    assert services == {"apigateway", "apigatewayv2", "cloudwatch"}
    assert {call for call in api.calls if call.startswith("cloudwatch")} < {
        action.replace(":", ".") for action in CONTROL.reads
    }


# --------------------------------------------------------------------------------------- events

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "tests/events/trail").glob("apigateway*.json"))


def envelope(record: str, **detail: Any) -> dict[str, Any]:
    """A recorded call as EventBridge delivers it."""
    told = json.loads((ROOT / f"tests/events/trail/{record}.json").read_text("utf-8"))
    told = told.get("detail", told)
    return {
        "source": f"aws.{str(told['eventSource']).partition('.')[0]}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": REGION,
        "detail": {**told, **detail},
    }


def routed(event: Mapping[str, Any]) -> list[Ref] | Skip:
    automation = automation_of(ROOT / "functions/api_alarms")
    return named(automation, event, account=ACCOUNT, region=REGION)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_every_recorded_call_names_stages_and_one_that_failed_names_none(record: Path) -> None:
    """ALM-11, ALM-19: but for what changes nothing until it is deployed."""
    found = routed(envelope(record.stem))
    if record.stem == "apigateway.PutMethod":
        assert found is Skip.NO_RULE
        return
    assert isinstance(found, list)
    assert [one.kind for one in found] == [V2 if record.stem.startswith("apigatewayv2") else REST]
    failed = {"errorCode": "BadRequestException", "responseElements": {"message": "no"}}
    assert routed(envelope(record.stem, **failed)) is Skip.FAILED_CALL


def test_the_end_of_a_functions_version_is_none_of_ours() -> None:
    """ALM-10: nor is that of a function of an API's name."""
    for more in ({}, {"requestParameters": {"functionName": "orders", "qualifier": "7"}}):
        assert routed(envelope("lambda.DeleteFunction20150331", **more)) is Skip.NO_RULE


# ------------------------------------------------------------------------------------- refusals

REST_API = {"id": "a", "name": "orders"}
NO_ALARMS: Mapping[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
OPEN: dict[tuple[str, str], Any] = {
    ("apigateway", "GetRestApi"): REST_API,
    ("apigateway", "GetRestApis"): {"items": [REST_API]},
    ("apigateway", "GetStages"): {"item": [{"stageName": "prod"}, {"stageName": "dev"}]},
    ("apigateway", "GetExport"): {"body": b'{"paths": {"/": {"get": {}}}}'},
    ("cloudwatch", "DescribeAlarms"): NO_ALARMS,
    ("cloudwatch", "ListDashboards"): {"DashboardEntries": []},
}
EXPORT = ("apigateway", "GetExport")
STAGE = Ref(REST, "a/prod")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"<html>", "is not understood", id="no JSON"),
        pytest.param(b"[]", "is not understood", id="no document"),
        pytest.param(b'{"paths": {"/": []}}', "is not understood", id="no path"),
        pytest.param(b"{}", "is not understood", id="no paths"),
    ],
)
def test_an_export_that_is_not_understood_leaves_the_stage_unread(body: bytes, told: str) -> None:
    """Its alarms are neither added to nor taken away."""
    aws = FakeAws({**OPEN, EXPORT: {"body": body}})
    [found] = observe(sight(aws, **BY_METHOD), [STAGE])
    assert isinstance(found, Unread)
    assert told in found.reason


@pytest.mark.parametrize(
    ("operation", "error", "code"),
    [
        pytest.param(EXPORT, Denied("no"), "ACCESS_DENIED", id="export denied"),
        pytest.param(EXPORT, Throttled("slow"), "BUSY", id="export throttled"),
        pytest.param(("apigateway", "GetStages"), Invalid("no"), "UNREADABLE", id="stages"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_planned(
    operation: tuple[str, str], error: Exception, code: str
) -> None:
    """Also the dashboard of the API, of which it would be a part."""
    aws = FakeAws({**OPEN, operation: error})
    board = Ref(DASHBOARD, "steward-apis-eu-west-1-rest-a")
    found = list(observe(sight(aws, **BY_METHOD, dashboard=True), [STAGE, board]))
    assert {(one.ref, one.code) for one in found if isinstance(one, Unread)} >= {
        (STAGE, code),
        (board, code),
    }
    assert not any(isinstance(one, Watched | Board) for one in found)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
        pytest.param(Throttled("slow"), "BUSY", id="throttled"),
        pytest.param(Gone("none"), None, id="deleted meanwhile"),
    ],
)
def test_a_dashboard_that_cannot_be_read_is_not_judged(error: Exception, code: str | None) -> None:
    """Its stages are."""
    name = "steward-apis-eu-west-1-rest-a"
    listed = {"DashboardEntries": [{"DashboardName": name, "LastModified": START}]}
    aws = FakeAws(
        {
            **OPEN,
            ("cloudwatch", "ListDashboards"): listed,
            ("cloudwatch", "GetDashboard"): error,
        }
    )
    found = list(observe(sight(aws, dashboard=True), [STAGE, Ref(DASHBOARD, name)]))
    assert [one.ref for one in found if isinstance(one, Watched)] == [STAGE]
    unread = [one.code for one in found if isinstance(one, Unread)]
    assert unread == ([code] if code else [])
    assert not any(isinstance(one, Board) for one in found)


def test_alarms_that_cannot_be_read_stop_the_look(book: SQLiteLedger) -> None:
    """Else every alarm would seem to be missing."""
    aws = FakeAws({**OPEN, ("cloudwatch", "DescribeAlarms"): Denied("DescribeAlarms: no")})
    told = Control(aws, book, FakeClock()).told(STAGE)
    assert told == {STAGE.id: ("ACCESS_DENIED", "unknown")}


def test_an_account_with_too_many_alarms_is_told(book: SQLiteLedger) -> None:
    """By a code of its own; the other stage is tried all the same."""
    aws = FakeAws({**OPEN, ("cloudwatch", "PutMetricAlarm"): Limit("LimitExceeded: 5000 alarms")})
    told = Control(aws, book, FakeClock()).told(STAGE, Ref(REST, "a/dev"))
    assert set(told.values()) == {("ALARM_LIMIT", "reported")}


def test_excluded_stages_are_not_looked_into() -> None:
    """Nor shown by a dashboard."""
    aws = FakeAws({one: answer for one, answer in OPEN.items() if one != EXPORT})
    where = sight(aws, **BY_METHOD, exclude=["a/*"], dashboard=True)
    found = list(observe(where, [STAGE, Ref(DASHBOARD, "steward-apis-eu-west-1-rest-a")]))
    assert [one.ref for one in found] == [STAGE]


def test_a_composite_alarm_of_our_name_is_in_the_way() -> None:
    """It is nobody's to overwrite."""
    name = "steward/a/prod/error_4xx_rate"
    told = {"MetricAlarms": [], "CompositeAlarms": [{"AlarmName": name}]}
    aws = FakeAws({**OPEN, ("cloudwatch", "DescribeAlarms"): told})
    [found] = observe(sight(aws), [STAGE])
    assert isinstance(found, Watched)
    assert found.taken == (name,)


def test_refs_that_name_nothing_of_ours_find_nothing() -> None:
    """A dashboard of another name, and an alarm that is neither wanted nor there."""
    refs = [Ref(DASHBOARD, "theirs"), Ref(ALARM, "steward/all/none"), Ref(REST, "a/none")]
    assert list(observe(sight(FakeAws(OPEN)), refs)) == []
