"""Where JSON lines have what they tell: most lines are laid out like one before them."""

from __future__ import annotations

from typing import NamedTuple

NEVER = "\0"  # stands in no JSON text


class Place(NamedTuple):
    """Where a key stands in a line, and its value: a string without quotes, a number's digits."""

    key: str = ""
    at: int = -1
    end: int = -1
    """The place after the character that ends the value, -1 if there is none."""
    value: str = ""


NOWHERE = Place()


def taken(text: str, at: int, key: str) -> Place:
    """The key at ``at`` and its value, "" if that has no end."""
    start = at + len(key)
    if text[start : start + 1] == " ":
        start += 1
    if text[start : start + 1] == '"':
        start += 1
        end = text.find('"', start)
        return Place(key, at, end + 1, text[start:end]) if end > 0 else Place(key, at)
    end = start
    while text[end : end + 1].isdecimal():
        end += 1
    return Place(key, at, end + 1, text[start:end]) if end < len(text) else Place(key, at)


class Id:
    """An id where a line before had one: behind the same text, and as long. If it is one of X-Ray,
    ``1-5759e988-bd862e3fe1be46a994272793``, its value is the 32 digits."""

    __slots__ = ("_ahead", "_dash", "_size", "prefix", "value", "written")

    def __init__(self, prefix: str = "", size: int = 0, dash: int = 0) -> None:
        self.prefix = prefix
        """What stands before the id: its key, a quotation mark, the version of an X-Ray id."""
        self.written = NEVER if prefix else ""
        """Prefix, id and quotation mark, as they stood in the last line."""
        self.value = ""
        self._ahead = len(prefix)
        self._size = size
        self._dash = dash

    def read(self, text: str, at: int) -> bool:
        """Whether behind the prefix at ``at`` an id stands as before; then it is the last one.
        True for no id."""
        if not self.prefix:
            return True
        start = at + self._ahead
        end = start + self._size
        if text.find('"', start, end + 1) != end:
            return False
        value = text[start:end]
        if self._dash:
            if value[self._dash] != "-":
                return False
            value = value[: self._dash] + value[self._dash + 1 :]
        elif value.startswith("1-"):
            value = unified(value)
        self.value, self.written = value, text[at : end + 1]
        return True


def id_in(text: str, place: Place) -> Id:
    """What finds ids like that in other lines."""
    prefix = text[place.at : place.end - 1 - len(place.value)] if place.key else ""
    if unified(place.value) != place.value:
        return Id(prefix + "1-", len(place.value) - 2, 8)
    return Id(prefix, len(place.value))


class Layout(NamedTuple):
    """Where most JSON lines of a record have what they tell."""

    begin: int = 0
    end: int = 0
    """Between them stands the level, or what lines begin with."""
    least: int = 0
    """Where to begin to look for an id."""
    lead: Id = Id()
    follower: Id = Id()
    """The ids in the order in which they stand; a second one is looked for from the end."""
    ids: tuple[Id, Id] = (Id(), Id())
    """The same two: request and trace."""


def unified(trace: str) -> str:
    """An X-Ray trace id as 32 hexadecimal digits; others as they are."""
    return trace[2:10] + trace[11:] if trace[:2] == "1-" and trace[10:11] == "-" else trace
