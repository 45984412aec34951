"""What can be told of a filter pattern before CloudWatch Logs sees it.

Only what is certain: more than 1,024 characters, a quotation mark or a bracket without its other.
CloudWatch Logs may refuse more, and its refusal is told.
"""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 1024
"""Characters (PutSubscriptionFilter, API reference)."""

_CLOSING = {"(": ")", "[": "]", "{": "}"}


def problems(pattern: str) -> Iterator[str]:
    """What is wrong with a filter pattern, as the end of a sentence; nothing if it may be right."""
    if len(pattern) > LONGEST:
        yield f"has {len(pattern)} characters, allowed: {LONGEST}"
    elif fault := _unbalanced(pattern):
        yield f"is {pattern[:80]!r}, {fault}"


def _unbalanced(pattern: str) -> str:
    """Brackets count outside of quotation marks and of regular expressions between ``%``.

    Terms that are matched as they stand have no brackets outside of quotation marks: any character
    but letters, digits and underscores needs them (User Guide, "Filter pattern syntax").
    """
    open_brackets: list[str] = []
    quoted, escaped = "", False
    for character in pattern:
        if quoted:
            if character == quoted and not escaped:
                quoted = ""
            escaped = character == "\\" and not escaped
        elif character in "\"'%":
            quoted, escaped = character, False
        elif character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif character in _CLOSING.values() and (
            not open_brackets or open_brackets.pop() != character
        ):
            return f"{character!r} closes nothing"
    if quoted == '"':
        return "a quotation mark is not closed"
    return "" if quoted or not open_brackets else f"{open_brackets[-1]!r} is missing"
