"""A report as JUnit XML: a suite for each control, a case for each finding and for its sweep.

The case of the sweep makes a suite without findings tell whether anybody looked: it passes when the
last sweep was complete and not long ago, is an error when not, and is skipped when the control is
off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from steward.reports.dataset import ControlLine, Entry, Report, Standing
from steward.reports.gaps import OFF, gap_of
from steward.reports.wording import exempt

SWEEP = "sweep"
"""The name of the case that tells whether the control was swept."""

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may contain (section 2.2), not even escaped."""

_RESULTS = {Standing.OPEN: "failure", Standing.UNKNOWN: "error"}
_SKIPPED = (Standing.EXEMPT, Standing.OUT_OF_SCOPE)
"""What is resolved passes; what is gone is no case."""


def render(report: Report) -> str:
    root = ET.Element("testsuites", name="steward")
    for line in report.controls:
        root.append(_suite(report, line))
    _count(root)
    ET.indent(root)
    told = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{told}\n'


def _suite(report: Report, line: ControlLine) -> ET.Element:
    suite = ET.Element("testsuite", name=line.id, timestamp=report.generated_at)
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report, line):
        ET.SubElement(properties, "property", name=name, value=legal(value))
    suite.append(_sweep(line))
    for entry in report.entries:
        if entry.control == line.id and entry.standing is not Standing.GONE:
            suite.append(_case(entry))
    _count(suite)
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _properties(report: Report, line: ControlLine) -> Iterator[tuple[str, str]]:
    yield "account", report.account
    yield "region", report.region
    yield "title", line.title
    yield "mode", line.mode.value
    yield "compliant", str(line.compliant)
    yield "in_order", str(line.in_order)
    yield "swept_at", line.swept_at
    yield "policy_hash", line.policy_hash


def _sweep(line: ControlLine) -> ET.Element:
    case = ET.Element("testcase", classname=line.id, name=SWEEP, time="0")
    gap = gap_of(line)
    if gap is not None and gap.state == OFF:
        ET.SubElement(case, "skipped", message=gap.sentence)
    elif gap is not None:
        ET.SubElement(case, "error", message=legal(gap.sentence), type=gap.state)
    return case


def _case(entry: Entry) -> ET.Element:
    name = legal(f"{entry.ref.kind} {entry.ref.id}")
    case = ET.Element("testcase", classname=entry.control, name=name, time="0")
    result = _RESULTS.get(entry.standing)
    if entry.standing in _SKIPPED:
        why = entry.reason if entry.exemption is None else exempt(entry.exemption)
        ET.SubElement(case, "skipped", message=legal(why))
    elif result is not None:
        told = ET.SubElement(case, result, message=legal(entry.reason), type=legal(entry.code))
        told.text = legal("\n".join(_facts(entry)))
    return case


def _facts(entry: Entry) -> Iterator[str]:
    yield f"severity: {entry.severity.value}"
    yield f"since: {entry.first_seen}"
    yield f"owner: {entry.owner or 'not known'}"
    yield f"next attempt: {entry.next_attempt}"
    yield f"finding: {entry.id}"


def _count(element: ET.Element) -> None:
    """Set the counts that Jenkins' junit-10.xsd wants of a suite, and of all suites together."""
    found = Counter(one.tag for one in element.iter())
    element.set("tests", str(found["testcase"]))
    element.set("failures", str(found["failure"]))
    element.set("errors", str(found["error"]))
    element.set("time", "0")


def legal(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _ILLEGAL.sub("", text)
