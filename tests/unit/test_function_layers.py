"""Layers: which functions rules select, what becomes of their lists, and how that is judged.

Of the scenarios of other automations of layers, these have nothing here to be true of:

- LAY-17: there are no marker tags whose events were to be left alone; the ledger remembers.
- LAY-19, where it tags: the same.
- LAY-21, LAY-22: there is no store of errors; what could not be read or done is UNKNOWN or held,
  and its message comes back. tests/handlers has the faults.
- LAY-23: the stack takes nothing away when it is deleted; a policy without rules does before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.function_layers import CONTROL
from steward.controls.function_layers.assess import assess
from steward.controls.function_layers.layer import MOST, Offer, layer_of, number_of
from steward.controls.function_layers.memory import Memory
from steward.controls.function_layers.planning import ours_after, plan
from steward.controls.function_layers.state import RECHECK_DAYS, Function, Policy
from steward.controls.function_layers.wish import to_be_live
from steward.errors import BadPolicy
from steward.evaluate import foretold
from steward.ledger import Item
from steward.model import Fate, Finding, Ref, Verdict
from steward.policy import load

BASE = "arn:aws:lambda:eu-west-1:111122223333:layer"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
UPDATE = "UpdateFunctionConfiguration"


def arn(layer: str, number: int = 7) -> str:
    return f"{BASE}:{layer}:{number}"


WANTED = arn("probe")


def rule(layer_arn: str = WANTED, **sides: Any) -> dict[str, Any]:
    return {"layer_arn": layer_arn, **sides}


def policy(*rules: dict[str, Any], **fields: Any) -> Policy:
    told = {"rules": [*(rules or [rule()])], "mode": "enforce", **fields}
    return load(CONTROL, told).policy


def function(*layers: str, name: str = "orders", **fields: Any) -> Function:
    """A function as it is read, on Python."""
    told = {"runtime": "python3.13", "revision": "r1", "state": "Active", **fields}
    return Function(name=name, layers=list(layers), found=list(layers), **told)


def planned(finding: Finding) -> list[str] | None:
    """The layers that the finding's call sets; None without a call."""
    if not finding.remediation:
        return None
    [call] = finding.remediation
    assert call.operation == UPDATE
    return list(call.params["Layers"])


# ------------------------------------------------------------------------------------- selection

SELECTED = [
    pytest.param({}, {}, True, id="LAY-1 no conditions"),
    pytest.param({"tags": ["on"]}, {"tags": {"on": "1"}}, True, id="LAY-2 included by tag"),
    pytest.param({"tags": ["on"]}, {}, False, id="LAY-3 without the tag"),
    pytest.param({"tags": ["ON=Yes"]}, {"tags": {"on": "yes"}}, True, id="LAY-18 in other case"),
    pytest.param({"tags": ["on=y*"]}, {"tags": {"on": "no"}}, False, id="of another value"),
    pytest.param({"tags": ["a", "b"]}, {"tags": {"a": ""}}, False, id="LAY-18 all tags needed"),
    pytest.param({"names": ["ord*", "x"]}, {}, True, id="LAY-18 one of the names"),
    pytest.param({"names": ["Ord*"]}, {}, False, id="names are told apart by case"),
    pytest.param({"names": ["*"]}, {}, True, id="LAY-18 every name"),
    pytest.param({"names": ["order"]}, {}, False, id="globs are anchored"),
    pytest.param({"runtimes": ["python3.*"]}, {}, True, id="by runtime"),
    pytest.param({"runtimes": ["nodejs*"]}, {}, False, id="another runtime"),
    pytest.param({"architectures": ["x86_64"]}, {}, True, id="by architecture"),
    pytest.param({"architectures": ["arm64"]}, {}, False, id="another architecture"),
    pytest.param(
        {"names": ["*"], "runtimes": ["nodejs*"]}, {}, False, id="one of each sort is needed"
    ),
]


@pytest.mark.parametrize(("include", "fields", "selected"), SELECTED)
def test_a_rule_includes_functions(
    include: dict[str, Any], fields: dict[str, Any], *, selected: bool
) -> None:
    """By name, tag, runtime and architecture."""
    found = assess(function(**fields), policy(rule(include=include)))
    assert planned(found) == ([WANTED] if selected else None)
    if not selected:
        assert (found.verdict, found.code) == (Verdict.NOT_APPLICABLE, "NOT_SELECTED")


@pytest.mark.parametrize(
    ("include", "exclude", "tags", "selected"),
    [
        pytest.param({}, {"tags": ["off"]}, {"off": ""}, False, id="LAY-4 has the tag"),
        pytest.param({}, {"tags": ["off"]}, {}, True, id="LAY-5 has it not"),
        pytest.param(
            {"tags": ["on"]}, {"tags": ["off"]}, {"on": "", "off": ""}, False, id="LAY-6 has both"
        ),
        pytest.param({"names": ["*"]}, {"names": ["ord*"]}, {}, False, id="LAY-18 denied by name"),
        pytest.param({"names": ["*"]}, {"tags": ["t"]}, {"t": ""}, False, id="LAY-18 by tag"),
        pytest.param({}, {"runtimes": ["python*"]}, {}, False, id="by runtime"),
        pytest.param({}, {"architectures": ["x86_64"]}, {}, False, id="by architecture"),
        pytest.param({}, {"names": ["a"], "tags": ["b"]}, {"b": ""}, False, id="any is enough"),
    ],
)
def test_what_is_excluded_wins(
    include: dict[str, Any], exclude: dict[str, Any], tags: dict[str, str], *, selected: bool
) -> None:
    """Whatever includes the function."""
    found = assess(function(tags=tags), policy(rule(include=include, exclude=exclude)))
    assert (found.code == "LAYER_MISSING") is selected


def test_without_rules_nothing_is_selected() -> None:
    """LAY-18: the default."""
    assert assess(function(), load(CONTROL, {"mode": "audit"}).policy).code == "NOT_SELECTED"


def test_of_rules_for_one_layer_the_first_that_matches_decides() -> None:
    """So that a few functions can have another version than the rest."""
    rules = rule(arn("probe", 9), include={"names": ["new-*"]}), rule(arn("probe", 8))
    assert planned(assess(function(name="new-a"), policy(*rules))) == [arn("probe", 9)]
    assert planned(assess(function(name="old-a"), policy(*rules))) == [arn("probe", 8)]


# -------------------------------------------------------------------------------------- judging

CASES = [
    pytest.param(function(), {}, "LAYER_MISSING", [WANTED], id="LAY-1 has no layers"),
    pytest.param(function(WANTED), {}, "LAYERED", None, id="LAY-7 has the layer"),
    pytest.param(
        function(arn("probe", 6)), {}, "OLD_VERSION", [WANTED], id="LAY-8 has an older version"
    ),
    pytest.param(function(arn("probe", 10)), {}, "NEWER_VERSION", None, id="has a newer version"),
    pytest.param(
        function(arn("probe", 10), ours=(arn("probe", 10),)),
        {},
        "OLD_VERSION",
        [WANTED],
        id="a newer version of ours, after the rule went back",
    ),
    pytest.param(
        function(arn("a", 1), arn("probe", 6), arn("b", 2)),
        {},
        "OLD_VERSION",
        [arn("a", 1), WANTED, arn("b", 2)],
        id="others keep their order",
    ),
    pytest.param(
        function(*(arn(name) for name in "abcde")), {}, "NO_LAYER_SLOT", None, id="five others"
    ),
    pytest.param(
        function(*(arn(name) for name in "abcd"), arn("probe", 6)),
        {},
        "OLD_VERSION",
        [*(arn(name) for name in "abcd"), WANTED],
        id="five with an older one",
    ),
    pytest.param(
        function(arn("a"), WANTED, ours=(WANTED,), name="left"),
        {},
        "EXTRA_LAYER",
        [arn("a")],
        id="LAY-19 ours, and not selected any more",
    ),
    pytest.param(
        function(arn("a"), WANTED, name="left"), {}, "NOT_SELECTED", None, id="LAY-19 not ours"
    ),
    pytest.param(
        function(runtime="", name="image"), {}, "CONTAINER_IMAGE", None, id="a container image"
    ),
    pytest.param(
        function(offers={WANTED: Offer(("nodejs22.x",))}),
        {},
        "INCOMPATIBLE",
        None,
        id="LAY-19 of an unsupported runtime",
    ),
    pytest.param(
        function(offers={WANTED: Offer((), ("arm64",))}),
        {},
        "INCOMPATIBLE",
        None,
        id="of another architecture",
    ),
    pytest.param(
        function(WANTED, ours=(WANTED,), offers={WANTED: Offer((), ("arm64",))}),
        {},
        "INCOMPATIBLE",
        None,
        id="incompatible, and left where it is",
    ),
    pytest.param(
        function(offers={WANTED: Offer(exists=False)}),
        {},
        "LAYER_VERSION_MISSING",
        None,
        id="there is no such version",
    ),
    pytest.param(
        function(WANTED, offers={WANTED: Offer(exists=False)}),
        {},
        "LAYERED",
        None,
        id="a version that was deleted is still carried",
    ),
    pytest.param(
        function(sizes={"": 200_000_000}, offers={WANTED: Offer(size=70_000_000)}),
        {},
        "TOO_LARGE",
        None,
        id="too large already while zipped",
    ),
    pytest.param(
        function(arn("a"), sizes={"": 200_000_000, arn("a"): 10}, offers={WANTED: Offer(size=1)}),
        {},
        "LAYER_MISSING",
        [arn("a"), WANTED],
        id="not too large",
    ),
    pytest.param(function(state="Pending"), {}, "FUNCTION_PENDING", None, id="LAY-20 pending"),
    pytest.param(function(state="Failed"), {}, "FUNCTION_NOT_USABLE", None, id="failed"),
    pytest.param(function(state="Inactive"), {}, "LAYER_MISSING", [WANTED], id="idle"),
    pytest.param(function(state=""), {}, "LAYER_MISSING", [WANTED], id="as it was listed"),
    pytest.param(
        function(status="InProgress"), {}, "STACK_BUSY", [WANTED], id="its update is in progress"
    ),
    pytest.param(
        function(stack="stack a is UPDATE_IN_PROGRESS"), {}, "STACK_BUSY", [WANTED], id="its stack"
    ),
    pytest.param(
        function(WANTED, status="InProgress"), {}, "LAYERED", None, id="busy, and nothing to do"
    ),
    pytest.param(
        function(WANTED, lagging=("live is 3",)),
        {},
        "LAYER_NOT_ON_LIVE_VERSION",
        None,
        id="what is live lacks it",
    ),
    pytest.param(
        function(arn("probe", 10), lagging=("live is 3",)),
        {},
        "LAYER_NOT_ON_LIVE_VERSION",
        None,
        id="newer, and what is live lacks it",
    ),
    pytest.param(
        function(name="steward-x"),
        {"own_functions": ["steward-x"]},
        "OWN_FUNCTION",
        None,
        id="LAY-19 one of our own",
    ),
    pytest.param(
        function("arn:aws:lambda:eu-west-1:999999999999:layer:theirs:3"),
        {"kept_layers": [f"{BASE}:*"]},
        "OTHER_LAYER_NOT_ALLOWED",
        None,
        id="the role may not send another layer along",
    ),
    pytest.param(
        function(WANTED, "arn:aws:lambda:eu-west-1:999999999999:layer:theirs:3"),
        {"kept_layers": [f"{BASE}:*"]},
        "LAYERED",
        None,
        id="nor has to",
    ),
]

RULED = rule(exclude={"names": ["left"]})


@pytest.mark.parametrize(("read", "fields", "code", "layers"), CASES)
def test_a_function_is_judged(
    read: Function, fields: dict[str, Any], code: str, layers: list[str] | None
) -> None:
    """The code, and the layers that it is to have."""
    found = assess(read, policy(RULED, **fields))
    assert (found.code, planned(found)) == (code, layers)
    assert code in CONTROL.codes
    assert len(found.reason) <= 256
    assert found.waits is (code in ("STACK_BUSY", "FUNCTION_PENDING"))


def test_every_code_has_its_case() -> None:
    """None is documented that nothing gives."""
    assert {str(case.values[2]) for case in CASES} == set(CONTROL.codes)


def test_verdicts_follow_from_codes() -> None:
    """In order, out of order, or none of ours; never COMPLIANT while what is live runs without."""
    verdicts: dict[str, set[Verdict]] = {}
    for case in CASES:
        read, fields, code, _ = case.values
        found = assess(read, policy(RULED, **fields))  # type: ignore[arg-type]  # a table's values
        verdicts.setdefault(str(code), set()).add(found.verdict)
    assert all(len(some) == 1 for some in verdicts.values())
    fine = {code for code, some in verdicts.items() if some == {Verdict.COMPLIANT}}
    apart = {code for code, some in verdicts.items() if some == {Verdict.NOT_APPLICABLE}}
    assert fine == {"LAYERED", "NEWER_VERSION"}
    assert apart == {
        *("NOT_SELECTED", "INCOMPATIBLE", "CONTAINER_IMAGE", "OWN_FUNCTION"),
        *("FUNCTION_PENDING", "FUNCTION_NOT_USABLE"),
    }


def test_several_rules_are_carried_out_by_one_call() -> None:
    """In their order; what finds no slot is told once the rest is done."""
    rules = [rule(arn(name)) for name in ("p", "q", "r")]
    read = function(arn("a"), arn("q", 1), arn("b"), arn("c"))
    found = assess(read, policy(*rules))
    assert planned(found) == [arn("a"), arn("q"), arn("b"), arn("c"), arn("p")]
    after = assess(foretold(read, found.remediation), policy(*rules))
    assert (after.verdict, after.code, planned(after)) == (
        Verdict.NON_COMPLIANT,
        "NO_LAYER_SLOT",
        None,
    )


def test_the_call_is_for_the_revision_that_was_read_and_its_undo_restores_the_list() -> None:
    """A deployment that came between wins; the undo is for whatever the revision is by then."""
    read = function(arn("a"), arn("probe", 3), arn("b"))
    [call] = assess(read, policy()).remediation
    assert call.params == {
        "FunctionName": "orders",
        "Layers": [arn("a"), WANTED, arn("b")],
        "RevisionId": "r1",
    }
    assert call.undo is not None
    assert call.undo.params == {"FunctionName": "orders", "Layers": list(read.layers)}
    assert json.loads(json.dumps(call.effect)) == {"layers": call.params["Layers"]}


# -------------------------------------------------------------------------------------- memory


def remembered(text: str, intent: str = "") -> Item:
    told = (Verdict.COMPLIANT, "LAYERED", "", Fate.NONE)
    return Item(
        CONTROL.id, Ref("AWS::Lambda::Function", "orders"), *told, memory=text, intent=intent
    )


@pytest.mark.parametrize(
    ("layers", "ours", "after"),
    [
        pytest.param((), (), [WANTED], id="where there was none it is ours"),
        pytest.param((arn("probe", 6),), (), [], id="in place of theirs it is not"),
        pytest.param((arn("probe", 6),), (arn("probe", 6),), [WANTED], id="in place of ours it is"),
    ],
)
def test_a_layer_is_ours_if_without_us_there_were_none(
    layers: Sequence[str], ours: Sequence[str], after: list[str]
) -> None:
    """LAY-19: only that is removed when no rule asks for it any more."""
    read = function(*layers, ours=tuple(ours))
    found = assess(read, policy())
    done = assess(foretold(read, found.remediation), policy())
    assert done.code == "LAYERED"
    assert list(Memory.of(remembered(done.memory)).ours) == after
    then = function(WANTED, name="left", ours=tuple(after))
    assert (planned(assess(then, policy(RULED))) == []) is bool(after)


def test_what_a_call_makes_ours_counts_only_once_the_call_was_begun() -> None:
    """A plan makes nothing ours: the team may put the same version. A call that was begun and
    of which nobody wrote down the outcome does."""
    text = assess(function(), policy()).memory
    assert Memory.of(remembered(text)).ours == []
    assert Memory.of(remembered(text, intent="change-1")).ours == [WANTED]


def test_a_version_that_the_team_puts_in_place_of_ours_is_not_ours() -> None:
    """Though its layer is: it is left alone from then on."""
    read = function(arn("probe", 8), name="left", ours=(WANTED,))
    found = assess(read, policy(RULED))
    assert (found.code, found.memory) == ("NOT_SELECTED", "")


@pytest.mark.parametrize("text", ["", "what another version wrote"])
def test_a_memory_that_says_nothing_claims_nothing(text: str) -> None:
    """Without it no layer is ours, and aliases are read."""
    assert Memory.of(remembered(text)) == Memory()
    assert Memory.of(None) == Memory()


def test_what_aliases_were_looked_at_for_is_remembered_for_a_week() -> None:
    """Other versions are another question, and so is another week; weeks begin on all days."""
    asked, names = policy(), [f"f{number}" for number in range(50)]
    marks = [asked.seen(function(), NOW + timedelta(days=day)) for day in range(RECHECK_DAYS + 1)]
    assert len(set(marks)) == 2
    assert asked.seen(function(), NOW) != policy(rule(arn("probe", 8))).seen(function(), NOW)
    weeks = {name: asked.seen(function(name=name), NOW).rpartition("/")[2] for name in names}
    turn = [
        name
        for name in names
        if asked.seen(function(name=name), NOW + timedelta(days=1)).rpartition("/")[2]
        != weeks[name]
    ]
    assert 0 < len(turn) < 25


def test_aliases_are_looked_at_for_what_the_function_will_carry() -> None:
    """Not for what finds no slot, cannot be had, or does not fit."""
    rules = [rule(arn(name)) for name in ("p", "q", "r", "s")]
    offers = {arn("q"): Offer(("java21",)), arn("r"): Offer(exists=False)}
    read = function(*(arn(name) for name in "abcd"), offers=offers)
    assert to_be_live(read, policy(*rules)) == [arn("p")]
    assert to_be_live(function(runtime=""), policy()) == []
    assert to_be_live(function(), policy(exclude=["orders"])) == []


# -------------------------------------------------------------------------------------- policy


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"layer_arn": f"{BASE}:probe"}, r"rules\[0\].layer_arn: is .* allowed: the ARN"),
        ({"layer_arn": "probe:7"}, r"rules\[0\].layer_arn: is 'probe:7'"),
        ({"include": {"tags": ["=a"]}}, r"rules\[0\].include.tags\[0\]: names no key"),
        ({"exclude": {"tags": [" "]}}, r"rules\[0\].exclude.tags\[0\]: names no key"),
        ({"include": {"architectures": ["arm"]}}, "architectures"),
        ({"include": {"name": ["a"]}}, "has no field name"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(fields: dict[str, Any], problem: str) -> None:
    """With the field, its value and what is allowed."""
    with pytest.raises(BadPolicy, match=problem):
        policy({**rule(), **fields})


def test_a_rule_may_only_name_versions_that_the_template_allows() -> None:
    """Any of them, each rule; another number of the same layer is another version."""
    allowed = {"rules.layer_arn": [WANTED, arn("other")]}
    fine = {"rules": [rule(), rule(arn("other"))]}
    assert load(CONTROL, fine, allowed=allowed).policy.rules[1].layer_arn == arn("other")
    with pytest.raises(BadPolicy, match=r"rules\[1\].layer_arn: .* the template allows"):
        load(CONTROL, {"rules": [rule(), rule(arn("probe", 8))]}, allowed=allowed)
    with pytest.raises(BadPolicy, match="the template allows none"):
        load(CONTROL, fine, allowed={"rules.layer_arn": [""]})


# ----------------------------------------------------------------------------------- properties

LAYERS = st.sampled_from("abcdefgh")
VERSIONS = st.builds(arn, LAYERS, st.integers(1, 9))
ODD = st.sampled_from(["arn:aws:lambda:::awslayer:AmazonLinux1803", arn("very-old", 1)])


def _one_of_each(arns: list[str]) -> list[str]:
    """As Lambda has it: no two versions of one layer."""
    return list({layer_of(one): one for one in arns}.values())


CARRIED = st.lists(VERSIONS | ODD, max_size=MOST).map(_one_of_each)
ASKED = st.lists(VERSIONS, max_size=6).map(lambda arns: {layer_of(one): one for one in arns})


@given(CARRIED, ASKED, st.data())
def test_lists_are_planned_by_these_rules(
    layers: list[str], wanted: dict[str, str], data: st.DataObject
) -> None:
    """Others in order, five at most, newer ones untouched, older ones replaced in their places."""
    ours = data.draw(st.lists(st.sampled_from(layers), unique=True)) if layers else []
    drop = [one for one in ours if layer_of(one) not in wanted]
    made = plan(layers, wanted, ours, drop)
    others = [one for one in layers if layer_of(one) not in wanted and one not in drop]
    assert [one for one in made.layers if layer_of(one) not in wanted] == others
    assert len(made.layers) <= MOST
    assert len({layer_of(one) for one in made.layers}) == len(made.layers)
    for one in layers:
        asked = wanted.get(layer_of(one))
        if asked is not None and number_of(one) > number_of(asked) and one not in ours:
            assert one in made.layers
        elif asked is not None:
            assert asked in made.layers
    places = [layer_of(one) for one in layers if one not in drop]
    assert [layer_of(one) for one in made.layers][: len(places)] == places
    lacking = [one for one in wanted.values() if layer_of(one) not in places]
    assert made.layers[len(places) :] + list(made.left_out) == lacking
    assert not made.left_out or len(made.layers) == MOST


@given(CARRIED, st.lists(VERSIONS, max_size=4, unique_by=layer_of), st.data())
def test_a_change_is_the_last_one_and_its_undo_is_exact(
    layers: list[str], wanted: list[str], data: st.DataObject
) -> None:
    """Foretold, it needs no other; taken back, the list is what it was, and so is what is ours."""
    ours = data.draw(st.lists(st.sampled_from(layers), unique=True)) if layers else []
    asked = policy(*(rule(one) for one in wanted), rule(arn("none"), include={"names": ["none"]}))
    read = function(*layers, ours=tuple(ours))
    found = assess(read, asked)
    if not found.remediation:
        return
    after = foretold(read, found.remediation)
    assert assess(after, asked).remediation == ()
    seen = function(
        *after.layers, ours=tuple(Memory.of(remembered(assess(after, asked).memory)).ours)
    )
    assert replace(assess(seen, asked), memory="") == replace(assess(after, asked), memory="")
    [call] = found.remediation
    assert call.undo is not None
    assert list(call.undo.params["Layers"]) == layers
    kept = [one for one in ours_after(layers, after.layers, ours) if one in layers]
    assert set(kept) <= set(ours)
