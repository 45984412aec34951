"""The demo ends as it should, on any machine and within its time; and says so where it does not."""

from __future__ import annotations

import html
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from embedded.account import EmbeddedAccount
from embedded.demo import history, installing, morning
from embedded.demo.screen import Screen
from embedded.demo.show import SCENES, START, perform
from embedded.demo.stage import Scene, stage_of
from embedded.faults import Fault
from embedded.log_service import LogService

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-P", "-m", "embedded.demo"]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
    return {**os.environ, "PYTHONPATH": path, **more}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo leaves its report."""
    return tmp_path_factory.mktemp("demo") / "made" / "report.html"


@pytest.fixture(scope="module")
def played(report: Path) -> subprocess.CompletedProcess[str]:
    """The demo, among settings that would lead anybody else astray."""
    nowhere = "http://127.0.0.1:9"
    astray = {"AWS_PROFILE": "nobody", "HTTP_PROXY": nowhere, "http_proxy": nowhere}
    return subprocess.run(
        [*COMMAND, "--report", str(report)],
        env=environment(**astray),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_the_demo_keeps_all_that_it_promises(played: subprocess.CompletedProcess[str]) -> None:
    """It ends soon, with exit code 0, and without a word on standard error."""
    assert (played.returncode, played.stderr) == (0, "")
    assert re.search(r"^All \d+ promises hold\.$", played.stdout, re.MULTILINE)


def test_elsewhere_than_on_a_terminal_it_is_plain(
    played: subprocess.CompletedProcess[str],
) -> None:
    """No colours, and a line is a line, however long: neither wrapped nor filled up."""
    lines = played.stdout.splitlines()
    assert "\x1b" not in played.stdout
    assert max(map(len, lines)) > 200
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_account_has_a_history(played: subprocess.CompletedProcess[str]) -> None:
    """At least 60 log groups, and every scene has its title."""
    found = re.search(r"^(\d+) log groups and \d+ functions", played.stdout, re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= 60
    titles = [f"\n{number}. {scene.title}\n" for number, scene in enumerate(SCENES, 1)]
    assert [title for title in titles if title not in played.stdout] == []


def test_it_leaves_the_report(played: subprocess.CompletedProcess[str], report: Path) -> None:
    """Of one file, as it says last; the file needs nothing else."""
    assert str(report) in played.stdout
    page = report.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "/app/monolith" in page
    assert "default-src 'none'" in html.unescape(page)


def test_the_readme_shows_lines_of_it(played: subprocess.CompletedProcess[str]) -> None:
    """Numbers apart, which go with the machine and with the controls; cut where they are long."""
    readme = (ROOT / "README.md").read_text("utf-8")
    [shown] = [block for block in readme.split("```") if "A log group, created by hand" in block]
    lines = [line.removesuffix(" ...") for line in shown.splitlines()[1:]]
    wanted = [plain(line) for line in lines if line.strip(" .")]
    told = [plain(line) for line in played.stdout.splitlines()]
    assert [one for one in wanted if not any(line.startswith(one) for line in told)] == []
    assert len(wanted) > 50


def plain(line: str) -> str:
    """A line without its numbers, and without the end of a change's id."""
    return re.sub(r"[0-9]+", "#", re.sub(r"-[0-9a-f]{6}\b", "-#", line))


SHOWN = {
    "plans first": r"28 planned \(NEVER_EXPIRES\), such as /aws/apigateway/admin",
    "the team's policy": r"Create of /steward/policy/log-retention: matched by PolicyChanged",
    "a change of a sweep": r"remediated: /ledger/in \(NEVER_EXPIRES\): .*, days none -> 731",
    "reported functions": r"5 reported \(DEPRECATED\), such as .* is deprecated as of",
    "an event": r"[0-9:]+ developer CreateLogGroup /aws/lambda/invoices\n",
    "its decision": r"[0-9:]+   /aws/lambda/invoices is NON_COMPLIANT \(NEVER_EXPIRES\): kept",
    "its change": r"[0-9:]+     remediated: PutRetentionPolicy, days none -> 30\n",
    "no loop": r"our own change of /aws/lambda/invoices comes back as an event: COMPLIANT",
    "terraform first": r"[0-9:]+   /ecs/recommender is COMPLIANT \(WITHIN_POLICY\): kept 60 days",
    "a retention removed": r"developer DeleteRetentionPolicy /aws/lambda/mail\n",
    "one too short": r"/aws/lambda/thumbnails is NON_COMPLIANT \(TOO_SHORT\): kept 3 days",
    "a failed call": r"ResourceAlreadyExistsException  \(no rule matches\)",
    "a second delivery": r"CreateLogGroup /aws/lambda/invoices  \(delivered again\)",
    "a burst": r"400 events, 200 of them our own changes come back, in 1\d batches",
    "a bad policy": r"control stopped: log-retention: days: is 33, allowed: 1, 3",
    "an alarm": r"alarm bad-policy rings",
    "the stop switch": r"/aws/lambda/gift-cards is NON_COMPLIANT .*; held\n",
    "a malformed message": r"after 10 attempts among the dead letters: '\{ this is no event'",
    "what no event told": r"remediated: /etl/load \(NEVER_EXPIRES\): .*, days none -> 30",
    "a second sweep": r"no change: \d+ DescribeLogGroups, \d+ calls in all",
    "an undo": r"remediated: DeleteRetentionPolicy, days 30 -> none",
    "an unused version": r"14:2\d:\d\d   search: UNUSED_VERSIONS: 1 of 6 .*; version 3\n",
    "what its deletion leaves": r"14:2\d:\d\d   search has versions 1, 2, 6\n",
    "a line that arrived": r"arrived from refund-mail, ERROR: refused: \[REDACTED:aws-access-key\]",
    "an outage": r"15:\d\d:\d\d   alarm log-shipper-behind rings\n",
    "its end": r"15:\d\d:\d\d   6 lines arrived, in \d requests\n",
    "a stack": r"\n16:\d\d:\d\d   stack refunds is CREATE_COMPLETE: matched by StackTagsEvents\n",
    "its tags": r"tagged: refunds-inbox: cost=4711, team=payments\n",
    "a violation in Config": r"AWS Config steward-log-retention: \S+/claims is NON_COMPLIANT",
    "its way to green": r"AWS Config \S+: /aws/lambda/claims is COMPLIANT \[WITHIN_POLICY\]",
    "what is given up": r"\[NEVER_EXPIRES\] .*exhausted: failed 5 times, tried again weekly",
    "rules of Config": r"\n steward-function-runtime +\d\d +5\n",
    "what is subscribed": r"\n changed +1   NOT_SUBSCRIBED +/aws/lambda/refund-mail: filter",
    "what is changed": r"\n changed +2\d\d   NEVER_EXPIRES ",
    "what is compliant": r"\n compliant +\d+   WITHIN_POLICY ",
    "what is reported": r"\n reported +8   NEVER_EXPIRES_WITH_HISTORY +/app/monolith: .*shorten",
    "what is exempt": r"\n exempt +2   NEVER_EXPIRES +/aws/lambda/checkout: exempt until",
    "what is managed": r"\n not applicable +4   MANAGED_BY_ACCOUNT_POLICY ",
    "what it took": r"\n\d+ calls of AWS for \d+ resources, \d+ events and 16 sweeps",
    "the report": r"\n[0-9:]+   \d+ findings: .*open",
    "why the report is old": r"demo's clock stands on 2026-11-\d\d, a made-up day: so the page may",
    "the digest": r"digest: steward 123456789012 eu-west-1: \d+ new",
    "what rang": r"\nalarms seen ringing: .*bad-policy .*-dead-letters .*log-shipper-behind",
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN.keys())
def test_it_shows(shown: str, played: subprocess.CompletedProcess[str]) -> None:
    """Each event, decision and change, and what it came to."""
    assert re.search(shown, played.stdout)


def test_a_promise_that_does_not_hold_is_told() -> None:
    """Where no retention can be set the demo goes on to its end, says what is amiss, and fails."""
    out = io.StringIO()
    scenes = (
        Scene("history", history.found),
        Scene("plan", installing.first_sweep),
        Scene("policy", installing.team_policy),
        Scene("by hand", morning.by_hand),
    )
    with LogService() as service, EmbeddedAccount(start=START) as here:
        stage = stage_of(here, Screen(Console(file=out, width=1000), paced=False), service)
        here.server.faults = [
            Fault(operation="logs.PutRetentionPolicy", code="LimitExceededException", times=None)
        ]
        assert perform(scenes, stage) == 1
    missing = "/aws/lambda/invoices is kept 30 days: is None, promised: 30"
    assert missing in stage.broken
    assert f"DOES NOT HOLD: {missing}" in out.getvalue()
    assert f"{len(stage.kept)} promises hold, 2 do not:" in out.getvalue()


def test_it_can_be_interrupted() -> None:
    """Ctrl-C ends it at once, with the exit code for that and no traceback."""
    with subprocess.Popen(
        COMMAND, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as playing:
        assert playing.stdout is not None
        assert playing.stdout.readline() == "\n"
        playing.send_signal(signal.SIGINT)
        _, errors = playing.communicate(timeout=30)
    assert (playing.returncode, errors) == (130, "")
