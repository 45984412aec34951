"""Where moto's updates of functions differ from AWS, the embedded account's do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, hold_function, seed_functions, seed_layer

REGION = "eu-west-1"
MEGABYTE = 1_000_000


@pytest.fixture
def functions() -> Iterator[Any]:
    """A client of Lambda in a fresh, faithful account, which has a function and an image."""
    with mock_aws(), faithful():
        seeds = (
            FunctionSeed(name="f", unzipped=50 * MEGABYTE),
            FunctionSeed(name="i", runtime=None),
        )
        seed_functions(seeds, region=REGION)
        yield boto3.client("lambda", region_name=REGION)


def configuration(functions: Any, **asked: Any) -> dict[str, Any]:
    told: dict[str, Any] = functions.get_function_configuration(FunctionName="f", **asked)
    return told


def layer(name: str, versions: int = 1, **fields: Any) -> list[str]:
    return seed_layer(name, versions, region=REGION, **fields)


def refusal(functions: Any, name: str = "f", **asked: Any) -> str:
    """Code and message with which an update is refused."""
    with pytest.raises(ClientError) as refused:
        functions.update_function_configuration(FunctionName=name, **asked)
    return str(refused.value)


def test_each_update_makes_another_revision(functions: Any) -> None:
    """Of configuration and of code; a list tells the same, and an older one is refused."""
    revisions = [configuration(functions)["RevisionId"]]
    for number in (1, 2):
        functions.update_function_configuration(
            FunctionName="f", RevisionId=revisions[-1], Timeout=number
        )
        revisions.append(configuration(functions)["RevisionId"])
    functions.update_function_code(FunctionName="f", RevisionId=revisions[-1], ZipFile=b"new")
    revisions.append(configuration(functions)["RevisionId"])
    assert len(set(revisions)) == 4
    listed = {one["FunctionName"]: one for one in functions.list_functions()["Functions"]}
    assert listed["f"]["RevisionId"] == revisions[-1]
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        functions.update_function_code(FunctionName="f", RevisionId=revisions[0], ZipFile=b"no")
    assert configuration(functions)["RevisionId"] == revisions[-1]


def test_an_update_of_a_revision_that_is_past_is_refused(functions: Any) -> None:
    """And changes nothing."""
    first = configuration(functions)["RevisionId"]
    functions.update_function_configuration(FunctionName="f", Timeout=7)
    assert "PreconditionFailedException" in refusal(functions, RevisionId=first, Timeout=8)
    assert configuration(functions)["Timeout"] == 7


@pytest.mark.parametrize("held", [{"state": "Pending"}, {"status": "InProgress"}], ids=str)
def test_while_a_function_is_made_or_updated_it_takes_no_update(
    functions: Any, held: dict[str, str]
) -> None:
    """Of either sort; then it does."""
    hold_function("f", region=REGION, **held)
    told = configuration(functions)
    assert {*held.values()} <= {told["State"], told["LastUpdateStatus"]}
    assert "ResourceConflictException" in refusal(functions, Timeout=7)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        functions.update_function_code(FunctionName="f", ZipFile=b"new")
    hold_function("f", region=REGION)
    answer = functions.update_function_configuration(FunctionName="f", Timeout=7)
    assert answer["LastUpdateStatus"] == "InProgress"
    assert configuration(functions)["LastUpdateStatus"] == "Successful"


def test_layers_that_lambda_does_not_take_are_invalid(functions: Any) -> None:
    """Six, two of one, one that is not there, and any of a container image."""
    [first, second], six = layer("a", 2), [arn for name in "bcdefg" for arn in layer(name)]
    for arns in (six, [first, second], [first.replace(":1", ":9")]):
        assert "InvalidParameterValueException" in refusal(functions, Layers=arns)
    assert "InvalidParameterValueException" in refusal(functions, "i", Layers=[first])
    assert "Layers" not in configuration(functions) or not configuration(functions)["Layers"]
    functions.update_function_configuration(FunctionName="f", Layers=[*six[:4], second])
    assert [one["Arn"] for one in configuration(functions)["Layers"]] == [*six[:4], second]


def test_code_and_layers_have_a_size_that_they_share(functions: Any) -> None:
    """262,144,000 bytes unzipped, whatever they are zipped."""
    [large], [larger] = layer("a", unzipped=212 * MEGABYTE), layer("b", unzipped=213 * MEGABYTE)
    functions.update_function_configuration(FunctionName="f", Layers=[large])
    assert "exceeds the maximum allowed size" in refusal(functions, Layers=[larger])


def test_a_version_has_the_layers_that_it_was_published_with(functions: Any) -> None:
    """Whatever the function has later; an alias stands for its version."""
    [arn] = layer("a")
    functions.publish_version(FunctionName="f")
    functions.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    functions.update_function_configuration(FunctionName="f", Layers=[arn])
    for qualifier in ("1", "live"):
        told = configuration(functions, Qualifier=qualifier)
        assert (told["Version"], told["Layers"]) == ("1", [])
    assert [one["Arn"] for one in configuration(functions)["Layers"]] == [arn]
