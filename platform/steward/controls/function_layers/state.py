"""A Lambda function with its layers, and the policy over them."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from steward.controls.function_layers.layer import ARN, Offer
from steward.controls.function_layers.memory import Memory
from steward.controls.function_layers.selection import Rule, wanted
from steward.events import FUNCTION
from steward.model import CommonPolicy, Ref

ID = "function-layers"
KIND = FUNCTION

RECHECK_DAYS = 7
"""Aliases are read anew in the first sweep after so many days, whatever is remembered."""


@dataclass(frozen=True, slots=True)
class Function:
    """What Lambda tells of a function that matters to its layers."""

    name: str
    runtime: str = ""  # '' of a container image
    architectures: Sequence[str] = ("x86_64",)
    layers: Sequence[str] = field(default_factory=list)
    """Versions in their order: a list, as the ledger's JSON gives it back."""
    found: Sequence[str] = field(default_factory=list)
    """As ``layers``: what Lambda told, also once ``layers`` is foretold."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Zipped bytes of each layer, and under '' of the function's own code."""
    revision: str = ""
    """Of the function as it was read; Lambda changes no other."""
    state: str = ""  # '' where it was listed: lists tell neither state nor status
    status: str = ""  # of the last update
    stack: str = ""
    """What the stack is doing that the function belongs to; '' for nothing."""
    offers: Mapping[str, Offer] = field(default_factory=dict)
    """What is known of the versions that rules want the function to have."""
    lagging: Sequence[str] = ()
    """Aliases, with their versions, that run without a wanted layer."""
    seen: str = ""
    """Under what ``lagging`` was read, now or at an earlier time; '' if it was not."""
    ours: Sequence[str] = ()
    """Layer versions that we put, as the ledger remembers them; some may be gone."""
    tags: Mapping[str, str] = field(default_factory=dict)
    exists: bool = True

    @property
    def ref(self) -> Ref:
        return Ref(KIND, self.name)

    @property
    def is_image(self) -> bool:
        return not self.runtime

    def memory(self, ours: Sequence[str], adds: Sequence[str] = ()) -> str:
        return Memory(ours, adds, self.lagging, self.seen).text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(CommonPolicy):
    rules: tuple[Rule, ...]
    kept_layers: tuple[str, ...]
    """Globs over the ARNs of layer versions that we may send along."""
    own_functions: tuple[str, ...]

    @staticmethod
    def fields(document: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **CommonPolicy.fields(document),
            "rules": tuple(map(Rule.read, document["rules"])),
            "kept_layers": tuple(document["kept_layers"]),
            "own_functions": tuple(document["own_functions"]),
        }

    def problems(self) -> Iterator[str]:
        for number, rule in enumerate(self.rules):
            path = f"rules[{number}]"
            if not ARN.fullmatch(rule.layer_arn):
                allowed = "the ARN of a layer version, with its number"
                yield f"{path}.layer_arn: is {rule.layer_arn[:80]!r}, allowed: {allowed}"
            yield from rule.problems(path)

    def uses_tags(self) -> bool:
        return self.honor_tags or any(rule.uses_tags() for rule in self.rules)

    def is_own(self, name: str) -> bool:
        return name in self.own_functions

    def keeps(self, arn: str) -> bool:
        return any(fnmatchcase(arn, glob) for glob in self.kept_layers)

    def wanted(self, function: Function) -> dict[str, str]:
        """The version of each layer that the rules want a function to carry, by layer."""
        return wanted(self.rules, function)

    def seen(self, function: Function, now: datetime) -> str:
        """Changes with the versions that aliases are looked at for, and every ``RECHECK_DAYS``.

        The weeks of different functions begin on different days, so that reading spreads.
        """
        basis = json.dumps(sorted(self.wanted(function).values()))
        digest = hashlib.sha256(basis.encode()).hexdigest()[:12]
        shift = zlib.crc32(function.name.encode()) % RECHECK_DAYS
        return f"{digest}/{(now.toordinal() + shift) // RECHECK_DAYS}"
