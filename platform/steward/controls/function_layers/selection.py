"""Which functions a rule is for: by name, tag, runtime and architecture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Protocol, Self

from steward.controls.function_layers.layer import layer_of


class Selectable(Protocol):
    """What of a function criteria go by."""

    @property
    def name(self) -> str: ...
    @property
    def runtime(self) -> str: ...
    @property
    def architectures(self) -> Iterable[str]: ...
    @property
    def tags(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag by key and an anchored glob over its value; case counts in neither."""

    key: str
    value: str = "*"

    @classmethod
    def read(cls, told: str) -> Self:
        """Of "key", or "key=value": what follows the first "=" is the value; trimmed."""
        key, equals, value = told.partition("=")
        return cls(key.strip().lower(), value.strip().lower() if equals else "*")

    def is_on(self, tags: Mapping[str, str]) -> bool:
        return any(
            key.lower() == self.key and fnmatchcase(value.lower(), self.value)
            for key, value in tags.items()
        )


@dataclass(frozen=True, slots=True)
class Criteria:
    """Globs over names and runtimes, architectures, and tags; what is not told says nothing."""

    names: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        lists = {name: tuple(told[name]) for name in ("names", "runtimes", "architectures")}
        return cls(**lists, tags=tuple(map(Tag.read, told["tags"])))

    def include(self, function: Selectable) -> bool:
        """One of each sort must fit, and all tags be there."""
        found = [any(one) for one in self._found(function)]
        return all(found) and all(tag.is_on(function.tags) for tag in self.tags)

    def exclude(self, function: Selectable) -> bool:
        """Anything that fits is enough."""
        found = [any(one) for one in self._found(function)]
        return any(found) or any(tag.is_on(function.tags) for tag in self.tags)

    def _found(self, function: Selectable) -> Iterator[list[bool]]:
        if self.names:
            yield [fnmatchcase(function.name, glob) for glob in self.names]
        if self.runtimes:
            yield [fnmatchcase(function.runtime, glob) for glob in self.runtimes]
        if self.architectures:
            yield [one in self.architectures for one in function.architectures]

    def problems(self, path: str) -> Iterator[str]:
        for number, tag in enumerate(self.tags):
            if not tag.key:
                yield f"{path}.tags[{number}]: names no key"


@dataclass(frozen=True, slots=True)
class Rule:
    """A layer version, and the functions that are to carry it."""

    layer_arn: str
    include: Criteria = field(default_factory=Criteria)
    exclude: Criteria = field(default_factory=Criteria)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        sides = {name: Criteria.read(told[name]) for name in ("include", "exclude")}
        return cls(told["layer_arn"], **sides)

    def selects(self, function: Selectable) -> bool:
        return self.include.include(function) and not self.exclude.exclude(function)

    def uses_tags(self) -> bool:
        return bool(self.include.tags or self.exclude.tags)

    def problems(self, path: str) -> Iterator[str]:
        yield from self.include.problems(f"{path}.include")
        yield from self.exclude.problems(f"{path}.exclude")


def wanted(rules: Iterable[Rule], function: Selectable) -> dict[str, str]:
    """The version of each layer that a function is to carry; the first rule of a layer decides."""
    found: dict[str, str] = {}
    for rule in rules:
        if rule.selects(function):
            found.setdefault(layer_of(rule.layer_arn), rule.layer_arn)
    return found
