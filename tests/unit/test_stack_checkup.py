"""What a checkup says of a deployed stack: every trouble with what to do, and nothing is fine
that could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.alarm_checkup import alarms
from console.codes import ExitCode
from console.config_checkup import config
from console.health import Check, Health, carefully, exit_code
from console.place import Place
from console.sqlite_ledger import SQLiteLedger
from console.stack_checkup import stack_checks
from console.sweep_checkup import judge, sweeps, unread
from console.traffic_checkup import delivery, functions, queues, shipping
from steward.errors import BadPolicy, Denied, Gone, Invalid, NotConnected, Refused
from steward.ledger import Item, Sweep, stamp
from steward.model import Fate, Ref, Verdict
from tests.fakes import START, FakeAws, FakeClock

OK, WARN, FAIL, UNKNOWN = Health.OK, Health.WARN, Health.FAIL, Health.UNKNOWN
HEARTBEAT = timedelta(hours=26)
URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/"
ARN = "arn:aws:sqs:eu-west-1:111122223333:"
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:gov-sweep"
DENIED = Denied("Ask: AccessDenied: not you")

Answers = Mapping[tuple[str, str], Any]


def stack(status: str = "UPDATE_COMPLETE", drift: str = "IN_SYNC", **parameters: str) -> Any:
    told = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
    return {
        "Stacks": [
            {
                "StackStatus": status,
                "Parameters": told,
                "DriftInformation": {"StackDriftStatus": drift},
            }
        ]
    }


def made_of(**resources: Sequence[str]) -> Any:
    """Resources by their type, of which the last part is told."""
    types = {
        "Alarm": "AWS::CloudWatch::Alarm",
        "Bucket": "AWS::S3::Bucket",
        "ConfigRule": "AWS::Config::ConfigRule",
        "Function": "AWS::Lambda::Function",
        "EventSourceMapping": "AWS::Lambda::EventSourceMapping",
        "Queue": "AWS::SQS::Queue",
        "Rule": "AWS::Events::Rule",
        "Schedule": "AWS::Scheduler::Schedule",
        "StateMachine": "AWS::StepFunctions::StateMachine",
    }
    return {
        "StackResourceSummaries": [
            {"ResourceType": types[kind], "PhysicalResourceId": one}
            for kind, some in resources.items()
            for one in some
        ]
    }


def place(answers: Answers | None = None, **parameters: str) -> Place:
    """The stack gov, of which AWS tells this."""
    resources = made_of(Function=["gov-log-retention"], StateMachine=[MACHINE])
    standing = {
        ("cloudformation", "DescribeStacks"): stack(**parameters),
        ("cloudformation", "ListStackResources"): resources,
        ("lambda", "GetFunctionConfiguration"): {"Environment": {"Variables": {}}},
        ("ssm", "GetParameters"): {"Parameters": []},
        ("dynamodb", "Query"): {"Items": []},
        ("events", "ListRules"): {"Rules": []},
        ("cloudwatch", "GetMetricData"): {"MetricDataResults": [{"Id": "m0", "Values": []}]},
        ("s3", "ListObjectsV2"): {"KeyCount": 0},
    }
    aws: Any = FakeAws({**standing, **(answers or {})})
    return Place(aws, FakeClock(), "gov")


def parts(**resources: Sequence[str]) -> Answers:
    return {("cloudformation", "ListStackResources"): made_of(**resources)}


def metrics(**values: Sequence[float]) -> Answers:
    results = [{"Id": name, "Values": list(some)} for name, some in values.items()]
    return {("cloudwatch", "GetMetricData"): {"MetricDataResults": results}}


def told(checks: Iterator[Check]) -> list[tuple[Health, str]]:
    return [(one.status, one.detail) for one in checks]


def ago(**time: float) -> str:
    return stamp(START - timedelta(**time))


def sweep(finished: str = "", **fields: Any) -> Sweep:
    started = fields.pop("started", finished or ago(minutes=5))
    return Sweep("id", "log-retention", started, "hash", finished=finished, **fields)


WHOLE = sweep(ago(hours=3), complete=True, resources=7)


@pytest.mark.parametrize(
    ("past", "status", "detail"),
    [
        ([], FAIL, "never swept"),
        ([sweep()], WARN, "its first sweep is under way, since 2026-11-20T09:55:00Z"),
        ([sweep(started=ago(hours=12))], FAIL, "never swept whole: one was cut off"),
        ([sweep(error="ListX: AccessDenied")], FAIL, "never swept whole: ListX: AccessDenied"),
        ([WHOLE], WARN, "the first sweep only plans, the second one acts"),
        ([WHOLE, WHOLE], OK, "last swept whole 2026-11-20T07:00:00Z, 7 resources"),
        ([sweep(), WHOLE, WHOLE], OK, "last swept whole 2026-11-20T07:00:00Z, 7 resources"),
        (
            [sweep(ago(hours=27), complete=True)] * 2,
            FAIL,
            "more than 26 hours ago: no sweep began since",
        ),
        (
            [sweep(ago(hours=1), fates={"failed": 2, "none": 5}), WHOLE],
            FAIL,
            "the last one was incomplete: 3 UNKNOWN ACCESS_DENIED",
        ),
        (
            [sweep(started=ago(hours=12)), sweep(ago(hours=30), complete=True)],
            FAIL,
            "more than 26 hours ago: one was cut off",
        ),
        (
            [sweep(error="ListX: AccessDenied"), WHOLE, WHOLE],
            FAIL,
            "7 resources; the last one was incomplete: ListX: AccessDenied",
        ),
        (
            [sweep(), sweep(started=ago(hours=2), error="ListX: AccessDenied"), WHOLE, WHOLE],
            FAIL,
            "7 resources; the last one was incomplete: ListX: AccessDenied",
        ),
        (
            [sweep(started=ago(hours=12)), sweep(ago(hours=20), complete=True)],
            FAIL,
            "the last one was incomplete: one was cut off",
        ),
        (
            [sweep(), sweep(started=ago(hours=2), error="ListX: AccessDenied")],
            FAIL,
            "never swept whole: ListX: AccessDenied",
        ),
    ],
    ids=[
        "never",
        "first one runs",
        "first one was cut off",
        "first one stopped",
        "only planned",
        "fine",
        "next one runs",
        "overdue",
        "incomplete",
        "overdue and cut off",
        "stopped after a whole one",
        "stopped, and the next one runs",
        "cut off after a whole one",
        "first one stopped, and the next one runs",
    ],
)
def test_a_control_stands_as_its_last_whole_sweep_does(
    past: Sequence[Sweep], status: Health, detail: str
) -> None:
    """Never, overdue, incomplete, with why; only a whole and recent one is ok."""
    found = judge(past, {"UNKNOWN ACCESS_DENIED": 3}, START, HEARTBEAT)
    assert found[0] is status
    assert detail in found[1]


def test_an_incomplete_sweep_without_a_word_tells_its_counts() -> None:
    """As where the ledger has its resources in order again."""
    incomplete = sweep(ago(hours=1), fates={"failed": 2, "unknown": 1})
    assert "incomplete: 1 unknown, 2 failed" in judge([incomplete, WHOLE], {}, START, HEARTBEAT)[1]
    assert "does not say why" in judge([sweep(ago(hours=1)), WHOLE], {}, START, HEARTBEAT)[1]


def test_what_stood_in_the_way_is_counted_by_reason() -> None:
    """What could not be read, and what could not be put right; all else is no trouble."""
    told = [
        (Verdict.UNKNOWN, "ACCESS_DENIED", Fate.UNKNOWN),
        (Verdict.UNKNOWN, "ACCESS_DENIED", Fate.UNKNOWN),
        (Verdict.NON_COMPLIANT, "NEVER_EXPIRES", Fate.FAILED),
        (Verdict.NON_COMPLIANT, "NEVER_EXPIRES", Fate.HELD),
        (Verdict.COMPLIANT, "WITHIN_POLICY", Fate.NONE),
    ]
    items = [
        Item("c", Ref("K", str(n)), v, code, "", fate) for n, (v, code, fate) in enumerate(told)
    ]
    assert unread(items) == {"UNKNOWN ACCESS_DENIED": 2, "failed NEVER_EXPIRES": 1}


def test_sweeps_are_judged_by_the_stacks_own_ledger_and_heartbeat(tmp_path: Path) -> None:
    """With the command that starts one; a control that is off is left out."""
    book = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    here = place(HeartbeatHours="2")
    vars(here)["ledger"] = book
    book.commit(sweep=WHOLE)
    [check] = sweeps(here)
    assert (check.status, "more than 2 hours ago" in check.detail) == (FAIL, True)
    assert check.fix.startswith(f"aws stepfunctions start-execution --state-machine-arn {MACHINE}")
    off = {"Parameters": [{"Name": "/gov/policy/log-retention", "Value": '{"mode": "off"}'}]}
    here = place({("ssm", "GetParameters"): off})
    vars(here)["ledger"] = book
    assert not [*sweeps(here)]
    book.close()


def test_a_ledger_that_may_not_be_read_is_told_once() -> None:
    """And not of each control, in the same words."""
    functions = parts(Function=["gov-log-retention", "gov-assessor"])
    here = place({**functions, ("dynamodb", "Query"): DENIED})
    assert len(here.controls) > 2
    assert told(sweeps(here)) == [(UNKNOWN, str(DENIED))]


def alarm(name: str, state: str = "OK", **fields: Any) -> Mapping[str, Any]:
    standing = {
        "ActionsEnabled": True,
        "AlarmActions": ["arn:aws:sns:::a"],
        "AlarmDescription": "d",
    }
    return {**standing, "AlarmName": f"gov-{name}", "StateValue": state, **fields}


def watched(*told: Mapping[str, Any], gone: Sequence[str] = ()) -> Place:
    names = [*(one["AlarmName"] for one in told), *gone]
    answer = {"MetricAlarms": list(told)}
    return place({**parts(Alarm=names), ("cloudwatch", "DescribeAlarms"): answer})


@pytest.mark.parametrize(
    ("here", "status", "detail", "fix"),
    [
        (watched(alarm("a")), OK, "none of 1 rings", ""),
        (watched(alarm("bad-policy", "ALARM")), FAIL, "gov-bad-policy rings", "Alarms, bad-policy"),
        (watched(alarm("a-dead-letters", "ALARM")), FAIL, "rings", "steward --stack gov redrive"),
        (watched(alarm("a-heartbeat", "ALARM")), FAIL, "rings", "start-execution"),
        (watched(alarm("a", "INSUFFICIENT_DATA")), WARN, "without data: gov-a", "wait"),
        (watched(alarm("a", AlarmActions=[])), WARN, "notify nobody: all 1", "AlarmTopicArn"),
        (
            watched(alarm("a", AlarmActions=[]), alarm("b")),
            WARN,
            "notify nobody: gov-a",
            "AlarmTopicArn",
        ),
        (
            watched(alarm("a", ActionsEnabled=False)),
            WARN,
            "muted by somebody: gov-a",
            "enable-alarm-actions --alarm-names gov-a",
        ),
        (watched(alarm("a"), gone=["gov-b"]), FAIL, "deleted by somebody: gov-b", "drift"),
        (place(), WARN, "the stack has no alarm", "deploy"),
    ],
    ids=[
        "quiet",
        "rings",
        "dead letters",
        "heartbeat",
        "blind",
        "all unheard",
        "one unheard",
        "muted",
        "deleted",
        "none",
    ],
)
def test_alarms_are_told_with_what_to_do(
    here: Place, status: Health, detail: str, fix: str
) -> None:
    """Those that ring, see nothing, or would be heard by nobody."""
    [check] = alarms(here)
    assert check.status is status
    assert detail in check.detail
    assert fix in check.fix


def queued(name: str, messages: int = 0, letters: str = "") -> Mapping[str, Any]:
    redrive = {"RedrivePolicy": f'{{"deadLetterTargetArn": "{ARN}{letters}"}}'} if letters else {}
    counts = {"ApproximateNumberOfMessages": str(messages)}
    return {"Attributes": {"QueueArn": f"{ARN}{name}", **counts, **redrive}}


def holding(inbox: int = 0, dead: int = 0, lost: int = 0) -> Answers:
    told = {
        "gov-a": queued("gov-a", inbox, "gov-a-dead"),
        "gov-a-dead": queued("gov-a-dead", dead),
        "gov-a-lost": queued("gov-a-lost", lost),
    }

    def answer(params: Mapping[str, Any]) -> Any:
        return told[params["QueueUrl"].rpartition("/")[2]]

    urls = parts(Queue=[f"{URL}{name}" for name in told])
    return {**urls, ("sqs", "GetQueueAttributes"): answer}


def test_queues_with_nothing_in_them_are_two_lines() -> None:
    """And CloudWatch is not asked for ages."""
    assert told(queues(place(holding()))) == [
        (OK, "nothing lies in 2 dead-letter queues"),
        (OK, "nothing waits in 1 inboxes"),
    ]


def test_what_lies_in_dead_letter_queues_is_told_of_each() -> None:
    """With the command that shows it and sends it back."""
    found = [*queues(place(holding(dead=2, lost=3)))]
    assert [(one.status, one.detail) for one in found[:2]] == [
        (FAIL, "gov-a-dead: 2 dead letters"),
        (FAIL, "gov-a-lost: 3 events that went nowhere"),
    ]
    assert found[0].fix == "steward --stack gov redrive --queue gov-a-dead"


@pytest.mark.parametrize(
    ("ages", "status", "detail"),
    [
        ([9.0], OK, "gov-a: 4 wait, the oldest for 9 s"),
        ([4000.0, 1.0], FAIL, "gov-a: 4 wait, the oldest for 4000 s"),
        ([], OK, "gov-a: 4 wait, CloudWatch does not say how long yet"),
    ],
    ids=["young", "old", "not measured yet"],
)
def test_an_inbox_is_behind_by_its_oldest_message(
    ages: Sequence[float], status: Health, detail: str
) -> None:
    """The newest value counts."""
    here = place({**holding(inbox=4), **metrics(m0=ages)})
    assert (status, detail) in told(queues(here))


def test_a_queue_that_cannot_be_read_is_unknown_and_hides_no_other() -> None:
    """Each is asked for by itself."""
    known = holding(dead=1)
    answer: Any = known["sqs", "GetQueueAttributes"]

    def denied(params: Mapping[str, Any]) -> Any:
        if params["QueueUrl"].endswith("gov-a"):
            raise DENIED
        return answer(params)

    found = told(queues(place({**known, ("sqs", "GetQueueAttributes"): denied})))
    assert found[0] == (UNKNOWN, f"gov-a: {DENIED}")
    assert (FAIL, "gov-a-dead: 1 events that went nowhere") in found


def test_a_queue_that_somebody_has_deleted_is_no_matter_of_permissions() -> None:
    """It is wrong, with what to do; the others are told of as ever."""
    known = holding()
    answer: Any = known["sqs", "GetQueueAttributes"]

    def gone(params: Mapping[str, Any]) -> Any:
        if params["QueueUrl"].endswith("gov-a-lost"):
            raise Gone("GetQueueAttributes: AWS.SimpleQueueService.NonExistentQueue")
        return answer(params)

    found = [*queues(place({**known, ("sqs", "GetQueueAttributes"): gone}))]
    assert (found[0].status, found[0].detail) == (FAIL, "deleted by somebody: gov-a-lost")
    assert "detect-stack-drift --stack-name gov" in found[0].fix
    assert [one.status for one in found[1:]] == [OK, OK]


def test_what_somebody_has_deleted_is_not_enabled() -> None:
    """Rules that ListRules does not name, asked for by what the stack's names begin with."""
    answers = {
        **parts(
            Rule=["gov-long-na-A-1", "gov-long-na-B-2"],
            Schedule=["gov-sweep"],
            EventSourceMapping=["u-1"],
        ),
        ("events", "ListRules"): {"Rules": [{"Name": "gov-long-na-B-2", "State": "ENABLED"}]},
        ("scheduler", "GetSchedule"): Gone("GetSchedule: ResourceNotFoundException"),
        ("lambda", "GetEventSourceMapping"): Gone("GetEventSourceMapping: ResourceNotFound"),
    }
    here = place(answers)
    found = [*delivery(here)]
    assert [(one.status, one.detail) for one in found] == [
        (FAIL, "the rule gov-long-na-A-1 was deleted by somebody"),
        (FAIL, "the schedule gov-sweep was deleted by somebody"),
        (FAIL, "the event source mapping u-1 was deleted by somebody"),
    ]
    assert all("detect-stack-drift" in one.fix for one in found)
    aws: Any = here.aws
    assert aws.asked("events", "ListRules") == [{"NamePrefix": "gov-long-na-"}]


def test_what_somebody_has_switched_off_is_told_with_how_to_switch_it_on() -> None:
    """Rules, schedules, event source mappings; those of others are none of ours."""
    rules = [{"Name": "gov-Events-1", "State": "DISABLED"}, {"Name": "gov-x", "State": "DISABLED"}]
    mapping = {"UUID": "u-1", "State": "Disabled", "EventSourceArn": f"{ARN}gov-a"}
    answers = {
        **parts(Rule=["gov-Events-1"], Schedule=["gov-sweep"], EventSourceMapping=["u-1"]),
        ("events", "ListRules"): {"Rules": rules},
        ("scheduler", "GetSchedule"): {"Name": "gov-sweep", "State": "DISABLED"},
        ("lambda", "GetEventSourceMapping"): mapping,
    }
    found = [*delivery(place(answers))]
    assert [one.status for one in found] == [FAIL] * 3
    assert [one.fix.split()[:3] for one in found if one.fix.startswith("aws")] == [
        ["aws", "events", "enable-rule"],
        ["aws", "lambda", "update-event-source-mapping"],
    ]
    on = {
        **answers,
        ("events", "ListRules"): {"Rules": [{"Name": "gov-Events-1", "State": "ENABLED"}]},
        ("scheduler", "GetSchedule"): {"Name": "gov-sweep", "State": "ENABLED"},
        ("lambda", "GetEventSourceMapping"): {**mapping, "State": "Enabled"},
    }
    assert told(delivery(place(on))) == [(OK, "3 rules, schedules and mappings are enabled")]


def test_errors_and_throttles_of_a_day_are_told_of_each_function() -> None:
    """Each has two metrics, asked for together."""
    names = parts(Function=["gov-a", "gov-b", "gov-c"])
    some = metrics(m0=[1, 2], m1=[], m2=[], m3=[], m4=[0], m5=[5])
    here = place({**names, **some})
    found = [*functions(here)]
    assert [(one.status, one.detail) for one in found] == [
        (WARN, "gov-a: 3 errors, 0 throttles in 24 hours"),
        (WARN, "gov-c: 0 errors, 5 throttles in 24 hours"),
    ]
    assert ["/aws/lambda/gov-a" in found[0].fix, "concurrency" in found[1].fix] == [True, True]
    aws: Any = here.aws
    assert len(aws.asked("cloudwatch", "GetMetricData")) == 1
    assert told(functions(place({**names, **metrics()}))) == [
        (OK, "3 without an error in 24 hours")
    ]


def shipped(parked: int = 0, age: Sequence[float] = (), *, more: bool = False) -> Place:
    listed = {"KeyCount": parked, "IsTruncated": more}

    def objects(params: Mapping[str, Any]) -> Any:
        return listed if params["Bucket"] == "gov-logs-1" else {"KeyCount": 9}

    buckets = parts(Bucket=["gov-a-report", "gov-logs-1"])
    answers = {**buckets, **metrics(m0=age), ("s3", "ListObjectsV2"): objects}
    return place(answers, LogShipping="enabled")


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (place(), []),
        (
            shipped(),
            [
                (OK, "no log event came in a quarter of an hour"),
                (OK, "0 objects under parked/"),
                (OK, "0 objects under aws/lambda/"),
            ],
        ),
        (
            shipped(1000, [900_000.0], more=True),
            [
                (FAIL, "900 s behind"),
                (FAIL, "1000 or more objects under parked/"),
                (FAIL, "1000 or more objects under aws/lambda/"),
            ],
        ),
    ],
    ids=["not there", "fine", "behind"],
)
def test_log_shipping_is_as_far_behind_as_its_stream(
    here: Place, expected: Sequence[tuple[Health, str]]
) -> None:
    """And what was set aside is counted; where nothing is shipped nothing is told."""
    assert told(shipping(here)) == list(expected)


RECORDS = {"name": "default", "recording": True, "lastStatus": "SUCCESS"}
RULES = parts(ConfigRule=["gov-log-retention"])


def recorded(
    recorder: Sequence[Mapping[str, Any]] = (RECORDS,), /, **rule: Any
) -> list[tuple[Health, str]]:
    evaluated = {"ConfigRuleName": "gov-log-retention", "FirstEvaluationStarted": True, **rule}
    answers = {
        **RULES,
        ("config", "DescribeConfigurationRecorderStatus"): {
            "ConfigurationRecordersStatus": list(recorder)
        },
        ("config", "DescribeConfigRuleEvaluationStatus"): {
            "ConfigRulesEvaluationStatus": [evaluated]
        },
    }
    return told(config(place(answers, ConfigRules="enabled")))


def test_config_is_looked_at_where_the_stack_has_rules() -> None:
    """The recorder there is, records, and fails not; each rule is evaluated."""
    assert not [*config(place())]
    fine = (OK, "1 rules are evaluated")
    assert recorded() == [(OK, "the recorder default records"), fine]
    assert recorded([]) == [(FAIL, "there is no configuration recorder"), fine]
    stopped = {**RECORDS, "recording": False}
    assert recorded([stopped]) == [(FAIL, "the recorder default is stopped"), fine]
    failing = {**RECORDS, "lastStatus": "Failure", "lastErrorCode": "NoSuchBucket"}
    assert recorded([failing]) == [(FAIL, "the recorder default fails: NoSuchBucket"), fine]
    assert recorded(LastErrorCode="X", LastErrorMessage="y")[1:] == [
        (FAIL, "the rule gov-log-retention fails: X: y")
    ]
    assert recorded(FirstEvaluationStarted=False)[1:] == [
        (WARN, "the rule gov-log-retention was not evaluated yet")
    ]


def named(checks: Iterator[Check], check: str) -> list[Check]:
    return [one for one in checks if one.check == check]


def test_policies_are_judged_as_the_functions_judge_them() -> None:
    """Under the template's ceilings, which no other command of the console knows."""
    variables = {"STEWARD_CEILINGS": '{"log-retention": "audit"}'}
    environment = {
        ("lambda", "GetFunctionConfiguration"): {"Environment": {"Variables": variables}}
    }
    value = {"Name": "/gov/policy/log-retention", "Value": '{"mode": "enforce"}'}
    answers = {**environment, ("ssm", "GetParameters"): {"Parameters": [value]}}
    control, rules = named(stack_checks(place(answers)), "policy")
    assert (control.status, rules.status) == (FAIL, OK)
    assert "mode: is 'enforce', the template allows 'audit' at most" in control.detail
    assert "/gov/policy/log-retention" in control.fix


def test_a_wrong_policy_of_the_log_shipper_is_told() -> None:
    """It is no control's, and nothing is shipped under it."""
    value = {"Name": "/gov/policy/log-shipper", "Value": '{"redact": ["all"]}'}
    here = place({("ssm", "GetParameters"): {"Parameters": [value]}}, LogShipping="enabled")
    shipper = named(stack_checks(here), "policy")[-1]
    assert (shipper.status, "redact[0]" in shipper.detail) == (FAIL, True)


@pytest.mark.parametrize(
    ("answer", "detail", "status"),
    [
        (stack(), "gov is UPDATE_COMPLETE", OK),
        (stack("UPDATE_ROLLBACK_COMPLETE"), "gov is UPDATE_ROLLBACK_COMPLETE", WARN),
        (stack(drift="DRIFTED"), "somebody changed what it is made of", WARN),
        (stack(AllowWrites="false"), "AllowWrites is false", WARN),
    ],
    ids=["fine", "taken back", "drifted", "plans only"],
)
def test_the_stack_itself_is_told_of(answer: Any, detail: str, status: Health) -> None:
    """As CloudFormation has it."""
    here = place({("cloudformation", "DescribeStacks"): answer})
    found = named(stack_checks(here), "stack")[-1]
    assert (found.status, detail in found.detail) == (status, True)


def test_the_stop_switch_is_told_with_how_to_take_it_away() -> None:
    """It is a warning: somebody wanted it."""
    value = {"Name": "/gov/stop", "Value": "true"}
    here = place({("ssm", "GetParameters"): {"Parameters": [value]}})
    [found] = named(stack_checks(here), "stop switch")
    assert (found.status, "/gov/stop" in found.fix) == (WARN, True)


def test_the_stop_switch_is_told_also_to_whoever_may_not_look_at_functions() -> None:
    """It is a parameter, and nothing else."""
    here = place({("lambda", "GetFunctionConfiguration"): DENIED})
    [found] = named(stack_checks(here), "stop switch")
    assert (found.status, found.detail) == (OK, "it is not set")


def test_nothing_is_fine_that_could_not_be_read() -> None:
    """Each look is unknown by itself, with AWS's words, and the run is incomplete."""
    known = (
        ("cloudformation", "DescribeStacks"),
        ("cloudformation", "ListStackResources"),
        ("lambda", "GetFunctionConfiguration"),
        ("ssm", "GetParameters"),
    )
    found = [*stack_checks(place(dict.fromkeys(known, DENIED)))]
    assert {one.status for one in found} == {UNKNOWN}
    assert len({one.check for one in found}) == len(found) == 10
    assert {one.detail for one in found} == {str(DENIED)}
    assert exit_code(found) is ExitCode.INCOMPLETE


def test_a_stack_that_is_not_there_is_told_by_its_name() -> None:
    """CloudFormation calls it a validation error; to a checkup it is wrong usage."""
    missing = Invalid("DescribeStacks: ValidationError: Stack with id gov does not exist")
    with pytest.raises(BadPolicy, match="--stack: is 'gov', allowed: a stack that there is in eu"):
        list(stack_checks(place({("cloudformation", "DescribeStacks"): missing})))


def test_functions_that_keep_their_environment_secret_are_no_ground_for_a_verdict() -> None:
    """It may be encrypted by a key that the caller must not use."""
    told = {"Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}
    with pytest.raises(Refused, match="gov-log-retention: its environment cannot be read"):
        assert place({("lambda", "GetFunctionConfiguration"): told}).environment
    with pytest.raises(Refused, match="has no function that runs a control"):
        assert place(parts()).environment


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([OK, WARN], ExitCode.CLEAN),
        ([OK, FAIL], ExitCode.VIOLATIONS),
        ([FAIL, UNKNOWN], ExitCode.INCOMPLETE),
    ],
)
def test_what_is_unknown_wins_over_what_is_wrong(
    statuses: Sequence[Health], code: ExitCode
) -> None:
    """A warning is neither."""
    assert exit_code(Check("a", status, "") for status in statuses) is code


def test_without_a_connection_there_is_nothing_more_to_look_at() -> None:
    """What was found before is kept by whoever asks."""

    def look() -> Iterator[Check]:
        yield Check("a", OK, "")
        raise NotConnected("nobody answers")

    found = carefully("a", look)
    assert next(found).status is OK
    with pytest.raises(NotConnected):
        next(found)
