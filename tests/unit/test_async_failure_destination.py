"""Functions that are invoked asynchronously: who shows it, and where their failures go."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from steward.controls.async_failure_destination import CONTROL
from steward.controls.async_failure_destination.readers import PART, discover, observe
from steward.controls.async_failure_destination.state import Function, Policy
from steward.controls.async_failure_destination.triggers import services
from steward.controls.lambda_api import destinations
from steward.errors import BadPolicy, Denied, Gone, OutOfTime, Refused, Throttled
from steward.evaluate import COMMON_CODES
from steward.model import Finding, R, Ref, Sight, T, Unread, Verdict
from steward.policy import load
from tests.fakes import ACCOUNT, REGION, START, Answer, FakeAws, NothingKnown

KIND = "AWS::Lambda::Function"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:failed"
METRIC = ("AsyncEventsReceived of 14 days",)


def policy(**document: Any) -> Policy:
    loaded: Policy = load(CONTROL, document).policy
    return loaded


def judged(function: Function, **document: Any) -> Finding:
    return CONTROL.assess(function, policy(**document))


FUNCTIONS: Sequence[tuple[Function, str, str, str]] = [
    (Function("f"), "NOT_APPLICABLE", "NO_EVIDENCE", "nothing asked"),
    (Function("f", asked=("a", "b")), "NOT_APPLICABLE", "NO_EVIDENCE", "looked at a and b"),
    (Function("f", dead_letters=QUEUE), "NOT_APPLICABLE", "NO_EVIDENCE", "has dead letters"),
    (Function("f", METRIC, dead_letters=QUEUE), "COMPLIANT", "HAS_DEAD_LETTERS", QUEUE),
    (Function("f", METRIC), "NON_COMPLIANT", "NO_DESTINATION", "failed events go nowhere"),
    (Function("f", METRIC, covered={"$LATEST": TOPIC}), "COMPLIANT", "HAS_DESTINATION", TOPIC),
    (
        Function("f", METRIC, covered={"live": TOPIC}, aliases=("live",)),
        "COMPLIANT",
        "HAS_DESTINATION",
        TOPIC,
    ),
    (
        Function("f", METRIC, covered={"live": TOPIC}, aliases=("beta", "live")),
        "NON_COMPLIANT",
        "PARTLY_WITHOUT",
        "of beta go nowhere",
    ),
    (
        Function("f", METRIC, by_policy=True, covered={"live": TOPIC}, aliases=("live",)),
        "NON_COMPLIANT",
        "PARTLY_WITHOUT",
        "of $LATEST go nowhere",
    ),
    (
        Function("f", METRIC, covered={"$LATEST": TOPIC}, aliases=("beta", "live")),
        "NON_COMPLIANT",
        "PARTLY_WITHOUT",
        "of beta, live go nowhere",
    ),
    (
        Function("f", METRIC, covered={"$LATEST": TOPIC, "live": TOPIC}, aliases=("live",)),
        "COMPLIANT",
        "HAS_DESTINATION",
        TOPIC,
    ),
    (
        Function("f", METRIC, covered={"7": TOPIC}),
        "NON_COMPLIANT",
        "PARTLY_WITHOUT",
        "of $LATEST go nowhere",
    ),
    (
        Function("f", METRIC, dead_letters=QUEUE, lost=frozenset({QUEUE})),
        "NON_COMPLIANT",
        "DESTINATION_GONE",
        f"{QUEUE} is not there",
    ),
    (
        Function("f", METRIC, covered={"$LATEST": TOPIC, "a": QUEUE}, lost=frozenset({QUEUE})),
        "NON_COMPLIANT",
        "DESTINATION_GONE",
        f"{QUEUE} is not there",
    ),
]


@pytest.mark.parametrize(("function", "verdict", "code", "reason"), FUNCTIONS)
def test_a_function_is_judged(function: Function, verdict: str, code: str, reason: str) -> None:
    """Without evidence never COMPLIANT, whatever else it has."""
    found = judged(function)
    assert (found.verdict, found.code, found.remediation) == (verdict, code, ())
    assert reason in found.reason
    assert len(found.reason) <= 256


def test_every_code_is_given_by_a_case_and_said_in_words() -> None:
    """Beside the one that the policy brings about."""
    found = {code for _, _, code, _ in FUNCTIONS} | {"REPEATED"}
    assert found == set(CONTROL.codes)
    assert not found & set(COMMON_CODES)


def test_of_a_function_whose_events_come_again_nothing_is_asked() -> None:
    """As those of a schedule do: the next one makes up for one that failed."""
    found = judged(Function("nightly-sync", METRIC), repeated=["nightly-*"])
    assert (found.verdict, found.code) == (Verdict.NOT_APPLICABLE, "REPEATED")
    aws = account({"nightly-sync": {}}, received=["nightly-sync"])
    assert read(aws, "nightly-sync", repeated=["nightly-*"]) == Function("nightly-sync")
    assert read(aws, "nightly-sync", exclude=["nightly-*"]) == Function("nightly-sync")
    assert calls(aws) == {"GetFunctionConfiguration": 2}


def test_a_policy_looks_at_something() -> None:
    """Or no function would ever be judged, without anybody noticing."""
    with pytest.raises(BadPolicy, match="evidence: has nothing that is true"):
        policy(evidence={"metrics": False, "resource_policies": False})


def grant(*principals: str, **fields: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": list(principals)}, **fields}
    return {"Policy": json.dumps({"Statement": [statement]})}


def account(
    functions: Mapping[str, Mapping[str, Any]],
    *,
    received: Sequence[str] = (),
    **answers: Any,
) -> FakeAws:
    """A Lambda of these functions, some of which have received events; the rest as it is given."""

    def told(name: str) -> dict[str, Any]:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        return {"FunctionName": name, "FunctionArn": arn, **functions[name]}

    def one(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["FunctionName"] not in functions:
            raise Gone("Function not found")
        return told(asked["FunctionName"])

    def metrics(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        results = []
        for query in asked["MetricDataQueries"]:
            [dimension] = query["MetricStat"]["Metric"]["Dimensions"]
            points = [5.0] if dimension["Value"] in received else [0.0]
            told = {"Id": query["Id"], "Timestamps": [START], "Values": points}
            results.append({**told, "StatusCode": "Complete"})
        return {"MetricDataResults": results}

    known: dict[str, Answer] = {
        "GetFunctionConfiguration": one,
        "ListFunctions": {"Functions": [told(name) for name in functions]},
        "GetMetricData": metrics,
        "GetPolicy": Gone("no policy"),
        "ListFunctionEventInvokeConfigs": {"FunctionEventInvokeConfigs": []},
        "ListAliases": {"Aliases": []},
        "GetQueueAttributes": {"Attributes": {"QueueArn": QUEUE}},
        "ListTopics": {"Topics": [{"TopicArn": TOPIC}]},
        **answers,
    }
    of = {"GetMetricData": "cloudwatch", "GetQueueAttributes": "sqs", "ListTopics": "sns"}
    return FakeAws({(of.get(name, "lambda"), name): answer for name, answer in known.items()})


def sight(aws: FakeAws, **document: Any) -> Sight[Policy]:
    return Sight(aws, policy(**document), NothingKnown(), START)


def read(aws: FakeAws, name: str = "f", **document: Any) -> Function | Unread | None:
    return next(observe(sight(aws, **document), [Ref(KIND, name)]), None)


def calls(aws: FakeAws) -> dict[str, int]:
    return dict(Counter(one.operation for one in aws.requests))


def configs(**destinations: str) -> dict[str, Any]:
    """By qualifier: where failures go; '' for a setting without a destination."""
    found = []
    for qualifier, end in destinations.items():
        arn = (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:{qualifier.replace('LATEST', '$LATEST')}"
        )
        config = {"DestinationConfig": {"OnFailure": {"Destination": end} if end else {}}}
        found.append({"FunctionArn": arn, **config})
    return {"FunctionEventInvokeConfigs": found}


def test_the_metric_is_enough_and_nothing_else_is_asked_of_who_invokes() -> None:
    """One request for the metric; the destination is asked for as there are no dead letters."""
    aws = account({"f": {}}, received=["f"], ListFunctionEventInvokeConfigs=configs(LATEST=QUEUE))
    assert read(aws) == Function("f", METRIC, METRIC, covered={"$LATEST": QUEUE})
    assert calls(aws) == {
        "GetFunctionConfiguration": 1,
        "GetMetricData": 1,
        "ListFunctionEventInvokeConfigs": 1,
        "ListAliases": 1,
        "GetQueueAttributes": 1,
    }


def test_a_destination_of_the_unpublished_code_is_none_of_an_alias() -> None:
    """The metric counts the alias's events, too; a policy of $LATEST lets nobody at the alias."""
    live: dict[str, Any] = {
        "ListFunctionEventInvokeConfigs": configs(LATEST=QUEUE),
        "ListAliases": {"Aliases": [{"Name": "live"}]},
    }
    state = read(account({"f": {}}, received=["f"], **live))
    assert isinstance(state, Function)
    assert (judged(state).code, state.aliases) == ("PARTLY_WITHOUT", ("live",))
    aws = account({"f": {}}, GetPolicy=grant("sns.amazonaws.com"), **live)
    state = read(aws)
    assert isinstance(state, Function)
    assert judged(state).code == "HAS_DESTINATION"
    assert "ListAliases" not in calls(aws)


def test_dead_letters_spare_what_would_not_change_the_verdict() -> None:
    """Neither policy nor destinations are read of a function that has them."""
    letters = {"DeadLetterConfig": {"TargetArn": QUEUE}}
    idle, busy = account({"f": letters}), account({"f": letters}, received=["f"])
    assert read(idle) == Function("f", asked=METRIC, dead_letters=QUEUE)
    assert calls(idle) == {"GetFunctionConfiguration": 1, "GetMetricData": 1}
    assert read(busy) == Function("f", METRIC, METRIC, dead_letters=QUEUE)
    assert calls(busy) == {**calls(idle), "GetQueueAttributes": 1}


def test_a_queue_that_is_gone_keeps_nothing() -> None:
    """A queue and a topic elsewhere, and a bucket, are taken for there; the reason says so."""
    gone = Gone("no such queue")
    aws = account(
        {"f": {"DeadLetterConfig": {"TargetArn": QUEUE}}}, received=["f"], GetQueueAttributes=gone
    )
    state = read(aws)
    assert isinstance(state, Function)
    assert state.lost == {QUEUE}
    away = QUEUE.replace(ACCOUNT, "999999999999")
    for arn in (away, TOPIC.replace(REGION, "us-east-1"), "arn:aws:s3:::failed"):
        other = account(
            {"f": {"DeadLetterConfig": {"TargetArn": arn}}},
            received=["f"],
            GetQueueAttributes=gone,
        )
        state = read(other)
        assert isinstance(state, Function)
        found = judged(state)
        assert (found.verdict, found.code) == (Verdict.COMPLIANT, "HAS_DEAD_LETTERS")
        assert found.reason == f"failed events go to {arn}; not checked to exist"
        assert "GetQueueAttributes" not in calls(other)


def letters_in_a_topic(**answers: Any) -> Finding:
    functions = {name: {"DeadLetterConfig": {"TargetArn": TOPIC}} for name in ("f", "g")}
    aws = account(functions, received=["f", "g"], **answers)
    [page] = discover(sight(aws), None)
    assert len(aws.asked("sns", "ListTopics")) <= destinations.PAGES
    state = page.states[0]
    assert isinstance(state, Function)
    return judged(state)


def test_a_topic_that_is_gone_keeps_nothing() -> None:
    """The topics are listed once for all functions, as far as that is allowed and cheap."""
    assert letters_in_a_topic().reason == f"failed events go to {TOPIC}"
    found = letters_in_a_topic(ListTopics={"Topics": []})
    assert (found.verdict, found.code) == (Verdict.NON_COMPLIANT, "DESTINATION_GONE")
    endless = {"Topics": [], "NextToken": "more"}
    for answer in (Denied("no"), endless):
        found = letters_in_a_topic(ListTopics=answer)
        assert (found.verdict, found.code) == (Verdict.COMPLIANT, "HAS_DEAD_LETTERS")
        assert found.reason.endswith("not checked to exist")


def test_the_policy_shows_a_trigger_that_has_not_fired_yet() -> None:
    """It lets a service invoke the unpublished code; an alias with a destination does not help."""
    aws = account(
        {"f": {}},
        GetPolicy=grant("sns.amazonaws.com", "events.amazonaws.com"),
        ListFunctionEventInvokeConfigs=configs(live=TOPIC, beta=""),
        ListAliases={"Aliases": [{"Name": "live"}]},
    )
    state = read(aws)
    assert isinstance(state, Function)
    assert state.evidence == ("events.amazonaws.com", "sns.amazonaws.com")
    assert (state.covered, state.aliases) == ({"live": TOPIC}, ("live",))
    assert judged(state).code == "PARTLY_WITHOUT"


ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"


def everybody(**fields: Any) -> dict[str, Any]:
    return grant(**{"Principal": "*", "Action": "lambda:InvokeFunction", **fields})


PRINCIPALS = [
    pytest.param(grant("s3.amazonaws.com"), ("s3.amazonaws.com",), id="asynchronous"),
    pytest.param(grant("apigateway.amazonaws.com"), (), id="synchronous"),
    pytest.param(grant("logs.eu-west-1.amazonaws.com"), ("logs.eu-west-1.amazonaws.com",), id="R"),
    pytest.param(grant("iot.amazonaws.com", Effect="Deny"), (), id="a deny"),
    pytest.param(grant(ALARMS), (ALARMS,), id="alarms"),
    pytest.param(grant("lambda.amazonaws.com"), (), id="a first label is not enough"),
    pytest.param(grant("events.apigateway.amazonaws.com"), (), id="nor is another"),
    pytest.param(grant("s3.amazonaws.com.cn"), ("s3.amazonaws.com.cn",), id="China"),
    pytest.param(everybody(), ("anybody (Principal *)",), id="everybody"),
    pytest.param(everybody(Principal={"AWS": ["*"]}), ("anybody (Principal *)",), id="as a list"),
    pytest.param(everybody(Action="lambda:*"), ("anybody (Principal *)",), id="all actions"),
    pytest.param(everybody(Action="lambda:GetFunction"), (), id="another action"),
    pytest.param(
        everybody(Condition={"ArnLike": {"aws:SourceArn": "*"}}),
        ("anybody (Principal *)",),
        id="everybody by anything",
    ),
    pytest.param(grant("cloudwatch.amazonaws.com"), (), id="CloudWatch, but no alarms"),
    pytest.param(everybody(Effect="Deny"), (), id="nobody"),
    pytest.param(
        everybody(
            Condition={
                "ArnLike": {"AWS:SourceArn": TOPIC},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            }
        ),
        ("sns (Principal *)",),
        id="everybody by a topic",
    ),
    pytest.param(
        everybody(Condition={"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::b", "arn:aws:s3:::c"]}}),
        ("s3 (Principal *)",),
        id="everybody by buckets",
    ),
    pytest.param(
        everybody(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:execute-api:r:1:a/*"}}),
        (),
        id="everybody by an API",
    ),
    pytest.param(
        everybody(Condition={"ArnNotLike": {"aws:SourceArn": TOPIC}}), (), id="by no topic"
    ),
    pytest.param(
        everybody(Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}), (), id="by a URL"
    ),
    pytest.param(grant(Principal={"AWS": "1"}), (), id="an account"),
    pytest.param(grant(Principal={"Service": "ses.amazonaws.com"}), ("ses.amazonaws.com",), id="1"),
    pytest.param(grant("events.example.org"), (), id="another domain"),
]


@pytest.mark.parametrize(("answer", "found"), PRINCIPALS)
def test_principals_of_services_that_invoke_asynchronously_are_found(
    answer: dict[str, Any], found: tuple[str, ...]
) -> None:
    """Whatever else the policy lets in."""
    assert services(FakeAws({("lambda", "GetPolicy"): answer}), "f") == found


@pytest.mark.parametrize("text", ["no json", "[]", '{"Statement": [7]}', '{"Statement": 7}'])
def test_a_policy_that_is_no_document_is_not_taken_for_an_empty_one(text: str) -> None:
    """Nothing is concluded from it."""
    with pytest.raises(Refused, match="no document"):
        services(FakeAws({("lambda", "GetPolicy"): {"Policy": text}}), "f")


class Pool(FakeAws):
    """Threads of which each may be taken: who waits for others while holding one waits for ever."""

    held = False

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        assert not self.held
        self.held = True
        try:
            return super().together(act, items)
        finally:
            self.held = False


def test_functions_that_are_read_together_wait_for_no_thread_of_each_other() -> None:
    """Eight with two queues each would otherwise stand still for good."""
    ends = configs(LATEST=QUEUE, live=f"{QUEUE}-live")
    aws = account({"f": {}}, received=["f"], ListFunctionEventInvokeConfigs=ends)
    pool = Pool(aws._answers)
    assert isinstance(read(pool), Function)
    assert len(pool.asked("sqs", "GetQueueAttributes")) == 2


UNREAD = [
    pytest.param({"GetMetricData": Denied("no")}, "ACCESS_DENIED", id="the metric"),
    pytest.param({"GetPolicy": Denied("no")}, "ACCESS_DENIED", id="the policy"),
    pytest.param({"GetPolicy": Throttled("busy")}, "BUSY", id="the policy for now"),
    pytest.param({"GetFunctionConfiguration": Denied("no")}, "ACCESS_DENIED", id="the function"),
    pytest.param({"GetFunctionConfiguration": OutOfTime("late")}, "BUSY", id="no time"),
]


@pytest.mark.parametrize(("answers", "code"), UNREAD)
def test_evidence_that_could_not_be_read_is_no_evidence_of_absence(
    answers: dict[str, Any], code: str
) -> None:
    """The function is UNKNOWN, neither out of scope nor compliant."""
    state = read(account({"f": {}}, **answers))
    assert isinstance(state, Unread)
    assert state.code == code


def test_destinations_that_could_not_be_read_leave_a_function_unknown() -> None:
    """Also where it is only the queue behind one."""
    denied = account({"f": {}}, received=["f"], ListFunctionEventInvokeConfigs=Denied("no"))
    assert isinstance(read(denied), Unread)
    letters = {"DeadLetterConfig": {"TargetArn": QUEUE}}
    locked = account({"f": letters}, received=["f"], GetQueueAttributes=Denied("no"))
    assert isinstance(read(locked), Unread)


def test_a_function_that_cannot_be_understood_costs_itself_alone() -> None:
    """Whether it is its configuration or a later answer about it; the sweep goes on."""
    odd = account({"odd": {"DeadLetterConfig": "none"}, "f": {}})
    [page] = discover(sight(odd), None)
    assert {one.ref.id: type(one) for one in page.states} == {"odd": Unread, "f": Function}
    configs = {"FunctionEventInvokeConfigs": [{"DestinationConfig": {"OnFailure": QUEUE}}]}
    state = read(account({"f": {}}, received=["f"], ListFunctionEventInvokeConfigs=configs))
    assert isinstance(state, Unread)
    assert (state.code, state.ref.id) == ("UNREADABLE", "f")


def test_a_policy_that_shows_invocations_makes_up_for_an_unread_metric() -> None:
    """One source is enough to say that it is invoked asynchronously."""
    aws = account({"f": {}}, GetMetricData=Denied("no"), GetPolicy=grant("sns.amazonaws.com"))
    state = read(aws)
    assert isinstance(state, Function)
    assert judged(state).code == "NO_DESTINATION"


def test_a_metric_that_is_incomplete_shows_nothing_but_what_it_has() -> None:
    """A point is evidence; no point of a part is none."""

    def partial(values: list[float]) -> dict[str, Any]:
        result = {"Id": "f0", "Timestamps": [START] * len(values), "Values": values}
        return {"MetricDataResults": [{**result, "StatusCode": "PartialData"}]}

    assert isinstance(read(account({"f": {}}, GetMetricData=partial([]))), Unread)
    seen = read(account({"f": {}}, GetMetricData=partial([3.0])))
    assert isinstance(seen, Function)
    assert seen.evidence == METRIC


def test_what_is_switched_off_is_not_asked_and_not_said_to_have_been() -> None:
    """Without the metric nothing is billed; the reason tells what was looked at."""
    aws = account({"f": {"DeadLetterConfig": {"TargetArn": QUEUE}}})
    state = read(aws, evidence={"metrics": False})
    assert isinstance(state, Function)
    assert calls(aws) == {"GetFunctionConfiguration": 1, "GetPolicy": 1}
    assert judged(state).reason.endswith(
        "the resource policy of $LATEST; it has dead letters all the same"
    )
    aws = account({"f": {}})
    assert read(aws, evidence={"resource_policies": False}) == Function("f", asked=METRIC)
    assert "GetPolicy" not in calls(aws)


def test_a_sweep_asks_for_the_metric_of_many_functions_at_once() -> None:
    """A page of the list is judged in parts, each of which can be gone on from."""
    names = [f"f{number:02}" for number in range(2 * PART + 1)]
    aws = account({name: {} for name in names})
    pages = list(discover(sight(aws), None))
    assert [len(page.states) for page in pages] == [PART, PART, 1]
    assert calls(aws) == {"ListFunctions": 1, "GetMetricData": 3, "GetPolicy": len(names)}
    assert pages[-1].cursor is None
    rest = list(discover(sight(aws), pages[0].cursor))
    assert [one.ref.id for page in rest for one in page.states] == names[PART:]


def test_a_sweep_without_time_is_gone_on_with() -> None:
    """Nothing of the part is judged; it begins anew in the next step."""
    aws = account({"f": {}}, GetPolicy=OutOfTime("late"))
    with pytest.raises(OutOfTime):
        list(discover(sight(aws), None))


def test_tags_are_read_only_where_the_policy_goes_by_them() -> None:
    """For a tag that exempts."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    aws = account({"f": {}})
    tags = {"ResourceARN": arn, "Tags": [{"Key": "team", "Value": "a"}]}
    aws._answers["resourcegroupstaggingapi", "GetResources"] = {"ResourceTagMappingList": [tags]}
    state = read(aws, honor_tags=True)
    assert isinstance(state, Function)
    assert state.tags == {"team": "a"}
