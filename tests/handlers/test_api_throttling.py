"""How stages are read, limited and given back, on a faithful moto: both versions of API Gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.apigateway.models import apigateway_backends

from console.sqlite_ledger import SQLiteLedger
from embedded.api_seeding import ApiSeed, seed_api
from embedded.handlers import automation_of
from embedded.overlays import faithful
from steward.account import Account
from steward.api_events import api_stage
from steward.aws.api import Api, Identity, Session
from steward.aws.pacing import Pacer
from steward.controls.api_gateway import REST, V2
from steward.controls.api_throttling import CONTROL
from steward.controls.api_throttling.readers import discover, observe
from steward.controls.api_throttling.state import ApiStage
from steward.errors import Denied, StewardError, Throttled, TryAgain
from steward.ledger import Item, Status
from steward.model import Mode, Ref, Sight, Unread
from steward.policy import load
from steward.runtime import handler
from tests.fakes import REGION, START, FakeAws, FakeClock, NothingKnown
from tests.toy import Telling

HERE = "123456789012"
FUNCTION = Path(__file__).parents[2] / "functions" / "api_throttling"
SESSION = Session()
"""One for all, as reading the services' models takes time."""

LIMITED: dict[str, Any] = {"mode": "enforce", "rate": 100, "burst": 50}


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{HERE}:function:steward-api-throttling"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@dataclass
class Function:
    """The function api-throttling, its account and its ledger."""

    api: Api
    book: SQLiteLedger
    policy: dict[str, Any] = field(default_factory=lambda: dict(LIMITED))

    def invoke(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        account = Account(
            self.api, self.book, FakeClock(), Telling(), lambda one: load(one, self.policy)
        )
        return handler(automation_of(FUNCTION), lambda *_: account)(event, Context())

    def event(self, name: str, **parameters: Any) -> Mapping[str, int]:
        """The fates of what an event names."""
        detail = {"eventName": name, "awsRegion": REGION, "requestParameters": parameters}
        told = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.apigateway"}
        event = {**told, "account": HERE, "region": REGION, "detail": detail}
        fates: Mapping[str, int] = self.invoke(event)["fates"]
        return fates

    def sweep(self) -> Mapping[str, int]:
        """The fates of all stages."""
        cursor, answer = None, {}
        while True:
            answer = dict(self.invoke({"sweep": {"control": CONTROL.id, "cursor": cursor}}))
            cursor = answer["cursor"]
            if cursor is None:
                assert answer["complete"]
                fates: Mapping[str, int] = answer["fates"]
                return fates

    def item(self, id: str, kind: str = REST) -> Item:
        return self.book.items(CONTROL.id, [Ref(kind, id)])[Ref(kind, id)]


@pytest.fixture
def function(tmp_path: Path) -> Iterator[Function]:
    """Its first sweep, which only plans, was of an empty account."""
    clock, ledger = FakeClock(), SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        pacer = Pacer(clock, None)
        api = Api(clock=clock, pacer=pacer, region=REGION, identity=where, session=SESSION)
        made = Function(api, ledger)
        assert made.sweep() == {}
        api.calls.clear()
        yield made
    ledger.close()


def rest(*methods: str, name: str = "orders", **more: Any) -> str:
    return seed_api(ApiSeed(name=name, methods=methods, **more), region=REGION, account=HERE)


def http(*methods: str, protocol: str = "HTTP", stages: tuple[str, ...] = ("$default",)) -> str:
    seed = ApiSeed(name="shop", methods=methods, protocol=protocol, stages=stages)
    return seed_api(seed, region=REGION, account=HERE)


def settings(function: Function, api: str, stage: str = "prod") -> Mapping[str, Any]:
    told = function.api.ask("apigateway", "GetStage", restApiId=api, stageName=stage)
    found: Mapping[str, Any] = told["methodSettings"]
    return found


def routes(function: Function, api: str, stage: str = "$default") -> Mapping[str, Any]:
    told = function.api.ask("apigatewayv2", "GetStage", ApiId=api, StageName=stage)
    found: Mapping[str, Any] = told["RouteSettings"]
    return found


def limits(settings: Mapping[str, Any]) -> dict[str, tuple[float, int]]:
    """Rate and burst by key, of either version."""
    found = {}
    for key, told in settings.items():
        small = {name.lower(): value for name, value in told.items()}
        found[key] = small["throttlingratelimit"], small["throttlingburstlimit"]
    return found


def sight(aws: Any, **policy: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, policy).policy, NothingKnown(), START)


def test_a_deployment_is_limited_and_nothing_is_left_to_do(function: Function) -> None:
    """THR-13: the event of the control's own call finds all in order."""
    api = rest("GET /items", "POST /items/{id}")
    deployed = {"restApiId": api, "createDeploymentInput": {"stageName": "prod"}}
    assert function.event("CreateDeployment", **deployed, template=False) == {"remediated": 1}
    assert limits(settings(function, api)) == {
        "~1items/GET": (100.0, 50),
        "~1items~1{id}/POST": (100.0, 50),
    }
    assert function.item(f"{api}/prod").code == "LIMITED"
    again = {"restApiId": api, "stageName": "prod", "template": False}
    assert function.event("UpdateStage", **again) == {"none": 1}
    assert function.sweep() == {"none": 1}
    assert function.api.calls["apigateway.UpdateStage"] == 1


@pytest.mark.parametrize(
    ("protocol", "keys"),
    [
        pytest.param("HTTP", ("GET /items", "ANY /item", "$default"), id="THR-6 HTTP"),
        pytest.param("WEBSOCKET", ("$connect", "sendMessage"), id="WebSocket"),
    ],
)
def test_routes_are_limited_by_their_keys(
    function: Function, protocol: str, keys: tuple[str, ...]
) -> None:
    """An event of the API without a stage is about all of its stages."""
    api = http(*keys, protocol=protocol, stages=("$default", "test"))
    assert function.event("UpdateRoute", apiId=api, routeId="r") == {"remediated": 2}
    for stage in ("$default", "test"):
        assert limits(routes(function, api, stage)) == dict.fromkeys(keys, (100.0, 50))
    assert function.sweep() == {"none": 2}
    assert not any(call.startswith("apigateway.Update") for call in function.api.calls)


def test_apis_of_two_versions_are_limited_each_by_its_own(function: Function) -> None:
    """THR-7, and THR-10: which APIs there are is what the account tells, no configuration."""
    assert function.sweep() == {}
    one, shop = rest("GET /items"), http("GET /items")
    function.api.calls.clear()
    assert function.sweep() == {"remediated": 2}
    sent = {name: n for name, n in function.api.calls.items() if "Update" in name}
    assert sent == {"apigateway.UpdateStage": 1, "apigatewayv2.UpdateStage": 1}
    assert limits(settings(function, one)) == {"~1items/GET": (100.0, 50)}
    assert limits(routes(function, shop)) == {"GET /items": (100.0, 50)}
    assert function.event("UpdateStage", apiId="nowhere", stageName="prod") == {"gone": 1}
    assert sum(n for name, n in function.api.calls.items() if "Update" in name) == 2


def test_in_audit_nothing_is_changed(function: Function) -> None:
    """The plan is told."""
    function.policy["mode"] = Mode.AUDIT
    api = rest("GET /items")
    assert function.sweep() == {"planned": 1}
    assert settings(function, api) == {}
    assert "apigateway.UpdateStage" not in function.api.calls


def test_without_limits_in_the_policy_methods_without_any_are_reported(
    function: Function,
) -> None:
    """Nobody knows which they should be."""
    function.policy = {"mode": "enforce"}
    rest("GET /items")
    assert function.sweep() == {"reported": 1}


@pytest.mark.parametrize("version", [REST, V2])
def test_undo_gives_back_what_there_was(function: Function, version: str) -> None:
    """THR-8: settings that were made are removed, those that were there are as they were."""
    api = rest("GET /a", "GET /b") if version == REST else http("GET /a", "GET /b")
    stage = "prod" if version == REST else "$default"
    told = settings if version == REST else routes
    patch = {"op": "replace", "path": "/~1a/GET/throttling/rateLimit", "value": "120"}
    also = {**patch, "path": "/~1a/GET/throttling/burstLimit", "value": "60"}
    if version == REST:
        asked = {"restApiId": api, "stageName": stage, "patchOperations": [patch, also]}
        function.api.ask("apigateway", "UpdateStage", **asked)
    else:
        own = {"GET /a": {"ThrottlingRateLimit": 120, "ThrottlingBurstLimit": 60}}
        function.api.ask(
            "apigatewayv2", "UpdateStage", ApiId=api, StageName=stage, RouteSettings=own
        )
    before = told(function, api)
    assert function.sweep() == {"remediated": 1}
    assert set(limits(told(function, api)).values()) == {(100.0, 50)}
    [change] = function.book.changes(CONTROL.id)
    function.invoke({"undo": change.id})
    assert told(function, api) == before
    assert {one.status for one in function.book.changes(CONTROL.id)} == {
        Status.UNDONE,
        Status.DONE,
    }
    assert function.item(f"{api}/{stage}", version).verdict == "EXEMPT"


def test_an_undo_waits_for_nobody_who_changed_the_limits_since(function: Function) -> None:
    """What somebody set afterwards is theirs."""
    api = rest("GET /a")
    function.sweep()
    patch = {"op": "replace", "path": "/~1a/GET/throttling/rateLimit", "value": "7"}
    function.api.ask(
        "apigateway", "UpdateStage", restApiId=api, stageName="prod", patchOperations=[patch]
    )
    [change] = function.book.changes(CONTROL.id)
    with pytest.raises(StewardError, match="was changed since"):
        function.invoke({"undo": change.id})


def test_limits_of_methods_that_are_no_more_are_taken_away(function: Function) -> None:
    """THR-11: what Steward set, and it alone."""
    api = http("GET /a", "GET /b")
    theirs = {"GET /b": {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 50}}
    where = {"ApiId": api, "StageName": "$default"}
    function.api.ask("apigatewayv2", "UpdateStage", **where, RouteSettings=theirs)
    function.sweep()
    for route in function.api.ask("apigatewayv2", "GetRoutes", ApiId=api)["Items"]:
        function.api.ask("apigatewayv2", "DeleteRoute", ApiId=api, RouteId=route["RouteId"])
    function.api.ask("apigatewayv2", "CreateRoute", ApiId=api, RouteKey="GET /c")
    assert function.event("DeleteRoute", apiId=api, routeId="r") == {"remediated": 1}
    assert [*routes(function, api)] == ["GET /b", "GET /c"]
    assert function.event("UpdateStage", apiId=api, stageName="%24default") == {"none": 1}


def test_a_stage_that_is_gone_is_closed(function: Function) -> None:
    """By the event of the stage or of the API, or by a sweep; a new one of that name is new."""
    api = rest("GET /a", stages=("prod", "test"))
    other = rest("GET /a")
    function.sweep()
    backend = apigateway_backends[HERE][REGION]
    backend.delete_stage(api, "test")
    gone = {"restApiId": api, "stageName": "test", "template": False}
    assert function.event("DeleteStage", **gone) == {"gone": 1}
    backend.delete_rest_api(api)
    assert function.event("DeleteRestApi", restApiId=api, template=False) == {"gone": 1}
    assert function.event("DeleteRestApi", restApiId=api, template=False) == {}
    backend.delete_rest_api(other)
    assert function.sweep() == {"gone": 1}
    assert list(function.book.all_items(CONTROL.id)) == []


def test_an_exempt_stage_is_left_alone(function: Function) -> None:
    """THR-17: by a tag, where the policy goes by tags; or by exclude."""
    api = rest("GET /a", stages=("prod", "test"))
    function.policy["honor_tags"] = True
    stage = apigateway_backends[HERE][REGION].apis[api].stages["prod"]
    stage.tags = {"steward:exempt/api-throttling": "2027-01-31"}
    function.policy["exclude"] = ["*/test"]
    assert function.sweep() == {"none": 2}
    assert function.item(f"{api}/prod").verdict == "EXEMPT"
    assert function.item(f"{api}/test").code == "EXCLUDED"
    assert settings(function, api) == {}


def test_a_converged_pass_takes_two_requests_an_api(function: Function) -> None:
    """And one for each list and for the account's limits; nothing is written."""
    for number in range(50):
        rest(*(f"GET /items/{n}" for n in range(10)), name=f"api-{number}")
    for _ in range(5):
        http("GET /a", "GET /b")
    assert function.sweep() == {"remediated": 55}
    function.api.calls.clear()
    assert function.sweep() == {"none": 55}
    assert function.api.calls == {
        "apigateway.GetAccount": 1,
        "apigateway.GetRestApis": 1,
        "apigateway.GetStages": 50,
        "apigateway.GetDeployment": 50,
        "apigatewayv2.GetApis": 1,
        "apigatewayv2.GetStages": 5,
        "apigatewayv2.GetRoutes": 5,
    }


@pytest.mark.parametrize(
    "error", [Throttled("TooManyRequestsException"), TryAgain("ConflictException")], ids=str
)
def test_a_change_for_which_api_gateway_is_busy_is_tried_again(
    function: Function, error: StewardError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """THR-16: inside the deadline, then with the message that is given back."""
    api = rest("GET /a")
    own, failures = function.api._send, [error, error]

    def send(service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "UpdateStage" and failures:
            raise failures.pop()
        return own(service, operation, params)

    monkeypatch.setattr(function.api, "_send", send)
    assert function.sweep() == {"remediated": 1}
    assert limits(settings(function, api)) == {"~1a/GET": (100.0, 50)}


@pytest.mark.parametrize("operation", ["GetRestApi", "GetStages", "GetDeployment"])
def test_stages_that_cannot_be_read_are_not_taken_for_gone(
    function: Function, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """Nothing that the ledger knows of them is lost."""
    api = rest("GET /a")
    function.sweep()
    before, own = function.item(f"{api}/prod"), function.api._send

    def send(service: str, asked: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked == operation:
            raise Denied(f"{asked}: no")
        return own(service, asked, params)

    with monkeypatch.context() as patched:
        patched.setattr(function.api, "_send", send)
        told = function.event("CreateDeployment", restApiId=api, template=False)
    assert told == {"unknown": 1}
    assert function.item(f"{api}/prod").memory == before.memory != ""
    assert function.event("CreateDeployment", restApiId=api, template=False)["none"] == 1
    assert function.item(f"{api}/prod").memory == before.memory


def test_what_named_all_stages_of_an_api_is_given_back_with_any_of_them(
    function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    """THR-16: API Gateway is busy for as long as there is time; the next delivery finds it free."""
    api = http("GET /a")
    own, busy = function.api._send, [True]

    def send(service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "UpdateStage" and busy:
            raise TryAgain("ConflictException")
        return own(service, operation, params)

    monkeypatch.setattr(function.api, "_send", send)
    with pytest.raises(TryAgain):
        function.event("UpdateRoute", apiId=api, routeId="r")
    assert routes(function, api) == {}
    busy.clear()
    assert function.event("UpdateRoute", apiId=api, routeId="r") == {"remediated": 1}


OPEN: dict[tuple[str, str], Any] = {
    ("apigateway", "GetAccount"): {"throttleSettings": {"rateLimit": 10000.0, "burstLimit": 5000}},
    ("apigateway", "GetRestApis"): {"items": [{"id": "r1"}, {"id": "r2"}]},
    ("apigateway", "GetStages"): {"item": [{"stageName": "prod", "deploymentId": "d"}]},
    ("apigateway", "GetDeployment"): {"apiSummary": {"/": {"GET": {}}}},
}


def test_a_stage_whose_methods_cannot_be_read_is_not_judged() -> None:
    """And is told; the other one is judged."""
    answers: list[Any] = [Denied("GetDeployment: no"), {"apiSummary": {"/": {"GET": {}}}}]
    aws = FakeAws({**OPEN, ("apigateway", "GetDeployment"): answers})
    first, second = next(discover(sight(aws), None)).states
    assert isinstance(first, Unread)
    assert (first.ref.id, first.code) == ("r1/prod", "ACCESS_DENIED")
    assert isinstance(second, ApiStage)


def test_without_the_accounts_limits_no_stage_is_judged() -> None:
    """Nobody knows what is below them."""
    aws = FakeAws({**OPEN, ("apigateway", "GetAccount"): Denied("GetAccount: no")})
    states = next(discover(sight(aws), None)).states
    assert [one.code for one in states if isinstance(one, Unread)] == ["ACCESS_DENIED"] * 2


def test_an_excluded_stage_is_not_looked_into() -> None:
    """It costs no request of its own."""
    aws = FakeAws(OPEN)
    states = next(discover(sight(aws, exclude=["*"]), None)).states
    assert [one.ref.id for one in states] == ["r1/prod", "r2/prod"]
    assert aws.asked("apigateway", "GetDeployment") == []


def test_an_api_that_cannot_be_read_is_unknown_until_it_can(function: Function) -> None:
    """Then nothing is left of the name under which it was."""
    api = rest("GET /a")
    own = function.api._send
    refused: list[Callable[[str], bool]] = [lambda operation: operation == "GetStages"]

    def send(service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if refused and refused[0](operation):
            raise Denied(f"{operation}: no")
        return own(service, operation, params)

    function.api._send = send  # type: ignore[method-assign]  # the only way to AWS
    account = Account(
        function.api, function.book, FakeClock(), Telling(), lambda one: load(one, function.policy)
    )
    first = handler(automation_of(FUNCTION), lambda *_: account)
    answer = first({"sweep": {"control": CONTROL.id, "cursor": None}}, Context())
    while answer["cursor"] is not None:
        answer = first({"sweep": {"control": CONTROL.id, "cursor": answer["cursor"]}}, Context())
    assert (answer["complete"], answer["fates"]) == (False, {"unknown": 1})
    assert function.item(f"{api}/*").code == "ACCESS_DENIED"
    refused.clear()
    assert function.sweep() == {"gone": 1, "remediated": 1}
    assert [one.ref.id for one in function.book.all_items(CONTROL.id)] == [f"{api}/prod"]


def test_the_requests_are_those_that_the_control_declares(function: Function) -> None:
    """Reads by GET, writes by PATCH and DELETE."""
    assert list(observe(sight(function.api), [Ref(REST, "none/prod")])) == []
    assert {call.partition(".")[2][:3] for call in function.api.calls} == {"Get"}


def test_every_event_of_the_function_names_stages() -> None:
    """By one extractor, whatever the version."""
    assert set(automation_of(FUNCTION).events.values()) == {api_stage}
