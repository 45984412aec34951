"""Filter patterns of CloudWatch Logs, as far as subscription filters of this account need them.

The rules are those of the user guide ("Filter pattern syntax"): terms and quoted phrases, all of
which must be there; ``-`` before one that must not; ``?`` before those of which one is enough; a
regular expression between ``%``. Patterns for JSON and for fields are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Matches = Callable[[str], bool]
"""Whether a message is one that a pattern stands for."""

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Matches:
    """The meaning of a pattern; '' stands for every message. Raises NotImplementedError."""
    text = pattern.strip()
    if text.startswith(("{", "[")):
        raise NotImplementedError(f"filter pattern {pattern}: only terms are emulated")
    if len(text) > 1 and text.startswith("%") and text.endswith("%"):
        found = re.compile(text[1:-1])
        return lambda message: found.search(message) is not None
    return _of_terms(pattern)


def _of_terms(pattern: str) -> Matches:
    terms: dict[str, list[re.Pattern[str]]] = {"": [], "-": [], "?": []}
    for sign, phrase, word in _TERM.findall(pattern):
        if term := re.sub(r"\\(.)", r"\1", phrase) or word:
            terms[sign].append(_within(term))
    needed, unwanted, optional = terms.values()

    def matches(message: str) -> bool:
        if any(one.search(message) for one in unwanted):
            return False
        if needed or not optional:  # beside others, optional terms do not count
            return all(one.search(message) for one in needed)
        return any(one.search(message) for one in optional)

    return matches


def _within(term: str) -> re.Pattern[str]:
    """A term is whole words: it neither begins nor ends in the middle of one."""
    left = r"(?<![^\W_])" if term[0].isalnum() else ""
    right = r"(?![^\W_])" if term[-1].isalnum() else ""
    return re.compile(left + re.escape(term) + right)
