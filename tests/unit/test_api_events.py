"""Which stages the events of API Gateway name, by the records of both versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.api_events import api_stage
from steward.events import REST_STAGE, V2_STAGE
from steward.model import Ref

RECORDS = Path(__file__).parents[1] / "events/trail"
V1, V2 = "a1b2c3d4e5", "f6g7h8i9j0"

NAMED = {
    "apigateway.CreateDeployment.console": Ref(REST_STAGE, f"{V1}/prod"),
    "apigateway.CreateDeployment.sdk": Ref(REST_STAGE, f"{V1}/prod"),
    "apigateway.CreateRestApi": Ref(REST_STAGE, f"{V1}/*"),
    "apigateway.CreateStage": Ref(REST_STAGE, f"{V1}/prod"),
    "apigateway.DeleteRestApi": Ref(REST_STAGE, f"{V1}/*"),
    "apigateway.DeleteStage": Ref(REST_STAGE, f"{V1}/prod"),
    "apigateway.ImportRestApi": Ref(REST_STAGE, f"{V1}/*"),
    "apigateway.PutMethod": Ref(REST_STAGE, f"{V1}/*"),
    "apigateway.PutRestApi": Ref(REST_STAGE, f"{V1}/*"),
    "apigateway.TagResource": Ref(REST_STAGE, f"{V1}/prod"),
    "apigateway.UpdateStage": Ref(REST_STAGE, f"{V1}/prod"),
    "apigatewayv2.CreateApi": Ref(V2_STAGE, f"{V2}/*"),
    "apigatewayv2.CreateDeployment": Ref(V2_STAGE, f"{V2}/*"),
    "apigatewayv2.CreateStage.auto-deploy": Ref(V2_STAGE, f"{V2}/prod"),
    "apigatewayv2.CreateStage.default": Ref(V2_STAGE, f"{V2}/$default"),
    "apigatewayv2.DeleteApi": Ref(V2_STAGE, f"{V2}/*"),
    "apigatewayv2.DeleteStage": Ref(V2_STAGE, f"{V2}/$default"),
    "apigatewayv2.UpdateRoute": Ref(V2_STAGE, f"{V2}/*"),
}


def asked(parameters: object, **more: Any) -> list[Ref]:
    return list(api_stage({"requestParameters": parameters, **more}))


@pytest.mark.parametrize(("record", "named"), NAMED.items(), ids=NAMED)
def test_a_record_names_its_stage_or_all_stages_of_its_api(record: str, named: Ref) -> None:
    """Both versions have the same event names and differ in their parameters."""
    told = json.loads((RECORDS / f"{record}.json").read_text("utf-8"))
    assert list(api_stage(told.get("detail", told))) == [named]


def test_every_record_of_api_gateway_is_in_the_table() -> None:
    """A new one is decided about."""
    assert {path.stem for path in RECORDS.glob("apigateway*.json")} == set(NAMED)


@pytest.mark.parametrize(
    ("arn", "named"),
    [
        ("arn:aws:apigateway:eu-west-1::/restapis/r1/stages/prod", [Ref(REST_STAGE, "r1/prod")]),
        ("arn:aws-cn:apigateway:cn-north-1::/restapis/r1", [Ref(REST_STAGE, "r1/*")]),
        ("arn:aws:apigateway:eu-west-1::/apis/h1/stages/$default", [Ref(V2_STAGE, "h1/$default")]),
        (
            "arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapis%2Fh1%2Fstages%2F%24default",
            [Ref(V2_STAGE, "h1/$default")],
        ),
        ("arn:aws:apigateway:eu-west-1::/usageplans/u1", []),
        ("arn:aws:apigateway:eu-west-1::/restapis/r1/resources/x", []),
        ("arn:aws:apigateway:eu-west-1::/restapis/r1/stages/not a name", []),
        (None, []),
        (7, []),
    ],
)
def test_a_tag_event_names_a_stage_by_its_arn(arn: object, named: list[Ref]) -> None:
    """Or all stages by the ARN of their API; nothing by that of anything else."""
    assert asked({"resourceArn": arn, "tagResourceInput": {}, "template": False}) == named


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        pytest.param(
            {"restApiId": "r1", "createDeploymentInput": {"stageName": ""}, "template": False},
            [Ref(REST_STAGE, "r1/*")],
            id="ALM-11 no stage, as the console tells it",
        ),
        pytest.param(
            {"restApiId": "r1", "createDeploymentInput": {}, "template": False},
            [Ref(REST_STAGE, "r1/*")],
            id="ALM-11 no stage at all",
        ),
        pytest.param(
            {"apiId": "h1", "stageName": "%24default"},
            [Ref(V2_STAGE, "h1/$default")],
            id="ALM-18 percent-encoded",
        ),
        pytest.param({"restApiId": "../r1"}, [], id="no id"),
        pytest.param({"restApiId": "r1", "stageName": "a/b"}, [], id="no name"),
        pytest.param({"apiId": "h1", "stageName": 7}, [], id="a number"),
        pytest.param({"restApiId": None, "template": False}, [], id="null"),
        pytest.param({"restApiId": "r1", "createStageInput": "text"}, [Ref(REST_STAGE, "r1/*")]),
        pytest.param({}, [], id="empty"),
        pytest.param(None, [], id="left out"),
        pytest.param("apiId=h1", [], id="a text"),
    ],
)
def test_only_legal_names_are_believed(parameters: object, named: list[Ref]) -> None:
    """Names that API Gateway would not take name nothing."""
    assert asked(parameters) == named


def test_an_api_that_was_just_made_is_told_by_the_answer() -> None:
    """The call itself knows no id yet."""
    made: Mapping[str, Any] = {"responseElements": {"apiId": "h1"}}
    assert asked({"name": "shop"}, **made) == [Ref(V2_STAGE, "h1/*")]
    assert asked(None, **made) == [Ref(V2_STAGE, "h1/*")]
    assert asked({"template": False}, responseElements={"id": "r1"}) == [Ref(REST_STAGE, "r1/*")]
    assert asked({"template": False}, responseElements=None) == []


_NAMES = ("restApiId", "apiId", "stageName", "resourceArn", "template", "createStageInput")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON), _JSON)
def test_no_value_in_any_place_breaks_the_reading(
    parameters: dict[str, Any], answer: object
) -> None:
    """What comes out is a name, or nothing does."""
    for ref in asked(parameters, responseElements=answer):
        api, _, stage = ref.id.partition("/")
        assert api.isalnum()
        assert stage
