"""A page of HTML as a tree, read by the standard library's parser and not by a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self

VOID = {"meta", "input", "br", "rect", "polyline", "polygon"}
ENDS = {"td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}}
"""Which open elements a tag ends, where HTML lets their end tags be left out."""


@dataclass
class Node:
    """An element with what is in it, in order."""

    tag: str
    attributes: dict[str, str]
    children: list[Self | str] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag: str, **attributes: str) -> list[Node]:
        """Elements of this name within, which have these attributes."""
        wanted = attributes.items()
        return [one for one in self.walk() if one.tag == tag and wanted <= one.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Node:
        [found] = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """All text within, as it is; a space where an element begins or ends."""
        return "".join(
            child if isinstance(child, str) else f" {child.text} " for child in self.children
        )

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open[-1].tag in ENDS.get(tag, set()):
            self.open.pop()
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {self.get_starttag_text()}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        assert tag in VOID, f"<{tag}/> is not empty in HTML"

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1].tag != tag and self.open[-1].tag in {"td", "th", "tr"}:
            self.open.pop()
        assert self.open.pop().tag == tag, f"</{tag}> at {self.getpos()} ends nothing"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def parsed(page: str) -> Node:
    """The document; it fails where tags do not match."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    [document] = reader.open
    return document
