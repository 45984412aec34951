"""EventBridge event patterns: refused where EventBridge refuses them, matched as it matches.

An event is seen as its leaves, each with a dotted path; empty objects and lists have none. Members
of a list have the list's path, and fields of objects in a list must come from the same object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, count
from typing import Any, NoReturn, TypeAlias

from embedded.conditions import OPERATORS, Condition, InvalidPatternError, condition, refuse

__all__ = ["InvalidPatternError", "Pattern"]

MAX_LENGTH = 4096  # characters: PutRule's own bound; an account has 2,048 until it asks for more
MAX_COMBINATIONS = 1000  # ways through all $or of a pattern

# Names that cannot be fields inside $or, lest they be taken for operators.
_RESERVED = frozenset({*OPERATORS, "exactly", "regex", "=", "<", "<=", ">", ">="})

Branch: TypeAlias = Mapping[str, Condition]
"""Conditions by path, all of which must hold."""

Places: TypeAlias = frozenset[tuple[int, int]]
"""In which lists a leaf stands, and where: pairs of a list's number and an index."""

Leaves: TypeAlias = Mapping[str, list[tuple[Any, Places]]]
"""The leaves of an event by path."""

_NOWHERE: Places = frozenset()


class Pattern:
    """A compiled event pattern, from an object or its JSON; raises InvalidPatternError."""

    __slots__ = ("_branches", "_known")

    def __init__(self, document: Mapping[str, Any] | str) -> None:
        text = document if isinstance(document, str) else _text(document)
        if len(text) > MAX_LENGTH:
            refuse("", f"has {len(text)} characters; at most {MAX_LENGTH} are allowed")
        try:
            branches = _branches("", _parsed(text), reserved=frozenset())
        except RecursionError:
            refuse("", "is nested too deeply")
        # The order decides how missing fields and fields of lists go together: by path, as in AWS.
        self._branches = [[branch[path] for path in sorted(branch)] for branch in branches]
        paths = {path for branch in branches for path in branch}
        self._known = frozenset(above for path in paths for above in _above(path))

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether EventBridge would deliver the event to a rule with this pattern."""
        leaves = _leaves(event, self._known)
        return any(_holds(branch, leaves) for branch in self._branches)


def _text(document: Mapping[str, Any]) -> str:
    """As short as it can be sent."""
    try:
        return json.dumps(document, default=dict, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        refuse("", f"must be JSON: {error}")
    except RecursionError:
        refuse("", "is nested too deeply")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        refuse("", f"must be JSON: {error}")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, EventBridge would silently take the last."""
    for name, times in Counter(name for name, _ in members).items():
        if times > 1:
            refuse(name, "stands twice in one object; a name is allowed once")
    return dict(members)


def _no_number(constant: str) -> NoReturn:
    refuse("", f"must be JSON, which has no {constant}")


def _branches(path: str, document: object, *, reserved: frozenset[str]) -> list[Branch]:
    """Every way through the $or of an object of a pattern."""
    if not isinstance(document, dict):
        refuse(path, f"must be an object, not {document!r}")
    if not document:
        refuse(path, "an empty object matches nothing; give at least one field")
    found: list[Branch] = [{}]
    for name, value in document.items():
        if name in reserved:
            refuse(f"{path}.{name}", "is an operator's name, which no field inside $or may have")
        found = _both(found, _member(path, name, value, reserved))
    return found


def _member(path: str, name: str, value: object, reserved: frozenset[str]) -> list[Branch]:
    below = f"{path}.{name}"
    if name == "$or":
        return _either(path, value)
    if isinstance(value, dict):
        return _branches(below, value, reserved=reserved)
    if not isinstance(value, list):
        meant = f'[{{"{name}": ...}}]' if name in OPERATORS else f"[{json.dumps(value)}]"
        refuse(below, f"must be a list of values, or an object of fields; did you mean {meant}?")
    return [{below: condition(below, value)}]


def _either(path: str, value: object) -> list[Branch]:
    place = f"{path}.$or"
    if not isinstance(value, list) or len(value) < 2:
        refuse(place, "must be a list of at least two objects")
    return [
        branch
        for index, one in enumerate(value)
        for branch in _placed(path, f"{place}[{index}]", one)
    ]


def _placed(path: str, place: str, one: object) -> list[Branch]:
    """One object of $or: its fields are those of the object around it."""
    if not isinstance(one, dict) or not one:
        refuse(place, f"must be an object with at least one field, not {one!r}")
    return _branches(path, one, reserved=_RESERVED)


def _both(some: list[Branch], more: list[Branch]) -> list[Branch]:
    if len(some) * len(more) > MAX_COMBINATIONS:
        refuse("", f"its $or make more than {MAX_COMBINATIONS} combinations, which are allowed")
    return [_merged(one, other) for one in some for other in more]


def _merged(one: Branch, other: Branch) -> Branch:
    if twice := sorted(one.keys() & other.keys()):
        refuse(
            twice[0],
            "is constrained twice (beside and inside $or, or under a dotted name), where "
            "EventBridge would take only one; a path is allowed once",
        )
    return {**one, **other}


def _above(path: str) -> Iterator[str]:
    """The path and all that lead to it."""
    return accumulate(path.split(".")[1:], "{}.{}".format, initial="")


def _leaves(event: Any, known: frozenset[str]) -> Leaves:
    """The leaves at or above known paths; nesting of any depth is taken."""
    found: dict[str, list[tuple[Any, Places]]] = {}
    numbers = count()
    waiting: list[tuple[str, Any, Places]] = [("", event, _NOWHERE)]
    while waiting:
        path, node, places = waiting.pop()
        if isinstance(node, Mapping):
            for name, value in node.items():
                below = f"{path}.{name}"
                if below in known:
                    waiting.append((below, value, places))
        elif isinstance(node, list):
            waiting.extend((path, *member) for member in _members(node, places, numbers))
        else:
            found.setdefault(path, []).append((node, places))
    return _relevant(found) if next(numbers) else found


def _members(
    values: list[Any], places: Places, numbers: Iterator[int]
) -> Iterable[tuple[Any, Places]]:
    """A list's members, each with its place where the list could tell fields apart."""
    if len(values) < 2 or not any(isinstance(value, Mapping | list) for value in values):
        return ((value, places) for value in values)
    number = next(numbers)
    return ((value, places | {(number, index)}) for index, value in enumerate(values))


def _relevant(leaves: Leaves) -> Leaves:
    """Without the places in lists that hold leaves of one path only: they tell nothing apart."""
    held: Counter[int] = Counter()
    for found in leaves.values():
        held.update({number for _, places in found for number, _ in places})
    shared = {number for number, paths in held.items() if paths > 1}
    return {
        path: [(leaf, frozenset(pair for pair in at if pair[0] in shared)) for leaf, at in found]
        for path, found in leaves.items()
    }


def _holds(branch: Iterable[Condition], leaves: Leaves) -> bool:
    """Whether leaves that can stand together fit all conditions."""
    states = {_NOWHERE}
    for wanted in branch:
        found = leaves.get(wanted.path, [])
        fitting = {places for leaf, places in found if wanted.allows(leaf)}
        states = {
            joined
            for state in states
            for joined in _joined(state, fitting, found if wanted.absent else None)
        }
        if not states:
            return False
    return True


def _joined(
    state: Places, fitting: Iterable[Places], others: list[tuple[Any, Places]] | None
) -> Iterator[Places]:
    """The state with each fitting leaf; as it is where the field may be, and is, missing."""
    if others is not None and not any(_agree(state, places) for _, places in others):
        yield state
    for places in fitting:
        if _agree(state, places):
            yield state | places


def _agree(some: Places, more: Places) -> bool:
    """Whether two leaves have the same index in every list that both stand in."""
    if not some or not more:
        return True
    union = some | more
    return len({number for number, _ in union}) == len(union)
