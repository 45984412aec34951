"""What makes the embedded account quick changes no answer, and moto still has what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws
from moto.cloudformation.models import Stack
from moto.core.loaders import create_loader
from moto.dynamodb.models.table import Table
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)
from moto.stepfunctions.parser.asl.utils import json_path

from embedded.models import models_read_once
from embedded.overlays import MotoChangedError
from embedded.parsed import parsed_once
from embedded.table_reads import quick_reads
from embedded.templates import json_read_as_json

REGION = "eu-west-1"
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
TURNED = [{"AttributeName": "sk", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]
VALUES = {
    "text": {"S": "a ä \U0001f600"},
    "number": {"N": "1.50"},
    "bytes": {"B": b"\x00\xff"},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "blobs": {"BS": [b"a", b"b"]},
    "map": {"M": {"S": {"S": ""}, "deeper": {"M": {"list": {"L": [{"B": b"z"}]}}}}},
    "list": {"L": [{"NULL": True}, {"BOOL": False}]},
    "empty": {"M": {}},
}
"""Of every type that DynamoDB has."""

READS: dict[str, tuple[str, dict[str, Any]]] = {
    "a partition": ("query", {"TableName": "t", "ConsistentRead": True}),
    "from the end": ("query", {"TableName": "t", "ScanIndexForward": False}),
    "a page": ("query", {"TableName": "t", "Limit": 2}),
    "how many": ("query", {"TableName": "t", "Select": "COUNT"}),
    "what it took": ("query", {"TableName": "t", "ReturnConsumedCapacity": "TOTAL"}),
    "without range": ("query", {"TableName": "u"}),
    "an index": ("query", {"TableName": "t", "IndexName": "turned"}),
    "an item": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"S": "1"}}}),
    "no item": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "z"}, "sk": {"S": "1"}}}),
    "a batch": (
        "batch_get_item",
        {"RequestItems": {"t": {"Keys": [{"pk": {"S": "b"}, "sk": {"S": "2"}}]}}},
    ),
    "all": ("scan", {"TableName": "t"}),
    "the table": ("describe_table", {"TableName": "t"}),
}


@pytest.fixture(scope="module")
def tables() -> Iterator[Any]:
    """A client of tables with items of several partitions."""
    with mock_aws():
        client = boto3.Session(region_name=REGION).client("dynamodb")
        for name, keys in (("t", KEYS), ("u", KEYS[:1])):
            index = {"IndexName": "turned", "KeySchema": TURNED}
            client.create_table(
                TableName=name,
                KeySchema=keys,
                AttributeDefinitions=[
                    {"AttributeName": one["AttributeName"], "AttributeType": "S"} for one in keys
                ],
                BillingMode="PAY_PER_REQUEST",
                **_given(
                    GlobalSecondaryIndexes=keys == KEYS
                    and [{**index, "Projection": {"ProjectionType": "ALL"}}]
                ),
            )
            for pk in "ba":
                for sk in "312":
                    key = {"pk": {"S": pk}, "sk": {"S": sk}}
                    client.put_item(TableName=name, Item={**key, **VALUES})
        yield client


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("partition", ["a", "nobody's"])
def test_a_quick_read_is_answered_as_moto_does(tables: Any, name: str, partition: str) -> None:
    """With what it has, whatever type it is of, in the same order and with the same headers."""
    operation, params = READS[name]
    if operation == "query":
        key = "sk" if "IndexName" in params else "pk"
        sought = {":k": {"S": "1" if key == "sk" and partition == "a" else partition}}
        condition = {"KeyConditionExpression": f"{key} = :k", "ExpressionAttributeValues": sought}
        params = {**params, **condition}
    own = getattr(tables, operation)(**params)
    with quick_reads():
        quick = getattr(tables, operation)(**params)
    assert _settled(quick) == _settled(own)
    assert quick.get("Count", 1) or partition != "a"


def _settled(answer: Any) -> Any:
    """An answer without what is new in each."""
    answer["ResponseMetadata"].pop("RequestId")
    for name in ("x-amzn-requestid", "x-amz-crc32", "date"):
        answer["ResponseMetadata"]["HTTPHeaders"].pop(name, None)
    return answer


def test_a_quick_query_continues_where_a_page_ended(tables: Any) -> None:
    """Pages that are read one by one have every item of the partition once."""
    sought = {":k": {"S": "a"}}
    with quick_reads():
        pages = tables.get_paginator("query").paginate(
            TableName="t",
            KeyConditionExpression="pk = :k",
            ExpressionAttributeValues=sought,
            PaginationConfig={"PageSize": 1},
        )
        found = [[item["sk"]["S"] for item in page["Items"]] for page in pages]
    assert [one for page in found for one in page] == ["1", "2", "3"]


def test_a_quick_query_looks_at_no_other_partition(
    tables: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And moto at every one."""
    looked: list[int] = []
    own = Table.all_items

    def all_items(table: Table) -> Any:
        looked.append(len(own(table)))
        return own(table)

    sought = {"KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "a"}}}
    with quick_reads():
        monkeypatch.setattr(Table, "all_items", all_items)
        tables.query(TableName="t", **sought)
    tables.query(TableName="t", **sought)
    assert looked == [3, 6]


def test_sessions_share_what_they_read_and_moto_does_not() -> None:
    """Moto changes what it reads."""
    with models_read_once():
        mine, other = _model(botocore.session.Session()), _model(botocore.session.Session())
        motos = create_loader().load_service_model("dynamodb", "service-2")
    assert mine is other
    assert motos is not mine


def _model(session: botocore.session.Session) -> Any:
    return session.get_component("data_loader").load_service_model("dynamodb", "service-2")


def test_a_path_is_parsed_once_and_functions_are_invoked_by_one_client() -> None:
    """Afterwards moto is what it was."""
    paths, calls = vars(json_path), vars(lambda_eval_utils)
    own = paths["parse"], calls["boto_client_for"]
    with parsed_once():
        assert paths["parse"]("$.a") is paths["parse"]("$.a")
        first = calls["boto_client_for"](region=REGION, service="lambda")
        assert calls["boto_client_for"](service="lambda", region=REGION) is first
        assert json_path.extract_json("$.a[0]", {"a": [7]}) == 7
    assert (paths["parse"], calls["boto_client_for"]) == own


def test_a_definition_is_parsed_once_into_a_program_for_each_execution() -> None:
    """One that is malformed is refused each time; afterwards moto is what it was."""
    definition = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    own = AmazonStateLanguageParser.parse
    with parsed_once():
        (one, tree), (other, same) = (AmazonStateLanguageParser.parse(definition) for _ in "ab")
        for _ in range(2):
            with pytest.raises(ASLParserException):
                AmazonStateLanguageParser.parse("{")
    assert same is tree
    assert other is not one
    assert type(other) is type(own(definition)[0])
    assert AmazonStateLanguageParser.parse is own


@pytest.mark.parametrize(
    "text",
    [
        '{"A": ["yes", "2026-01-01", 1, 1.5, null, true, "a: b # \\u00e4"], "B": {"Ref": "C"}}',
        "A: [yes, 1, !Ref B]",
        "",
    ],
    ids=["json", "yaml", "nothing"],
)
def test_a_template_is_read_as_moto_does(text: str) -> None:
    """Whether it is JSON or YAML; afterwards moto is what it was."""
    own = Stack.parse_template
    expected = own(text)
    with json_read_as_json():
        assert Stack.parse_template is not own
        assert Stack.parse_template(text) == expected
    assert Stack.parse_template is own


def test_another_moto_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(json_path, "parse")
    with pytest.raises(MotoChangedError, match="parse"), parsed_once():
        pytest.fail("parses")
    monkeypatch.delattr(Stack, "parse_template")
    with pytest.raises(MotoChangedError, match="parse_template"), json_read_as_json():
        pytest.fail("reads")
    monkeypatch.setattr(Table, "all_items", lambda _: [])
    with pytest.raises(MotoChangedError, match="all_items"), quick_reads():
        pytest.fail("reads")
