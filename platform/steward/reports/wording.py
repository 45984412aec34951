"""How moments, amounts and commands read. Pure, in English, in UTC whatever the locale."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, date, datetime
from urllib.parse import quote

from steward.gate import MAX_ATTEMPTS
from steward.ledger import Change, Status
from steward.model import Exemption, Fate
from steward.reports.dataset import Entry, Figure, Report

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe"
    "\uffff\U000e0000-\U000e0fff]"
)
"""Controls, marks that turn the direction of text, what has no width, what is no character."""

_DATES = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?(?![0-9T-])")

_FATES = {
    Fate.NONE: "nothing",
    Fate.REPORTED: "reported only",
    Fate.PLANNED: "planned, not sent",
    Fate.REMEDIATED: "changed",
    Fate.HELD: "held back",
    Fate.FAILED: "failed",
    Fate.UNKNOWN: "not known",
    Fate.GONE: "gone",
}

_THOUSAND = 1000
_PREFIXES = ("", "k", "M", "G", "T", "P")


def visible(text: str) -> str:
    """A text in which nothing hides: U+202E and its like are spelled out."""
    return _UNSEEN.sub(lambda found: f"\u2039U+{ord(found[0]):04X}\u203a", text)


def clip(text: str, limit: int) -> str:
    """The text, or its beginning with a sign that it goes on."""
    return text if len(text) <= limit else f"{text[: limit - 1]}\u2026"


def hours(since: str, now: str) -> float:
    """Hours between two moments of the ledger; never below 0."""
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    return max(0.0, seconds / 3600)


def age(since: str, now: str) -> str:
    """The time between two moments in one unit: '41 days', '7 hours', '3 minutes'."""
    if not since:
        return "unknown"
    passed = hours(since, now)
    if passed >= 48:
        return counted(int(passed // 24), "day")
    return counted(int(passed), "hour") if passed >= 1 else counted(int(passed * 60), "minute")


def moment(at: str) -> str:
    """'21 Nov 2026, 10:15'."""
    when = datetime.fromisoformat(at).astimezone(UTC)
    return f"{day(when.date())}, {when:%H:%M}"


def dated(sentence: str, now: str) -> str:
    """A sentence of ours with its moments and days as the page writes them."""

    def written(found: re.Match[str]) -> str:
        try:
            if "T" in found[0]:
                return f"{moment(found[0])} ({ahead(found[0], now)})"
            return day(date.fromisoformat(found[0]))
        except ValueError:  # digits that are no date
            return found[0]

    return _DATES.sub(written, sentence)


def ahead(at: str, now: str) -> str:
    """How far off a moment is: 'in 7 days', 'due'."""
    return f"in {age(now, at)}" if hours(now, at) else "due"


def day(when: date) -> str:
    """'21 Nov 2026'."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def day_of(at: str) -> str:
    """The day of a moment."""
    return day(datetime.fromisoformat(at).astimezone(UTC).date())


def exempt(exemption: Exemption) -> str:
    """'exempt until 2027-02-28 (legal: legal hold)', as an EXEMPT finding's reason begins."""
    return f"exempt until {exemption.expires} ({exemption.owner}: {exemption.reason})"


def ends(expires: date, now: str) -> str:
    """How long an exemption holds, the day itself included."""
    left = days_left(expires, now)
    if left < 0:
        return f"expired {counted(-left, 'day')} ago"
    return f"in {counted(left, 'day')}" if left else "today"


def days_left(expires: date, now: str) -> int:
    """Days until a day; below 0 once it is over."""
    return (expires - datetime.fromisoformat(now).astimezone(UTC).date()).days


def number(of: int) -> str:
    """'10,000'."""
    return f"{of:,}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """'1 day', '41 days', '1,200 resources'."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def amount(figure: Figure) -> tuple[str, str]:
    """A figure's amount and unit; 'not known' where nothing proves it."""
    if figure.amount is None:
        return "not known", ""
    unit, _, rest = figure.unit.partition(" ")
    if unit != "bytes":
        decimals = 0 if float(figure.amount).is_integer() else 2
        one = figure.amount == 1 and not rest  # a noun such as 'versions', and no price
        told = figure.unit.removesuffix("s") if one else figure.unit
        return f"{figure.amount:,.{decimals}f}", told
    size, step = float(figure.amount), 0
    while abs(size) >= _THOUSAND and step < len(_PREFIXES) - 1:
        size, step = size / _THOUSAND, step + 1
    return f"{size:,.{1 if step else 0}f}", f"{_PREFIXES[step]}B {rest}".rstrip()


def fate(entry: Entry) -> str:
    """What Steward did about a finding the last time."""
    return "given up for now" if is_given_up(entry) else _FATES[entry.fate]


def is_given_up(entry: Entry) -> bool:
    """Whether it failed so often that it is tried again weekly only."""
    return entry.fate is Fate.HELD and entry.attempts >= MAX_ATTEMPTS


def outcome(change: Change) -> str:
    """How far a change has come."""
    if change.status is Status.FAILED and change.sent:
        return f"done in part: {change.sent} of {counted(len(change.calls), 'call')}"
    names = {Status.DONE: "done", Status.UNDONE: "undone since", Status.FAILED: "failed"}
    return names.get(change.status, "outcome open")


def command(report: Report, name: str, *words: str, options: Sequence[str] = ()) -> str:
    """A command line of the console for this report's ledger; '' where a word is not safe to copy.

    A word that hides something would not do what it seems to do; one that begins with a dash would
    be an option, if no ``--`` stood before it.
    """
    if any(visible(word) != word or "\n" in word for word in words):
        return ""
    stack = ("--stack", report.stack) if report.stack else ()
    told = (*words, *options)
    if any(word.startswith("-") for word in words):
        told = (*options, "--", *words)
    return shlex.join(("steward", *stack, name, *told))


def anchor(kind: str, name: str) -> str:
    """An element's id, and what a link to it has behind its '#'."""
    return f"{kind}-{quote(visible(name), safe='')}"
