"""Who has a role of its own: the judgement, the pass over all functions, and what one leads to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.function_role_not_shared import CONTROL
from steward.controls.function_role_not_shared.assess import CODES, assess
from steward.controls.function_role_not_shared.readers import (
    AT_ONCE,
    besides,
    discover,
    observe,
)
from steward.controls.function_role_not_shared.sharing import STACK, count, counted, states
from steward.controls.function_role_not_shared.state import KIND, Function, Policy, remembered
from steward.controls.function_role_not_shared.tally import Tally, unpacked
from steward.controls.lambda_api.functions import PAGE
from steward.errors import Denied, Gone, Invalid, Refused
from steward.model import Ref, Sight, Unread, Verdict
from steward.policy import load
from steward.run import REASON
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock, NothingKnown

ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop/orders"
LIST, ONE = ("lambda", "ListFunctions"), ("lambda", "GetFunctionConfiguration")
TAGS = ("resourcegroupstaggingapi", "GetResources")


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def shared(**fields: Any) -> Function:
    told = {"others": 1, "outside": 1, "examples": ("b",), **fields}
    return Function("a", ROLE, **told)


@pytest.mark.parametrize(
    ("state", "asked", "code"),
    [
        pytest.param(Function("a", ROLE), {}, "OWN_ROLE", id="alone"),
        pytest.param(shared(), {}, "SHARED_ROLE", id="with another"),
        pytest.param(
            shared(outside=0, examples=()), {"allow_within_stack": True}, "WITHIN_STACK", id="stack"
        ),
        pytest.param(
            shared(others=2), {"allow_within_stack": True}, "SHARED_ROLE", id="another stack, too"
        ),
        pytest.param(shared(), {"allow_roles": ["order?"]}, "ROLE_ALLOWED", id="role allowed"),
        pytest.param(shared(), {"allow_roles": ["order"]}, "SHARED_ROLE", id="globs are anchored"),
        pytest.param(
            shared(), {"allow_roles": ["shop/*"]}, "SHARED_ROLE", id="the path is no part of it"
        ),
    ],
)
def test_judgement(state: Function, asked: Any, code: str) -> None:
    """A code; there is never anything to call."""
    finding = assess(state, policy(**asked))
    bad = code == "SHARED_ROLE"
    assert finding.code == code
    assert finding.verdict is (Verdict.NON_COMPLIANT if bad else Verdict.COMPLIANT)
    assert finding.remediation == ()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (shared(), "shares orders with b"),
        (shared(others=3, outside=3, examples=("b", "c", "d")), "shares orders with b, c, d"),
        (shared(others=9, outside=9, examples=("b", "c")), "shares orders with b, c and 7 more"),
        (shared(examples=()), "shares orders with 1 other"),
        (shared(others=9, outside=9, examples=()), "shares orders with 9 others"),
    ],
)
def test_the_reason_names_the_first_of_the_others(state: Function, told: str) -> None:
    """And counts the rest: it is the same for the same state."""
    assert assess(state, policy()).reason == told


def described(name: str, role: str = ROLE) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return {"FunctionName": name, "FunctionArn": arn, "Role": role}


def listed(*names: str, own: Sequence[str] = (), token: str = "") -> dict[str, Any]:
    """An answer with functions that share a role, and some that have their own."""
    told = [*map(described, names), *(described(name, f"{ROLE}-{name}") for name in own)]
    return {"Functions": told, "NextMarker": token}


def tagged(**stacks: str) -> dict[str, Any]:
    return {
        "ResourceTagMappingList": [
            {
                "ResourceARN": described(name)["FunctionArn"],
                "Tags": [{"Key": STACK, "Value": stack}],
            }
            for name, stack in stacks.items()
        ]
    }


@dataclass(frozen=True)
class Item:
    """What the ledger has of a function."""

    memory: str
    verdict: Verdict = Verdict.COMPLIANT
    code: str = "OWN_ROLE"
    changed_at: str = ""
    intent: str = ""


class Remembering(NothingKnown):
    """See ``steward.model.Known``: a ledger with some functions."""

    def __init__(self, *functions: Function) -> None:
        super().__init__()
        self._items = {one.ref: Item(one.memory) for one in functions}

    def items(self, refs: Sequence[Ref]) -> Mapping[Ref, Any]:
        return {ref: self._items[ref] for ref in refs if ref in self._items}


def sight(aws: FakeAws, *known: Function, **asked: Any) -> Sight[Any]:
    return Sight(aws, policy(**asked), Remembering(*known), FakeClock().now())


def refs(*names: str) -> list[Ref]:
    return [Ref(KIND, name) for name in names]


def test_a_sweep_lists_once_and_judges_each_against_all() -> None:
    """Whatever page they are on; tags are not asked for."""
    aws = FakeAws({LIST: [listed("a", own=["z"], token="1"), listed("c", "b")]})
    [page] = discover(sight(aws), None)
    assert page.cursor is None
    assert page.states == [
        Function("a", ROLE, 2, 2, ("b", "c")),
        Function("b", ROLE, 2, 2, ("a", "c")),
        Function("c", ROLE, 2, 2, ("a", "b")),
        Function("z", f"{ROLE}-z"),
    ]


def many(pages: int) -> list[dict[str, Any]]:
    """Pages of functions of which the first of each shares its role with the others'."""
    made = []
    for page in range(pages):
        own = [f"own{page:03}-{number:02}" for number in range(PAGE - 1)]
        token = str(page) if page + 1 < pages else ""
        made.append(listed(f"shared{page:03}", own=own, token=token))
    return made


def test_a_long_list_is_counted_and_then_judged_in_parts() -> None:
    """A cursor carries what was counted before it; a step that begins with any of them goes on."""
    answers = many(2 * AT_ONCE + 1)
    whole = list(discover(sight(FakeAws({LIST: answers * 2})), None))
    assert [len(page.states) // PAGE for page in whole] == [0, 0, 0, AT_ONCE, AT_ONCE, 1]
    told = {one.ref.id: one for page in whole for one in page.states}
    assert told["shared007"] == Function("shared007", ROLE, 2 * AT_ONCE, 2 * AT_ONCE)
    assert told["own007-01"] == Function("own007-01", f"{ROLE}-own007-01")
    assert len(told) == (2 * AT_ONCE + 1) * PAGE
    rest = [answers[AT_ONCE:] + answers, answers[2 * AT_ONCE :] + answers, answers]
    rest += [answers[AT_ONCE:], answers[2 * AT_ONCE :]]
    for number, (page, left) in enumerate(zip(whole, rest, strict=False), 1):
        assert list(discover(sight(FakeAws({LIST: left})), page.cursor)) == whole[number:]


@pytest.mark.parametrize("stack", ["", "orders-{}"], ids=["without stacks", "with stacks"])
def test_a_cursor_has_room_for_ten_thousand_functions_and_says_where_it_has_none(
    stack: str,
) -> None:
    """With a role of their own each: what a state machine and the ledger can hold, with quotes
    escaped as they are there."""
    tally = Tally()
    for number in range(10_000):
        tally.add(f"{ROLE}-{number}", stack.format(number))
    cursor = tally.packed("token", counting=True)
    assert len(json.dumps(json.dumps(cursor))) < (125_000 if stack else 100_000)
    counting, token, again = unpacked(cursor)
    assert (counting, token, again.packed(token, counting=counting)) == (True, "token", cursor)
    for number in range(10_000, 30_000):
        tally.add(f"{ROLE}-{number}", "")
    with pytest.raises(Refused, match=r"30000 groups .* allowed: 180000"):
        tally.packed("token", counting=True)


def test_stacks_are_counted_where_functions_are_too_many_for_their_names() -> None:
    """As where they are few, but for the names of the others."""
    asked, roles = {"allow_within_stack": True}, dict.fromkeys("abcd", ROLE) | {"z": f"{ROLE}-z"}
    here = sight(FakeAws({TAGS: tagged(a="shop", b="shop", c="other")}), **asked)
    tally = Tally()
    count(here, tally, roles)
    few = [one for one in states(here, roles, [*roles]) if isinstance(one, Function)]
    assert [*counted(here, tally, roles)] == [replace(one, examples=()) for one in few]
    assert [one.outside for one in few] == [2, 2, 3, 3, 0]


def test_a_function_that_was_not_counted_is_not_judged() -> None:
    """It was made after its part of the list was counted."""
    [one] = counted(sight(FakeAws()), Tally(), {"new": ROLE})
    assert isinstance(one, Unread)
    assert (one.ref.id, one.code) == ("new", "UNREADABLE")


@pytest.mark.parametrize("role", [None, 5, ["a"]])
def test_a_function_whose_role_is_not_told_spoils_no_other(role: Any) -> None:
    """And shares none with another such."""
    odd = [{"FunctionName": name, "Role": role} for name in ("odd", "odder")]
    aws = FakeAws({LIST: {"Functions": [*odd, described("good")]}})
    [page] = discover(sight(aws), None)
    assert {one.ref.id: getattr(one, "code", "") for one in page.states} == {
        "odd": "UNREADABLE",
        "odder": "UNREADABLE",
        "good": "",
    }


@pytest.mark.parametrize(
    "cursor", ["a", "5", "[1]", '[1,null,[["A","",[]],["","",[]]]]', "eJyLjgUAARUAuQ=="]
)
def test_a_cursor_of_something_else_is_refused(cursor: str) -> None:
    """The sweep then begins anew."""
    with pytest.raises(Invalid, match="cursor"):
        next(discover(sight(FakeAws()), cursor))


def test_named_functions_are_judged_by_one_list() -> None:
    """However many are named, and what leads to them; of one that is gone nothing is told."""
    aws = FakeAws({LIST: listed("a", "b", own=["z"]), ONE: Gone("no")})
    here = sight(aws)
    assert list(besides(here, Ref(KIND, "a"))) == refs("b")
    found = list(observe(here, refs("a", "gone", "z", "a", "no name:1")))
    assert found == [Function("a", ROLE, 1, 1, ("b",)), Function("z", f"{ROLE}-z")]
    assert len(aws.asked(*LIST)) == 1
    assert aws.asked(*ONE) == [{"FunctionName": "gone"}]


def test_a_function_that_the_list_leaves_out_is_asked_for_by_name() -> None:
    """It was made while the list was read."""
    aws = FakeAws({LIST: listed("a"), ONE: described("new")})
    assert list(observe(sight(aws), refs("new"))) == [Function("new", ROLE, 1, 1, ("a",))]


def test_a_function_leads_to_those_that_shared_its_role_before() -> None:
    """One that was deleted, or has another role now: the others may be alone with theirs."""
    before = Function("a", ROLE, 1, 1, ("b",))
    deleted = FakeAws({LIST: listed("b")})
    assert list(besides(sight(deleted, before), Ref(KIND, "a"))) == refs("b")
    moved = FakeAws({LIST: listed("b", own=["a"])})
    assert list(besides(sight(moved, before), Ref(KIND, "a"))) == refs("b")
    unknown = FakeAws({LIST: listed("b")})
    assert list(besides(sight(unknown), Ref(KIND, "a"))) == []


def test_in_an_account_of_very_many_an_event_is_answered_from_memory() -> None:
    """Where the role is the same; else the next sweep has to compare it with all others."""
    known = Function("a", ROLE, 1, 1, ("b",)), Function("b", f"{ROLE}-old")
    aws = FakeAws({LIST: many(AT_ONCE + 1), ONE: lambda asked: described(asked["FunctionName"])})
    here = sight(aws, *known)
    assert besides(here, Ref(KIND, "a")) == []
    told = list(observe(here, refs("a", "b", "new")))
    assert told[0] == known[0]
    assert [(one.ref.id, one.code) for one in told[1:] if isinstance(one, Unread)] == [
        ("b", "UNREADABLE"),
        ("new", "UNREADABLE"),
    ]
    assert len(aws.asked(*LIST)) == AT_ONCE


def test_a_stack_is_told_by_its_tag_and_only_sharers_are_asked_for() -> None:
    """One without a stack is of no stack; nobody else's tags are read."""
    aws = FakeAws(
        {LIST: listed("a", "b", "c", "d", own=["z"]), TAGS: tagged(a="shop", b="shop", c="other")}
    )
    [page] = discover(sight(aws, allow_within_stack=True), None)
    assert page.states == [
        Function("a", ROLE, 3, 2, ("c", "d")),
        Function("b", ROLE, 3, 2, ("c", "d")),
        Function("c", ROLE, 3, 3, ("a", "b", "d")),
        Function("d", ROLE, 3, 3, ("a", "b", "c")),
        Function("z", f"{ROLE}-z"),
    ]
    [asked] = aws.asked(*TAGS)
    assert [arn[-1] for arn in asked["ResourceARNList"]] == ["a", "b", "c", "d"]


def test_functions_whose_stacks_cannot_be_read_are_not_judged() -> None:
    """They might be of one stack."""
    aws = FakeAws({LIST: listed("a", "b"), TAGS: Denied("no")})
    [page] = discover(sight(aws, allow_within_stack=True), None)
    assert [getattr(one, "code", "") for one in page.states] == ["TAGS_UNREADABLE"] * 2


STATES = st.builds(
    Function,
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.text(max_size=600),
    st.integers(0, 9999),
    st.integers(0, 9999),
    st.lists(st.text(min_size=1, max_size=140), max_size=3).map(tuple),
)
POLICIES = st.builds(
    policy,
    allow_within_stack=st.booleans(),
    allow_roles=st.lists(st.sampled_from(["*", "a?", "[a]"]), unique=True),
)


@given(STATES, POLICIES)
def test_the_judgement_is_total_deterministic_and_remembers(state: Function, asked: Policy) -> None:
    """Any function gets a documented code and a short reason, and its memory leads back to it."""
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert remembered(state.name, finding.memory) == replace(state, tags={})
    json.loads(finding.memory)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["r1", "r2", "r3"])))
def test_sharing_is_mutual(roles: Mapping[str, str]) -> None:
    """Functions are told of each other, and only of those with the same role."""
    aws = FakeAws({LIST: {"Functions": [described(*one) for one in roles.items()]}})
    [page] = discover(sight(aws), None)
    for one in page.states:
        assert isinstance(one, Function)
        same = sorted(name for name, role in roles.items() if role == one.role)
        assert [*one.examples] == [name for name in same if name != one.name][:3]
        assert one.others == len(same) - 1
