"""Which log groups a policy selects: by prefix, glob, regular expression and tag."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self

ANY = "*"

_WILD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that a group has: of any value, or of this one."""

    key: str
    value: str | None = None

    @classmethod
    def read(cls, told: str) -> Self:
        """Of "key", or "key=value": what follows the first "=" is the value; trimmed."""
        key, equals, value = told.partition("=")
        return cls(key.strip(), value.strip() if equals else None)

    def is_on(self, tags: Mapping[str, str]) -> bool:
        return self.key in tags and self.value in (None, tags[self.key])


@dataclass(frozen=True, slots=True)
class Tags:
    """Conditions of which all, or any, must hold."""

    conditions: tuple[Tag, ...] = ()
    mode: str = "OR"

    @classmethod
    def read(cls, told: Sequence[str], mode: str) -> Self:
        return cls(tuple(map(Tag.read, told)), mode)

    def hold(self, tags: Mapping[str, str]) -> bool:
        """False where there are no conditions."""
        found = [one.is_on(tags) for one in self.conditions]
        return bool(found) and (all(found) if self.mode == "AND" else any(found))

    def problems(self, path: str) -> Iterator[str]:
        for number, one in enumerate(self.conditions):
            if not one.key:
                yield f"{path}[{number}]: names no key"


@dataclass(frozen=True, slots=True)
class Include:
    """Groups by name, and by tag; what is not told selects all."""

    prefixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # anchored globs
    regex: tuple[str, ...] = ()  # over the whole name
    tags: Tags = field(default_factory=Tags)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        names = {name: tuple(told[name]) for name in ("prefixes", "names", "regex")}
        return cls(**names, tags=Tags.read(told["tags"], told["tags_mode"]))

    def selects_name(self, name: str) -> bool:
        if not (self.prefixes or self.names or self.regex):
            return True
        return (
            any(prefix == ANY or name.startswith(prefix) for prefix in self.prefixes)
            or any(fnmatchcase(name, glob) for glob in self.names)
            or any(re.fullmatch(pattern, name) for pattern in self.regex)
        )

    def selects_tags(self, tags: Mapping[str, str]) -> bool:
        return not self.tags.conditions or self.tags.hold(tags)

    def told(self) -> Iterator[str]:
        """The fields by which groups are selected."""
        yield from (name for name in ("prefixes", "names", "regex") if getattr(self, name))
        if self.tags.conditions:
            yield "tags"

    def problems(self) -> Iterator[str]:
        for number, pattern in enumerate(self.regex):
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                path = f"include.regex[{number}]"
                yield f"{path}: is {pattern[:80]!r}, no regular expression: {error}"
        yield from self.tags.problems("include.tags")


def literals(glob: str) -> list[str]:
    """The parts of a glob that stand for themselves."""
    return [part for part in _WILD.split(glob) if part]
