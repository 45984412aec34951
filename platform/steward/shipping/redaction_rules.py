"""The rules that everybody may choose by name.

Milliseconds of CPU for 37,942 messages of 14.4 MB, a mixed load of Lambda functions, API Gateway
and VPC flow logs:

==================  ===  ======================================================================
private-key           1  PEM, up to its end or that of the message
authorization         6  credentials of the schemes Bearer, Basic, Token after ``authorization``
jwt                   1  JSON web tokens, signed or encrypted
aws-access-key        5  ids of access keys, permanent or temporary
secret              105  values after password, secret, token, API key and the like
card                116  13 to 19 digits with Luhn's check digit, together or in groups
email                13  10,786 addresses
ipv4                 52  22,524 addresses
==================  ===  ======================================================================

The first four are the default. Each message stands for itself: of a private key that was written
line by line, in as many log events, only the first line is known as one.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from steward.shipping.redaction import Anchor, Haystack, Replace, Rule

DEFAULTS = ("private-key", "authorization", "jwt", "aws-access-key")


def replacement(name: str) -> str:
    """What stands for a finding."""
    return f"[REDACTED:{name}]"


def _counted(
    pattern: re.Pattern[str], instead: Callable[[re.Match[str]], str], text: str
) -> tuple[str, int]:
    """The text with every match replaced, and the number of those that this changed."""
    count = 0

    def counting(match: re.Match[str]) -> str:
        nonlocal count
        new = instead(match)
        count += new != match[0]
        return new

    return pattern.sub(counting, text), count


def _anchored(name: str, pattern: re.Pattern[str], *anchors: str) -> Rule:
    """A rule of whose anchors every match has one. Of a match the group ``keep`` stays; without a
    group ``found`` that it might have it stays as it is."""
    by = replacement(name)
    looked_for = [Anchor(anchor) for anchor in anchors]

    def instead(match: re.Match[str]) -> str:
        groups = match.groupdict(default="")
        return groups.get("keep", "") + by if groups.get("found", by) else match[0]

    def replace(text: str) -> tuple[str, int]:
        return _counted(pattern, instead, text)

    def prepared(haystack: Haystack) -> Replace | None:
        for anchor in looked_for:
            if anchor.stands_in(haystack):
                return replace
        return None

    return Rule(name, prepared, anchors[0] if len(anchors) == 1 else "")


_PEM = r"[A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
_PRIVATE_KEY = re.compile(rf"-----BEGIN {_PEM}(?:.*?-----END {_PEM}|.*)", re.DOTALL)

# Between a header's name and its credentials stands what JSON, URLs and languages' own notations of
# maps and byte strings write there; escapes of JSON in JSON and of URLs count as one character.
_ESCAPED = r"\\{1,4}u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}"
_AUTHORIZATION = re.compile(
    rf"""(?P<keep>(?:[Aa]uthorization|AUTHORIZATION)(?:{_ESCAPED}|b?["'\\\s:=>,\[(]){{1,16}}+"""
    rf"""(?i:bearer|basic|token|apikey|splunk)(?:[ \t+]|\\{{1,4}}t|{_ESCAPED}){{1,4}})"""
    r"""[A-Za-z0-9._~+/=%-]{4,}+"""
)

# What begins like a token and is none is passed over as a whole, so that no character is looked
# at again and again.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}+(?P<found>(?:\.[A-Za-z0-9_-]*+){2,4})?")


def _access_key(by: str) -> Rule:
    start = re.compile("A[KS]IA")  # for two words it is faster than to look for each
    escaped = r"(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2})|(?<=%[0-9A-Fa-f]{2})"
    whole = re.compile(rf"(?:(?<![A-Z0-9])|{escaped})A[KS]IA[A-Z0-9]{{16}}(?![A-Z0-9])")

    def prepared(haystack: Haystack) -> Replace | None:
        return (lambda text: whole.subn(by, text)) if start.search(haystack.text) else None

    return Rule("aws-access-key", prepared, "IA")


# Every match begins with one of the parts, in whatever case.
_PARTS = ("passw", "passphrase", "pwd", "secret", "token", "credential", "key")
_SECRET = re.compile(
    r"""(?i:password|passwd|passphrase|pwd|secret|token|credentials?"""
    r"""|(?:(?<=api)|(?<=api[_-])|(?<=access)|(?<=access[_-])|(?<=private)|(?<=private[_-])"""
    r"""|(?<=secret)|(?<=secret[_-])|(?<=auth)|(?<=auth[_-]))key)"""
    r"""(?P<key>\\{0,7}["'])?\s{0,3}(?:=>|[:=](?!>))\s{0,3}"""
    r"""(?!(?:null|true|false)\b|\\{0,7}["']?\[REDACTED:)"""
    r"""(?:(?P<open>\\{0,7}["'])(?P<quoted>(?:(?!(?<!\\)(?P=open)).)*+)"""
    r"""|(?P<bare>[^\s"'&,;\\)}\]{\[]++))""",
    re.DOTALL,
)


def _secret(by: str) -> Rule:
    """The value of what is named like a secret: quoted, in JSON also within a string, or bare."""

    def prepared(haystack: Haystack) -> Replace | None:
        parts = [part for part in _PARTS if part.encode() in haystack.lower()]
        return (lambda text: _without_secrets(text, parts, by)) if parts else None

    return Rule("secret", prepared)


def _without_secrets(text: str, parts: list[str], by: str) -> tuple[str, int]:
    lower = text.lower() if text.isascii() else text.encode("ascii", "replace").decode().lower()
    pieces: list[str] = []
    done = 0
    for start in sorted(place for part in parts for place in _places(lower, part)):
        match = _SECRET.match(text, start) if start >= done else None
        if match and (match["bare"] or match["quoted"]):
            value = match.start("bare" if match["bare"] else "quoted")
            quote = (match["key"] or "") if match["bare"] else ""  # of a number a string is made
            pieces += (text[done:value], quote, by, quote)
            done = match.end()
    return ("".join([*pieces, text[done:]]) if pieces else text), len(pieces) // 4


def _places(text: str, part: str) -> list[int]:
    found = []
    at = text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found


_CARD = re.compile(
    r"[2-6](?:(?<![0-9A-Za-z].)|(?<=\\[nrt].))(?<![0-9][.-].)"  # also after an escaped line break
    r"(?:[0-9]{12,18}|[0-9]{3}(?P<by>[ -])"
    r"(?:[0-9]{4}(?P=by)[0-9]{4}(?P=by)[0-9]{4}(?:(?P=by)[0-9]{1,3})?|[0-9]{6}(?P=by)[0-9]{4,5}))"
    r"(?![0-9A-Za-z]|[.-][0-9])"
)
_NAMED = re.compile(r'(\\*")\s{0,2}:\s{0,2}\Z')
_GROUPS = (b"0000-0000-0000", b"0000 0000 0000", b"0000-000000-0000", b"0000 000000 0000")


def _card(by: str) -> Rule:
    """Numbers of payment cards. They begin with 2 to 6, so that no time in milliseconds is one."""

    def instead(match: re.Match[str]) -> str:
        if not _luhn(match[0]):
            return match[0]
        named = _NAMED.search(match.string, max(0, match.start() - 8), match.start())
        return f"{named[1]}{by}{named[1]}" if named else by  # of a JSON number a string is made

    def prepared(haystack: Haystack) -> Replace | None:
        zeros = haystack.zeros()
        if b"0" * 13 in zeros or any(group in zeros for group in _GROUPS):
            return lambda text: _counted(_CARD, instead, text)
        return None

    return Rule("card", prepared)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number) if digit.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_LOCAL = string.ascii_letters + string.digits + "._%+-"
_NEAR = 32  # characters before the @, in which a local part mostly begins
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


def _email(by: str) -> Rule:
    r"""``[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}``, found from the @."""

    def replace(text: str) -> tuple[str, int]:
        pieces: list[str] = []
        done = 0
        at = text.find("@")
        while at >= 0:
            domain = _DOMAIN.match(text, at + 1)
            if domain:
                start = at - _NEAR if at - _NEAR > done else done
                start += len(text[start:at].rstrip(_LOCAL))
                if start == at - _NEAR:
                    start = _local(text, done, at)
                if start < at:
                    pieces.append(text[done:start])
                    done = domain.end()
            at = text.find("@", at + 1)
        return (by.join([*pieces, text[done:]]) if pieces else text), len(pieces)

    return Rule("email", lambda haystack: replace if "@" in haystack.text else None, at_once=True)


def _local(text: str, done: int, at: int) -> int:
    """Where the characters begin that stand before the @ and may stand there."""
    size = 4 * _NEAR
    while True:
        start = at - size if at - size > done else done
        left = len(text[start:at].rstrip(_LOCAL))
        if left or start == done:
            return start + left
        size *= 4


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_TAIL = re.compile(rf"\.{_OCTET}\.{_OCTET}\.{_OCTET}(?![0-9]|\.[0-9])")
_HEAD = re.compile(rf"(?<![0-9])(?<![0-9]\.){_OCTET}\Z")


def _ipv4(by: str) -> Rule:
    """Four numbers to 255 that are not part of more numbers; a version like 1.2.3.4 is one too."""

    def replace(text: str) -> tuple[str, int]:
        pieces: list[str] = []
        done = 0
        for tail in _TAIL.finditer(text):
            head = _HEAD.search(text, max(done, tail.start() - 3), tail.start())
            if head:
                pieces += (text[done : head.start()], by)
                done = tail.end()
        return ("".join([*pieces, text[done:]]) if pieces else text), len(pieces) // 2

    def prepared(haystack: Haystack) -> Replace | None:
        zeros = haystack.zeros()
        return replace if any(b"." + b"0" * n + b".0" in zeros for n in (1, 2, 3)) else None

    return Rule("ipv4", prepared, ".", at_once=True)


RULES = {
    rule.name: rule
    for rule in (
        _anchored("private-key", _PRIVATE_KEY, "PRIVATE KEY"),
        _anchored("authorization", _AUTHORIZATION, "uthorization", "UTHORIZATION"),
        _anchored("jwt", _JWT, "eyJ"),
        _access_key(replacement("aws-access-key")),
        _secret(replacement("secret")),
        _card(replacement("card")),
        _email(replacement("email")),
        _ipv4(replacement("ipv4")),
    )
}
"""By name, in the order in which they are applied."""
