"""Exports of a report: each is read back by a parser that is not ours, whatever is in it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft7Validator

from console.sqlite_ledger import SQLiteLedger
from steward.history import departed
from steward.model import Fate, Mode, Verdict
from steward.reports import as_csv, as_json, as_junit, as_ocsf
from steward.reports.dataset import Entry, Report, Standing
from tests.fakes import ACCOUNT, REGION
from tests.reporting import LOGS, at, change, exemption, item, owned, report, right, sweep
from tests.reports import REPORTS
from tests.unit.schemas.junit import faults

SURROGATES = re.compile("[\ud800-\udfff]")

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RENDERERS = [as_json.render, as_csv.render, as_junit.render, as_ocsf.render]
OCSF = json.loads((Path(__file__).parent / "schemas" / "ocsf.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One finding of each standing; the last sweep is lately complete."""
    book = SQLiteLedger(tmp_path_factory.mktemp("report") / "ledger.db", "here")
    book.exempt(LOGS, exemption("/exempt"))
    over = {"violation": "NEVER_EXPIRES", "violated_since": at(9), "resolved_at": at(3)}
    unread = {"verdict": Verdict.UNKNOWN, "code": "ACCESS_DENIED", "fate": Fate.UNKNOWN}
    book.commit(
        items=[
            item("/open"),
            item("/unread", **unread),
            item("/exempt"),
            right("/resolved", **over),
            right("/excluded", **over, verdict=Verdict.NOT_APPLICABLE, reason="excluded"),
            right("/right"),
        ],
        gone=[departed(item("/gone"), at(5))],
        changes=[change("/resolved", 3.00002)],
        sweep=sweep(0.1),
    )
    made = report(book, owners=owned({"/open": "team-a"}))
    book.close()
    return made


def gone_quiet(told: Report, **fields: Any) -> Report:
    """The report without a finding, its control as the fields say."""
    return replace(told, entries=(), controls=(replace(told.controls[0], **fields),))


QUIET = [
    pytest.param({"mode": Mode.OFF}, "off", id="off"),
    pytest.param({"stale": True, "swept_at": ""}, "never-swept", id="never swept"),
    pytest.param({"stale": True, "swept_at": at(9)}, "stale", id="stale"),
    pytest.param(
        {"last_sweep_error": "Denied"}, "incomplete", id="the last sweep was not complete"
    ),
]


@pytest.mark.parametrize("render", RENDERERS)
def test_the_same_report_has_the_same_bytes(render: Any, told: Report) -> None:
    """The moment of the report is its own, and nothing else is of the moment."""
    assert render(told) == render(replace(told))


@pytest.mark.parametrize("render", RENDERERS)
@MANY
@given(any_report=REPORTS)
def test_every_export_is_unicode_that_can_be_written(render: Any, any_report: Report) -> None:
    """Half a pair of surrogates may be in a tag's value, and in no file."""
    text = render(any_report)
    assert text.encode("utf-8").decode("utf-8") == text
    assert not SURROGATES.search(text)


# JSON


def validated(text: str) -> Any:
    loaded = json.loads(text)
    Draft7Validator(as_json.schema()).validate(loaded)
    return loaded


def test_the_schema_is_one() -> None:
    """And every object in it says all that it may have."""
    Draft7Validator.check_schema(as_json.schema())


@MANY
@given(REPORTS)
def test_json_fits_its_schema(any_report: Report) -> None:
    """Whatever people and AWS have written into it, and it comes back as it was."""
    loaded = validated(as_json.render(any_report))
    ids = [(one["resource"]["kind"], one["resource"]["id"]) for one in loaded["findings"]]
    assert ids == [(entry.ref.kind, entry.ref.id) for entry in any_report.entries]


def test_json_says_everything_of_a_finding(told: Report) -> None:
    """What is not there is null."""
    found = {one["resource"]["id"]: one for one in validated(as_json.render(told))["findings"]}
    assert found["/open"]["owner"] == "team-a"
    assert (found["/open"]["exemption"], found["/open"]["closed_at"]) == (None, None)
    assert found["/exempt"]["exemption"]["expires"] == "2027-02-28"
    assert found["/resolved"]["last_change"] == told.changes[0].id
    assert found["/gone"]["closed_at"] == at(5)


@pytest.mark.parametrize(("fields", "state"), QUIET)
def test_json_tells_why_a_control_has_no_findings(
    told: Report, fields: dict[str, Any], state: str
) -> None:
    """Silence is never a verdict."""
    assert validated(as_json.render(told))["controls"][0]["state"] == "fresh"
    loaded = validated(as_json.render(gone_quiet(told, **fields)))
    assert loaded["controls"][0]["state"] == state


# CSV


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_csv_has_its_header_without_any_row(told: Report) -> None:
    """An empty file would be no answer."""
    text = as_csv.render(replace(told, entries=(), controls=()))
    assert rows(text) == []
    assert text.startswith('"finding_id","account"')
    assert text.endswith("\r\n")


def test_csv_has_a_row_for_each_finding(told: Report) -> None:
    """In the report's order, with what was changed and who is exempt."""
    found = rows(as_csv.render(told))
    assert [row["standing"] for row in found] == [entry.standing for entry in told.entries]
    by_name = {row["resource_id"]: row for row in found}
    assert by_name["/open"]["owner"] == "team-a"
    assert by_name["/exempt"]["exempt_until"] == "2027-02-28"
    assert by_name["/resolved"]["last_change_status"] == "DONE"
    assert {row["account"] for row in found} == {ACCOUNT}


@MANY
@given(REPORTS)
def test_csv_is_read_back_and_no_cell_is_a_formula(any_report: Report) -> None:
    """Spreadsheets evaluate what begins like one; the apostrophe is all that is added."""
    found = rows(as_csv.render(any_report))
    assert all(set(row) == set(as_csv.COLUMNS) for row in found)
    for row, entry in zip(found, any_report.entries, strict=False):
        assert row["reason"].removeprefix("'") == shown(entry.reason).removeprefix("'")
        assert row["resource_id"].removeprefix("'") == shown(entry.ref.id).removeprefix("'")
    cells = [cell for row in found for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n＝＋－＠")]  # noqa: RUF001  # they are meant


def shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(("fields", "state"), QUIET)
def test_csv_tells_why_a_control_has_no_findings(
    told: Report, fields: dict[str, Any], state: str
) -> None:
    """A row of its own, in place of findings."""
    [row] = rows(as_csv.render(gone_quiet(told, **fields)))
    assert (row["control"], row["standing"], row["resource_id"]) == (LOGS, state, "")


# JUnit


def parsed(text: str) -> ET.Element:
    root = ET.fromstring(text.encode("utf-8"))  # noqa: S314  # written by us
    assert faults(root) == []
    return root


@MANY
@given(REPORTS)
def test_junit_fits_its_schema(any_report: Report) -> None:
    """Without the characters that no XML may hold; the numbers are those of the elements."""
    root = parsed(as_junit.render(any_report))
    wanted = Counter({line.id: 1 for line in any_report.controls})
    wanted.update(
        entry.control
        for entry in any_report.entries
        if entry.control in wanted and entry.standing is not Standing.GONE
    )
    assert {one.attrib["name"]: int(one.attrib["tests"]) for one in root} == dict(wanted)


def results(root: ET.Element) -> dict[str, tuple[str, str | None]]:
    return {
        case.attrib["name"].rpartition(" ")[2]: next(
            ((result.tag, result.get("type")) for result in case), ("passed", None)
        )
        for case in root.iter("testcase")
    }


def test_junit_has_a_result_for_each_standing(told: Report) -> None:
    """What is gone is no case; a control that was swept lately passes its own."""
    root = parsed(as_junit.render(told))
    assert results(root) == {
        "sweep": ("passed", None),
        "/open": ("failure", "NEVER_EXPIRES"),
        "/unread": ("error", "ACCESS_DENIED"),
        "/exempt": ("skipped", None),
        "/resolved": ("passed", None),
        "/excluded": ("skipped", None),
    }
    messages = [one.attrib["message"] for one in root.iter("skipped")]
    assert messages == ["exempt until 2027-02-28 (legal: legal hold)", "excluded"]


@pytest.mark.parametrize(("fields", "state"), QUIET)
def test_junit_tells_why_a_control_has_no_findings(
    told: Report, fields: dict[str, Any], state: str
) -> None:
    """A suite of nothing would be green."""
    [(tag, kind)] = results(parsed(as_junit.render(gone_quiet(told, **fields)))).values()
    assert (tag, kind) == (("skipped", None) if state == "off" else ("error", state))


# OCSF


def events(text: str) -> list[Any]:
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        Draft7Validator(OCSF).validate(event)
        assert event["type_uid"] == 200300 + event["activity_id"]
    return found


@MANY
@given(REPORTS)
def test_ocsf_fits_the_class(any_report: Report) -> None:
    """An event on each line, its times in milliseconds."""
    found = events(as_ocsf.render(any_report))
    uids = [event["finding_info"]["uid"] for event in found]
    assert uids[: len(any_report.entries)] == [entry.id for entry in any_report.entries]


def test_ocsf_has_a_status_for_each_standing(told: Report) -> None:
    """Activity, the finding's status, the check's."""
    found = events(as_ocsf.render(told))
    told_by = {
        event["resources"][0]["uid"]: (
            event["activity_id"],
            event["status_id"],
            event["compliance"]["status_id"],
        )
        for event in found
    }
    assert told_by == {
        "/open": (2, 1, 3),
        "/unread": (2, 1, 2),
        "/exempt": (2, 3, 3),
        "/resolved": (3, 4, 1),
        "/excluded": (3, 99, 99),
        "/gone": (3, 4, 99),
    }


def test_ocsf_tells_since_when(told: Report) -> None:
    """The violation's time, not the report's; the id is that of every other format."""
    first = events(as_ocsf.render(told))[0]
    entry = told.entries[0]
    assert first["finding_info"]["uid"] == entry.id
    assert first["finding_info"]["first_seen_time"] == 1_794_996_000_000  # 18 November, 10:00
    assert first["time"] == 1_795_168_800_000
    assert first["resources"][0]["owner"] == {"name": "team-a"}
    assert first["cloud"]["region"] == REGION


@pytest.mark.parametrize(
    ("first", "last", "closed", "activity"),
    [
        pytest.param(at(1), at(1), "", 1, id="seen for the first time"),
        pytest.param(at(2), at(1), "", 2, id="seen again"),
        pytest.param(at(2), at(1), at(1), 3, id="closed"),
    ],
)
def test_ocsf_tells_what_became_of_a_finding(
    told: Report, first: str, last: str, closed: str, activity: int
) -> None:
    """Created once, updated as long as it is there, closed in the end."""
    entry: Entry = replace(told.entries[0], first_seen=first, last_seen=last, closed_at=closed)
    [event] = events(as_ocsf.render(replace(told, entries=(entry,))))
    assert event["activity_id"] == activity


@pytest.mark.parametrize(("fields", "state"), QUIET)
def test_ocsf_tells_why_a_control_has_no_findings(
    told: Report, fields: dict[str, Any], state: str
) -> None:
    """A check without a result."""
    [event] = events(as_ocsf.render(gone_quiet(told, **fields)))
    assert (event["status_code"], event["compliance"]["status_id"]) == (state, 2)
    assert event["compliance"]["control"] == LOGS
