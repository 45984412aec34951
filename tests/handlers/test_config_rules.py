"""The functions behind AWS Config, on a Config that enforces the real limits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from console.sqlite_ledger import SQLiteLedger
from embedded.config.exceptions import Exceptions
from embedded.config.recording import Item
from embedded.config.rules import CHANGE, SCHEDULED, ConfigRule
from embedded.config.service import Config
from embedded.request import Refusal
from embedded.request import Request as Asked
from steward import sweep as sweeps
from steward.account import Account
from steward.aws.translate import translated
from steward.errors import Denied, Gone, Incomplete, Invalid, StewardError, TryAgain
from steward.evaluate import evaluate
from steward.evaluations import evaluation
from steward.follower import Follower
from steward.look import look
from steward.model import Control, Mode, Ref, Verdict
from steward.policy import Loaded
from steward.reporter import Reporter, Rule
from steward.stack_policies import StackPolicies
from tests import toy
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock

RULE = "steward-toy-size"
TOY = "AWS::Lambda::Function"
"""Toys are told as functions here: Config takes no type that it does not know."""


def as_function(one: Ref) -> Ref:
    return Ref(TOY, one.id)


@dataclass(frozen=True, slots=True)
class Toy:
    """A toy of the type that Config knows."""

    name: str
    size: int
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(TOY, self.name)


def of_config(control: Control[Any, Any]) -> Control[Any, Any]:
    """The control over toys, which are functions to it."""

    def state(one: Any) -> Any:
        if isinstance(one, toy.Toy):
            return Toy(one.name, one.size, one.tags)
        return replace(one, ref=as_function(one.ref))

    def observe(sight: Any, refs: Any) -> Iterator[Any]:
        return map(state, control.observe(sight, refs))

    def discover(sight: Any, cursor: str | None) -> Iterator[Any]:
        for page in control.discover(sight, cursor):
            yield replace(page, states=[*map(state, page.states)])

    return replace(control, kinds=(TOY,), observe=observe, discover=discover)


CONTROL = of_config(toy.CONTROL)


class World(toy.World):
    """Toys, and an AWS Config; errors of a service are translated as the Api does."""

    deadline: Any = None

    def __init__(self, sizes: Mapping[str, int], clock: FakeClock) -> None:
        super().__init__(sizes, page=500)
        self.config = Config(ACCOUNT, REGION, clock, lambda _arn, _event: None)
        self.exceptions = Exceptions(clock, self.config.violates)
        self._answers = {**self.config.overlays(), **self.exceptions.overlays()}

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        if service != "config":
            return super().ask(service, operation, **params)
        self.before_call(operation)
        self.calls[operation] += 1
        try:
            return self._answers[service, operation](
                Asked(service, operation, params, ACCOUNT, REGION)
            )
        except Refusal as refusal:
            raise _told(refusal, operation) from refusal

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        if service != "config":
            yield from super().pages(service, operation, start, **params)
            return
        token: str | None = None
        while True:
            more = {"NextToken": token} if token else {}
            answer = self.ask(service, operation, **params, **more)
            token = answer.get("NextToken")
            yield answer, token
            if token is None:
                return


def _told(refusal: Refusal, operation: str) -> StewardError:
    answer = {"Error": {"Code": refusal.code, "Message": refusal.message}}
    return translated(ClientError(cast(Any, answer), operation), operation)


@dataclass
class Deployed:
    """A rule of toys, deployed."""

    world: World
    book: SQLiteLedger
    clock: FakeClock
    telling: toy.Telling
    loaded: Loaded[Any]
    rule: ConfigRule

    @property
    def config(self) -> Config:
        return self.world.config

    def account(self) -> Account:
        return Account(
            aws=cast(Any, self.world),
            ledger=self.book,
            clock=self.clock,
            telemetry=self.telling,
            policy=lambda _: self.loaded,
        )

    def reporter(self) -> Reporter:
        return Reporter(self.account(), "steward", [Rule(CONTROL, recorded=(TOY,))])

    def invoke(self, item: Item | None = None, **other: Any) -> dict[str, Any]:
        """By the clock, or by an item; fields of the event may be others."""
        event = {**self.config.event(self.rule, item), **other}
        return self.reporter().answer(event, 900)

    def sweep(self, *, plan_only: bool = True) -> None:
        run = toy.run(
            self.world,
            self.book,
            control=CONTROL,
            loaded=self.loaded,
            clock=self.clock,
            plan_only=plan_only,
        )
        at = sweeps.begin(self.book, CONTROL.id, self.loaded.hash, self.clock.now())
        for step in sweeps.advance(run, at):
            assert not step.sweep.error

    def item(self, name: str, status: str = "OK") -> Item:
        """What the recorder has captured of a toy just now."""
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        item = Item(TOY, name, name, arn, status, self.clock.now())
        self.config.items[TOY, name].append(item)
        return item

    def report(self) -> dict[str, str]:
        return {id: compliance for id, (compliance, _) in self.config.report(RULE).items()}


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Callable[..., Deployed]]:
    """Makes a world of toys with a rule."""
    clock = FakeClock()
    with closing(toy.ledger(tmp_path)) as book:

        def make(**sizes: int) -> Deployed:
            world = World({name.replace("_", "-"): size for name, size in sizes.items()}, clock)
            messages = {CHANGE: "", SCHEDULED: "TwentyFour_Hours"}
            rule = ConfigRule(RULE, "000001", "arn", [TOY], messages, {"maxSweepAgeHours": "26"})
            world.config.rules[RULE] = rule
            return Deployed(world, book, clock, toy.Telling(), toy.policy(), rule)

        yield make


Make = Callable[..., Deployed]


def test_the_clock_reports_what_the_last_sweep_found(deployed: Make) -> None:
    """From the ledger; nothing is listed or read anew."""
    here = deployed(a=10, b=1)
    here.sweep()
    here.world.calls.clear()
    here.invoke()
    assert here.report() == {"a": "COMPLIANT", "b": "NON_COMPLIANT"}
    assert here.config.report(RULE)["b"][1] == "[WRONG_SIZE] is 1, should be 10"
    assert {*here.world.calls} == {"GetComplianceDetailsByConfigRule", "PutEvaluations"}


def test_2500_unchanged_resources_send_no_row_on_the_second_day(deployed: Make) -> None:
    """25 requests on the first day; then only that the rule has run, so that it is seen to."""
    here = deployed(**{f"toy{n:04}": 10 for n in range(2500)})
    here.sweep()
    first = here.invoke()
    assert (first["sent"], here.world.calls["PutEvaluations"]) == (2500, 25)
    evaluated = here.config.evaluated[RULE]
    here.clock.advance(86400)
    here.sweep()
    here.config.sent.clear()
    second = here.invoke()
    assert (second["sent"], second["unchanged"], here.config.sent) == (0, 2500, [])
    assert here.world.calls["PutEvaluations"] == 26
    assert here.config.evaluated[RULE] > evaluated


def test_a_deleted_resource_disappears_from_the_report(deployed: Make) -> None:
    """It would stay red for ever; it is taken out under its own type."""
    here = deployed(a=10, b=1)
    here.sweep()
    here.invoke()
    del here.world.sizes["b"]
    here.sweep()
    here.config.sent.clear()
    here.invoke()
    assert here.report() == {"a": "COMPLIANT"}
    [row] = here.config.sent
    told = row["ComplianceResourceType"], row["ComplianceResourceId"], row["ComplianceType"]
    assert told == (TOY, "b", "NOT_APPLICABLE")


@pytest.mark.parametrize("hours", [27, 400])
def test_without_a_complete_sweep_nothing_is_reported(deployed: Make, hours: int) -> None:
    """What nobody has looked at for 26 hours is not told as if it were known."""
    here = deployed(a=10)
    with pytest.raises(Incomplete, match="no sweep was complete in the last 26 hours"):
        here.invoke()
    here.sweep()
    here.clock.advance(hours * 3600)
    with pytest.raises(Incomplete, match="toy-size: no sweep was complete"):
        here.invoke()
    assert here.config.sent == []


def test_an_incomplete_sweep_is_none(deployed: Make) -> None:
    """Unless one before it was complete, and not too long ago."""
    here = deployed(unread=1)
    here.sweep()
    with pytest.raises(Incomplete, match="no sweep was complete"):
        here.invoke()


def test_a_rules_parameter_says_how_old_a_sweep_may_be(deployed: Make) -> None:
    """As text, which is what Config hands over."""
    here = deployed(a=10)
    here.sweep()
    here.clock.advance(3600 * 30)
    here.invoke(ruleParameters='{"maxSweepAgeHours": "48"}')
    assert here.report() == {"a": "COMPLIANT"}


def test_what_could_not_be_read_is_not_told_and_the_invocation_raises(deployed: Make) -> None:
    """After everything else was; what Config holds of it stays."""
    here = deployed(a=10, b=1)
    here.sweep()
    here.invoke()
    here.world.sizes |= {"a": 1}
    here.sweep()
    denied = Denied("GetToys: no")
    here.world.errors["Get", ""] = [denied]
    run = toy.run(here.world, here.book, control=CONTROL, loaded=here.loaded, clock=here.clock)
    look(run, [Ref(TOY, "b")])
    with pytest.raises(Incomplete, match=f"{RULE}; could not be read: b"):
        here.invoke()
    assert here.report() == {"a": "NON_COMPLIANT", "b": "NON_COMPLIANT"}
    assert here.telling.metrics["ConfigUnreported"] == 1


def test_partial_failures_lose_no_evaluation(deployed: Make) -> None:
    """What Config does not take is sent once more at once, and raised if that fails; the next
    invocation sends what is left, and only that."""
    here = deployed(**{f"toy{n:03}": n % 3 * 10 for n in range(250)})
    here.sweep()
    tries = Counter[str]()

    def fails(row: Mapping[str, Any]) -> bool:
        tries[row["ComplianceResourceId"]] += 1
        number = int(row["ComplianceResourceId"][3:])
        return number % 7 == 0 and tries[row["ComplianceResourceId"]] <= 1 + (number % 2) * 2

    here.config.fails = fails
    with pytest.raises(Incomplete, match=r"did not take: toy007, toy021, toy035 and 15 more"):
        here.invoke()
    assert len(here.report()) == 250 - 18
    again = here.invoke()
    assert (again["sent"], len(here.report())) == (18, 250)
    wanted = {f"toy{n:03}": "COMPLIANT" if n % 3 == 1 else "NON_COMPLIANT" for n in range(250)}
    assert here.report() == wanted


def test_a_request_that_config_refuses_does_not_keep_back_the_others(deployed: Make) -> None:
    """Such as for a type that it does not take; the invocation raises all the same."""
    here = deployed(**{f"toy{n:03}": 10 for n in range(150)})
    here.sweep()
    other, item = Ref("AWS::Backup::Plan", "plan"), next(here.book.all_items(CONTROL.id))
    here.book.commit(items=[replace(item, ref=other)])
    with pytest.raises(Incomplete, match="type AWS::Backup::Plan is not supported"):
        here.invoke()
    assert len(here.report()) == 51


def test_an_unknown_token_is_an_error(deployed: Make) -> None:
    """Config would go on showing what it held."""
    here = deployed(a=10)
    here.sweep()
    with pytest.raises(StewardError, match="ResultToken"):
        here.invoke(resultToken="other")  # no password


def test_a_control_that_is_off_leaves_the_report(deployed: Make) -> None:
    """By the clock and by a change; it needs no sweep."""
    here = deployed(a=10)
    here.sweep()
    here.invoke()
    here.loaded = toy.policy(mode=Mode.OFF)
    here.invoke()
    assert here.report() == {}
    here.invoke(here.item("a"))
    assert here.report() == {}


def test_a_change_is_looked_at_as_the_resource_is_now(deployed: Make) -> None:
    """The item only names it, and is what the result is ordered by."""
    here = deployed(a=1)
    item = here.item("a")
    here.clock.advance(120)
    here.world.sizes["a"] = 10
    here.invoke(item)
    assert here.report() == {"a": "COMPLIANT"}
    assert here.config.sent[0]["OrderingTimestamp"] == item.captured.replace(
        microsecond=item.captured.microsecond // 1000 * 1000
    )


def test_a_late_change_does_not_undo_a_newer_result(deployed: Make) -> None:
    """Config keeps the newer; that is why nothing is ordered by the present moment."""
    here = deployed(a=10)
    late = here.item("a")
    here.clock.advance(60)
    here.invoke(here.item("a"))
    here.world.sizes["a"] = 1
    here.invoke(late)
    assert here.report() == {"a": "COMPLIANT"}


def test_an_oversized_item_is_fetched_as_it_was_captured(deployed: Make) -> None:
    """Not the newest one; while the history does not have it, the invocation is to come again."""
    here = deployed(a=1)
    here.config.is_oversized = lambda _: True
    item = here.item("a")
    here.clock.advance(60)
    here.item("a", "ResourceDeleted")
    here.invoke(item)
    assert here.report() == {"a": "NON_COMPLIANT"}
    here.config.items[TOY, "a"].clear()
    with pytest.raises(TryAgain, match="is not there yet"):
        here.invoke(item)


@pytest.mark.parametrize(
    ("status", "left", "alive"),
    [
        pytest.param("ResourceDeleted", False, False, id="deleted"),
        pytest.param("ResourceDeletedNotRecorded", False, False, id="deleted, not recorded"),
        pytest.param("ResourceNotRecorded", False, True, id="not recorded here"),
        pytest.param("OK", True, True, id="left the scope"),
        pytest.param("OK", False, False, id="gone meanwhile"),
    ],
)
def test_what_is_no_longer_the_rules_is_taken_out(
    deployed: Make,
    status: str,
    left: bool,  # noqa: FBT001  # a case
    alive: bool,  # noqa: FBT001
) -> None:
    """Whether it was red or not."""
    here = deployed(a=1)
    here.invoke(here.item("a"))
    assert here.report() == {"a": "NON_COMPLIANT"}
    if not alive:
        del here.world.sizes["a"]
    here.clock.advance(1)
    here.invoke(here.item("a", status), eventLeftScope=left)
    assert here.report() == {}


def test_a_change_that_cannot_be_read_raises_and_tells_nothing(deployed: Make) -> None:
    """Lambda tries again; the result that Config holds stays."""
    here = deployed(a=10)
    here.invoke(here.item("a"))
    here.world.errors["Get", ""] = [Denied("GetToys: no")]
    here.config.sent.clear()
    with pytest.raises(Incomplete, match="could not be read: a"):
        here.invoke(here.item("a"))
    assert (here.report(), here.config.sent) == ({"a": "COMPLIANT"}, [])


def test_an_exempt_resource_stays_red_and_says_until_when(deployed: Make) -> None:
    """By the clock and by a change alike."""
    here = deployed(a=1)
    here.book.exempt(CONTROL.id, toy.exemption("a", date(2027, 6, 30)))
    here.sweep()
    here.invoke()
    told = ("NON_COMPLIANT", "[EXEMPT until 2027-06-30] (somebody: because); is 1, should be 10")
    assert here.config.report(RULE) == {"a": told}
    here.clock.advance(5)
    here.config.sent.clear()
    here.invoke(here.item("a"))
    assert here.config.report(RULE) == {"a": told}


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        pytest.param({"configRuleName": "other"}, "configRuleName: is 'other', allowed", id="rule"),
        pytest.param(
            {"ruleParameters": '{"hours": 1}'}, "has 'hours', allowed: maxSweepAgeHours", id="name"
        ),
        pytest.param(
            {"ruleParameters": '{"maxSweepAgeHours": "0"}'}, "is '0', allowed: whole", id="value"
        ),
    ],
)
def test_an_invocation_that_does_not_fit_is_an_error(
    deployed: Make, other: dict[str, Any], problem: str
) -> None:
    """It names the field, the value and what is allowed."""
    with pytest.raises(Invalid, match=problem):
        deployed(a=1).invoke(**other)


def test_a_change_of_another_type_is_an_error(deployed: Make) -> None:
    """The rule's scope does not have it; somebody changed the rule."""
    here = deployed(a=1)
    with pytest.raises(Invalid, match="resourceType: is AWS::EC2::Volume"):
        here.invoke(Item("AWS::EC2::Volume", "vol-1", "", "", "OK", here.clock.now()))


def test_rule_remediation_and_report_never_disagree(deployed: Make) -> None:
    """One judgement: a change, an event's look, the sweep and the report give the same verdict."""
    sizes = {"a": 10, "b": 1, "glued": 2, "precious": 3, "c": 10}
    here = deployed(**sizes)
    here.book.exempt(CONTROL.id, toy.exemption("b"))
    here.loaded = toy.policy(mode=Mode.AUDIT, exclude=("c",))
    here.sweep()
    here.invoke()
    by_clock = here.report()
    by_change = {}
    for name in sizes:
        here.clock.advance(1)
        here.config.sent.clear()
        here.invoke(here.item(name))
        by_change[name] = here.config.sent[0]["ComplianceType"]
    run = toy.run(here.world, here.book, control=CONTROL, loaded=here.loaded, clock=here.clock)
    looked = look(run, [Ref(TOY, name) for name in sizes])
    by_look = {
        one.finding.ref.id: evaluation(one.finding, FakeAws()).compliance.value
        for one in looked.outcomes
    }
    judged = {
        state.ref.id: evaluation(evaluate(run, state), FakeAws()).compliance.value
        for state in CONTROL.observe(run.sight, [Ref(TOY, name) for name in sizes])
    }
    assert by_look == by_change == judged
    kept = {name: one for name, one in judged.items() if one != Verdict.NOT_APPLICABLE}
    assert by_clock == here.report() == kept
    assert kept == {name: "COMPLIANT" if name == "a" else "NON_COMPLIANT" for name in kept}


def changed(*controls: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": str(n), "body": json.dumps({"control": control})}
            for n, control in enumerate(controls)
        ]
    }


@pytest.fixture
def follower(deployed: Make, monkeypatch: pytest.MonkeyPatch) -> tuple[Deployed, Follower]:
    """One that follows the control over toys."""
    monkeypatch.setattr("steward.follower.CONTROLS", (CONTROL,))
    here = deployed(a=1, b=1)
    return here, Follower(here.account(), "steward")


def test_many_changes_are_one_evaluation(follower: tuple[Deployed, Follower]) -> None:
    """And what is told of no control, or cannot be read, is none."""
    here, function = follower
    event = changed("toy-size", "toy-size", "other")
    event["Records"].append({"messageId": "9", "body": "no json"})
    assert function.answer(event, 120) == {"batchItemFailures": []}
    assert here.world.calls["StartConfigRulesEvaluation"] == 1


def test_while_config_is_busy_the_messages_come_again(follower: tuple[Deployed, Follower]) -> None:
    """It evaluates a rule once a minute."""
    here, function = follower
    function.answer(changed("toy-size"), 120)
    answer = function.answer(changed("toy-size", "toy-size"), 120)
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["0", "1"]
    here.clock.advance(61)
    assert function.answer(changed("toy-size"), 120) == {"batchItemFailures": []}


def test_exemptions_are_mirrored_as_far_as_config_takes_them(
    follower: tuple[Deployed, Follower],
) -> None:
    """Of what it holds as red; until the day is over, or for ever; and taken back with it."""
    here, function = follower
    for name, until in (("a", date(2027, 6, 30)), ("b", date.max)):
        here.book.exempt(CONTROL.id, toy.exemption(name, until))
    here.sweep()
    assert function.answer({"exceptions": {}}, 120) == {"refused": 2}  # Config holds nothing yet
    here.invoke()
    assert function.answer({"exceptions": {}}, 120) == {"refused": 0}
    kept = here.world.exceptions.of(RULE)
    assert {id for _, id in kept} == {"a", "b"}
    told = kept[TOY, "a"]
    assert told["Message"] == "Steward: (somebody: because); is 1, should be 10"
    assert f"{told['ExpirationTime']:%Y-%m-%d %H:%M}" == "2027-07-01 00:00"
    here.world.calls.clear()
    function.answer({"exceptions": {}}, 120)
    assert {*here.world.calls} == {"DescribeRemediationExceptions"}  # nothing has changed
    here.book.unexempt(CONTROL.id, "b")
    here.clock.advance(3600)
    here.sweep()
    function.answer({"exceptions": {}}, 120)
    assert {id for _, id in here.world.exceptions.of(RULE)} == {"a"}


def test_exceptions_of_others_are_left_alone(follower: tuple[Deployed, Follower]) -> None:
    """Also of a resource that is exempt here, with another end."""
    here, function = follower
    here.sweep()
    here.invoke()
    named = [{"ResourceType": TOY, "ResourceId": "a"}]
    theirs = {"ConfigRuleName": RULE, "ResourceKeys": named, "Message": "by hand"}
    here.world.ask("config", "PutRemediationExceptions", **theirs)
    here.book.exempt(CONTROL.id, toy.exemption("a", date(2027, 6, 30)))
    here.sweep()
    function.answer({"exceptions": {}}, 120)
    assert here.world.exceptions.of(RULE)[TOY, "a"]["Message"] == "by hand"


def test_exceptions_that_cannot_be_read_are_told(follower: tuple[Deployed, Follower]) -> None:
    """Best effort: it is no error."""
    here, function = follower

    def gone(operation: str) -> None:
        if operation == "DescribeRemediationExceptions":
            raise Gone("no such rule")

    here.world.before_call = gone
    assert function.answer({"exceptions": {}}, 120) == {"refused": 0}
    assert "exceptions not mirrored" in here.telling.told


def parameter(name: str, value: object) -> Mapping[str, Any]:
    return {"Parameters": [{"Name": f"/steward/policy/{name}", "Value": json.dumps(value)}]}


@pytest.mark.parametrize(
    ("rule", "heeding"),
    [
        ("steward-log-retention", "log-retention"),
        ("steward-log-retention-conformance-pack-abc123", "log-retention"),
        ("steward-log-subscription", ""),
        ("cw-loggroup-retention-period-check", "log-retention"),
        ("securityhub-cw-loggroup-retention-period-check-1a2b3c4d", "log-retention"),
        ("subscribed", ""),
        ("cloudwatch-log-group-encrypted", ""),
    ],
)
def test_a_policy_says_which_control_heeds_a_foreign_rule(rule: str, heeding: str) -> None:
    """Our own rule always; Security Hub's name or a pack's need not be known."""
    rules = {
        "cw-loggroup-retention-period-check": "log-retention",
        "subscribed": "log-subscription",
    }
    aws = FakeAws({("ssm", "GetParameters"): parameter("config-rules", {"rules": rules})})
    policies = StackPolicies(aws, "steward", FakeClock(), ["log-retention"])
    assert policies.heeding(rule) == heeding


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"rules": {"a": "retention"}}, "rules.a: is 'retention', allowed: log-retention"),
        ({"rules": {"a": 7}}, "rules.a: is 7, allowed: string"),
        ({"map": {}}, "has no field map"),
    ],
)
def test_a_policy_of_foreign_rules_that_does_not_fit_is_told(
    document: object, problem: str
) -> None:
    """And does not concern what our own rules find."""
    aws = FakeAws({("ssm", "GetParameters"): parameter("config-rules", document)})
    policies = StackPolicies(aws, "steward", FakeClock(), ["log-retention"])
    with pytest.raises(StewardError, match=problem):
        policies.heeding("other")
    assert policies.heeding("steward-log-retention") == "log-retention"
