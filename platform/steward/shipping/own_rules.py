"""Redaction rules that a team writes itself, and why a rule is not taken.

``re`` has no time limit, and whoever writes to a log decides what a pattern is tried on. So that no
text makes a pattern slow, its shape is limited when it is configured: repetitions have an upper
bound, and from one place of a text there are at most WAYS ways to match. The time that is needed
grows with the length of the text only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from math import prod
from typing import Any

from steward.shipping.redaction import Anchor, Haystack, Redactor, Replace, Rule
from steward.shipping.redaction_rules import RULES, replacement

WAYS = 1000
"""From one place of a text: as many as ``[a-z]{1,50}-[0-9]{1,20}`` has."""

WIDEST = 4096
"""Characters that a pattern may match."""

SHORTEST = 3
"""Characters of an anchor: shorter ones are in too many lines to spare anything."""

LONGEST_REPLACEMENT = 256

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_CASELESS = "has the flag i, with which no anchor is certain; write [Aa] where both may stand"
_SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_ASSERTIONS = ("ASSERT", "ASSERT_NOT")
_parser: Any = import_module("re._parser")  # what re itself reads patterns with


def redactor(names: Collection[str], definitions: Iterable[Mapping[str, str]] = ()) -> Redactor:
    """What applies the built-in rules of these names and after them a team's own. Raises ValueError
    that says which of them cannot be applied."""
    for name in names:
        if name not in RULES:
            raise ValueError(f"there is no built-in rule {name!r}: there are {', '.join(RULES)}")
    rules = [rule for name, rule in RULES.items() if name in names]
    for rule in map(own, definitions):
        if any(rule.name == other.name for other in rules):
            raise ValueError(f"there are two rules {rule.name}")
        rules.append(rule)
    return Redactor(rules)


def own(definition: Mapping[str, str]) -> Rule:
    """The rule ``{"name", "anchor", "pattern"}``, and ``"replacement"`` if it is not
    ``[REDACTED:name]``. Raises ValueError that says what is wrong with it."""
    name, anchor = definition["name"], definition["anchor"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} is not of letters, digits and hyphens")
    if name in RULES:
        raise ValueError(f"{name} is the name of a built-in rule")
    by = definition.get("replacement", replacement(name))
    if len(by) > LONGEST_REPLACEMENT:
        raise ValueError(f"the replacement of {name} is longer than {LONGEST_REPLACEMENT}")
    for problem in problems(definition["pattern"], anchor):
        raise ValueError(f"the pattern of {name} {problem}")
    pattern, looked_for = re.compile(definition["pattern"]), Anchor(anchor)

    def replace(text: str) -> tuple[str, int]:
        return pattern.subn(lambda _: by, text)

    def prepared(haystack: Haystack) -> Replace | None:
        return replace if looked_for.stands_in(haystack) else None

    return Rule(name, prepared, anchor)


def problems(pattern: str, anchor: str) -> Iterable[str]:
    """Why a pattern is not taken, as the ends of sentences."""
    try:
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        yield f"is no regular expression: {error}"
        return
    if tree.state.flags & (re.IGNORECASE | re.LOCALE):
        yield _CASELESS
        return
    try:
        ways = _ways(tree)
    except _NotAllowed as error:
        yield str(error)
        return
    if ways > WAYS:
        yield f"can match in {ways} ways from one place, allowed: {WAYS}"
    elif tree.getwidth()[1] > WIDEST:
        yield f"matches more than {WIDEST} characters"
    elif len(anchor) < SHORTEST:
        yield f"has an anchor of fewer than {SHORTEST} characters"
    elif not _certain(tree, anchor):
        yield f"can match what does not contain the anchor {anchor!r}"


class _NotAllowed(ValueError):
    """A construction of which nobody can say how long it takes."""


def _ways(items: Iterable[Any]) -> int:
    """In how many ways a sequence can match from one place, at most."""
    return prod(_ways_of(str(code), value) for code, value in items)


def _ways_of(code: str, value: Any) -> int:
    if code in _SINGLE:
        return 1
    if code == "SUBPATTERN":
        if value[1] & re.IGNORECASE:
            raise _NotAllowed(_CASELESS)
        return _ways(value[3])
    if code == "BRANCH":
        return sum(map(_ways, value[1]))
    if code in _ASSERTIONS:
        return _ways(value[1])
    if code == "ATOMIC_GROUP":
        return _ways(value)
    if code in _REPEATS:
        return _ways_repeated(*value)
    raise _NotAllowed("refers back or decides, which is not allowed")


def _ways_repeated(least: int, most: int, items: Iterable[Any]) -> int:
    if most > WIDEST:
        raise _NotAllowed("repeats without an upper bound: write {0,200} for *, {1,200} for +")
    if "ASSERT" in repr(items):
        raise _NotAllowed("looks ahead or back within a repetition, which is not allowed")
    once = _ways(items)
    if once == 1:
        return most - least + 1
    most = min(most, WAYS.bit_length())  # 2 to the power of that is too many already
    return sum(once**times for times in range(min(least, most), most + 1))


def _certain(items: Iterable[Any], anchor: str) -> bool:
    """Whether the anchor is in everything that a sequence matches: in a run of its literals, in
    what it repeats at least once, or in each of its alternatives."""
    run = ""
    for code, value in _flat(items):
        if code == "LITERAL":
            run += chr(value)
        elif code not in (*_ASSERTIONS, "AT"):  # those have no width
            if anchor in run or _inside(code, value, anchor):
                return True
            run = ""
    return anchor in run


def _inside(code: str, value: Any, anchor: str) -> bool:
    if code == "BRANCH":
        return all(_certain(branch, anchor) for branch in value[1])
    return code in _REPEATS and value[0] > 0 and _certain(value[2], anchor)


def _flat(items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The items of a sequence and of the groups in it."""
    for code, value in items:
        if str(code) == "SUBPATTERN":
            yield from _flat(value[3])
        elif str(code) == "ATOMIC_GROUP":
            yield from _flat(value)
        else:
            yield str(code), value
