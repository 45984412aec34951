"""Texts that are searched, changed and escaped in one, for half of the time that each would take.

What stands between them is a character that hardly any text has and that JSON does not escape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

DELETE = "\x7f"


class Texts(Sequence[str]):
    """Texts in order, and the same as one text with DELETE between them.

    Whichever of the two is given, the other is made when it is needed.
    """

    __slots__ = ("_each", "_length", "whole")

    def __init__(self, texts: list[str], whole: str | None = None) -> None:
        """Of some texts; or of as many that ``whole`` has, if that is given."""
        self._each = texts if whole is None else None
        self._length = len(texts)
        self.whole = DELETE.join(texts) if whole is None else whole

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """The texts as such; themselves if they are."""
        return texts if isinstance(texts, Texts) else cls(list(texts))

    def together(self) -> bool:
        """Whether the one text may be changed in place of each: no text has a DELETE itself."""
        return DELETE not in "".join(self._list())  # a third of the time of counting them

    def changed(self, whole: str) -> Texts:
        """The texts that another text has between as many DELETEs; only where ``together``."""
        return Texts(self._list(), whole)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._list()[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._list())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._list() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _list(self) -> list[str]:
        if self._each is None:
            self._each = self.whole.split(DELETE)
        return self._each


def each(texts: Sequence[str], quoted: Callable[[str], str]) -> list[str]:
    """What ``quoted`` makes of each text, but for the first character and the last.

    It leaves each DELETE as it is: so it is applied to all texts at once, unless one has a DELETE
    itself.
    """
    parts = quoted(Texts.of(texts).whole).split(DELETE)
    if len(parts) != len(texts):
        return [quoted(text)[1:-1] for text in texts]
    parts[0] = parts[0][1:]
    parts[-1] = parts[-1][:-1]
    return parts
