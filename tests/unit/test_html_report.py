"""The HTML report's structure: what is in it, in which order, and how it names things."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from benchmark.compliance import report
from steward.ledger import Change, Status, stamp
from steward.model import Exemption, Fate, Mode, Ref, Severity, Trigger, Verdict
from steward.reports.dataset import Entry, ExemptionLine, Report, Standing
from steward.reports.html import render
from steward.reports.html.space import Space
from steward.reports.wording import dated
from tests.html_pages import Node, parsed

REPORT = report(60)
PAGE = render(REPORT)
DOCUMENT = parsed(PAGE)
MEGABYTES = 5

NOTHING = replace(
    REPORT, controls=(), entries=(), changes=(), exemptions=(), trend=(), figures=(), notes=()
)


def section(document: Node, id: str) -> Node:
    return document.one("section", id=id)


def rows(document: Node, table: str) -> list[Node]:
    return [row for body in document.one("table", id=table).all("tbody") for row in body.all("tr")]


def only(standing: Standing, **fields: object) -> Report:
    """A report of one finding."""
    found = next(one for one in REPORT.entries if one.control == "log-retention")
    entry = replace(found, standing=standing, **fields)  # type: ignore[arg-type]  # fields of Entry
    return replace(REPORT, entries=(entry,), changes=(), exemptions=())


def test_sections_come_in_the_order_of_a_readers_questions() -> None:
    """Is it fresh; what is open; what was changed; what failed; what is exempt; and the rest."""
    assert [one.attributes["id"] for one in DOCUMENT.all("section")] == [
        *("freshness", "summary", "open", "unknown", "changed", "failed", "exempt", "closed"),
        *("controls", "figures", "method"),
    ]


QUESTIONS = {
    "what is not in order now": ("open", "34 open now"),
    "since when": ("open", "days oldest open"),
    "whose is it": ("owners", "owners concerned"),
    "what did the automation change": ("changed", r"changes \d+ by Steward, \d+ by an operator"),
    "what failed, and is it tried again": ("failed", "failed or held back .* tried again"),
    "what is exempt, and until when": ("exempt", "exempt .* within 14 days"),
    "is this fresh": (
        "freshness",
        r"\d+ of \d+ controls were fresh 2 enforce, \d+ only report, 1 off",
    ),
    "what did it save and cost": (
        "figures",
        "saved at most What changes made costs at least 21.40 USD a month; running Steward is not",
    ),
}
"""What a reviewer asks: where the answer is, and what says so at first sight."""


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_of_a_reviewer_is_answered_on_top(question: str) -> None:
    """In the tiles, from which one step leads to the whole answer."""
    place, words = QUESTIONS[question]
    tiles = section(DOCUMENT, "summary").one("ul", **{"class": "tiles"})
    assert re.search(words, tiles.words)
    assert f"#{place}" in {one.attributes["href"] for one in DOCUMENT.all("a")}


def test_a_document_has_its_landmarks_and_one_title() -> None:
    """lang, title, one h1, skip link, header, navigation, main, footer; no heading is skipped."""
    assert PAGE.startswith("<!doctype html>")
    assert DOCUMENT.one("html").attributes == {"lang": "en"}
    assert "111122223333" in DOCUMENT.one("head").one("title").text
    assert DOCUMENT.one("h1").words == "Account 111122223333 in eu-west-1"
    for landmark in ("header", "nav", "main", "footer"):
        assert DOCUMENT.one(landmark)
    body = [one for one in DOCUMENT.one("body").children if isinstance(one, Node)]
    assert (body[0].tag, body[0].attributes["href"]) == ("a", "#main")
    levels = [int(one.tag[1]) for one in DOCUMENT.walk() if re.fullmatch("h[1-6]", one.tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_reference_has_what_it_refers_to_and_no_id_is_given_twice() -> None:
    """Links lead within the page only, to ids that are there."""
    ids = [one.attributes["id"] for one in DOCUMENT.walk() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    links = [one.attributes["href"] for one in DOCUMENT.walk() if "href" in one.attributes]
    labels = [
        id for one in DOCUMENT.walk() for id in one.attributes.get("aria-labelledby", "").split()
    ]
    assert links
    assert labels
    assert {link.removeprefix("#") for link in links} | set(labels) <= set(ids)
    assert all(link.startswith("#") for link in links)


def test_every_table_has_a_caption_and_its_heads_say_of_what() -> None:
    """Every th has a scope; each row of the large tables begins or goes on with its own head."""
    for table in DOCUMENT.all("table"):
        assert table.one("caption").words
        assert {one.attributes.get("scope") for one in table.all("th")} <= {"col", "row"}
        columns = len(table.one("thead").all("th")) + len(table.one("thead").all("td"))
        for row in (row for body in table.all("tbody") for row in body.all("tr")):
            assert len(row.all("td")) + len(row.all("th")) == columns
            assert len(row.all("th")) == 1


def test_every_image_has_a_title_and_a_description() -> None:
    """And what the curves show is a table as well."""
    images = DOCUMENT.all("svg")
    assert len(images) > 3
    for image in images:
        named = {one.attributes["id"] for one in (image.one("title"), image.one("desc"))}
        assert set(image.attributes["aria-labelledby"].split()) == named
        assert image.attributes["role"] == "img"
        assert image.one("desc").words
    assert len(DOCUMENT.all("figure")[0].one("details").one("tbody").all("tr")) == 31


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    """The hashes are those of what stands in the page; there are no attributes that need more."""
    [policy] = [
        one.attributes["content"]
        for one in DOCUMENT.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    found = dict(part.split(" ", 1) for part in policy.split("; "))
    for tag in ("style", "script"):
        [text] = DOCUMENT.one(tag).children
        assert isinstance(text, str)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert found.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert found == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    attributes = {name for one in DOCUMENT.walk() for name in one.attributes}
    assert not {name for name in attributes if name.startswith("on")}
    assert not attributes & {"style", "src", "srcset", "action", "formaction", "ping"}


def test_nothing_is_loaded_and_no_markup_is_made_by_the_script() -> None:
    """The page works without a network; what the script shows is text."""
    assert not re.search(r"https?://|//[a-z]|@import|url\(", PAGE.replace("://www.w3.org", ""))
    script = DOCUMENT.one("script").text
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval", "fetch"):
        assert word not in script


def test_equal_reports_give_equal_bytes() -> None:
    """The page has no clock, no locale and no order of hashes in it."""
    assert render(report(60)) == PAGE


def test_every_open_finding_is_told_gravest_first_with_all_that_is_known() -> None:
    """What, since when, whose, what becomes of it; its anchor is its id."""
    is_open = [one for one in REPORT.entries if one.standing is Standing.OPEN]
    of = {severity: [one for one in is_open if one.severity is severity] for severity in Severity}
    expected = [*of[Severity.HIGH], *of[Severity.MEDIUM], *of[Severity.LOW]]
    assert [one.first_seen for one in is_open] == sorted(one.first_seen for one in is_open)
    heads = DOCUMENT.one("table", id="open-table").one("thead").all("th")
    assert [one.words for one in heads if "aria-sort" in one.attributes] == ["Severity"]
    tiles = section(DOCUMENT, "summary").one("ul", **{"class": "tiles"})
    assert "oldest open" in tiles.one("a", href=f"#f-{is_open[0].id}").words
    found = rows(DOCUMENT, "open-table")
    assert [row.attributes["id"] for row in found] == [f"f-{one.id}" for one in expected]
    dates = [row.one("time").attributes["datetime"] for row in found]
    assert dates == [one.first_seen for one in expected] != sorted(dates)
    for row, entry in zip(found, expected, strict=True):
        told = row.words
        for text in (entry.ref.id, entry.ref.kind, entry.control, entry.code, entry.reason):
            assert text in told
        assert (entry.owner or "not known") in told
        assert dated(entry.next_attempt, REPORT.generated_at) in told
        assert entry.severity.capitalize() in told


@pytest.mark.parametrize(
    ("table", "standings"),
    [
        ("open-table", {Standing.OPEN}),
        ("unknown-table", {Standing.UNKNOWN}),
        ("exempt-table", {Standing.EXEMPT}),
        ("closed-table", {Standing.RESOLVED, Standing.OUT_OF_SCOPE, Standing.GONE}),
    ],
)
def test_every_finding_is_in_the_table_of_its_standing(
    table: str, standings: set[Standing]
) -> None:
    """And in no other; the caption says that all are shown."""
    large = report(400)
    document = parsed(render(large))
    expected = {f"f-{one.id}" for one in large.entries if one.standing in standings}
    assert {row.attributes["id"] for row in rows(document, table)} == expected
    assert f"all {len(expected)} shown" in document.one("table", id=table).one("caption").words


def test_a_change_tells_before_after_and_how_to_undo_it() -> None:
    """The command names stack and change; the calls themselves are below."""
    change = next(one for one in REPORT.changes if one.control == "log-retention" and one.sent)
    row = DOCUMENT.one("tr", id=f"change-{change.id}")
    assert (row.one("del").words, row.one("ins").words) == ("not set", "30")
    assert (
        row.one("code", **{"class": "command"}).words == f"steward --stack steward undo {change.id}"
    )
    assert "logs PutRetentionPolicy" in row.one("details").words
    assert "Not brought back by an undo: events older than 30 days" in row.words


def test_a_change_that_no_undo_takes_back_says_why() -> None:
    """No command is offered that would be refused."""
    gone = next(one for one in REPORT.changes if one.control == "function-versions")
    row = DOCUMENT.one("tr", id=f"change-{gone.id}")
    assert row.one("i", **{"class": "FINAL"}).words == "cannot be undone"
    assert not row.all("code", **{"class": "command"})


def test_what_fails_says_why_how_often_and_whether_it_is_tried_again() -> None:
    """Every open finding that Steward would put right and has not."""
    failing = [
        one
        for one in REPORT.entries
        if one.standing is Standing.OPEN and (one.attempts or one.fate is Fate.HELD)
    ]
    found = rows(DOCUMENT, "failed-table")
    assert len(found) == len(failing) > 0
    for row, entry in zip(found, failing, strict=True):
        assert dated(entry.next_attempt, REPORT.generated_at) in row.words
        assert "To check: " in row.words
        assert entry.last_change is None or entry.last_change.error in row.words
    assert any("given up for now" in row.words for row in found)


def failed(entry: Entry, days: int, **fields: object) -> Change:
    """A change of this finding that failed so many days before the report."""
    at = stamp(datetime.fromisoformat(REPORT.generated_at) - timedelta(days=days))
    made = replace(
        next(one for one in REPORT.changes if one.control == "log-retention" and one.sent),
        id=f"{entry.control}-{days}",
        control=entry.control,
        ref=entry.ref,
        at=at,
        status=Status.FAILED,
        sent=0,
        error="InvalidParameterException: days",
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of Change


def test_attempts_stand_under_their_finding() -> None:
    """Failed five times is one row with the last try, and is counted once, everywhere."""
    told = only(Standing.OPEN, fate=Fate.HELD, attempts=5)
    tries = tuple(failed(told.entries[0], days) for days in range(1, 6))
    document = parsed(render(replace(told, changes=tries)))
    [row] = rows(document, "failed-table")
    assert row.all("time")[0].attributes["datetime"] == tries[0].at
    assert row.one("summary").words == f"5 attempts on {tries[0].ref.id}"
    assert row.words.count("failed 5 times") == 1
    assert not document.all("table", id="attempts-table")
    [link] = document.one("nav").all("a", href="#failed")
    tile = section(document, "summary").one("ul", **{"class": "tiles"}).one("a", href="#failed")
    assert link.words == "Failed 1"
    assert tile.words.startswith("1 failed")


def test_attempts_that_failed_are_told_also_when_their_finding_is_closed() -> None:
    """A failure is not forgotten, and leads to the change that put it right later."""
    told = only(Standing.RESOLVED, fate=Fate.NONE, closed_at=REPORT.generated_at)
    entry = told.entries[0]
    done = failed(entry, 1, status=Status.DONE, sent=1, error="")
    tries = (failed(entry, 2), failed(entry, 3))
    [row] = rows(parsed(render(replace(told, changes=(done, *tries)))), "attempts-table")
    assert "put right later" in row.words
    assert f"#change-{done.id}" in {one.attributes["href"] for one in row.all("a")}
    [row] = rows(parsed(render(replace(told, changes=tries))), "attempts-table")
    assert "resolved now" in row.words
    lost = replace(told, entries=(), changes=(failed(entry, 2, status=Status.INTENT, error=""),))
    [row] = rows(parsed(render(lost)), "attempts-table")
    assert "outcome open the next look settles" in row.words


@pytest.mark.parametrize(
    ("standing", "number", "words"),
    [
        (Standing.RESOLVED, 0, "1 failed before and is put right."),
        (Standing.EXEMPT, 0, "1 failed before and is exempt, out of scope or gone."),
        (Standing.GONE, 0, "1 failed before and is exempt, out of scope or gone."),
        (Standing.UNKNOWN, 1, "1 resource was tried, and nothing says that it is put right."),
    ],
)
def test_what_failed_and_is_over_is_not_counted_among_what_fails(
    standing: Standing, number: int, words: str
) -> None:
    """The tile and the navigation have what is still not put right; the rest is told apart."""
    told = only(standing, fate=Fate.NONE, attempts=0, closed_at=REPORT.generated_at)
    entry = told.entries[0]
    tries = (failed(entry, 2), failed(entry, 3))
    document = parsed(render(replace(told, changes=tries)))
    [tile] = [one for one in document.all("li") if "failed or held back" in one.words]
    assert tile.words.startswith(f"{number} failed or held back")
    assert tile.words.endswith(words)
    assert document.one("nav").one("a", href="#failed").words == f"Failed {number}"
    later = failed(entry, 1, status=Status.DONE, sent=1, error="")
    mended = parsed(render(replace(told, changes=(later, *tries)))).one("ul", **{"class": "tiles"})
    assert "0 failed or held back Nothing fails now. Besides, 1 failed before and is put" in (
        mended.words
    )
    open_one = (failed(entry, 2, status=Status.INTENT, error=""),)
    assert "Failed 1" in parsed(render(replace(told, changes=open_one))).one("nav").words


def test_equal_changes_of_many_resources_are_one_row_that_holds_them_all() -> None:
    """Each with its undo; what is counted is changes, and links find what is folded away."""
    done = [
        failed(replace(REPORT.entries[0], ref=Ref("AWS::Logs::LogGroup", f"/{n}")), 1,
               id=f"log-retention-{n}", status=Status.DONE, sent=1, error="")
        for n in range(130)
    ]  # fmt: skip
    closed = [
        replace(only(Standing.RESOLVED, fate=Fate.REMEDIATED, closed_at=done[0].at).entries[0],
                id=f"{n:032}", ref=change.ref, last_change=change, owner="")
        for n, change in enumerate(done)
    ]  # fmt: skip
    document = parsed(render(replace(REPORT, changes=tuple(done), entries=tuple(closed))))
    for table, ids in (
        ("changed-table", {f"change-{one.id}" for one in done}),
        ("closed-table", {f"f-{one.id}" for one in closed}),
    ):
        found = rows(document, table)
        assert [row.one("th").words.split()[0] for row in found] == ["100", "30"]
        assert {item.attributes["id"] for row in found for item in row.all("li")} == ids
        caption = document.one("table", id=table).one("caption").words
        assert "all 130 shown, equal ones together: 2 rows" in caption
    first = rows(document, "changed-table")[0]
    assert first.one("summary").words.startswith("all 100 ")
    assert [one.words for one in first.all("code", **{"class": "command"})][:2] == [
        "steward --stack steward undo log-retention-0",
        "steward --stack steward undo log-retention-1",
    ]
    assert "Changed 130" in document.one("nav").words


def test_what_cannot_be_undone_and_who_changed_it_is_on_top() -> None:
    """By Steward itself or by an operator."""
    entry = REPORT.entries[0]
    done = {"status": Status.DONE, "sent": 1, "error": ""}
    final = tuple(replace(call, undo=None) for call in failed(entry, 1).calls)
    by_hand = failed(entry, 1, trigger=Trigger.DIRECT, calls=final, **done)
    told = replace(REPORT, changes=(by_hand, failed(entry, 2, **done), failed(entry, 3, **done)))
    tiles = section(parsed(render(told)), "summary").one("ul", **{"class": "tiles"}).words
    assert "3 changes 2 by Steward, 1 by an operator in 30 days. 1 cannot be undone" in tiles


def test_an_exemption_by_tag_names_nobody_and_says_so() -> None:
    """A tag has a date only; that is remarked on, and counted on top."""
    tag = Exemption("/x", "tagged", "tag", date(2027, 1, 1))
    line = ExemptionLine("log-retention", tag, "tag", 1, ("names nobody and gives no reason",))
    told = replace(only(Standing.EXEMPT, exemption=tag), exemptions=(line,))
    document = parsed(render(told))
    for table in ("exemptions-table", "exempt-table"):
        [row] = rows(document, table)
        remarks = [one.words for one in row.all("i", **{"class": "REMARK"})]
        assert remarks == ["no reason given", "nobody named"]
        assert "tag steward:exempt/log-retention" in row.words
        assert "tagged" not in row.words
    assert "1 names nobody" in section(document, "summary").words


@pytest.mark.parametrize(
    ("source", "stack", "words"),
    [
        ("tag", "steward", "remove the tag steward:exempt/log-retention from the resource"),
        ("policy", "gov", "take it out of exemptions in the parameter /gov/policy/log-retention"),
        ("policy", "", "take it out of exemptions in its policy"),
    ],
)
def test_an_exemption_that_no_command_ends_says_what_does(
    source: str, stack: str, words: str
) -> None:
    """The parameter of the policy, or the tag."""
    line = ExemptionLine("log-retention", Exemption("/x", "a", "b", date(2027, 1, 1)), source, 1)
    told = replace(NOTHING, stack=stack, exemptions=(line,))
    [row] = rows(parsed(render(told)), "exemptions-table")
    assert f"To end it: {words}." in row.words
    assert not row.all("code")


def test_tiles_count_what_is_judged_now_and_what_ends_within_two_weeks() -> None:
    """Neither what a control that is off once judged, nor an exemption of a day later."""
    on = replace(REPORT.controls[0], counts={}, compliant=2, not_applicable=1)
    off = replace(on, id="off", mode=Mode.OFF)
    days = [
        datetime.fromisoformat(REPORT.generated_at).date() + timedelta(n) for n in (-1, 0, 14, 15)
    ]
    ends = [
        ExemptionLine(on.id, Exemption("/x", "legal hold", "legal", day), "ledger", 1)
        for day in days
    ]
    told = replace(NOTHING, controls=(on, off), exemptions=tuple(ends))
    tiles = section(parsed(render(told)), "summary").words
    assert "100.0 % compliance score 2 of 2 compliant; 1 not applicable is left out." in tiles
    assert "2 exemptions end within 14 days" in tiles


def test_of_one_the_page_speaks_in_the_singular() -> None:
    """One owner, one change, one control, one hour."""
    [entry] = only(Standing.OPEN, owner="shop").entries
    done = failed(entry, 1, status=Status.DONE, sent=1, error="")
    line = replace(REPORT.controls[0], mode=Mode.ENFORCE, stale=False, last_sweep_error="")
    told = replace(NOTHING, entries=(entry,), changes=(done,), controls=(line,), heartbeat_hours=1)
    words = section(parsed(render(told)), "summary").words
    for one in (
        "1 owner concerned",
        "1 change 1 by",
        "1 of 1 control was fresh 1 enforces, 0 only",
    ):
        assert one in words
    assert "1 hour is the limit" in parsed(render(told)).words


def test_findings_that_tie_for_the_oldest_are_counted() -> None:
    """None of them is named; and since when anybody looked stands beside it."""
    told = only(Standing.OPEN)
    twins = tuple(
        replace(told.entries[0], id=f"{n:032}", ref=Ref("AWS::Logs::LogGroup", f"/{n}"))
        for n in range(16)
    )
    new = tuple(replace(one, watched_since="2026-11-20T06:30:00Z") for one in told.controls)
    summary = section(parsed(render(replace(told, entries=twins, controls=new))), "summary").words
    assert "16 findings tie; watched since 20 Nov 2026, 06:30, what is wrong may be" in summary
    assert "watched since" not in parsed(render(told)).words


def test_a_column_of_owners_is_there_when_one_is_known() -> None:
    """Where none is, the page says which tags were read."""
    nobodys = parsed(render(only(Standing.OPEN, owner="")))
    assert "Owner" not in nobodys.one("table", id="open-table").one("thead").words
    assert "The tags read are owner, Owner, team, Team;" in section(nobodys, "open").words
    lent = parsed(render(only(Standing.OPEN, owner="us", owner_of="function claims")))
    assert "us of function claims" in rows(lent, "open-table")[0].words
    unasked = replace(only(Standing.OPEN, owner=""), owner_keys=())
    assert "No tags were read" in section(parsed(render(unasked)), "open").words


@pytest.mark.parametrize(
    ("fields", "ended", "counts"),
    [
        ({"fate": Fate.REMEDIATED}, "in order again", "1 put right, 0 out of scope now"),
        ({"standing": Standing.OUT_OF_SCOPE, "fate": Fate.NONE}, "out of scope now",
         "0 put right, 1 out of scope now"),
        ({"standing": Standing.GONE}, "the resource is gone", "1 gone while out of order"),
    ],
)  # fmt: skip
def test_what_was_closed_says_how(fields: dict[str, object], ended: str, counts: str) -> None:
    """Put right, put out of scope, or gone; and what was wrong."""
    fields = {"closed_at": REPORT.generated_at, "wrong": "kept for ever", **fields}
    standing = Standing(str(fields.pop("standing", Standing.RESOLVED)))
    told = only(standing, last_change=None, **fields)
    document = parsed(render(told))
    [row] = rows(document, "closed-table")
    assert ended in row.words
    assert "kept for ever" in row.words
    assert counts in section(document, "closed").words


def test_a_control_that_looked_at_nothing_is_not_clean() -> None:
    """It is fresh, and knows nothing; the banner and the tile count it."""
    blind = replace(REPORT.controls[0], counts={}, compliant=0, not_applicable=0)
    document = parsed(render(replace(NOTHING, controls=(blind, *REPORT.controls[1:2]))))
    assert "looked at nothing" in rows(document, "controls-table")[0].words
    assert f"{blind.id} looked at nothing" in section(document, "freshness").words
    assert "1 looked at nothing" in section(document, "summary").words


def test_a_long_table_can_be_skipped_and_says_what_its_parts_are() -> None:
    """Roles stand in the page itself, as rows are laid out as grids; not in the longest tables."""
    document = parsed(render(report(400)))
    table = document.one("table", id="open-table")
    assert table.attributes["role"] == "table"
    parts = {one.tag: one.attributes["role"] for one in table.walk() if "role" in one.attributes}
    assert parts == {
        "table": "table",
        "caption": "caption",
        "thead": "rowgroup",
        "tbody": "rowgroup",
        "tr": "row",
        "td": "cell",
        "th": "rowheader",
    }
    assert document.all("a", href="#after-open-table")
    assert not DOCUMENT.all("a", href="#after-controls-table")


def test_the_foot_of_paper_says_whose_it_is_and_nothing_else() -> None:
    """Letters and digits only: it stands in the style."""
    assert "account 111122223333, eu-west-1, 30 Nov 2026, 06:30 UTC" in PAGE
    nasty = render(replace(REPORT, account='"}</style><script>'))
    assert "account stylescript, eu-west-1" in nasty


def test_an_exemption_tells_who_why_until_when_and_its_remarks() -> None:
    """Soonest first; one of the ledger can be taken back by the command beside it."""
    found = rows(DOCUMENT, "exemptions-table")
    assert len(found) == len(REPORT.exemptions)
    for row, line in zip(found, REPORT.exemptions, strict=True):
        for text in (line.exemption.reason, line.exemption.owner, *line.remarks, line.control):
            assert text in row.words
        assert row.one("time").attributes["datetime"] == line.exemption.expires.isoformat()
        commands = [one.words for one in row.all("code")]
        assert bool(commands) is (line.source == "ledger")
        assert all("--remove" in one and line.exemption.resource in one for one in commands)
    assert "expired 4 days ago" in found[0].words


def test_controls_that_are_off_or_were_never_swept_are_seen_to_be() -> None:
    """Silence of a control is not order."""
    told = {row.attributes["id"]: row for row in rows(DOCUMENT, "controls-table")}
    assert "not looked at" in told["control-function-layers"].words
    assert "never" in told["control-stream-capacity"].words
    assert "stale" in told["control-required-tags"].words
    assert "fresh" in told["control-log-retention"].words
    assert "throttled by the tagging API" in told["control-required-tags"].words


def test_the_banner_says_what_is_wrong_with_the_picture() -> None:
    """Stale, never swept, unread, and what could not be found out."""
    banner = section(DOCUMENT, "freshness")
    assert banner.one("h2").words.startswith("The picture was incomplete when this was made")
    for text in ("stream-capacity was never swept", "required-tags was last swept", *REPORT.notes):
        assert text in banner.words


def test_a_complete_picture_is_said_to_be_one() -> None:
    """And how old the oldest sweep is."""
    on = tuple(
        replace(line, stale=False, swept_at="2026-11-29T23:30:00Z", last_sweep_error="")
        for line in REPORT.controls
        if line.mode is not Mode.OFF
    )
    entries = tuple(one for one in REPORT.entries if one.standing is not Standing.UNKNOWN)
    banner = section(
        parsed(render(replace(REPORT, controls=on, entries=entries, notes=()))), "freshness"
    )
    assert (
        banner.one("h2").words
        == f"Fresh when this was made: all {len(on)} controls that are on were swept completely"
    )
    assert "7 hours before this report" in banner.words
    assert "26 hours are the limit" in banner.words
    assert "It was made 30 Nov 2026, 06:30 UTC and does not change" in banner.words
    assert "good" in banner.attributes["class"]


def test_a_last_sweep_that_was_not_complete_is_not_fresh() -> None:
    """In the banner, its list, and the table of controls."""
    line = replace(REPORT.controls[0], stale=False, last_sweep_error="3 failed")
    document = parsed(render(replace(NOTHING, controls=(line,))))
    banner = section(document, "freshness")
    assert banner.one("h2").words.endswith("1 control may have missed something")
    assert "may have missed something: 3 failed" in banner.words
    assert "incomplete" in rows(document, "controls-table")[0].words
    assert "0 of 1 control was fresh" in section(document, "summary").words


def test_what_is_empty_says_so() -> None:
    """An empty section is a statement; where nobody looked, it is another one."""
    document = parsed(render(NOTHING))
    told = {
        id: section(document, id).words for id in ("open", "changed", "failed", "exempt", "closed")
    }
    assert "Nothing is known to be open, but the picture is incomplete." in told["open"]
    assert "Steward changed nothing in 30 days." in told["changed"]
    assert "Nothing fails and nothing is held back." in told["failed"]
    assert "There are no exemptions." in told["exempt"]
    assert "Nothing was closed in 30 days." in told["closed"]
    assert "No control was on" in section(document, "freshness").words
    clean = replace(REPORT, entries=(), controls=REPORT.controls[:1])
    assert "Nothing is open." in section(parsed(render(clean)), "open").words


def test_an_amount_that_nothing_proves_is_not_known() -> None:
    """Unknown is not 0."""
    table = section(DOCUMENT, "figures").words
    assert "and not what running Steward costs: the table Cost of docs/operations.md" in table
    assert "Run cost of Steward not known" in table
    bound = replace(REPORT.figures[0], amount=None, unit="USD a month", at_most=0.1)
    bounded = parsed(render(replace(REPORT, figures=(bound,))))
    assert "not known, at most 0.10 USD a month" in section(bounded, "figures").words
    assert "184.27 USD a month" in table
    assert "9.4 GB" in table
    for figure in REPORT.figures:
        assert figure.basis in table


def test_what_was_put_right_by_steward_leads_to_the_change() -> None:
    """And what somebody else put right does not."""
    ours = next(one for one in REPORT.entries if one.fate is Fate.REMEDIATED)
    assert ours.last_change is not None
    row = DOCUMENT.one("tr", id=f"f-{ours.id}")
    links = [one.attributes["href"] for one in row.all("a")]
    assert f"#change-{ours.last_change.id}" in links
    gone = only(Standing.GONE, fate=Fate.GONE, closed_at=REPORT.generated_at)
    assert "the resource is gone" in rows(parsed(render(gone)), "closed-table")[0].words


def test_ten_thousand_findings_are_all_there_in_five_megabytes() -> None:
    """And a browser may put off laying out what is far from the screen; never in short tables."""
    assert not [one for one in DOCUMENT.all("table") if "many" in one.attributes["class"]]
    page = render(report(10_000, only_open=True))
    assert len(page.encode()) < MEGABYTES * 1_000_000
    assert page.count('<tr id="f-') == 10_000
    assert "all 10,000 shown" in page
    assert '<table id="open-table" class="rows many">' in page


def test_what_has_no_room_is_counted_and_told() -> None:
    """Nothing is left out silently, and the page keeps its bound whatever the texts are."""
    large = report(6_000, only_open=True)
    long = tuple(replace(one, wrong=one.wrong * 12) for one in large.entries)
    page = render(replace(large, entries=long))
    assert len(page.encode()) < MEGABYTES * 1_000_000
    shown = page.count('<tr id="f-')
    assert 1000 < shown < 6_000
    assert f"{shown:,} of 6,000 shown" in page
    assert f"{6_000 - shown:,} more are not on this page" in page


def test_a_table_leaves_room_for_those_that_come_after_it() -> None:
    """However long the first one is; and what nobody needs is not kept."""
    space = Space([1000, 16, 0], left=100_000)
    first = space.fill(range(1000), lambda _: "x" * 1000)
    last = space.fill(range(16), lambda _: "y" * 1000)  # as long as rows of controls are
    assert (first.shown, first.left_out, last.left_out) == (76, 924, 0)
    assert [len(body) for body in first.bodies] == [50, 26]


def test_a_row_that_alone_is_too_long_is_still_there() -> None:
    """An empty table would be a lie."""
    assert Space([1], left=10).fill(["é" * 20], str).shown == 1


def test_an_own_ledgers_commands_name_no_stack() -> None:
    """They are for the file that the operator has."""
    own = parsed(render(replace(REPORT, stack="")))
    commands = [one.words for one in own.all("code", **{"class": "command"})]
    assert commands
    assert not [one for one in commands if "--stack" in one]
    assert "an operator's own ledger" in own.one("header").words


def test_another_partition_is_named() -> None:
    """A report from China or GovCloud says where it is from."""
    assert "aws-cn" in parsed(render(replace(REPORT, partition="aws-cn"))).one("header").words


def test_unusual_findings_are_told_as_well() -> None:
    """Without a date, without an exemption's record, never tried."""
    bare = only(Standing.EXEMPT, first_seen="", verdict=Verdict.EXEMPT, fate=Fate.NONE)
    assert "not known" in rows(parsed(render(bare)), "exempt-table")[0].words
    held = only(Standing.OPEN, fate=Fate.HELD, severity=Severity.HIGH, next_attempt="")
    [row] = rows(parsed(render(held)), "failed-table")
    assert "never tried" in row.words
    assert "To check: what holds it: the stop switch" in row.words


def test_an_exemption_whose_name_hides_something_is_shown_without_a_command() -> None:
    """What is copied must do what it seems to do."""
    nasty = Exemption("a\u202eb", "a reason of some length", "legal", date(2027, 1, 1))
    line = ExemptionLine("log-retention", nasty, "ledger", 1)
    [row] = rows(parsed(render(replace(REPORT, exemptions=(line,)))), "exemptions-table")
    assert "a\u2039U+202E\u203ab" in row.words
    assert not row.all("code")
