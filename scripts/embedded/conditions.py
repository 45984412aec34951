"""What a field of an EventBridge event pattern allows: literals, and objects with one operator.

The operators are those of EventBridge's user guide ("Comparison operators for use in event
patterns"); where it is silent, AWS's own matching engine decided.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

Test: TypeAlias = Callable[[Any], bool]
"""Whether a leaf of an event (a string, a number, true, false or null) is what was asked for."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NETWORK = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")
_WILDCARD = re.compile(r"\\[*\\]|\*\*|[*\\]|[^*\\]+")


class InvalidPatternError(ValueError):
    """EventBridge would refuse the pattern; the message names the path and what is allowed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one path of a pattern allows: any of its literals, or whatever passes a test."""

    path: str
    absent: bool  # whether the field may be missing
    literals: frozenset[tuple[str, Any]]
    tests: tuple[Test, ...]

    def allows(self, leaf: Any) -> bool:
        return (_kind(leaf), leaf) in self.literals or any(test(leaf) for test in self.tests)


def condition(path: str, values: list[Any]) -> Condition:
    """The condition that a list of a pattern states; raises InvalidPatternError."""
    if not values:
        refuse(path, "an empty list matches nothing; give at least one value")
    absent, literals, tests = False, set(), []
    for index, value in enumerate(values):
        place = f"{path}[{index}]"
        if not isinstance(value, dict | list):
            literals.add((_kind(value), value))
        elif value == {"exists": False} and value["exists"] is False:
            absent = True
        else:
            tests.append(_test(place, value))
    return Condition(path, absent, frozenset(literals), tuple(tests))


def refuse(path: str, message: str) -> NoReturn:
    """Raise InvalidPatternError for a path such as ``.detail.eventName[0]``; '' is the whole."""
    raise InvalidPatternError(f"{path.removeprefix('.') or 'the pattern'}: {message}")


def _kind(leaf: object) -> str:
    """Keeps true apart from 1, which Python holds to be equal."""
    if isinstance(leaf, str):
        return "string"
    return "number" if _is_number(leaf) else "word"


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def _test(path: str, value: object) -> Test:
    name, argument = _single(path, value, tuple(OPERATORS))
    return OPERATORS[name](f"{path}.{name}", argument)


def _single(path: str, value: object, allowed: tuple[str, ...]) -> tuple[str, Any]:
    """The only member of an object, where its name is one of the allowed ones."""
    names = ", ".join(sorted(allowed))
    if not isinstance(value, dict):
        refuse(path, f"must be a literal or an object with one of {names}")
    if len(value) != 1:
        refuse(path, f"must have exactly one of {names}, not {', '.join(value) or 'none'}")
    [(name, argument)] = value.items()
    if name not in allowed:
        refuse(path, f"{name!r} is no operator here; allowed: {names}")
    return name, argument


def _string(path: str, argument: object) -> str:
    if not isinstance(argument, str):
        refuse(path, f"must be a string, not {argument!r}")
    return argument


def _on_strings(test: Callable[[str], bool]) -> Test:
    return lambda leaf: isinstance(leaf, str) and test(leaf)


def _affix(found: Callable[[str, str], bool]) -> Callable[[str, Any], Test]:
    """The operator ``prefix`` or ``suffix``, which may ignore case."""

    def compiled(path: str, argument: Any) -> Test:
        if not isinstance(argument, dict):
            wanted = _string(path, argument)
            return _on_strings(lambda leaf: found(leaf, wanted))
        name, inner = _single(path, argument, ("equals-ignore-case",))
        folded = _string(f"{path}.{name}", inner).lower()
        return _on_strings(lambda leaf: found(leaf.lower(), folded))

    return compiled


def _same_letters(path: str, argument: Any) -> Test:
    folded = _string(path, argument).lower()
    return _on_strings(lambda leaf: leaf.lower() == folded)


def _wildcard(path: str, argument: Any) -> Test:
    """Searches part by part, so that no string takes long."""
    parts = _parts(path, _string(path, argument))
    if len(parts) == 1:
        return _on_strings(lambda leaf: leaf == parts[0])
    first, *middle, last = parts

    def test(leaf: str) -> bool:
        at, end = len(first), len(leaf) - len(last)
        if at > end or not (leaf.startswith(first) and leaf.endswith(last)):
            return False
        for part in middle:
            found = leaf.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return _on_strings(test)


def _parts(path: str, text: str) -> list[str]:
    """What stands between the asterisks, unescaped."""
    parts = [""]
    for piece in _WILDCARD.findall(text):
        if piece == "**":
            refuse(path, f"{text!r} has two asterisks in a row; one matches any characters")
        if piece == "\\":
            refuse(path, f"{text!r} has a lone backslash; it escapes only * and \\")
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece[1:] if piece.startswith("\\") else piece
    return parts


def _anything_but(path: str, argument: Any) -> Test:
    if isinstance(argument, dict):
        name, inner = _single(path, argument, tuple(_NEGATED))
        unwanted = _texts(f"{path}.{name}", name, inner)
        tests = [_NEGATED[name](f"{path}.{name}", text) for text in unwanted]
        return lambda leaf: not any(test(leaf) for test in tests)
    values = argument if isinstance(argument, list) else [argument]
    kinds = {_kind(value) for value in values if not isinstance(value, dict | list)}
    if kinds not in ({"string"}, {"number"}) or any(isinstance(v, dict | list) for v in values):
        refuse(path, "must be a string, a number, a list of only strings or one of only numbers")
    literals = frozenset((_kind(value), value) for value in values)
    return lambda leaf: (_kind(leaf), leaf) not in literals


def _texts(path: str, name: str, argument: object) -> list[str]:
    texts: list[Any] = argument if isinstance(argument, list) else [argument]
    empty_fits = name not in ("prefix", "suffix")
    if not texts or not all(isinstance(text, str) and (text or empty_fits) for text in texts):
        filled = "string" if empty_fits else "string that is not empty"
        refuse(path, f"must be a {filled}, or a list of at least one")
    return texts


def _exists(path: str, argument: object) -> Test:
    """Only ``true`` comes here: ``false`` says something of a missing field, not of a leaf."""
    if argument is not True:
        refuse(path, f"must be true or false, not {argument!r}")
    return lambda _: True


def _numeric(path: str, argument: object) -> Test:
    bounds = _bounds(argument)
    if not bounds:
        refuse(
            path,
            'must be a comparison such as [">=", 5] with one of =, <, <=, >, >=, or a lower and '
            f'then a higher bound such as [">", 0, "<=", 5], not {argument!r}',
        )
    checks = [(_COMPARISONS[sign], bound) for sign, bound in bounds]
    return lambda leaf: _is_number(leaf) and all(check(leaf, bound) for check, bound in checks)


def _bounds(argument: object) -> list[tuple[str, Any]]:
    """One comparison, or a lower and a higher bound; empty if it is something else."""
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        return []
    pairs = list(zip(argument[::2], argument[1::2], strict=True))
    if not all(isinstance(sign, str) and sign in _COMPARISONS for sign, _ in pairs):
        return []
    if not all(_is_number(bound) for _, bound in pairs):
        return []
    if len(pairs) == 1:
        return pairs
    (low, bottom), (high, top) = pairs
    return pairs if low[0] == ">" and high[0] == "<" and bottom < top else []


def _cidr(path: str, argument: object) -> Test:
    """From the address that was written to the last one of its network."""
    try:
        if not isinstance(argument, str) or not _NETWORK.fullmatch(argument):
            raise ValueError
        block = ipaddress.ip_interface(argument)
        if block.network.prefixlen == block.max_prefixlen:
            raise ValueError
    except ValueError:
        allowed = "10.0.0.0/24 (/0 to /31) or 2001:db8::/32 (/0 to /127)"
        refuse(path, f"must be a block of addresses such as {allowed}, not {argument!r}")
    version, low, high = block.version, block.ip, block.network.broadcast_address

    def test(leaf: str) -> bool:
        try:
            address = ipaddress.ip_address(leaf)
        except ValueError:
            return False
        return address.version == version and int(low) <= int(address) <= int(high)

    return _on_strings(test)


_NEGATED: Mapping[str, Callable[[str, Any], Test]] = {
    "prefix": _affix(str.startswith),
    "suffix": _affix(str.endswith),
    "equals-ignore-case": _same_letters,
    "wildcard": _wildcard,
}

OPERATORS: Mapping[str, Callable[[str, Any], Test]] = {
    **_NEGATED,
    "anything-but": _anything_but,
    "exists": _exists,
    "numeric": _numeric,
    "cidr": _cidr,
}
"""Each compiles its argument, found at a path, to a test; raises InvalidPatternError."""
