"""Holds a document to the schema of JUnit's XML that Jenkins' xUnit plugin has: junit-10.xsd."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET


@dataclass(frozen=True)
class Rule:
    """What an element has to have, what it may have, and what it may hold."""

    required: frozenset[str]
    optional: frozenset[str]
    children: frozenset[str]
    text: bool = False


def _rule(
    required: str = "", optional: str = "", children: str = "", *, text: bool = False
) -> Rule:
    names = [frozenset(told.split()) for told in (required, optional, children)]
    return Rule(names[0], names[1], names[2], text)


_RESULT = _rule(optional="type message", text=True)
RULES: Mapping[str, Rule] = {
    "testsuites": _rule(optional="name time tests failures errors", children="testsuite"),
    "testsuite": _rule(
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
        "properties testcase",
    ),
    "properties": _rule(children="property"),
    "property": _rule("name value"),
    "testcase": _rule("name", "time classname group", "skipped error failure"),
    "skipped": _RESULT,
    "error": _RESULT,
    "failure": _RESULT,
}
_SECONDS = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def faults(root: ET.Element) -> list[str]:
    """Everything by which the document breaks the schema; beyond it, wrong numbers."""
    found = [] if root.tag == "testsuites" else [f"the root is {root.tag}"]
    for element in root.iter():
        rule = RULES.get(element.tag)
        found += [f"no such element: {element.tag}"] if rule is None else _broken(element, rule)
    return found


def _broken(element: ET.Element, rule: Rule) -> Iterator[str]:
    names = set(element.attrib)
    for name in rule.required - names:
        yield f"{element.tag} lacks {name}"
    for name in names - rule.required - rule.optional:
        yield f"{element.tag} has {name}"
    for child in element:
        if child.tag not in rule.children:
            yield f"{element.tag} holds {child.tag}"
    told = [element.text or "", *(child.tail or "" for child in element)]
    if not rule.text and "".join(told).strip():
        yield f"{element.tag} holds text"
    if not _SECONDS.fullmatch(element.get("time", "0")):
        yield f"{element.tag} took {element.get('time')}"
    yield from _miscounted(element)


def _miscounted(element: ET.Element) -> Iterator[str]:
    count = Counter(one.tag for one in element.iter())
    numbers = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in numbers.items():
        if name in element.attrib and element.attrib[name] != str(count[tag]):
            yield f"{element.tag} counts {element.attrib[name]} {name}, there are {count[tag]}"
