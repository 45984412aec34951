"""Stages are read in few requests, whatever part of a pass or of an account they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from steward.controls import log_retention
from steward.controls.api_gateway import REST, V2, Method, Stage, discover, methods, observe
from steward.controls.api_gateway.calls import action, is_about
from steward.controls.api_gateway.reading import CHUNK
from steward.controls.api_gateway.stages import Api, method_key, parts_of, rest_stage, v2_stage
from steward.errors import Denied, Gone, Invalid, OutOfTime, StewardError, Throttled
from steward.events import REST_STAGE, V2_STAGE
from steward.model import Call, Ref, Sight, Unread
from steward.policy import load
from tests.fakes import START, FakeAws, NothingKnown

V1 = "apigateway"
HTTP = "apigatewayv2"


POLICY = load(log_retention.CONTROL, {}).policy
"""Nothing here depends on it."""


def rest_apis(count: int, start: int = 0) -> dict[str, Any]:
    return {"items": [{"id": f"r{n:02}", "name": "orders"} for n in range(start, start + count)]}


def http_apis(*ids: str) -> dict[str, Any]:
    return {"Items": [{"ApiId": one, "Name": "shop", "ProtocolType": "HTTP"} for one in ids]}


def account(**answers: Any) -> FakeAws:
    """Two REST APIs and one HTTP API, each with one stage."""
    usual: dict[tuple[str, str], Any] = {
        (V1, "GetRestApis"): rest_apis(2),
        (V1, "GetRestApi"): lambda asked: {"id": asked["restApiId"], "name": "orders"},
        (V1, "GetStages"): {"item": [{"stageName": "prod", "deploymentId": "d1"}]},
        (HTTP, "GetApis"): http_apis("h1"),
        (HTTP, "GetApi"): lambda asked: {
            "ApiId": asked["ApiId"],
            "Name": "s",
            "ProtocolType": "HTTP",
        },
        (HTTP, "GetStages"): {"Items": [{"StageName": "$default"}]},
    }
    return FakeAws({key: answers.get("_".join(key), answer) for key, answer in usual.items()})


def sight(aws: FakeAws) -> Sight[Any]:
    return Sight(aws, POLICY, NothingKnown(), START)


class Seen:
    """A control's state of a stage: nothing but its name."""

    def __init__(self, stage: Stage) -> None:
        self.ref = stage.ref
        self.tags: Mapping[str, str] = stage.tags
        self.exists = True


def swept(aws: FakeAws, cursor: str | None = None) -> list[tuple[list[str], str | None]]:
    pages = discover(sight(aws), cursor, Seen)
    return [([one.ref.id for one in page.states], page.cursor) for page in pages]


def test_every_stage_of_both_versions_is_met_in_a_request_for_each_api() -> None:
    """And in one for each list; an account without APIs is met, too."""
    aws = account()
    assert [ids for ids, _ in swept(aws)] == [["r00/prod", "r01/prod"], ["h1/$default"]]
    assert len(aws.requests) == 2 + 3
    empty = account(apigateway_GetRestApis={"items": []}, apigatewayv2_GetApis={"Items": []})
    assert [ids for ids, _ in swept(empty)] == [[], []]
    assert swept(empty)[-1][1] is None


def test_a_pass_goes_on_behind_the_last_api_from_every_cursor() -> None:
    """No stage is met twice and none left out, wherever the pass was interrupted."""
    first, second = {**rest_apis(2 * CHUNK + 3), "position": "p"}, rest_apis(2, 30)

    class Listed(FakeAws):
        """Has two pages of REST APIs, and answers by their token."""

        def pages(self, service: str, operation: str, start: Any = None, /, **params: Any) -> Any:
            if operation != "GetRestApis":
                yield from super().pages(service, operation, start, **params)
                return
            if start is None:
                yield first, "p"
            yield second, None

    def fresh() -> FakeAws:
        return Listed(account()._answers)

    whole = swept(fresh())
    assert [len(ids) for ids, _ in whole] == [CHUNK, CHUNK, 3, 2, 1]
    met = [ref for ids, _ in whole for ref in ids]
    assert len(met) == len(set(met)) == 2 * CHUNK + 3 + 2 + 1
    for number, (_, cursor) in enumerate(whole[:-1]):
        rest = [ref for ids, _ in swept(fresh(), cursor) for ref in ids]
        assert rest == [ref for ids, _ in whole[number + 1 :] for ref in ids]


def test_a_page_whose_last_api_is_gone_is_read_anew() -> None:
    """Rather twice than not at all."""
    cursor = '{"kind": "AWS::ApiGateway::Stage", "token": null, "after": "gone"}'
    assert swept(account(), cursor)[0][0] == ["r00/prod", "r01/prod"]


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"kind": "x"}', '{"page": 1}'])
def test_a_cursor_of_nobodys_is_refused(cursor: str) -> None:
    """A sweep then begins anew."""
    with pytest.raises(Invalid, match="cursor"):
        swept(account(), cursor)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
        pytest.param(Invalid("no"), "UNREADABLE", id="refused"),
        pytest.param(Throttled("later"), "BUSY", id="busy"),
    ],
)
def test_an_api_that_cannot_be_read_is_told_and_stops_no_other(
    error: StewardError, code: str
) -> None:
    """Under the name of all its stages, as those are not known."""
    aws = account(apigateway_GetStages=[error, {"item": [{"stageName": "prod"}]}])
    [first, second] = next(discover(sight(aws), None, Seen)).states
    assert isinstance(first, Unread)
    assert (first.ref, first.code) == (Ref(REST, "r00/*"), code)
    assert second.ref == Ref(REST, "r01/prod")
    named = account(apigateway_GetRestApi=error)
    refs = [Ref(REST, "r00/prod"), Ref(REST, "r00/test")]
    told = list(observe(sight(named), refs, Seen))
    assert [(one.ref, one.code) for one in told if isinstance(one, Unread)] == [
        (ref, code) for ref in refs
    ]


def test_a_stage_that_cannot_be_looked_into_is_told() -> None:
    """One that vanishes meanwhile is not."""

    def look(stage: Stage) -> Seen:
        raise Gone("no") if stage.api.id == "r00" else Denied("no")

    [only] = next(discover(sight(account()), None, look)).states
    assert isinstance(only, Unread)
    assert only.ref == Ref(REST, "r01/prod")


def test_a_pass_that_runs_out_of_time_is_interrupted() -> None:
    """And tells nothing wrong about what it did not reach."""
    with pytest.raises(OutOfTime):
        swept(account(apigateway_GetStages=OutOfTime("late")))
    with pytest.raises(OutOfTime):
        list(observe(sight(account(apigateway_GetRestApi=OutOfTime("late"))), [ref("r00/a")], Seen))


def ref(id: str, kind: str = REST) -> Ref:
    return Ref(kind, id)


def test_named_stages_are_read_once_for_each_api() -> None:
    """All of an API's by one name; what is not there is not told."""
    stages = {"item": [{"stageName": name} for name in ("prod", "test")]}
    aws = account(apigateway_GetStages=stages)
    refs = [ref("r1/prod"), ref("r1/none"), ref("r2/*"), ref("r2/test"), ref("h/$default", V2)]
    refs += [ref("nothing"), ref("/a"), ref("/prod", "AWS::Logs::LogGroup")]
    found = [one.ref.id for one in observe(sight(aws), refs, Seen)]
    assert found == ["r1/prod", "r2/prod", "r2/test", "h/$default"]
    assert len(aws.requests) == 6


def test_an_api_that_is_gone_has_no_stages() -> None:
    """Found out by the first request, or by the second."""
    for missing in ("apigateway_GetRestApi", "apigateway_GetStages"):
        assert list(observe(sight(account(**{missing: Gone("no")})), [ref("r1/*")], Seen)) == []


def test_a_rest_stage_is_told_with_its_settings_by_method() -> None:
    """Keys are escaped; those that Terraform makes lack the first slash."""
    told = {
        "stageName": "prod",
        "deploymentId": "d1",
        "canarySettings": {"deploymentId": "d2", "percentTraffic": 5.0},
        "methodSettings": {
            "*/*": {"metricsEnabled": True},
            "~1items~1{id}/GET": {"loggingLevel": "INFO"},
            "orders/POST": {"loggingLevel": "ERROR"},
            "~1/GET": {},
        },
        "accessLogSettings": {"destinationArn": "arn"},
        "tags": {"team": "shop"},
    }
    stage = rest_stage(Api(REST, "r1"), told)
    assert stage.default == {"metricsEnabled": True}
    assert [*stage.settings] == ["~1items~1{id}/GET", "~1orders/POST", "~1/GET"]
    assert (stage.deployment, stage.canary, stage.ref.id) == ("d1", "d2", "r1/prod")
    assert stage.access_log == {"destinationArn": "arn"}


def test_a_stage_of_an_http_api_is_told_with_its_settings_by_route() -> None:
    """In the names of its own API."""
    told = {
        "StageName": "$default",
        "AutoDeploy": True,
        "ApiGatewayManaged": True,
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {"GET /items": {"ThrottlingRateLimit": 5.0}},
        "AccessLogSettings": {"DestinationArn": "arn"},
    }
    stage = v2_stage(Api(V2, "h1"), told)
    assert (stage.auto_deploy, stage.managed) == (True, True)
    assert stage.settings == {"GET /items": {"ThrottlingRateLimit": 5.0}}
    assert stage.access_log == {"destinationArn": "arn"}
    assert stage.api.stages == Ref(V2, "h1/*")


@pytest.mark.parametrize("path", ["/", "/items", "/items/{id}", "/a/{proxy+}"])
def test_a_methods_key_is_read_back(path: str) -> None:
    """What API Gateway escapes."""
    assert parts_of(method_key(path, "GET")) == (path, "GET")


def deployed(*, verbs: Mapping[str, list[str]]) -> dict[str, Any]:
    frozen = {"authorizationType": "AWS_IAM", "apiKeyRequired": True}
    return {"apiSummary": {path: dict.fromkeys(names, frozen) for path, names in verbs.items()}}


def test_the_methods_of_a_stage_are_those_of_its_deployments() -> None:
    """Each is read once in a step; the canary's are reached, too."""
    summaries = {"d1": {"/items": ["GET"]}, "d2": {"/items": ["GET", "POST"]}}
    aws = FakeAws(
        {(V1, "GetDeployment"): lambda asked: deployed(verbs=summaries[asked["deploymentId"]])}
    )
    here, api = sight(aws), Api(REST, "r1")
    plain = Stage(api, "prod", "d1")
    assert methods(here, plain) == (
        Method("~1items/GET", "/items", "GET", "GET", "AWS_IAM", api_key_required=True),
    )
    assert [one.key for one in methods(here, Stage(api, "test", "d1", "d2"))] == [
        "~1items/GET",
        "~1items/POST",
    ]
    assert len(aws.requests) == 2
    assert methods(here, Stage(api, "empty")) == ()


def test_any_stands_for_all_methods_that_are_not_there_by_themselves() -> None:
    """THR-4: a stage has no settings for ANY."""
    aws = FakeAws({(V1, "GetDeployment"): deployed(verbs={"/item": ["ANY", "GET"]})})
    found = methods(sight(aws), Stage(Api(REST, "r1"), "prod", "d1"))
    assert [(one.verb, one.declared) for one in found] == [
        ("DELETE", "ANY"),
        ("GET", "GET"),
        ("HEAD", "ANY"),
        ("OPTIONS", "ANY"),
        ("PATCH", "ANY"),
        ("POST", "ANY"),
        ("PUT", "ANY"),
    ]


def test_the_methods_of_an_http_api_are_its_routes() -> None:
    """Those of all of its stages; ANY is a route of its own there."""
    keys = ["GET /items", "ANY /item", "$default"]
    aws = FakeAws({(HTTP, "GetRoutes"): {"Items": [{"RouteKey": key} for key in keys]}})
    here, api = sight(aws), Api(V2, "h1", "shop", "HTTP")
    found = methods(here, Stage(api, "prod"))
    assert methods(here, Stage(api, "test")) == found
    assert [(one.key, one.path, one.verb) for one in found] == [
        ("$default", "$default", "ANY"),
        ("ANY /item", "/item", "ANY"),
        ("GET /items", "/items", "GET"),
    ]
    assert len(aws.requests) == 1


UPDATE = Call(V1, "UpdateStage", {"restApiId": "r1", "stageName": "prod"})
V2_UPDATE = Call(HTTP, "UpdateStage", {"ApiId": "h1", "StageName": "$default"})


def test_a_call_tells_its_action_and_its_stage() -> None:
    """Actions are HTTP's methods; a call that is not known has none that a role could have."""
    assert action(UPDATE) == action(V2_UPDATE) == "apigateway:PATCH"
    assert action(Call(HTTP, "DeleteRouteSettings", {})) == "apigateway:DELETE"
    assert action(Call(V1, "DeleteRestApi", {})) == "apigateway:DeleteRestApi"
    assert action(Call("cloudwatch", "PutMetricAlarm", {})) == "cloudwatch:PutMetricAlarm"
    assert is_about(UPDATE, Ref(REST, "r1/prod"))
    assert is_about(V2_UPDATE, Ref(V2, "h1/$default"))
    assert not is_about(UPDATE, Ref(REST, "r1/test"))
    assert not is_about(UPDATE, Ref(V2, "r1/prod"))
    assert not is_about(UPDATE, Ref("AWS::Logs::LogGroup", "r1/prod"))


def test_events_and_controls_call_stages_the_same() -> None:
    """The kinds of what events name."""
    assert (REST, V2) == (REST_STAGE, V2_STAGE)
