"""Where moto's versions, aliases and their users differ from AWS, the embedded account does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.awslambda.models import lambda_backends

from embedded.function_uses import CODE_STORAGE, run_durably
from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, seed_functions, seed_versions

REGION, ACCOUNT = "eu-west-1", "123456789012"


@pytest.fixture
def functions() -> Iterator[Any]:
    """A client of Lambda in a fresh, faithful account with a function of four versions."""
    with faithful(), mock_aws():
        seed_functions([FunctionSeed(name="orders")], region=REGION)
        assert seed_versions("orders", 40, 30, 20, 10, region=REGION) == ["1", "2", "3", "4"]
        yield boto3.client("lambda", region_name=REGION)


def versions(functions: Any, name: str = "orders") -> set[str]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return {one["Version"] for page in pages for one in page["Versions"]}


def test_versions_come_in_pages_of_at_most_fifty(functions: Any) -> None:
    """Whatever MaxItems says; $LATEST is one of them, and a function that is none is not found."""
    seed_versions("orders", *[1] * 56, region=REGION)
    asked = functions.get_paginator("list_versions_by_function").paginate(
        FunctionName="orders", PaginationConfig={"PageSize": 500}
    )
    assert [len(page["Versions"]) for page in asked] == [50, 11]
    assert versions(functions) == {"$LATEST", *map(str, range(1, 61))}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.list_versions_by_function(FunctionName="none")
    with pytest.raises(ClientError, match="Invalid Marker"):
        functions.list_versions_by_function(FunctionName="orders", Marker="made up")


def test_a_version_that_an_alias_points_to_is_not_deleted(functions: Any) -> None:
    """By its weights as well; and $LATEST not by itself."""
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    alias = {"FunctionName": "orders", "Name": "live", "FunctionVersion": "3"}
    functions.create_alias(**alias, RoutingConfig=weights)
    for version, error in (("2", "live"), ("3", "ResourceConflict"), ("$LATEST", "InvalidParam")):
        with pytest.raises(ClientError, match=error):
            functions.delete_function(FunctionName="orders", Qualifier=version)
    functions.delete_function(FunctionName="orders", Qualifier="1")
    assert versions(functions) == {"$LATEST", "2", "3", "4"}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.delete_function(FunctionName="orders", Qualifier="1")
    listed = functions.list_functions(FunctionVersion="ALL")["Functions"]
    assert {one["Version"] for one in listed} == {"$LATEST", "2", "3", "4"}


def test_a_number_is_never_given_again(functions: Any) -> None:
    """Not even that of the newest version; an unchanged function is not published again."""
    functions.delete_function(FunctionName="orders", Qualifier="4")
    assert functions.publish_version(FunctionName="orders")["Version"] == "3"
    backend = lambda_backends[ACCOUNT][REGION]
    backend.get_function("orders").code_or_config_updated = True
    assert functions.publish_version(FunctionName="orders")["Version"] == "5"
    assert functions.publish_version(FunctionName="orders")["Version"] == "5"


def test_aliases_are_listed_by_version_and_by_page(functions: Any) -> None:
    """Those of a version are those that point to it, weights not counted."""
    for number, name in enumerate("abc", 1):
        functions.create_alias(FunctionName="orders", Name=name, FunctionVersion=str(number))
    pages = functions.get_paginator("list_aliases").paginate(
        FunctionName="orders", PaginationConfig={"PageSize": 2}
    )
    assert [[one["Name"] for one in page["Aliases"]] for page in pages] == [["a", "b"], ["c"]]
    [found] = functions.list_aliases(FunctionName="orders", FunctionVersion="2")["Aliases"]
    assert found["Name"] == "b"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.list_aliases(FunctionName="none")


def test_a_version_has_a_policy_of_its_own(functions: Any) -> None:
    """The function's is not the version's, nor the other way round."""
    told = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    functions.add_permission(FunctionName="orders", Qualifier="2", **told)
    assert ":orders:2" in functions.get_policy(FunctionName="orders", Qualifier="2")["Policy"]
    for asked in ({}, {"Qualifier": "3"}):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            functions.get_policy(FunctionName="orders", **asked)


def test_provisioned_concurrency_is_of_versions_and_aliases(functions: Any) -> None:
    """It is listed by function, and can be taken away."""
    place = {"FunctionName": "orders", "Qualifier": "3"}
    functions.put_provisioned_concurrency_config(**place, ProvisionedConcurrentExecutions=5)
    [told] = functions.list_provisioned_concurrency_configs(FunctionName="orders")[
        "ProvisionedConcurrencyConfigs"
    ]
    assert told["FunctionArn"].endswith(":function:orders:3")
    functions.delete_provisioned_concurrency_config(**place)
    listed = functions.list_provisioned_concurrency_configs(FunctionName="orders")
    assert listed["ProvisionedConcurrencyConfigs"] == []
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        functions.put_provisioned_concurrency_config(
            FunctionName="orders", Qualifier="$LATEST", ProvisionedConcurrentExecutions=5
        )


def test_the_account_tells_its_code_and_its_limit(functions: Any) -> None:
    """Versions count; the limit is a Region's, unzipped."""
    told = functions.get_account_settings()
    assert told["AccountLimit"]["TotalCodeSize"] == CODE_STORAGE
    assert told["AccountUsage"]["TotalCodeSize"] >= 4_000_000
    assert told["AccountUsage"]["FunctionCount"] == 1


def test_durable_executions_run_on_a_version(functions: Any) -> None:
    """Those that are over are left out where only running ones are asked for."""
    latest = lambda_backends[ACCOUNT][REGION].get_function("orders")
    run_durably(latest, "2", "one", datetime(2026, 11, 20, tzinfo=UTC))
    asked = {"FunctionName": "orders", "Statuses": ["RUNNING", "PAUSED"]}
    [found] = functions.list_durable_executions_by_function(**asked)["DurableExecutions"]
    assert found["FunctionArn"].endswith(":orders:2")
    over = functions.list_durable_executions_by_function(
        FunctionName="orders", Statuses=["SUCCEEDED"]
    )
    assert over["DurableExecutions"] == []


def test_the_url_of_a_function_is_listed(functions: Any) -> None:
    """One at most."""
    functions.create_function_url_config(FunctionName="orders", AuthType="NONE")
    told = functions.list_function_url_configs(FunctionName="orders")["FunctionUrlConfigs"]
    assert [one["FunctionArn"].rpartition(":")[2] for one in told] == ["orders"]


def test_mappings_come_in_pages_of_at_most_a_hundred(functions: Any) -> None:
    """With the version that they invoke in the function's ARN."""
    sqs = boto3.client("sqs", region_name=REGION)
    for number in range(101):
        name = f"q{number}"
        sqs.create_queue(QueueName=name)
        functions.create_event_source_mapping(
            FunctionName="orders:2" if number == 7 else "orders",
            EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        )
    pages = list(functions.get_paginator("list_event_source_mappings").paginate())
    assert [len(page["EventSourceMappings"]) for page in pages] == [100, 1]
    arns = [one["FunctionArn"] for page in pages for one in page["EventSourceMappings"]]
    assert sum(arn.endswith(":orders:2") for arn in arns) == 1


def test_aliases_are_invoked_by_settings_of_their_own(functions: Any) -> None:
    """As $LATEST is; an update keeps what it does not name, and a list has them all."""
    functions.create_alias(FunctionName="orders", Name="live", FunctionVersion="3")
    of_alias = {"FunctionName": "orders", "Qualifier": "live"}
    ends = {"OnFailure": {"Destination": f"arn:aws:sns:{REGION}:{ACCOUNT}:failed"}}
    functions.put_function_event_invoke_config(FunctionName="orders", MaximumRetryAttempts=0)
    functions.put_function_event_invoke_config(**of_alias, DestinationConfig=ends)
    functions.update_function_event_invoke_config(**of_alias, MaximumRetryAttempts=2)
    told = functions.get_function_event_invoke_config(**of_alias)
    assert (told["MaximumRetryAttempts"], told["DestinationConfig"]) == (2, ends)

    def listed() -> dict[str, int]:
        pages = functions.get_paginator("list_function_event_invoke_configs").paginate(
            FunctionName="orders"
        )
        found = [one for page in pages for one in page["FunctionEventInvokeConfigs"]]
        return {one["FunctionArn"].rpartition(":")[2]: one["MaximumRetryAttempts"] for one in found}

    assert listed() == {"$LATEST": 0, "live": 2}
    functions.delete_function_event_invoke_config(**of_alias)
    assert listed() == {"$LATEST": 0}
    for act in (
        functions.delete_function_event_invoke_config,
        functions.get_function_event_invoke_config,
        functions.update_function_event_invoke_config,
    ):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            act(**of_alias)


def test_a_state_machine_has_no_versions(functions: Any) -> None:
    """None that moto keeps."""
    machines = boto3.client("stepfunctions", region_name=REGION)
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    assert machines.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"] == []


def test_the_authorizers_of_an_api_are_listed(functions: Any) -> None:
    """With the function that they invoke."""
    apis = boto3.client("apigatewayv2", region_name=REGION)
    api = apis.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/x:2/invocations"
    apis.create_authorizer(
        ApiId=api,
        AuthorizerType="REQUEST",
        AuthorizerUri=uri,
        AuthorizerPayloadFormatVersion="2.0",
        IdentitySource=["$request.header.a"],
        Name="check",
    )
    assert [one["AuthorizerUri"] for one in apis.get_authorizers(ApiId=api)["Items"]] == [uri]
