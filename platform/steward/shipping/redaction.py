"""What must not leave the account is replaced in messages before anything else is done with them.

A rule is looked for in three steps: in a record as a whole, which costs little and mostly ends it;
in each of its messages; and only then by a regular expression. Rules that find much and never
beyond a message skip the second: they are applied to all messages as one text. What is looked at
is the messages, not the JSON they came in, so that no way to escape a character hides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steward.shipping.texts import Texts

Replace = Callable[[str], tuple[str, int]]
"""A message with its findings replaced, and how many they were."""

_ZEROS = bytes(48 if 48 <= code <= 57 else code for code in range(256))

_SELDOM = "ZQXJKYVUWHzqxjkGBPFyvwbLNOMgfphu"


class Haystack:
    """The messages of a record as one text, and forms of it that are faster to search."""

    __slots__ = ("_lower", "_zeros", "text")

    def __init__(self, messages: Sequence[str]) -> None:
        self.text = Texts.of(messages).whole
        self._lower = self._zeros = b""

    def lower(self) -> bytes:
        """In lower case, as far as it is ASCII."""
        self._lower = self._lower or self.text.encode("utf-8", "replace").lower()
        return self._lower

    def zeros(self) -> bytes:
        """With 0 for every digit."""
        self._zeros = self._zeros or self.text.encode("utf-8", "replace").translate(_ZEROS)
        return self._zeros


class Anchor:
    """A literal text that is looked for: at first its characters, of which one is mostly missing,
    and single characters are found ten times as fast."""

    __slots__ = ("_characters", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._characters = sorted(set(text), key=lambda one: (_SELDOM + one).index(one))[:4]

    def stands_in(self, haystack: Haystack) -> bool:
        """Whether it does."""
        text = haystack.text
        for character in self._characters:
            if character not in text:
                return False
        return self._text in text


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be replaced, and by what."""

    name: str
    prepared: Callable[[Haystack], Replace | None]
    """What replaces in the messages of a record, None if nothing is to be replaced in any."""
    hint: str = ""
    """What every message contains in which something is to be replaced."""
    at_once: bool = False
    """Whether it may be applied to messages as one text: what it finds neither has a DELETE in it,
    nor depends on whether one or nothing at all stands beside it."""


class Redactor:
    """Applies rules, one after another."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def apply(self, messages: Sequence[str]) -> tuple[Sequence[str], Counter[str]]:
        """The messages of one record without what the rules find, and how often each found
        something; the very same where none did."""
        found: Counter[str] = Counter()
        if not self._rules:
            return messages, found
        texts = Texts.of(messages)
        haystack = Haystack(texts)
        for rule in self._rules:
            replace = rule.prepared(haystack)
            if replace:
                texts, count = _replaced(texts, rule, replace)
                if count:
                    found[rule.name] += count
        return (texts if found else messages), found

    def text(self, text: str) -> str:
        """A single text without what the rules find."""
        return self.apply([text])[0][0]


def _replaced(texts: Texts, rule: Rule, replace: Replace) -> tuple[Texts, int]:
    """The texts without what the rule finds, and how often it found something."""
    if rule.at_once and texts.together():
        whole, count = replace(texts.whole)
        return (texts.changed(whole) if count else texts), count
    redacted = list(texts)
    total = 0
    for place in [at for at, text in enumerate(redacted) if rule.hint in text]:
        redacted[place], count = replace(redacted[place])
        total += count
    return (Texts(redacted) if total else texts), total
