"""The HTML report in a real browser: it loads nothing, and works with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.compliance import report
from steward.model import Ref
from steward.reports.dataset import Standing
from steward.reports.html import render
from tests.chromium import Chromium, executable
from tests.unit.test_html_escaping import NASTY, poisoned

REPORT = report(60)
PHONE, DESK = 390, 1360

CONTRASTS = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const seen = new Map();
  const parts = (colour) => seen.get(colour) || seen.set(colour, rgba(colour)).get(colour);
  const luminance = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (parts(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let checked = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const inPage = texts.currentNode.data.trim() && element.getClientRects().length;
    if (!inPage || element.closest("svg, script, [hidden], option")) continue;
    const [a, b] = [getComputedStyle(element).color, ground(element)];
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    checked += 1;
    if ((light + 0.05) / (dark + 0.05) < 4.5) low.push([texts.currentNode.data, a, b]);
  }
  return { checked, low };
})()
"""

WIDER_THAN_THE_SCREEN = """
[...document.querySelectorAll("body *")]
  .filter((one) => !one.closest(".scroll, .sections, .skip, .unseen, .under caption"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.outerHTML.slice(0, 120))
"""

WIDER_THAN_ITS_CARD = """
[...document.querySelectorAll(".card.scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => [one.id, one.scrollWidth, one.clientWidth])
"""


ROLES = {
    "": "table",
    "thead": "rowgroup",
    "thead th": "columnheader",
    "tbody tr": "row",
    "tbody th": "rowheader",
    "tbody td": "cell",
}
"""What parts of a table are to a reader, though rows are laid out as grids."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = executable()
    if program is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium")
    with Chromium(program, tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(REPORT), encoding="utf-8")
    return path


def load(browser: Chromium, page: Path, *, scripts: bool) -> None:
    with nullcontext() if scripts else browser.without_scripts():
        browser.open(page)


def firsts(browser: Chromium, table: str) -> list[str]:
    """The resources of a table's rows that are shown, in their order."""
    rows = f"[...document.querySelectorAll('#{table} tbody tr')].filter((row) => !row.hidden)"
    told: list[str] = browser.evaluate(f"{rows}.map((row) => row.querySelector('th').textContent)")
    return told


def requests(browser: Chromium) -> list[str]:
    asked = [one for one in browser.events if one["method"] == "Network.requestWillBeSent"]
    return [one["params"]["request"]["url"] for one in asked]


def complaints(browser: Chromium) -> list[Any]:
    """What the console shows: refused scripts, errors, warnings."""
    methods = {"Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"}
    return [one["params"] for one in browser.events if one["method"] in methods]


def test_it_loads_nothing_and_breaks_no_rule_of_its_own(browser: Chromium, page: Path) -> None:
    """One request, which is the file; the policy refuses nothing that is in it."""
    browser.open(page)
    assert browser.evaluate("!document.getElementById('filter').hidden")
    assert requests(browser) == [page.as_uri()]
    assert complaints(browser) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_rows_are_a_table_to_a_reader(browser: Chromium, page: Path, *, scripts: bool) -> None:
    """Though they are laid out as grids; all of them, also those far from the screen."""
    with browser.width(DESK):
        load(browser, page, scripts=scripts)
        selectors = {one: f"#open-table {one}".strip() for one in ROLES}
        assert {one: browser.role(selector) for one, selector in selectors.items()} == ROLES
        tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
        rows = sum(one["role"]["value"] == "row" and not one["ignored"] for one in tree)
        unfolded = "[...document.querySelectorAll('tr')].filter((one) => !one.closest('details'))"
        assert rows == browser.evaluate(f"{unfolded}.length")


def test_nasty_texts_run_nothing(browser: Chromium, tmp_path: Path) -> None:
    """Nor do they load anything, nor make the page wider than a phone."""
    for number, text in enumerate(NASTY):
        path = tmp_path / f"{number}.html"
        nasty = poisoned(report(12, seed=3), text + "w" * 200)
        path.write_text(render(nasty), encoding="utf-8")
        with browser.width(PHONE):
            browser.open(path)
            assert browser.evaluate("document.documentElement.scrollWidth") <= PHONE, text
        assert requests(browser) == [path.as_uri()], text
        assert complaints(browser) == [], text


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Chromium, page: Path, *, scripts: bool
) -> None:
    """Only wide tables of numbers scroll, in a region of their own."""
    with browser.width(PHONE):
        load(browser, page, scripts=scripts)
        assert browser.evaluate("document.documentElement.scrollWidth") <= PHONE
        assert browser.evaluate(WIDER_THAN_THE_SCREEN) == []
        assert browser.evaluate(WIDER_THAN_ITS_CARD) == []


def test_without_scripts_everything_is_there(browser: Chromium, page: Path) -> None:
    """All rows are shown, and there is no control that does nothing."""
    with browser.without_scripts():
        browser.open(page)
    assert browser.evaluate("document.getElementById('filter').hidden")
    assert browser.evaluate("document.querySelectorAll('thead button').length") == 0
    assert len(firsts(browser, "open-table")) == sum(
        one.standing is Standing.OPEN for one in REPORT.entries
    )


def test_a_column_is_sorted_by_the_keyboard(browser: Chromium, page: Path) -> None:
    """Enter sorts, again turns round; a reader is told by aria-sort; times sort as times."""
    browser.open(page)
    before = firsts(browser, "open-table")
    browser.evaluate("document.querySelector('#open-table th:nth-child(2) button').focus()")
    sort = "document.querySelector('#open-table th:nth-child(2)').ariaSort"
    for expected in ("ascending", "descending"):
        browser.press("Enter", 13, "\r")
        assert browser.evaluate(sort) == expected
        shown = firsts(browser, "open-table")
        assert shown == sorted(before, key=str.lower, reverse=expected == "descending")
        assert browser.evaluate("document.querySelectorAll('#open-table [aria-sort]').length") == 1
    browser.evaluate("document.querySelector('#open-table th:nth-child(4) button').click()")
    dates = browser.evaluate(
        "[...document.querySelectorAll('#open-table time')].map((one) => one.dateTime)"
    )
    assert dates == sorted(dates)
    assert firsts(browser, "open-table") != before
    browser.evaluate("document.querySelector('#open-table th:nth-child(1) button').click()")
    ranks = browser.evaluate(
        "[...document.querySelectorAll('#open-table td:first-child')].map((one) => one.textContent)"
    )
    assert ranks == sorted(ranks, key=["Low", "Medium", "High"].index)


def filtered(browser: Chromium, **values: str) -> str:
    """Set the filter as a person would, and wait for what it says."""
    for id, value in values.items():
        browser.evaluate(
            f"Object.assign(document.getElementById('filter-{id}'), {{ value: {value!r} }})"
            ".dispatchEvent(new Event('input', { bubbles: true }))"
        )
    told: str = browser.evaluate(
        "new Promise((done) => setTimeout(() => done("
        "document.getElementById('filter-result').textContent), 250))"
    )
    return told


def test_a_filter_hides_rows_and_says_how_many(browser: Chromium, page: Path) -> None:
    """By words, control and severity; a link to what it hides takes it away."""
    browser.open(page)
    total = len(firsts(browser, "open-table"))
    owned = [one for one in REPORT.entries if one.standing is Standing.OPEN and one.owner]
    said = filtered(browser, text=owned[0].owner)
    assert "rows in all tables" in said
    expected = {f"{one.ref.id} {one.ref.kind}" for one in owned if one.owner == owned[0].owner}
    assert set(firsts(browser, "open-table")) == expected
    caption = "document.querySelector('#open-table .shown').textContent"
    assert f"of {total} rows shown" in browser.evaluate(caption)
    assert browser.evaluate(caption).startswith("filter: ")
    filtered(browser, text="", control="log-retention", severity="Medium")
    kept = [one for one in REPORT.entries if one.control == "log-retention"]
    expected = {f"{one.ref.id} {one.ref.kind}" for one in kept if one.standing is Standing.OPEN}
    assert set(firsts(browser, "open-table")) == expected
    exemptions = [one for one in REPORT.exemptions if one.control == "log-retention"]
    assert len(firsts(browser, "exemptions-table")) == len(exemptions) > 0
    hidden = next(one for one in owned if one.control == "stack-tags")
    browser.evaluate(f"location.hash = 'f-{hidden.id}'")
    assert filtered(browser) == ""
    assert len(firsts(browser, "open-table")) == total
    assert filtered(browser, text="no such thing").startswith("0 of ")
    assert browser.evaluate("[...document.querySelectorAll('.rows tbody')].every((b) => b.hidden)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_enough_as_it_is_painted(
    browser: Chromium, page: Path, scheme: str
) -> None:
    """WCAG 2.2 AA, computed by the browser for every text with the ground behind it."""
    with browser.width(DESK), browser.media(prefers_color_scheme=scheme):
        browser.open(page)
        browser.evaluate(
            "document.querySelectorAll('details').forEach((one) => { one.open = true })"
        )
        found = browser.evaluate(CONTRASTS)
        paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert found["low"] == []
    assert found["checked"] > 500
    assert paper == {"light": "rgb(244, 246, 248)", "dark": "rgb(14, 20, 27)"}[scheme]


def test_paper_shows_the_calls_and_no_controls(browser: Chromium, page: Path) -> None:
    """What is folded on the screen is open in print; filter and navigation are not there."""
    with browser.media("print", prefers_color_scheme="dark"):
        browser.open(page)
        seen = "checkVisibility({ contentVisibilityAuto: true })"
        assert browser.evaluate(f"document.querySelector('#changed-table .calls').{seen}")
        for gone in ("#filter", ".sections"):
            assert not browser.evaluate(f"document.querySelector('{gone}').checkVisibility()")
        paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"


PRINTED = """
[...document.querySelectorAll("table.rows")].map((one) => [
  getComputedStyle(one.tHead).display,
  getComputedStyle(one.tBodies[0].rows[0]).display,
  getComputedStyle(one.tBodies[0].rows[0]).breakInside,
  [...one.tHead.querySelectorAll("button")]
    .every((button) => getComputedStyle(button).display === "contents"),
].join())
"""
"""What it takes for Chromium to repeat a table's head on each page, and to break no row."""


def test_paper_has_heads_on_each_page_and_whole_rows(browser: Chromium, page: Path) -> None:
    """Rows are those of a table again; what is many rows in one stays folded."""
    with browser.media("print"):
        browser.open(page)
        told = set(browser.evaluate(PRINTED))
        assert told == {"table-header-group,table-row,avoid,true"}


def test_a_link_lands_where_it_leads_on_a_long_page(browser: Chromium, tmp_path: Path) -> None:
    """Also past rows that are not laid out yet, and where motion is welcome."""
    long = tmp_path / "long.html"
    long.write_text(render(report(1500, only_open=True)), "utf-8")
    with browser.width(DESK), browser.media(prefers_reduced_motion="no-preference"):
        browser.open(long)
        assert browser.evaluate("document.querySelectorAll('.many').length") == 1
        browser.evaluate("document.querySelector('nav a[href=\"#method\"]').click()")
        top = "document.getElementById('method').getBoundingClientRect().top"
        landed = browser.evaluate(f"new Promise((d) => setTimeout(() => d({top}), 300))")
        assert 0 <= landed < DESK


def test_what_is_folded_away_is_opened_by_a_link(browser: Chromium, tmp_path: Path) -> None:
    """A change among many equal ones is where a link to it says."""
    one = next(change for change in REPORT.changes if change.sent)
    twins = [
        replace(one, id=f"log-retention-{n}", ref=Ref(one.ref.kind, f"/{n}")) for n in range(3)
    ]
    path = tmp_path / "twins.html"
    path.write_text(render(replace(REPORT, changes=tuple(twins))), "utf-8")
    browser.open(path)
    assert not browser.evaluate("document.querySelector('#changed-table details').open")
    assert filtered(browser, text="/2").startswith("1 of ")
    assert browser.evaluate("document.querySelector('#changed-table details').open")
    browser.evaluate("document.querySelector('#changed-table details').open = false")
    browser.evaluate("location.hash = 'change-log-retention-2'")
    assert filtered(browser, text="") == ""
    assert browser.evaluate("document.querySelector('#changed-table details').open")


def test_a_phone_sorts_by_one_list(browser: Chromium, page: Path) -> None:
    """In place of heads that do not stand above columns."""
    with browser.width(PHONE):
        browser.open(page)
        assert browser.evaluate("document.querySelector('.sort').checkVisibility()")
        before = firsts(browser, "open-table")
        browser.evaluate(
            "Object.assign(document.querySelector('.sort select'), { value: 'Resource' })"
            ".dispatchEvent(new Event('change'))"
        )
        assert firsts(browser, "open-table") == sorted(before, key=str.lower)


def test_an_old_page_says_how_old_it_is(browser: Chromium, tmp_path: Path) -> None:
    """Ages in it do not go on; a reader may have found it in a mail."""
    old = tmp_path / "old.html"
    old.write_text(render(REPORT).replace("2026-11-30T06:30:00Z", "2020-01-01T00:00:00Z"), "utf-8")
    browser.open(old)
    assert "days ago" in browser.evaluate("document.getElementById('old').textContent")
    banner = "document.getElementById('freshness').className"
    assert browser.evaluate(banner) == "banner bad"
    fresh = tmp_path / "fresh.html"
    text = old.read_text("utf-8").replace('class="banner bad"', 'class="banner good"')
    fresh.write_text(text, "utf-8")
    browser.open(fresh)
    assert browser.evaluate(banner) == "banner aged"
