"""Where moto's Lambda differs from AWS, the embedded account does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, clear_functions, seed_functions

REGION = "eu-west-1"
EMPTY = b"PK\x05\x06" + bytes(18)
"""An archive without files."""


@pytest.fixture
def functions() -> Iterator[Any]:
    """A client of Lambda in a fresh, faithful account."""
    with mock_aws(), faithful():
        yield boto3.client("lambda", region_name=REGION)


def seed(*names: str, **fields: Any) -> None:
    seed_functions((FunctionSeed(name=name, **fields) for name in names), region=REGION)


def names(answer: dict[str, Any]) -> list[str]:
    return [function["FunctionName"] for function in answer["Functions"]]


def test_functions_are_listed_in_pages_of_at_most_fifty(functions: Any) -> None:
    """More than fifty may be asked for; fewer are given."""
    made = [f"f{number:03}" for number in range(120)]
    seed(*made)
    pages = list(functions.get_paginator("list_functions").paginate(MaxItems=1000))
    assert [len(page["Functions"]) for page in pages] == [50, 50, 20]
    assert sorted(name for page in pages for name in names(page)) == made
    assert len(names(functions.list_functions(MaxItems=7))) == 7
    assert "NextMarker" not in functions.list_functions(Marker=pages[1]["NextMarker"])


def test_functions_come_in_no_order_that_a_client_could_rely_on(functions: Any) -> None:
    """AWS documents none."""
    seed(*(f"f{number}" for number in range(10)))
    assert names(functions.list_functions()) != sorted(names(functions.list_functions()))


def test_a_marker_that_nobody_gave_is_refused(functions: Any) -> None:
    """With Lambda's own error."""
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        functions.list_functions(Marker="made up")


def test_a_list_has_no_states_and_an_image_no_runtime(functions: Any) -> None:
    """What only an answer about one function tells is left out of a list."""
    seed("image", runtime=None)
    [listed] = functions.list_functions()["Functions"]
    told = functions.get_function_configuration(FunctionName="image")
    assert (listed["PackageType"], told["PackageType"]) == ("Image", "Image")
    assert {"Runtime", "State", "LastUpdateStatus"} & set(listed) == set()
    assert told["State"] == "Active"


def test_versions_are_listed_when_all_are_asked_for(functions: Any) -> None:
    """Of a function and its first version, the list without FunctionVersion has one entry."""
    seed("orders")
    functions.publish_version(FunctionName="orders")
    found = functions.list_functions(FunctionVersion="ALL")["Functions"]
    assert {one["Version"] for one in found} == {"$LATEST", "1"}
    assert names(functions.list_functions()) == ["orders"]


def test_seeded_functions_are_replaced_and_forgotten(functions: Any) -> None:
    """By name, and all at once; their tags are in the tag index."""
    seed("orders", runtime="python3.9")
    seed("orders", tags={"team": "core"})
    [one] = functions.list_functions()["Functions"]
    assert one["Runtime"] == "python3.13"
    assert functions.list_tags(Resource=one["FunctionArn"])["Tags"] == {"team": "core"}
    clear_functions(region=REGION)
    assert functions.list_functions()["Functions"] == []


def test_a_function_tells_how_it_logs(functions: Any) -> None:
    """By default plain text to the group of its name; in JSON it has levels, which may change."""
    seed("plain")
    told = functions.get_function_configuration(FunctionName="plain")
    assert told["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/plain"}
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "LogGroup": "/shop"}
    given = {"Role": told["Role"], "Runtime": "python3.13", "Handler": "a.b"}
    functions.create_function(
        FunctionName="json", Code={"ZipFile": EMPTY}, LoggingConfig=config, **given
    )
    [one] = [o for o in functions.list_functions()["Functions"] if o["FunctionName"] == "json"]
    assert one["LoggingConfig"] == {**config, "SystemLogLevel": "INFO"}
    level = {"ApplicationLogLevel": "ERROR"}
    functions.update_function_configuration(FunctionName="json", LoggingConfig=level)
    told = functions.get_function_configuration(FunctionName="json")
    assert told["LoggingConfig"] == {**config, **level, "SystemLogLevel": "INFO"}
