"""Takes secrets out of what is told beyond the ledger: the audit log's lines, and reports.

Nobody should put any into a tag or an alarm's description, and somebody will.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from steward.ledger import Change
from steward.model import Call
from steward.shipping.redaction import Redactor
from steward.shipping.redaction_rules import DEFAULTS, RULES, replacement

SECRETS = (*DEFAULTS, "secret")
"""Rules of redaction, of those that messages of logs may be given."""

_REDACTOR = Redactor([RULES[name] for name in SECRETS])
_NAMES = ("key", "name")


def text(told: str) -> str:
    """The text without secrets."""
    return _REDACTOR.text(told)


def value(told: Any, name: str = "") -> Any:
    """Values as JSON has them, without secrets; ``name``: what it is called where it stands."""
    match told:
        case Mapping():
            return {key: value(one, _name(told, str(key))) for key, one in told.items()}
        case list():
            return [value(one, name) for one in told]
        case tuple():
            return tuple(value(one, name) for one in told)
        case None | bool():
            return told
    if _is_secret(name):
        return replacement("secret")
    return _named(told, name) if isinstance(told, str) else told


def change(told: Change) -> Change:
    """A change for telling only: nothing can be undone by it, and no ledger is to have it."""
    return replace(
        told,
        reason=text(told.reason),
        error=text(told.error),
        before=value(told.before),
        calls=tuple(map(_call, told.calls)),
    )


def _call(told: Call) -> Call:
    undo = None if told.undo is None else _call(told.undo)
    return replace(told, params=value(told.params), undo=undo, effect=value(told.effect))


def _name(told: Mapping[Any, Any], key: str) -> str:
    """A value's key; of a pair such as {"Key": "password", "Value": ...} what the pair calls it."""
    lower = key.lower()
    if lower.endswith("value"):
        wanted = [lower.removesuffix("value") + name for name in _NAMES]
        for other, called in told.items():
            if str(other).lower() in wanted and isinstance(called, str):
                return called
    return key


def _named(told: str, name: str) -> str:
    """Some secrets are known by what stands before them, such as those of an authorization."""
    before = f"{name}="
    found = text(before + told)
    return found.removeprefix(before) if found.startswith(before) else text(told)


@lru_cache(maxsize=1000)
def _is_secret(name: str) -> bool:
    """Whether the value of what is so called would be taken out of a text."""
    return bool(name) and text(f"{name}=x") != f"{name}=x"
