"""An event names resources, or says why it names none; nothing else in it is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.events import (
    ACCOUNT_POLICY,
    CLOUDTRAIL,
    FUNCTION,
    LOG_GROUP,
    Automation,
    Skip,
    account_subscription,
    function,
    function_name,
    log_group,
    log_group_name,
    named,
    publishing_function,
    tagged_function,
)
from steward.model import Ref
from tests.fakes import ACCOUNT, REGION

RECORDS = Path(__file__).parent.parent / "events"

AUTOMATION = Automation(
    name="log-retention",
    source="aws.logs",
    events={
        "CreateLogGroup": log_group,
        "PutRetentionPolicy": log_group,
        "DeleteRetentionPolicy": log_group,
        "TagResource": log_group,
    },
    controls=(),
)

FILES = {
    "logs.CreateLogGroup.user": "/shop/checkout",
    "logs.CreateLogGroup.role": "/aws/lambda/billing",
    "logs.CreateLogGroup.tags-and-class": "/shop/audit",
    "logs.CreateLogGroup.already-exists": Skip.FAILED_CALL,
    "logs.CreateLogGroup.access-denied": Skip.FAILED_CALL,
    "logs.PutRetentionPolicy": "/shop/checkout",
    "logs.DeleteRetentionPolicy": "/shop/checkout",
    "logs.DescribeLogGroups": Skip.NO_RULE,
}

ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"

NAMES = [
    pytest.param("/aws/lambda/orders", "/aws/lambda/orders", id="a name"),
    pytest.param("secure", "secure", id="a name without slash"),
    pytest.param("a_b-c.d#e/F9", "a_b-c.d#e/F9", id="every legal character"),
    pytest.param("x" * 512, "x" * 512, id="the longest name"),
    pytest.param(f"{ARN}:/aws/lambda/orders", "/aws/lambda/orders", id="an ARN"),
    pytest.param(f"{ARN}:/aws/lambda/orders:*", "/aws/lambda/orders", id="an ARN with :*"),
    pytest.param(f"{ARN}:/a:log-stream:b", "/a", id="an ARN of a stream"),
    pytest.param("arn:aws-us-gov:logs:us-gov-west-1:1:log-group:/a", "/a", id="another partition"),
    pytest.param("x" * 513, "", id="too long"),
    pytest.param("", "", id="empty"),
    pytest.param("/a b", "", id="a space"),
    pytest.param("/a\n", "", id="a line end"),
    pytest.param("/a:*", "", id="a name with :*"),
    pytest.param("/größe", "", id="an umlaut"),
    pytest.param("/a*", "", id="a glob"),
    pytest.param("/a%2Fb", "", id="percent-encoded"),
    pytest.param(f"{ARN}:", "", id="an ARN without name"),
    pytest.param(f"{ARN}:/a b", "", id="an ARN with an illegal name"),
    pytest.param("arn:aws:lambda:eu-west-1:1:function:f", "", id="an ARN of something else"),
    pytest.param("arn:aws:logs:eu-west-1:1:destination:d", "", id="an ARN of a destination"),
    pytest.param(None, "", id="null"),
    pytest.param(7, "", id="a number"),
    pytest.param(["/a"], "", id="a list"),
    pytest.param({"name": "/a"}, "", id="a document"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def record(file: str) -> dict[str, Any]:
    """A CloudTrail record from tests/events."""
    read: dict[str, Any] = json.loads((RECORDS / f"{file}.json").read_text("utf-8"))
    return read


def delivered(detail: object, **envelope: Any) -> dict[str, Any]:
    """A record as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "77777777-6666-4555-8444-333322221111",
        "detail-type": CLOUDTRAIL,
        "source": "aws.logs",
        "account": ACCOUNT,
        "time": "2026-11-19T08:31:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
        **envelope,
    }


def created(**detail: Any) -> dict[str, Any]:
    """The record of a CreateLogGroup, some of it told otherwise."""
    return {**record("logs.CreateLogGroup.user"), **detail}


def looked_at(event: object, automation: Automation = AUTOMATION) -> list[Ref] | Skip:
    """What the event names, seen from the account and Region of the tests."""
    return named(automation, event, account=ACCOUNT, region=REGION)


def group(name: str) -> list[Ref]:
    return [Ref(LOG_GROUP, name)]


@pytest.mark.parametrize(
    ("file", "expected"), [pytest.param(*case, id=case[0]) for case in FILES.items()]
)
def test_a_record_names_its_group_or_says_why_not(file: str, expected: str | Skip) -> None:
    """RET-22 is among them: a call that failed has changed nothing, and names nothing."""
    wanted = expected if isinstance(expected, Skip) else group(expected)
    assert looked_at(delivered(record(file))) == wanted


def test_every_record_is_in_the_table() -> None:
    """A file that nobody expects anything of would be no test."""
    assert {file.stem for file in RECORDS.glob("logs.*.json")} == set(FILES)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"errorCode": "ResourceAlreadyExistsException"}, id="code alone"),
        pytest.param({"errorMessage": "Rate exceeded"}, id="message alone"),
        pytest.param({"errorCode": "Throttled", "errorMessage": "no"}, id="both"),
    ],
)
def test_a_failed_call_names_nothing(failure: Mapping[str, str]) -> None:
    """RET-22: an event with an errorCode leads to no call, in whichever way the failure is told."""
    assert looked_at(delivered(created(**failure))) is Skip.FAILED_CALL


NO_EVENTS = [
    pytest.param({"invalid": "input"}, id="RET-13"),
    pytest.param({}, id="empty"),
    pytest.param(None, id="null"),
    pytest.param([], id="a list"),
    pytest.param("CreateLogGroup", id="a text"),
    pytest.param(4711, id="a number"),
    pytest.param(delivered(None), id="detail null"),
    pytest.param(delivered("CreateLogGroup"), id="detail a text"),
    pytest.param(delivered([]), id="detail a list"),
    pytest.param(record("logs.CreateLogGroup.user"), id="a record without envelope"),
]


@pytest.mark.parametrize("event", NO_EVENTS)
def test_what_is_no_event_is_told_from_what_is(event: object) -> None:
    """RET-13: the payload {"invalid": "input"} leads to no call and is no error."""
    assert looked_at(event) is Skip.NOT_AN_EVENT


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(
            delivered(created(), account="999988887777"), Skip.OTHER_ACCOUNT, id="sender's account"
        ),
        pytest.param(
            delivered(created(recipientAccountId="999988887777")),
            Skip.OTHER_ACCOUNT,
            id="a copy for another account",
        ),
        pytest.param(delivered(created(), account=None), Skip.OTHER_ACCOUNT, id="no account"),
        pytest.param(delivered(created(), region="us-east-1"), Skip.OTHER_REGION, id="region"),
        pytest.param(
            delivered(created(awsRegion="us-east-1")),
            Skip.OTHER_REGION,
            id="call in another region",
        ),
        pytest.param(delivered(created(), source="aws.lambda"), Skip.NO_RULE, id="source"),
        pytest.param(delivered(created(), source=None), Skip.NO_RULE, id="no source"),
        pytest.param(
            delivered({}, source="aws.events", **{"detail-type": "Scheduled Event"}),
            Skip.NO_RULE,
            id="a schedule",
        ),
        pytest.param(
            delivered(created(), **{"detail-type": "AWS Service Event via CloudTrail"}),
            Skip.NO_RULE,
            id="detail-type",
        ),
        pytest.param(delivered(created(eventName="DeleteLogGroup")), Skip.NO_RULE, id="event name"),
        pytest.param(delivered(created(eventName=None)), Skip.NO_RULE, id="event name null"),
        pytest.param(delivered(created(eventName=["CreateLogGroup"])), Skip.NO_RULE, id="a list"),
    ],
)
def test_an_event_that_is_not_ours_says_why(event: Mapping[str, Any], reason: Skip) -> None:
    """What is skipped is counted by its reason."""
    assert looked_at(event) is reason


def test_an_old_record_without_account_or_region_is_judged_by_its_envelope() -> None:
    """Records of version 1.04 have no recipientAccountId."""
    detail = created()
    del detail["recipientAccountId"], detail["awsRegion"]
    assert looked_at(delivered(detail)) == group("/shop/checkout")


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="a list"),
        pytest.param("logGroupName=/a", id="a text"),
        pytest.param({}, id="empty"),
        pytest.param({"logGroupName": None}, id="name null"),
        pytest.param({"logGroupName": {"S": "/a"}}, id="name a document"),
        pytest.param({"logGroupName": "/a b"}, id="name illegal"),
        pytest.param({"resourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:d"}, id="other"),
    ],
)
def test_a_call_whose_parameters_name_no_group_names_nothing(parameters: object) -> None:
    """CloudTrail leaves parameters out above 100 KB, and tells null when access was denied."""
    assert looked_at(delivered(created(requestParameters=parameters))) is Skip.NO_NAME


def test_a_call_without_parameters_names_nothing() -> None:
    """Absent is no different from null."""
    detail = created()
    del detail["requestParameters"]
    assert looked_at(delivered(detail)) is Skip.NO_NAME


@pytest.mark.parametrize("member", ["logGroupName", "logGroupIdentifier", "resourceArn"])
@pytest.mark.parametrize("told", ["/shop/a", f"{ARN}:/shop/a", f"{ARN}:/shop/a:*"])
def test_a_group_is_named_by_name_or_arn_wherever_the_call_tells_it(member: str, told: str) -> None:
    """Operations of CloudWatch Logs differ in how they name a group."""
    detail = created(eventName="TagResource", requestParameters={member: told})
    assert looked_at(delivered(detail)) == group("/shop/a")


@pytest.mark.parametrize(("told", "name"), NAMES)
def test_only_legal_names_are_believed(told: object, name: str) -> None:
    """A name that CloudWatch Logs would not take names nothing."""
    assert log_group_name(told) == name


def test_a_resource_that_is_named_twice_comes_once() -> None:
    """In the order in which it was first named."""

    def twice(_: Mapping[str, Any]) -> Iterator[Ref]:
        yield from [*group("/b"), *group("/a"), *group("/b")]

    automation = Automation("twice", (), "aws.logs", {"CreateLogGroup": twice})
    assert looked_at(delivered(created()), automation) == [*group("/b"), *group("/a")]


@given(JSON)
def test_no_value_at_all_breaks_the_reading(value: object) -> None:
    """Whatever arrives is an answer: here always a reason."""
    assert isinstance(looked_at(value), Skip)


@given(
    st.sampled_from([None, *delivered(None)]),
    st.sampled_from([None, "requestParameters", *record("logs.CreateLogGroup.user")]),
    st.sampled_from(["logGroupName", "logGroupIdentifier", "resourceArn"]),
    JSON,
)
def test_no_value_in_any_place_breaks_the_reading(
    place: str | None, inner: str | None, member: str, value: object
) -> None:
    """One value of an otherwise good event may be anything: refs with legal names, or a reason."""
    detail = created(requestParameters={member: "/shop/a" if inner else value})
    if inner:
        detail[inner] = value
    found = looked_at(delivered(detail) | ({place: value} if place else {}))
    assert isinstance(found, Skip) or all(log_group_name(ref.id) == ref.id for ref in found)


FUNCTIONS = Automation(
    name="assessor",
    source="aws.lambda",
    events={
        "CreateFunction": function,
        "UpdateFunctionConfiguration": function,
        "DeleteFunction": function,
    },
    controls=(),
)

FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"

FUNCTION_NAMES = [
    pytest.param("checkout", "checkout", id="a name"),
    pytest.param("check_out-2", "check_out-2", id="every character that CreateFunction takes"),
    pytest.param("us-east-1.edge", "us-east-1.edge", id="a replica at the edge"),
    pytest.param("function", "function", id="a function called function"),
    pytest.param("x" * 140, "x" * 140, id="the longest name"),
    pytest.param("checkout:live", "checkout", id="an alias"),
    pytest.param("checkout:7", "checkout", id="a version"),
    pytest.param("checkout:$LATEST", "checkout", id="the latest version"),
    pytest.param("checkout:$LATEST.PUBLISHED", "checkout", id="the latest published version"),
    pytest.param(f"{ACCOUNT}:function:checkout", "checkout", id="a partial ARN"),
    pytest.param(f"{ACCOUNT}:function:checkout:7", "checkout", id="a partial ARN with a version"),
    pytest.param("function:checkout", "checkout", id="a partial ARN without account"),
    pytest.param(f"{FUNCTION_ARN}:checkout", "checkout", id="an ARN"),
    pytest.param(f"{FUNCTION_ARN}:checkout:live", "checkout", id="an ARN with an alias"),
    pytest.param(f"{FUNCTION_ARN}:checkout:$LATEST", "checkout", id="an ARN with $LATEST"),
    pytest.param("arn:aws-us-gov:lambda:us-gov-west-1:1:function:f", "f", id="another partition"),
    pytest.param(
        f"arn%3Aaws%3Alambda%3A{REGION}%3A{ACCOUNT}%3Afunction%3Acheckout%3A%24LATEST",
        "checkout",
        id="percent-encoded",
    ),
    pytest.param("x" * 141, "", id="too long"),
    pytest.param("", "", id="empty"),
    pytest.param("check out", "", id="a space"),
    pytest.param("checkout\n", "", id="a line end"),
    pytest.param("checkout%0A", "", id="an encoded line end"),
    pytest.param("checkout:", "", id="an empty qualifier"),
    pytest.param("checkout:live:7", "", id="two qualifiers"),
    pytest.param("checkout*", "", id="a glob"),
    pytest.param("/aws/lambda/checkout", "", id="a log group"),
    pytest.param("gr\u00f6\u00dfe", "", id="an umlaut"),
    pytest.param(f"{FUNCTION_ARN}:", "", id="an ARN without name"),
    pytest.param("arn:aws:lambda:eu-west-1:1:layer:tools", "", id="an ARN of a layer"),
    pytest.param("arn:aws:lambda:eu-west-1:1:layer:tools:3", "", id="an ARN of a layer's version"),
    pytest.param(None, "", id="null"),
    pytest.param(7, "", id="a number"),
    pytest.param(["checkout"], "", id="a list"),
]


def of_lambda(detail: object) -> dict[str, Any]:
    return delivered(detail, source="aws.lambda")


@pytest.mark.parametrize(
    "event", ["CreateFunction", "UpdateFunctionConfiguration", "DeleteFunction"]
)
def test_a_record_of_lambda_names_its_function(event: str) -> None:
    """By name or by ARN, under an event name that has a version of the API in it."""
    detail = record(f"lambda.{event}.assessor")
    assert detail["eventName"] != event
    assert looked_at(of_lambda(detail), FUNCTIONS) == [Ref(FUNCTION, "checkout")]


@pytest.mark.parametrize(
    ("event", "known"),
    [
        ("CreateFunction", True),
        ("CreateFunction20150331", True),
        ("CreateFunction20150331v2", True),
        ("CreateFunction20150331v12", True),
        ("CreateFunction2015", False),
        ("CreateFunction20150331v", False),
        ("CreateFunction20150331\n", False),
        ("CreateFunctionUrlConfig", False),
        ("20150331", False),
        ("", False),
    ],
)
def test_the_version_in_an_event_name_does_not_matter(event: str, known: bool) -> None:  # noqa: FBT001  # a case
    """Lambda's have the day of the API, and some a revision of the call."""
    detail = {**record("lambda.CreateFunction.assessor"), "eventName": event}
    found = looked_at(of_lambda(detail), FUNCTIONS)
    assert found == ([Ref(FUNCTION, "checkout")] if known else Skip.NO_RULE)


@pytest.mark.parametrize(("told", "name"), FUNCTION_NAMES)
def test_a_function_is_named_in_every_way_that_lambda_takes(told: object, name: str) -> None:
    """A name that Lambda would not take names nothing."""
    detail = {
        **record("lambda.CreateFunction.assessor"),
        "requestParameters": {"functionName": told},
    }
    assert function_name(told) == name
    expected = [Ref(FUNCTION, name)] if name else Skip.NO_NAME
    assert looked_at(of_lambda(detail), FUNCTIONS) == expected


@pytest.mark.parametrize("parameters", [None, [], "functionName=f", {}, {"functionName": None}])
def test_a_call_of_lambda_without_a_name_names_nothing(parameters: object) -> None:
    """Also where CloudTrail leaves the parameters out."""
    detail = {**record("lambda.CreateFunction.assessor"), "requestParameters": parameters}
    assert looked_at(of_lambda(detail), FUNCTIONS) is Skip.NO_NAME


TAGGED = "arn:aws:lambda:eu-west-1:1:function:checkout"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        pytest.param(TAGGED, "checkout", id="a function"),
        pytest.param(TAGGED.replace(":", "%3A"), "checkout", id="percent-encoded"),
        pytest.param("checkout", "", id="a name, which this call does not take"),
        pytest.param(TAGGED.replace("function", "event-source-mapping"), "", id="a mapping"),
        pytest.param(TAGGED.replace("function", "code-signing-config"), "", id="code signing"),
        pytest.param(TAGGED.replace("function", "layer"), "", id="a layer"),
        pytest.param(TAGGED.replace("lambda", "logs"), "", id="of another service"),
        pytest.param(TAGGED[: -len("checkout")], "", id="no name in it"),
        pytest.param(None, "", id="null"),
        pytest.param([TAGGED], "", id="a list"),
    ],
)
def test_tags_of_lambda_are_those_of_a_function_or_of_something_else(
    told: object, name: str
) -> None:
    """LAY-16: only of the first is anything taken."""
    found = list(tagged_function({"requestParameters": {"resource": told}}))
    assert found == ([Ref(FUNCTION, name)] if name else [])
    assert list(tagged_function({"requestParameters": told})) == []


@given(JSON)
def test_no_value_breaks_the_reading_of_a_functions_name(value: object) -> None:
    """What is taken for a name is one, and is its own name."""
    name = function_name(value)
    assert name == "" or function_name(name) == name


SHIPPING = {"policyName": "steward-logs", "policyType": "SUBSCRIPTION_FILTER_POLICY"}


@pytest.mark.parametrize("record", ["PutAccountPolicy.subscription", "DeleteAccountPolicy"])
def test_a_record_of_an_account_policy_names_it(record: str) -> None:
    """The one that ships log events, by its name."""
    detail = json.loads((RECORDS / f"trail/logs.{record}.json").read_text())
    assert list(account_subscription(detail)) == [Ref(ACCOUNT_POLICY, "steward-logs")]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({**SHIPPING, "policyType": "RETENTION_POLICY"}, id="of another type"),
        pytest.param({"policyName": "steward-logs"}, id="of no type"),
        pytest.param({**SHIPPING, "policyName": ""}, id="without a name"),
        pytest.param({**SHIPPING, "policyName": 7}, id="a number"),
        pytest.param({**SHIPPING, "policyName": "a*"}, id="a glob"),
        pytest.param({**SHIPPING, "policyName": "a" * 257}, id="too long"),
        pytest.param([], id="a list"),
        pytest.param(None, id="null"),
    ],
)
def test_another_account_policy_names_nothing(asked: object) -> None:
    """Neither one of another type, nor what is no name."""
    assert list(account_subscription({"requestParameters": asked})) == []


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param({"functionName": "orders", "publish": True}, ["orders"], id="publishes"),
        pytest.param({"functionName": "orders", "publish": False}, [], id="does not"),
        pytest.param({"functionName": "orders"}, [], id="says nothing"),
        pytest.param(None, [], id="was not told"),
    ],
)
def test_an_update_of_code_names_its_function_where_it_publishes(
    asked: object, names: list[str]
) -> None:
    """Without, there is no new version."""
    found = publishing_function({"requestParameters": asked})
    assert [ref.id for ref in found] == names
