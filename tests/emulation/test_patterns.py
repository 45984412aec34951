"""Event patterns match what EventBridge matches, and what it would refuse is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.patterns import InvalidPatternError, Pattern

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent / "eventbridge-vectors.jsonl").read_text().splitlines()
]

NAMES = st.sampled_from(["a", "b", "c", "detail", "eventName"])
LITERALS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(
    LITERALS | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
EVENTS = st.dictionaries(
    NAMES,
    st.recursive(
        LITERALS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    ),
    max_size=4,
)
CONDITIONS = st.one_of(
    LITERALS,
    st.booleans().map(lambda there: {"exists": there}),
    st.text(max_size=2).map(lambda text: {"prefix": text}),
    st.text(min_size=1, max_size=2).map(lambda text: {"anything-but": {"suffix": text}}),
    st.integers().map(lambda number: {"numeric": [">=", number]}),
)
FIELDS = st.lists(CONDITIONS, min_size=1, max_size=3)
PATTERNS = st.dictionaries(
    NAMES,
    FIELDS | st.dictionaries(NAMES, FIELDS, min_size=1, max_size=2),
    min_size=1,
    max_size=3,
)


def refusal(document: Any) -> str:
    with pytest.raises(InvalidPatternError) as caught:
        Pattern(document)
    return str(caught.value)


def leaves(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, *path, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, *path)
    else:
        yield path, value


@pytest.mark.parametrize(
    "vector", VECTORS, ids=[f"{number}-{v['name']}" for number, v in enumerate(VECTORS, 1)]
)
def test_aws_own_engine_is_agreed_with(vector: dict[str, Any]) -> None:
    """Each vector carries what AWS's matching engine said of its pattern and event."""
    if vector["expected"] == "invalid":
        refusal(vector["pattern"])
    else:
        assert Pattern(vector["pattern"]).matches(vector["event"]) is vector["expected"]
        assert Pattern(json.dumps(vector["pattern"])).matches(vector["event"]) is vector["expected"]


def test_all_vectors_are_there() -> None:
    """A file cut short would pass in silence."""
    assert len(VECTORS) == 182


@pytest.mark.parametrize(
    ("pattern", "event", "expected"),
    [
        ({"a": [{"wildcard": "*a*b*"}]}, {"a": "xaxbx"}, True),
        ({"a": [{"wildcard": "*a*b*"}]}, {"a": "xbxax"}, False),
        ({"a": [{"wildcard": "ab*ba"}]}, {"a": "aba"}, False),
        ({"a": [{"wildcard": "a\\\\*"}]}, {"a": "a\\b"}, True),
        ({"a": [{"wildcard": "*" + "a*" * 40 + "b"}]}, {"a": "a" * 100_000}, False),
        ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "x.pnG"}, True),
        ({"a": [{"anything-but": {"equals-ignore-case": "x"}}]}, {"a": True}, True),
        ({"a": [{"anything-but": ["1"]}]}, {"a": 1}, True),
        ({"a": [{"cidr": "10.0.0.0/31"}]}, {"a": "10.0.0.1"}, True),
        ({"a": [{"cidr": "10.0.0.0/31"}]}, {"a": "10.0.0.2"}, False),
        ({"a": [{"cidr": "10.0.0.0/8"}]}, {"a": "::a00:1"}, False),
        ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:0DB8:1::1"}, True),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": 167772161}, False),
        ({"a": [{"exists": False}]}, {"a": [[], {}]}, True),
        ({"a": [{"exists": True}]}, {"a": [[], [None]]}, True),
        ({"a": [{"exists": False}, {"exists": True}]}, {"b": 1}, True),
        ({"a": {"k": [{"exists": False}], "v": [1]}}, {"a": [{"k": 1}, {"v": 1}]}, False),
        ({"a": {"k": [1], "v": [{"exists": False}]}}, {"a": [{"k": 1}, {"v": 1}]}, True),
        ({"a": {"v": [{"exists": False}], "k": [1]}}, {"a": [{"k": 1}, {"v": 1}]}, True),
        ({"a": {"$or": [{"k": [1]}, {"k": [2]}], "v": [3]}}, {"a": [{"k": 2, "v": 3}]}, True),
        ({"a": {"$or": [{"k": [1]}, {"k": [2]}], "v": [3]}}, {"a": [{"k": 2}, {"v": 3}]}, False),
        ({"a": {"k": [1]}, "b": {"k": [2]}}, {"a": [{}, {"k": 1}], "b": [{"k": 2}]}, True),
        ({"prefix": ["x"]}, {"prefix": "x"}, True),
        ({"": {"": ["x"]}}, {"": {"": "x"}}, True),
    ],
    ids=[
        "wildcard: parts in order",
        "wildcard: parts out of order",
        "wildcard: ends overlap",
        "wildcard: escaped backslash",
        "wildcard: many asterisks do not take long",
        "suffix: any case",
        "anything-but: any case, no string",
        "anything-but: text is no number",
        "cidr: last address",
        "cidr: first after it",
        "cidr: other version",
        "cidr: version 6 in capitals",
        "cidr: no string",
        "exists: only empty ones",
        "exists: null in a list in a list",
        "exists: either way",
        "missing in another object, asked first",
        "missing in the object chosen before",
        "the order of a pattern does not matter",
        "$or: same object",
        "$or: two objects",
        "two lists do not bind each other",
        "a field named as an operator",
        "empty names",
    ],
)
def test_what_the_vectors_leave_open(
    pattern: dict[str, Any],
    event: dict[str, Any],
    expected: bool,  # noqa: FBT001  # a case
) -> None:
    """Edges of the operators, of missing fields, and of fields of objects in lists."""
    assert Pattern(pattern).matches(event) is expected


def nested(depth: int) -> dict[str, Any]:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return {"a": value}


def numeric(*bounds: object) -> dict[str, Any]:
    return {"a": {"b": [{"numeric": list(bounds)}]}}


INVALID: dict[str, tuple[Any, str, str]] = {
    "scalar": ({"detail": {"eventName": "X"}}, "detail.eventName", 'did you mean ["X"]'),
    "operator outside a list": (
        {"detail": {"errorCode": {"exists": False}}},
        "detail.errorCode.exists",
        'did you mean [{"exists": ...}]',
    ),
    "null": ({"a": None}, "a", "must be a list of values"),
    "empty pattern": ({}, "the pattern", "at least one field"),
    "empty object": ({"a": {"b": {}}}, "a.b", "at least one field"),
    "empty list": ({"a": {"b": []}}, "a.b", "at least one value"),
    "list in a list": ({"a": [["x"]]}, "a[0]", "a literal or an object with one of anything-but"),
    "no operator": ({"a": ["x", {}]}, "a[1]", "exactly one of anything-but"),
    "unknown operator": ({"a": {"b": [{"exist": False}]}}, "a.b[0]", "'exist' is no operator"),
    "two operators": ({"a": [{"prefix": "x", "suffix": "y"}]}, "a[0]", "exactly one of"),
    "exists: text": ({"a": [{"exists": "false"}]}, "a[0].exists", "must be true or false"),
    "exists: number": ({"a": [{"exists": 0}]}, "a[0].exists", "must be true or false"),
    "prefix: list": ({"a": [{"prefix": ["x"]}]}, "a[0].prefix", "must be a string"),
    "suffix: number": ({"a": [{"suffix": 1}]}, "a[0].suffix", "must be a string"),
    "prefix: other operator": (
        {"a": [{"prefix": {"suffix": "x"}}]},
        "a[0].prefix",
        "allowed: equals-ignore-case",
    ),
    "prefix: any case, list": (
        {"a": [{"prefix": {"equals-ignore-case": ["x"]}}]},
        "a[0].prefix.equals-ignore-case",
        "must be a string",
    ),
    "equals-ignore-case: list": (
        {"a": [{"equals-ignore-case": ["x"]}]},
        "a[0].equals-ignore-case",
        "must be a string",
    ),
    "wildcard: two asterisks": ({"a": [{"wildcard": "x**"}]}, "a[0].wildcard", "two asterisks"),
    "wildcard: lone backslash": ({"a": [{"wildcard": "x\\y"}]}, "a[0].wildcard", "lone backslash"),
    "wildcard: ends in a backslash": (
        {"a": [{"wildcard": "x\\"}]},
        "a[0].wildcard",
        "lone backslash",
    ),
    "wildcard: number": ({"a": [{"wildcard": 1}]}, "a[0].wildcard", "must be a string"),
    "anything-but: empty": ({"a": [{"anything-but": []}]}, "a[0].anything-but", "only strings"),
    "anything-but: mixed": ({"a": [{"anything-but": ["x", 1]}]}, "a[0].anything-but", "numbers"),
    "anything-but: true": ({"a": [{"anything-but": True}]}, "a[0].anything-but", "a string"),
    "anything-but: null": ({"a": [{"anything-but": [None]}]}, "a[0].anything-but", "a string"),
    "anything-but: list in a list": (
        {"a": [{"anything-but": ["x", ["y"]]}]},
        "a[0].anything-but",
        "only strings",
    ),
    "anything-but: exists": (
        {"a": [{"anything-but": {"exists": True}}]},
        "a[0].anything-but",
        "allowed: equals-ignore-case, prefix, suffix, wildcard",
    ),
    "anything-but: empty prefix": (
        {"a": [{"anything-but": {"prefix": ["x", ""]}}]},
        "a[0].anything-but.prefix",
        "not empty",
    ),
    "anything-but: no suffix": (
        {"a": [{"anything-but": {"suffix": []}}]},
        "a[0].anything-but.suffix",
        "at least one",
    ),
    "anything-but: bad wildcard": (
        {"a": [{"anything-but": {"wildcard": "**"}}]},
        "a[0].anything-but.wildcard",
        "two asterisks",
    ),
    "numeric: sign": (numeric("!=", 1), "a.b[0].numeric", "=, <, <=, >, >="),
    "numeric: text": (numeric(">", "1"), "a.b[0].numeric", "must be a comparison"),
    "numeric: true": (numeric(*["=", True]), "a.b[0].numeric", "must be a comparison"),
    "numeric: half": (numeric(">", 1, "<"), "a.b[0].numeric", "must be a comparison"),
    "numeric: nothing": (numeric(), "a.b[0].numeric", "must be a comparison"),
    "numeric: upper bound first": (numeric("<", 5, ">", 1), "a.b[0].numeric", "a lower and then"),
    "numeric: nothing between": (numeric(">", 5, "<", 5), "a.b[0].numeric", "a lower and then"),
    "numeric: two equals": (numeric("=", 1, "=", 2), "a.b[0].numeric", "a lower and then"),
    "numeric: no list": ({"a": [{"numeric": 5}]}, "a[0].numeric", "must be a comparison"),
    "numeric: list as sign": (numeric([], 5), "a.b[0].numeric", "must be a comparison"),
    "cidr: address": ({"a": [{"cidr": "10.0.0.1"}]}, "a[0].cidr", "a block of addresses"),
    "cidr: one address": ({"a": [{"cidr": "10.0.0.1/32"}]}, "a[0].cidr", "/0 to /31"),
    "cidr: one address of version 6": ({"a": [{"cidr": "::1/128"}]}, "a[0].cidr", "/0 to /127"),
    "cidr: netmask": ({"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}, "a[0].cidr", "a block"),
    "cidr: list": ({"a": [{"cidr": ["10.0.0.0/8"]}]}, "a[0].cidr", "a block of addresses"),
    "$or: one object": ({"$or": [{"a": ["x"]}]}, "$or", "at least two objects"),
    "$or: no list": ({"b": {"$or": {"a": ["x"]}}}, "b.$or", "at least two objects"),
    "$or: no object": ({"$or": [{"a": ["x"]}, "y"]}, "$or[1]", "must be an object"),
    "$or: empty object": ({"$or": [{"a": ["x"]}, {}]}, "$or[1]", "at least one field"),
    "$or: operator as a field": (
        {"a": {"$or": [{"b": ["x"]}, {"c": {"exists": [False]}}]}},
        "a.c.exists",
        "an operator's name",
    ),
    "beside and inside $or": (
        {"d": {"a": ["x"], "$or": [{"a": ["y"]}, {"b": ["z"]}]}},
        "d.a",
        "constrained twice",
    ),
    "in two $or": (
        {"$or": [{"a": ["x"], "$or": [{"b": ["y"]}, {"a": ["z"]}]}, {"c": [1]}]},
        "a",
        "constrained twice",
    ),
    "dotted and nested": ({"d.a": ["x"], "d": {"a": ["y"]}}, "d.a", "constrained twice"),
    "too many combinations": (
        {str(n): {"$or": [{"a": [1]}, {"b": [1]}]} for n in range(10)},
        "the pattern",
        "more than 1000 combinations",
    ),
    "too long": ({"a": ["x" * 4087]}, "the pattern", "has 4097 characters; at most 4096"),
    "too deep": ('{"a":' * 680 + "[1]" + "}" * 680, "the pattern", "nested too deeply"),
    "an object too deep": (nested(100_000), "the pattern", "nested too deeply"),
    "no JSON": ("{'a': ['x']}", "the pattern", "must be JSON"),
    "no JSON number": ('{"a": [NaN]}', "the pattern", "which has no NaN"),
    "not a number": ({"a": [float("nan")]}, "the pattern", "must be JSON"),
    "no value of JSON": ({"a": [b"x"]}, "the pattern", "must be JSON"),
    "JSON of a list": ("[]", "the pattern", "must be an object"),
    "name twice": ('{"a": {"b": ["x"], "b": ["y"]}}', "b", "stands twice"),
}


@pytest.mark.parametrize(("document", "path", "allowed"), INVALID.values(), ids=INVALID)
def test_an_invalid_pattern_is_refused(document: Any, path: str, allowed: str) -> None:
    """The message begins with the path and says what is allowed there."""
    message = refusal(document)
    assert message.startswith(f"{path}: ")
    assert allowed in message


def test_a_pattern_may_be_as_long_as_the_api_takes() -> None:
    """An object is measured as it is sent, without blanks; JSON as it is."""
    assert Pattern({"a": ["é" * 4086]}).matches({"a": "é" * 4086})
    assert "has 4097 characters" in refusal('{"a": ["x"]}'.ljust(4097))


def test_lists_in_lists_are_taken_at_any_depth() -> None:
    """What comes from elsewhere never ends in a recursion error."""
    assert Pattern({"a": ["x"]}).matches(nested(100_000))


def test_long_lists_that_do_not_bind_each_other_are_quick() -> None:
    """A thousand objects in each of five lists are no thousand to the fifth."""
    names = "abcde"
    pattern = Pattern({name: {"k": [1]} for name in names} | {"f": [1]})
    assert not pattern.matches({name: [{"k": 1}] * 1000 for name in names})


@given(PATTERNS, JSON)
def test_no_event_is_too_odd(pattern: dict[str, Any], event: Any) -> None:
    """Whatever JSON comes, the answer is yes or no."""
    assert Pattern(pattern).matches(event) in (True, False)


@given(EVENTS)
def test_an_event_is_matched_by_what_it_says(event: dict[str, Any]) -> None:
    """Any leaf alone, and all of them where no list makes them exclude each other."""
    said: dict[str, Any] = {}
    for path, leaf in leaves(event):
        assert Pattern({".".join(path): [leaf]}).matches(event)
        said.setdefault(".".join(path), []).append(leaf)
    if said and "[" not in json.dumps(event):
        assert Pattern(said).matches(event)


@given(PATTERNS, EVENTS, st.dictionaries(st.sampled_from(["y", "z"]), JSON))
def test_fields_nobody_asked_for_change_nothing(
    pattern: dict[str, Any], event: dict[str, Any], more: dict[str, Any]
) -> None:
    """Beside the ones that are asked for, also in an object, and in a branch of $or."""
    compiled, inside = Pattern(pattern), Pattern({"d": pattern})
    assert compiled.matches({**event, **more}) is compiled.matches(event)
    either = Pattern({"$or": [{"d": pattern}, {"d.f": [{"wildcard": "never"}]}]})
    assert inside.matches({"d": {**event, **more}, "g": more}) is either.matches({"d": event})


@given(PATTERNS, PATTERNS, EVENTS)
def test_or_is_the_disjunction(
    one: dict[str, Any], other: dict[str, Any], event: dict[str, Any]
) -> None:
    """At the top, and inside an object."""
    either = Pattern(one).matches(event) or Pattern(other).matches(event)
    assert Pattern({"$or": [one, other]}).matches(event) is either
    assert Pattern({"x": {"$or": [one, other]}}).matches({"x": event}) is either


@given(PATTERNS, EVENTS)
def test_dotted_names_are_nested_ones(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    """In patterns as in events."""
    wanted = Pattern({"x": {"y": pattern}}).matches({"x": {"y": event}})
    assert Pattern({"x.y": pattern}).matches({"x": {"y": event}}) is wanted
    assert Pattern({"x": {"y": pattern}}).matches({"x.y": event}) is wanted


@given(st.lists(LITERALS, min_size=1, max_size=4), LITERALS)
def test_exists_false_is_the_opposite_of_exists_true(found: list[Any], alone: Any) -> None:
    """For any field that is there, alone or in a list, and for one that is not."""
    there, missing = Pattern({"a": [{"exists": True}]}), Pattern({"a": [{"exists": False}]})
    events: list[dict[str, Any]] = [{"a": found}, {"a": alone}, {"b": alone}, {"a": {"b": found}}]
    for event in events:
        assert there.matches(event) is not missing.matches(event)
