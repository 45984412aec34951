"""How functions are read with what their layers depend on, and changed, on a faithful moto."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.cloudformation.models import cloudformation_backends

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, hold_function, seed_functions, seed_layer
from steward import sweep as sweeps
from steward.account import Account
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.function_layers import CONTROL
from steward.controls.function_layers.live import MOST_VERSIONS
from steward.controls.function_layers.memory import Memory
from steward.controls.function_layers.readers import BATCH
from steward.errors import Denied, OutOfTime, Refused, StewardError, TryAgain
from steward.events import FUNCTION
from steward.ledger import Item, Status, Sweep
from steward.look import look
from steward.model import Deadline, Ref, Trigger, Verdict
from steward.policy import load
from steward.run import Outcome, Run
from steward.runtime import sheltered
from steward.undo import undo
from tests.fakes import REGION, FakeClock
from tests.toy import Killed, Telling

HERE = "123456789012"
WANTED = f"arn:aws:lambda:{REGION}:{HERE}:layer:probe:2"
OLD = WANTED.replace(":2", ":1")
STACK = "aws:cloudformation:stack-name"


class Between:
    """Sends requests on, and lets something happen before one of them."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.before: dict[str, Callable[[Mapping[str, Any]], object]] = {}

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        if operation in self.before:
            self.before[operation](params)
        return self._api.ask(service, operation, **params)

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Any:
        if operation in self.before:
            self.before[operation](params)
        return self._api.pages(service, operation, start, **params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


class Place:
    """An account with two versions of a layer, a ledger and a clock."""

    def __init__(self, api: Api, book: SQLiteLedger, clock: FakeClock) -> None:
        self.api, self.book, self.clock, self.between = api, book, clock, Between(api)

    def run(self, trigger: Trigger, rule: Mapping[str, Any], **policy: Any) -> Run[Any, Any]:
        rules = [{"layer_arn": WANTED, **rule}] if rule is not NOTHING else []
        told = {"mode": "enforce", "rules": rules, **policy}
        account = Account(
            self.between,  # type: ignore[arg-type]  # stands before the one that it is given
            self.book,
            self.clock,
            Telling(),
            lambda control: load(control, told),
        )
        deadline, shelter = Deadline(self.clock), sheltered(Telling())
        return account.run(CONTROL, trigger, "run", deadline=deadline, shelter=shelter)

    def looked(self, *names: str, rule: Mapping[str, Any] | None = None, **policy: Any) -> Any:
        """Code and fate of each."""
        looked = look(self.run(Trigger.EVENT, rule or {}, **policy), refs(*names))
        return codes(looked.outcomes)

    def swept(self, rule: Mapping[str, Any] | None = None, **policy: Any) -> Sweep:
        run = self.run(Trigger.SWEEP, {} if rule is None else rule, **policy)
        at = sweeps.begin(self.book, CONTROL.id, run.loaded.hash, self.clock.now())
        self.api.calls.clear()
        for step in sweeps.advance(run, at):
            at = step.sweep
        return at

    def layers(self, name: str) -> list[str]:
        told = self.api.ask("lambda", "GetFunctionConfiguration", FunctionName=name)
        return [one["Arn"] for one in told.get("Layers", ())]

    def set_layers(self, name: str, *arns: str) -> None:
        self.api.ask("lambda", "UpdateFunctionConfiguration", FunctionName=name, Layers=[*arns])

    def publish(self, name: str, *aliases: str) -> str:
        """A version as the function is now, to which these aliases point from now on."""
        version: str = self.api.ask("lambda", "PublishVersion", FunctionName=name)["Version"]
        known = {
            one["Name"]
            for one in self.api.ask("lambda", "ListAliases", FunctionName=name)["Aliases"]
        }
        for alias in aliases:
            operation = "UpdateAlias" if alias in known else "CreateAlias"
            told = {"FunctionName": name, "Name": alias, "FunctionVersion": version}
            self.api.ask("lambda", operation, **told)
        return version

    def known(self, name: str) -> Item:
        return self.book.items(CONTROL.id, refs(name))[Ref(FUNCTION, name)]


NOTHING: Mapping[str, Any] = {"": None}
"""No rule at all."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    clock = FakeClock()
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        api = Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)
        ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
        seed_layer("probe", 2, region=REGION, runtimes=["python3.13"])
        yield Place(api, ledger, clock)
        api.close()
        ledger.close()


def seed(*names: str, **fields: Any) -> None:
    seed_functions((FunctionSeed(name=name, **fields) for name in names), region=REGION)


def other(name: str = "other") -> str:
    [arn] = seed_layer(name, region=REGION)
    return arn


def refs(*names: str) -> list[Ref]:
    return [Ref(FUNCTION, name) for name in names]


def codes(outcomes: Any) -> dict[str, tuple[str, str]]:
    return {one.finding.ref.id: (one.finding.code, one.fate.value) for one in outcomes}


def only(outcomes: Any) -> Outcome:
    [one] = outcomes
    return one  # type: ignore[no-any-return]  # of an untyped list


def test_a_function_gets_its_layer_once_and_is_then_left_alone(here: Place) -> None:
    """LAY-1, LAY-7: beside what is not ours; the second look changes and writes nothing."""
    arn = other()
    seed("orders", layers=[arn])
    assert here.looked("orders") == {"orders": ("LAYER_MISSING", "remediated")}
    before = here.known("orders")
    assert here.looked("orders", "none") == {
        "orders": ("LAYERED", "none"),
        "none": ("GONE", "gone"),
    }
    assert (here.layers("orders"), here.known("orders")) == ([arn, WANTED], before)


@pytest.mark.parametrize(
    ("fields", "rule", "updated"),
    [
        pytest.param([{}, {}, {}], {}, ["f0", "f1", "f2"], id="LAY-9 no conditions"),
        pytest.param(
            [{"tags": {"on": ""}}, {}, {"tags": {"on": ""}}],
            {"include": {"tags": ["on"]}},
            ["f0", "f2"],
            id="LAY-10 two of three included",
        ),
        pytest.param(
            [{"tags": {"off": ""}}, {}, {}],
            {"exclude": {"tags": ["off"]}},
            ["f1", "f2"],
            id="LAY-11 one of three excluded",
        ),
        pytest.param(
            [{"tags": {"on": "", "off": ""}}, {}, {"tags": {"on": ""}}],
            {"include": {"tags": ["on"]}, "exclude": {"tags": ["off"]}},
            ["f2"],
            id="LAY-12 both and neither",
        ),
        pytest.param(
            [{"layers": [WANTED]}, {"layers": [WANTED]}, {}], {}, ["f2"], id="LAY-13 two have it"
        ),
        pytest.param([{"layers": [WANTED]}, {"layers": [OLD]}], {}, ["f1"], id="LAY-14 an old one"),
    ],
)
def test_a_sweep_updates_exactly_those_that_need_it(
    here: Place, fields: list[dict[str, Any]], rule: dict[str, Any], updated: list[str]
) -> None:
    """And a second one none, whatever the conditions."""
    for number, one in enumerate(fields):
        seed(f"f{number}", **one)
    done = here.swept(rule)
    assert (done.complete, done.fates.get("remediated", 0)) == (True, len(updated))
    assert here.api.calls["lambda.UpdateFunctionConfiguration"] == len(updated)
    assert [name for name in updated if here.layers(name) != [WANTED]] == []
    again = here.swept(rule)
    assert (again.complete, again.fates) == (True, {"none": len(fields)})
    assert not here.api.calls["lambda.UpdateFunctionConfiguration"]


def test_a_sweep_goes_over_all_pages_in_parts(here: Place) -> None:
    """LAY-15: each function once, in whatever order they come; a part is looked into at once."""
    names = [f"f{number:03}" for number in range(70)]
    seed(*names)
    seed("apart", runtime="nodejs22.x")
    done = here.swept()
    assert (done.complete, done.resources, done.verdicts["NOT_APPLICABLE"]) == (True, 71, 1)
    assert [name for name in names if here.layers(name) != [WANTED]] == []
    assert done.pages >= 70 // BATCH
    assert here.api.calls["lambda.ListFunctions"] == 2
    assert here.api.calls["lambda.GetLayerVersion"] == 1
    assert here.api.calls["resourcegroupstaggingapi.GetResources"] <= 70 // BATCH + 2  # two pages


def test_a_sweep_that_changes_nothing_reads_pages_and_little_else(here: Place) -> None:
    """200 functions, some with aliases: five requests, until a week is over."""
    seed(*(f"f{number:03}" for number in range(200)), layers=[WANTED])
    for number in range(0, 200, 50):
        here.publish(f"f{number:03}", "live")
    here.swept()
    assert here.api.calls["lambda.ListAliases"] == 200
    again = here.swept()
    assert (again.complete, again.verdicts) == (True, {"COMPLIANT": 200})
    assert dict(here.api.calls) == {"lambda.ListFunctions": 4, "lambda.GetLayerVersion": 1}
    here.clock.advance(timedelta(days=7).total_seconds())
    here.swept()
    assert here.api.calls["lambda.ListAliases"] == 200


def test_an_audit_reads_no_function_by_its_name_to_plan_for_it(here: Place) -> None:
    """Nothing is sent: what a list tells is enough, sweep after sweep."""
    seed(*(f"f{number}" for number in range(20)), tags={STACK: "shop"})
    for aliases in (20, 0):
        done = here.swept(mode="audit")
        assert (done.complete, done.fates) == (True, {"planned": 20})
        assert here.api.calls["lambda.ListAliases"] == aliases
        assert not here.api.calls["lambda.GetFunctionConfiguration"]
        assert not here.api.calls["cloudformation.DescribeStacks"]


def test_tags_are_read_by_the_index_once_and_only_where_rules_go_by_them(here: Place) -> None:
    """A page of a hundred at a time, whatever the number of functions."""
    seed(*(f"f{number:02}" for number in range(60)), tags={"on": ""})
    seed("off", layers=[WANTED])
    tagged = {"include": {"tags": ["on"]}}
    here.swept(tagged)
    assert here.api.calls["resourcegroupstaggingapi.GetResources"] == 1
    assert here.known("off").code == "NOT_SELECTED"
    here.api.calls.clear()
    assert here.looked("f00", rule=tagged) == {"f00": ("LAYERED", "none")}
    assert here.api.calls["resourcegroupstaggingapi.GetResources"] == 1


def test_a_step_that_runs_out_of_time_goes_on_within_the_page(here: Place) -> None:
    """Each function is counted once; a function that went meanwhile lets the page begin anew."""
    seed(*(f"f{number:03}" for number in range(30)))
    asked = {"count": 0}

    def late(_: Mapping[str, Any]) -> None:
        asked["count"] += 1
        if asked["count"] > 15:
            raise OutOfTime("no time")

    here.between.before["ListAliases"] = late
    run = here.run(Trigger.SWEEP, {})
    at = sweeps.begin(here.book, CONTROL.id, run.loaded.hash, here.clock.now())
    for _ in range(5):
        asked["count"] = 0
        for step in sweeps.advance(here.run(Trigger.SWEEP, {}), at):
            at = step.sweep
    assert (at.complete, at.resources, at.fates) == (True, 30, {"remediated": 30})
    assert at.finished


# -------------------------------------------------------------------------------- what is live


def test_what_is_live_without_the_layer_is_reported_and_never_compliant(here: Place) -> None:
    """Not after our change, not by a look, not by what is remembered; until it is deployed."""
    seed("orders")
    here.publish("orders", "live")
    here.publish("orders", "spare")
    assert here.looked("orders") == {"orders": ("LAYER_MISSING", "remediated")}
    told = here.known("orders")
    assert (told.verdict, told.code) == (Verdict.NON_COMPLIANT, "LAYER_NOT_ON_LIVE_VERSION")
    assert "live is 1, spare is 1" in told.reason
    assert here.looked("orders") == {"orders": ("LAYER_NOT_ON_LIVE_VERSION", "reported")}
    assert here.swept().verdicts == {"NON_COMPLIANT": 1}
    assert not here.api.calls["lambda.ListAliases"]
    here.publish("orders", "live", "spare")
    assert here.looked("orders") == {"orders": ("LAYERED", "none")}


def test_a_weighted_version_is_live_too(here: Place) -> None:
    """A part of the calls runs without the layer."""
    seed("orders")
    old = here.publish("orders")
    here.set_layers("orders", WANTED)
    new = here.publish("orders", "live")
    assert (old, new) == ("1", "2")
    here.api.ask(
        "lambda",
        "UpdateAlias",
        FunctionName="orders",
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {old: 0.1}},
    )
    assert here.looked("orders") == {"orders": ("LAYER_NOT_ON_LIVE_VERSION", "reported")}
    assert "live is 1" in here.known("orders").reason


def test_an_alias_of_the_latest_version_needs_no_deployment(here: Place) -> None:
    """It is the function itself."""
    seed("orders")
    told = {"FunctionName": "orders", "Name": "dev", "FunctionVersion": "$LATEST"}
    here.api.ask("lambda", "CreateAlias", **told)
    here.looked("orders")
    assert here.known("orders").code == "LAYERED"


def test_aliases_of_more_versions_than_fit_into_a_step_are_not_judged(here: Place) -> None:
    """UNKNOWN, and nothing is changed on a guess."""
    seed("orders")
    aliases = [
        {"Name": f"a{number}", "FunctionVersion": str(number)}
        for number in range(1, MOST_VERSIONS + 2)
    ]

    def many(_: Mapping[str, Any]) -> None:
        return None

    here.between.before["ListAliases"] = many
    here.between.pages = lambda *_, **__: iter([({"Aliases": aliases}, None)])  # type: ignore[method-assign]  # one answer that nobody could seed quickly
    assert here.looked("orders") == {"orders": ("UNREADABLE", "unknown")}
    assert here.layers("orders") == []


# ------------------------------------------------------------------------------- what goes on


def stack(status: str, name: str = "shop", **more: Any) -> None:
    """A stack that is in this state."""
    backend = cloudformation_backends[HERE][REGION]
    if not any(one.name == name for one in backend.stacks.values()):
        resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
        backend.create_stack(name, json.dumps({"Resources": resources}), {}, [], None)
    [found] = [one for one in backend.stacks.values() if one.name == name]
    found.status = status
    vars(found).update(more)


def test_a_function_waits_while_its_stack_is_busy(here: Place) -> None:
    """Held and looked at again; each stack is asked for once."""
    seed("a", "b", tags={STACK: "shop"})
    seed("left", tags={STACK: "no-more"})
    stack("UPDATE_IN_PROGRESS")
    run = here.run(Trigger.EVENT, {})
    looked = look(run, refs("a", "b", "left"))
    assert codes(looked.outcomes) == {
        "a": ("STACK_BUSY", "held"),
        "b": ("STACK_BUSY", "held"),
        "left": ("LAYER_MISSING", "remediated"),
    }
    assert looked.retry() == looked.waiting() == {*refs("a", "b")}
    assert here.api.calls["cloudformation.DescribeStacks"] == 2
    assert "stack shop is UPDATE_IN_PROGRESS" in here.known("a").reason
    assert here.swept().fates == {"held": 2, "none": 1}
    stack("UPDATE_COMPLETE")
    assert here.looked("a") == {"a": ("LAYER_MISSING", "remediated")}


def test_a_nested_stack_is_as_busy_as_the_one_it_is_part_of(here: Place) -> None:
    """CloudFormation may roll both back."""
    seed("a", tags={STACK: "shop-nested"})
    stack("UPDATE_COMPLETE", "shop-nested")
    stack("UPDATE_IN_PROGRESS", "shop")
    [root] = cloudformation_backends[HERE][REGION].describe_stacks("shop")

    def nested(service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        answer = here.api.ask(service, operation, **params)
        if operation == "DescribeStacks" and params["StackName"] == "shop-nested":
            return {"Stacks": [{**answer["Stacks"][0], "RootId": root.stack_id}]}
        return answer

    here.between.ask = nested  # type: ignore[method-assign]  # moto nests no stacks
    assert here.looked("a") == {"a": ("STACK_BUSY", "held")}
    assert "stack shop is" in here.known("a").reason


@pytest.mark.parametrize(
    ("held", "code", "fate"),
    [
        ({"status": "InProgress"}, "STACK_BUSY", "held"),
        ({"state": "Pending"}, "FUNCTION_PENDING", "none"),
        ({"state": "Failed"}, "FUNCTION_NOT_USABLE", "none"),
    ],
    ids=str,
)
def test_a_function_that_is_being_made_or_updated_waits(
    here: Place, held: dict[str, str], code: str, fate: str
) -> None:
    """LAY-20: no list tells of it, so that a sweep reads anew what it is about to change."""
    seed("orders")
    hold_function("orders", region=REGION, **held)
    assert here.looked("orders") == {"orders": (code, fate)}
    here.swept()
    assert (here.known("orders").code, here.layers("orders")) == (code, [])
    hold_function("orders", region=REGION)
    assert here.looked("orders") == {"orders": ("LAYER_MISSING", "remediated")}


def test_a_deployment_that_comes_between_wins(here: Place) -> None:
    """The revision is another one: nothing is written, and the function is looked at again."""
    seed("orders")
    arn = other("theirs")
    deployed: list[str] = []

    def deploy(_: Mapping[str, Any]) -> None:
        if not deployed:
            deployed.append(arn)
            here.set_layers("orders", arn)

    here.between.before["UpdateFunctionConfiguration"] = deploy
    looked = look(here.run(Trigger.EVENT, {}), refs("orders"))
    assert codes(looked.outcomes) == {"orders": ("LAYER_MISSING", "held")}
    assert looked.retry() == {*refs("orders")}
    assert here.layers("orders") == [arn]
    assert here.looked("orders") == {"orders": ("LAYER_MISSING", "remediated")}
    assert here.layers("orders") == [arn, WANTED]


def test_a_size_that_only_lambda_knows_is_reported_and_tried_again_once_a_week(
    here: Place,
) -> None:
    """Unzipped sizes are told nowhere; an event tries at once, as somebody may have made room."""
    seed("large", unzipped=262_000_000)
    assert here.looked("large") == {"large": ("TOO_LARGE", "reported")}
    assert "exceeds the maximum allowed size" in here.known("large").reason
    for days, tried in ((1, 0), (7, 1)):
        here.clock.advance(timedelta(days=days).total_seconds())
        here.swept()
        assert here.api.calls["lambda.UpdateFunctionConfiguration"] == tried
        assert here.known("large").code == "TOO_LARGE"


# --------------------------------------------------------------------------- ours, and not ours


def test_what_is_ours_goes_when_no_rule_asks_for_it(here: Place) -> None:
    """LAY-19: theirs stays, and so does what took the place of theirs."""
    seed("ours")
    seed("theirs", layers=[WANTED])
    seed("replaced", layers=[OLD])
    here.swept()
    done = here.swept(NOTHING)
    assert done.fates == {"remediated": 1, "none": 2}
    assert {name: here.layers(name) for name in ("ours", "theirs", "replaced")} == {
        "ours": [],
        "theirs": [WANTED],
        "replaced": [WANTED],
    }
    assert here.swept(NOTHING).fates == {"none": 3}


def test_what_is_ours_is_still_ours_after_a_time_of_not_knowing(here: Place) -> None:
    """Excluded, exempt or unreadable meanwhile: the ledger keeps its memory."""
    seed("orders")
    here.looked("orders")
    here.looked("orders", exclude=["orders"])

    def denied(_: Mapping[str, Any]) -> None:
        raise Denied("GetFunctionConfiguration: no")

    here.between.before["GetFunctionConfiguration"] = denied
    assert here.looked("orders") == {"orders": ("ACCESS_DENIED", "unknown")}
    here.between.before.clear()
    exempt = {"resource": "orders", "reason": "r", "owner": "o", "expires": "2030-01-01"}
    assert here.looked("orders", rule={"include": {"names": ["x"]}}, exemptions=[exempt]) == {
        "orders": ("EXTRA_LAYER", "none")
    }
    assert here.swept(NOTHING).fates == {"remediated": 1}
    assert here.layers("orders") == []


def test_what_a_killed_run_put_is_ours_and_its_change_is_settled(here: Place) -> None:
    """The call was carried out, and nobody wrote it down."""
    seed("orders")

    run = here.run(Trigger.EVENT, {})
    sent = here.between.ask

    def ask(service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        answer = sent(service, operation, **params)
        if operation == "UpdateFunctionConfiguration":
            raise Killed
        return answer

    here.between.ask = ask  # type: ignore[method-assign]  # dies between two lines
    with pytest.raises(Killed):
        look(run, refs("orders"))
    here.between.ask = sent  # type: ignore[method-assign]  # lives on
    assert here.looked("orders") == {"orders": ("LAYERED", "none")}
    [change] = here.book.changes(CONTROL.id)
    assert (change.status, Memory.of(here.known("orders")).ours) == (Status.DONE, [WANTED])
    here.swept(NOTHING)
    assert here.layers("orders") == []


def test_a_plan_makes_nothing_ours(here: Place) -> None:
    """What was planned in audit mode and then put by the team is the team's."""
    seed("orders")
    assert here.looked("orders", mode="audit") == {"orders": ("LAYER_MISSING", "planned")}
    here.set_layers("orders", WANTED)
    here.looked("orders", mode="audit")
    assert here.swept(NOTHING).fates == {"none": 1}
    assert here.layers("orders") == [WANTED]


def test_an_undo_restores_the_list_exactly_and_exempts(here: Place) -> None:
    """Also what was replaced; where somebody changed the list since, nothing is done."""
    arns = [other("a"), OLD, other("b")]
    seed("orders", layers=arns)
    here.looked("orders")
    assert here.layers("orders") == [arns[0], WANTED, arns[2]]
    [change] = here.book.changes(CONTROL.id)
    undo(here.run(Trigger.DIRECT, {}), change.id, "alice")
    assert here.layers("orders") == arns
    assert here.looked("orders") == {"orders": ("OLD_VERSION", "none")}
    assert here.known("orders").verdict is Verdict.EXEMPT


def test_an_undo_leaves_a_list_alone_that_somebody_changed(here: Place) -> None:
    """It would take that back, too."""
    seed("orders")
    here.looked("orders")
    here.set_layers("orders", WANTED, other())
    [change] = here.book.changes(CONTROL.id)
    with pytest.raises(Refused, match="was changed since"):
        undo(here.run(Trigger.DIRECT, {}), change.id, "alice")


def test_an_undo_puts_back_no_layer_that_the_template_no_longer_allows(here: Place) -> None:
    """What was ours and was removed; theirs, in whose place ours was, comes back."""
    seed("ours")
    seed("theirs", layers=[OLD])
    here.looked("ours", "theirs")
    here.swept(NOTHING)
    changes = {
        one.ref.id: one for one in here.book.changes(CONTROL.id) if one.code != "LAYER_MISSING"
    }
    run = here.run(Trigger.DIRECT, {})
    bound = replace(run, loaded=replace(run.loaded, allowed={"rules.layer_arn": [""]}))
    with pytest.raises(Refused, match="the template allows none"):
        undo(bound, changes["ours"].id, "alice")
    undo(bound, changes["theirs"].id, "alice")
    assert (here.layers("ours"), here.layers("theirs")) == ([], [OLD])


# ------------------------------------------------------------------------------------- refusals

READS = {
    "GetFunctionConfiguration": "by its name",
    "GetLayerVersion": "the rule's version",
    "ListAliases": "its aliases",
    "GetResources": "its stack's name",
    "DescribeStacks": "its stack",
}


@pytest.mark.parametrize("operation", sorted(READS))
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), "UNREADABLE"),
        (Denied("no"), "ACCESS_DENIED"),
        (TryAgain("no"), "BUSY"),
    ],
    ids=["refused", "denied", "busy"],
)
def test_what_cannot_be_read_is_unknown_and_never_acted_on(
    here: Place, operation: str, error: StewardError, code: str
) -> None:
    """Whatever of a function it is that AWS does not tell; by its name as in a sweep."""
    seed("orders", tags={STACK: "shop"})
    stack("CREATE_COMPLETE")

    def refuse(_: Mapping[str, Any]) -> None:
        raise error

    here.between.before[operation] = refuse
    wanted = "TAGS_UNREADABLE" if operation == "GetResources" and code != "BUSY" else code
    assert here.looked("orders") == {"orders": (wanted, "unknown")}
    if not (operation == "GetResources" and code == "BUSY"):  # then the sweep itself has to wait
        assert here.swept().verdicts == {"UNKNOWN": 1}
    assert here.layers("orders") == []


def test_one_function_that_cannot_be_read_or_changed_stops_no_other(here: Place) -> None:
    """Its neighbours are read, judged and changed."""
    names = [f"f{number}" for number in range(6)]
    seed(*names)

    def refuse(params: Mapping[str, Any]) -> None:
        if params["FunctionName"] in ("f1", "f4"):
            raise Denied("no")

    here.between.before["ListAliases"] = here.between.before["UpdateFunctionConfiguration"] = refuse
    done = here.swept()
    assert (done.complete, done.fates) == (False, {"remediated": 4, "unknown": 2})
    del here.between.before["ListAliases"]
    assert here.swept().fates == {"none": 4, "failed": 2}
    assert [name for name in names if here.layers(name) != [WANTED]] == ["f1", "f4"]


def test_tags_that_cannot_be_read_judge_nothing(here: Place) -> None:
    """A function might be excluded by one."""
    seed("orders")

    def denied(_: Mapping[str, Any]) -> None:
        raise Denied("no")

    here.between.before["GetResources"] = denied
    rule = {"exclude": {"tags": ["off"]}}
    assert here.looked("orders", rule=rule) == {"orders": ("TAGS_UNREADABLE", "unknown")}
    assert here.swept(rule).verdicts == {"UNKNOWN": 1}
    assert here.layers("orders") == []


def test_a_function_that_goes_while_it_is_looked_at_is_gone(here: Place) -> None:
    """LAY-24: forgotten, and no trouble."""
    seed("orders", "stays")

    def delete(params: Mapping[str, Any]) -> None:
        if params["FunctionName"] == "orders":
            here.between.before.clear()
            here.api._client("lambda").delete_function(FunctionName="orders")

    here.between.before["GetFunctionConfiguration"] = delete
    done = here.swept()
    assert (done.complete, done.resources) == (True, 1)
    assert here.looked("orders") == {"orders": ("GONE", "gone")}


def test_a_layer_version_that_is_not_there_is_reported(here: Place) -> None:
    """Or not shared with us: Lambda does not tell the two apart."""
    seed("orders")
    missing = {"layer_arn": WANTED.replace(":2", ":9")}
    assert here.looked("orders", rule=missing) == {"orders": ("LAYER_VERSION_MISSING", "reported")}


@pytest.mark.parametrize("name", ["/aws/lambda/orders", "orders:3", "a%62", ""])
def test_what_is_no_functions_name_is_not_asked_for(here: Place, name: str) -> None:
    """Lambda would answer for another, or refuse."""
    assert list(CONTROL.observe(here.run(Trigger.EVENT, {}).sight, refs(name))) == []
    assert not here.api.calls


def test_the_reads_are_those_that_the_control_declares(here: Place) -> None:
    """What the role of the function must grant, and no more."""
    seed("orders", tags={STACK: "shop", "on": ""})
    here.publish("orders", "live")
    here.api.calls.clear()
    here.looked("orders", rule={"include": {"tags": ["on"]}})
    told = here.api.calls | {"lambda.ListFunctions": 1}
    names = {one.replace("resourcegroupstaggingapi.", "tag.").replace(".", ":") for one in told}
    assert names == CONTROL.reads | {"lambda:UpdateFunctionConfiguration"}
