"""The command line against a server: what it prints, writes, and with which code it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from console.cli import main
from embedded.counting import CountingServer
from embedded.faults import Fault, has
from embedded.seeding import (
    FunctionSeed,
    Seed,
    clear_functions,
    clear_logs,
    clear_roles,
    retention_of_log_groups,
    seed_functions,
    seed_log_groups,
)

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/ships"
ROOT = Path(__file__).parents[2]
LATE = (datetime.now(UTC) + timedelta(days=300)).date()


@pytest.fixture(scope="module")
def running() -> Iterator[CountingServer]:
    with CountingServer() as server:
        yield server


@dataclass
class Console:
    """The console with a ledger of its own, against an account of its own."""

    server: CountingServer
    folder: Path
    capture: pytest.CaptureFixture[str]
    code: int = 0
    out: str = ""
    err: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> list[str]:
        return ["--endpoint-url", self.server.url, "--region", REGION]

    def options(self) -> list[str]:
        return [*self.place, "--ledger", str(self.folder / "ledger.sqlite3")]

    def __call__(self, *arguments: str, pace: str = "off") -> Console:
        """Run a command with --json, unless it says --plain."""
        plain = "--plain" in arguments
        given = [one for one in arguments if one != "--plain"]
        self.capture.readouterr()
        more = [] if plain else ["--json"]
        place = self.place if "--stack" in given else self.options()
        self.code = main([*given, *place, "--pace", pace, *more])
        self.out, self.err = self.capture.readouterr()
        self.lines = [] if plain else [json.loads(line) for line in self.out.splitlines()]
        return self

    def policy(self, document: object) -> str:
        """A policy file with this content."""
        path = self.folder / "policy.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.lines[-1]["summary"]
        return summary

    def seed(self, *seeds: Seed) -> None:
        seed_log_groups(seeds, region=REGION)

    def retention(self) -> dict[str, int | None]:
        return dict(retention_of_log_groups(region=REGION))


@pytest.fixture
def console(running: CountingServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Console:
    running.latency, running.quotas, running.faults = 0.0, {}, ()
    clear_logs(region=REGION)
    clear_functions(region=REGION)
    clear_roles(region=REGION)
    running.clear()
    (tmp_path / "ledger.sqlite3").touch()  # one in which nothing was recorded yet
    return Console(running, tmp_path, capsys)


def numbered(count: int, **fields: Any) -> list[Seed]:
    return [Seed(name=f"/aws/lambda/f{n:04}", **fields) for n in range(count)]


def test_a_plan_writes_nothing_and_says_what_would_be_called(console: Console) -> None:
    """RET-33: exit code 1 because violations are open; the line has all its keys."""
    console.seed(Seed(name="a"), Seed(name="b", days=7))
    console("sweep")
    assert (console.code, console.retention()) == (1, {"a": None, "b": 7})
    first, second = console.lines[:-1]
    assert first == {
        "control": "log-retention",
        "resource": {"kind": "AWS::Logs::LogGroup", "id": "a"},
        "verdict": "NON_COMPLIANT",
        "code": "NEVER_EXPIRES",
        "reason": "kept for ever, should be 30 days",
        "fate": "planned",
        "calls": [
            {
                "service": "logs",
                "operation": "PutRetentionPolicy",
                "params": {"logGroupName": "a", "retentionInDays": 30},
            }
        ],
        "undo": [
            {
                "service": "logs",
                "operation": "DeleteRetentionPolicy",
                "params": {"logGroupName": "a"},
            }
        ],
        "trigger": "sweep",
        "change": None,
    }
    assert (second["verdict"], second["fate"], second["calls"]) == ("COMPLIANT", "none", [])
    assert console.summary == {
        "complete": True,
        "resources": 2,
        "verdicts": {"COMPLIANT": 1, "NON_COMPLIANT": 1},
        "fates": {"none": 1, "planned": 1},
        "skipped": {},
        "calls": {
            "apigateway.GetAccount": 1,
            "apigateway.GetRestApis": 3,
            "apigatewayv2.GetApis": 2,
            "cloudformation.DescribeStacks": 1,
            "cloudwatch.DescribeAlarms": 1,
            "cloudwatch.ListDashboards": 1,
            "iam.GetAccountAuthorizationDetails": 1,
            "kinesis.ListStreams": 1,
            "lambda.GetAccountSettings": 1,
            "lambda.ListFunctions": 6,
            "logs.DescribeLogGroups": 1,
            "sqs.ListQueues": 1,
            "sts.GetCallerIdentity": 1,
        },
    }
    assert console.server.calls == console.summary["calls"]


def test_enforce_changes_and_the_second_sweep_does_nothing(console: Console) -> None:
    """RET-21; exit code 0, the change can be found by its id."""
    console.seed(Seed(name="a"), Seed(name="b", days=60))
    console("sweep", "log-retention", "--enforce")
    assert (console.code, console.retention()) == (0, {"a": 30, "b": 60})
    change = console.lines[0]["change"]
    console.server.clear()
    console("sweep", "--enforce")
    assert (console.code, console.summary["fates"]) == (0, {"none": 2})
    assert "logs.PutRetentionPolicy" not in console.server.calls
    console("changes")
    assert [line["change"] for line in console.lines] == [change]


def test_all_controls_are_swept_and_those_that_only_report_write_nothing(console: Console) -> None:
    """Also with --enforce: a function's runtime is reported, a log group is put right."""
    console.seed(Seed(name="a"))
    seeds = [FunctionSeed(name="old", runtime="nodejs18.x"), FunctionSeed(name="new")]
    seed_functions(seeds, region=REGION)
    console("sweep", "--enforce")
    told = [(one["control"], one["resource"]["id"], one["code"]) for one in console.lines[:-1]]
    fates = [one["fate"] for one in console.lines[:-1]]
    assert dict(zip(told, fates, strict=True)) == {
        ("log-retention", "a", "NEVER_EXPIRES"): "remediated",
        ("function-versions", "new", "NOTHING_TO_DELETE"): "none",
        ("function-versions", "old", "NOTHING_TO_DELETE"): "none",
        ("function-runtime", "new", "SUPPORTED"): "none",
        ("function-runtime", "old", "DEPRECATED"): "reported",
        ("function-role-not-shared", "new", "SHARED_ROLE"): "reported",
        ("function-role-not-shared", "old", "SHARED_ROLE"): "reported",
        ("function-role-least-privilege", "seeded-functions", "NOT_FOR_FUNCTIONS"): "none",
        ("function-logging", "new", "PLAIN_TEXT"): "reported",
        ("function-logging", "old", "PLAIN_TEXT"): "reported",
        ("async-failure-destination", "new", "NO_EVIDENCE"): "none",
        ("async-failure-destination", "old", "NO_EVIDENCE"): "none",
        ("event-source-failure-destination", "new", "NO_STREAMS"): "none",
        ("event-source-failure-destination", "old", "NO_STREAMS"): "none",
    }
    assert (console.code, console.summary["complete"]) == (1, True)


def test_a_function_is_explained_and_found_gone_under_every_control(console: Console) -> None:
    """A name may be a log group's and a function's; only what is there is told."""
    console.seed(Seed(name="orders", days=30))
    assert {line["control"] for line in console("explain", "orders").lines[:-1]} == {
        "log-retention"
    }
    seed_functions([FunctionSeed(name="orders", runtime=None)], region=REGION)
    codes = {line["control"]: line["code"] for line in console("explain", "orders").lines[:-1]}
    assert codes == {
        "log-retention": "WITHIN_POLICY",
        "function-versions": "NOTHING_TO_DELETE",
        "function-runtime": "CONTAINER_IMAGE",
        "function-role-not-shared": "OWN_ROLE",
        "function-logging": "PLAIN_TEXT",
        "async-failure-destination": "NO_EVIDENCE",
        "event-source-failure-destination": "NO_STREAMS",
    }


def test_calls_are_near_the_floor(console: Console) -> None:
    """ceil(N/50) reads, a write for each that lacks retention, one identity."""
    console.seed(*numbered(230))
    console.server.latency = 0.01
    console("sweep", "log-retention", "--enforce")
    assert console.server.calls == {
        "logs.DescribeLogGroups": 5,
        "logs.PutRetentionPolicy": 230,
        "sts.GetCallerIdentity": 1,
    }
    assert 1 < console.server.in_flight_max <= 8
    console.server.latency = 0.0
    console.server.clear()
    console("sweep", "log-retention", "--enforce")
    assert sum(console.server.calls.values()) == 6


def test_one_denied_and_one_missed_group_stop_nobody(console: Console) -> None:
    """RET-6, RET-18, RET-29: all others are done; denied makes it incomplete, exit code 2. One that
    is said to be gone and is there is held, and judged again by the next run."""
    console.seed(*numbered(60))
    console.server.faults = [
        Fault(
            operation="logs.PutRetentionPolicy",
            code="AccessDeniedException",
            message="not authorized",
            when=has(logGroupName="/aws/lambda/f0007"),
        ),
        Fault(
            operation="logs.PutRetentionPolicy",
            code="ResourceNotFoundException",
            when=has(logGroupName="/aws/lambda/f0042"),
        ),
    ]
    console("sweep", "--enforce")
    assert console.code == 2
    assert console.summary["fates"] == {"failed": 1, "held": 1, "remediated": 58}
    assert not console.summary["complete"]
    [failed] = [line for line in console.lines[:-1] if line["fate"] == "failed"]
    assert "not authorized" in failed["reason"]
    left = [name for name, days in console.retention().items() if days is None]
    assert left == ["/aws/lambda/f0007", "/aws/lambda/f0042"]
    assert console("sweep", "--enforce").code == 0
    assert None not in console.retention().values()


def test_throttling_and_conflicts_are_repeated(console: Console) -> None:
    """RET-3, RET-5, RET-28: the run is clean, and every attempt is counted."""
    console.seed(*numbered(3))
    console.server.faults = [
        Fault(operation="logs.DescribeLogGroups", code="ThrottlingException"),
        Fault(operation="logs.PutRetentionPolicy", code="OperationAbortedException", times=2),
        Fault(operation="logs.PutRetentionPolicy", code="ServiceUnavailable", status=503),
    ]
    console("sweep", "--enforce")
    assert (console.code, set(console.retention().values())) == (0, {30})
    assert console.summary["calls"]["logs.PutRetentionPolicy"] == 6
    assert console.summary["calls"]["logs.DescribeLogGroups"] == 2


def test_a_page_that_is_denied_is_told_and_resumed(console: Console) -> None:
    """Exit code 2, what was read is kept, the message says how to go on."""
    console.seed(*numbered(120))
    console.server.faults = [
        Fault(operation="logs.DescribeLogGroups", code="AccessDeniedException", nth=2)
    ]
    console("sweep", "--enforce")
    assert (console.code, console.summary["complete"]) == (2, False)
    assert "AccessDenied" in console.err
    assert "run the same command again to resume" in console.err
    console.server.faults = ()
    console.server.clear()
    console("sweep", "--enforce")
    assert (console.code, console.summary["resources"]) == (0, 120)
    assert console.server.calls["logs.DescribeLogGroups"] == 2


def test_history_is_kept_unless_the_policy_says_so(console: Console) -> None:
    """Years of events: reported, exit code 1; with shorten it is done, and recorded as lost."""
    old = Seed(name="audit", age_days=900, stored_bytes=4096)
    console.seed(old, Seed(name="long", days=3653), Seed(name="empty", age_days=900))
    asked: dict[str, dict[str, Any]] = {"log-retention": {"max_days": 365}}
    console("sweep", "--enforce", "--policy", console.policy(asked))
    assert console.code == 1
    assert console.retention() == {"audit": None, "empty": 30, "long": 3653}
    assert console.summary["fates"] == {"remediated": 1, "reported": 2}
    asked["log-retention"]["shorten"] = True
    console("sweep", "--enforce", "--policy", console.policy(asked))
    assert (console.code, console.retention()["audit"], console.retention()["long"]) == (0, 30, 365)
    console("changes", "--resource", "audit")
    assert "cannot be restored" in console.lines[0]["irreversible"][0]


def test_undo_restores_a_group_exactly(console: Console) -> None:
    """First only shown, then done with --enforce, then exempt."""
    console.seed(Seed(name="a"), Seed(name="b", days=3))
    asked = console.policy({"log-retention": {"min_days": 14}})
    console("sweep", "--enforce", "--policy", asked)
    changes = {line["resource"]["id"]: line["change"] for line in console.lines[:-1]}
    assert console("undo", changes["a"]).code == 0
    assert (console.lines[0]["fate"], console.retention()["a"]) == ("planned", 30)
    for change in changes.values():
        assert console("undo", change, "--enforce", "--owner", "alice").code == 0
    assert console.retention() == {"a": None, "b": 3}
    console("sweep", "--enforce", "--policy", asked)
    assert (console.code, console.summary["verdicts"]) == (0, {"EXEMPT": 2})
    console("exempt", "--list")
    assert {line["owner"] for line in console.lines} == {"alice"}


def test_undo_of_a_group_that_was_changed_since_is_refused(console: Console) -> None:
    """Exit code 2, and the group keeps what somebody gave it."""
    console.seed(Seed(name="a"))
    console("sweep", "--enforce")
    change = console.lines[0]["change"]
    client(console.server).put_retention_policy(logGroupName="a", retentionInDays=90)
    console("undo", change, "--enforce", "--plain")
    assert (console.code, console.retention()) == (2, {"a": 90})
    assert "changed since" in console.err


def client(server: CountingServer) -> Any:
    return boto3.Session(region_name=REGION).client("logs", endpoint_url=server.url)


def test_exemptions_come_and_go(console: Console) -> None:
    """Exit code 0 when all that is wrong is exempt; removed, it is wrong again."""
    console.seed(Seed(name="/audit/a"), Seed(name="/audit/b"))
    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    told = ("--until", until, "--reason", "legal hold", "--owner", "legal")
    console("exempt", "/audit/*", "log-retention", *told, "--plain")
    assert (console.code, until in console.out) == (0, True)
    console("sweep", "--enforce")
    assert (console.code, console.summary["verdicts"]) == (0, {"EXEMPT": 2})
    assert "legal hold" in console.lines[0]["reason"]
    assert console("exempt", "/audit/*", "log-retention", "--remove", "--plain").code == 0
    assert console("sweep").code == 1
    assert console("exempt", "/audit/*", "log-retention", "--remove", "--plain").code == 3


def test_a_report_tells_what_a_sweep_found(console: Console, tmp_path: Path) -> None:
    """Nothing is clean before it was swept; then open, exempt and resolved have their codes."""
    console.seed(Seed(name="a", tags={"team": "shop"}), Seed(name="b", days=30))
    asked = ("report", "log-retention", "--plain")
    assert console(*asked).code == 2
    assert "log-retention: no sweep was ever complete" in console.err
    assert json.loads(console.out)["controls"][0]["state"] == "never-swept"
    console("sweep", "log-retention")
    assert console(*asked).code == 1
    [finding] = json.loads(console.out)["findings"]
    assert (finding["resource"]["id"], finding["owner"]) == ("a", "shop")
    assert (console(*asked, "--fail-on", "HIGH").code, console(*asked, "--exit-zero").code) == (
        0,
        0,
    )
    exemption = ("--until", str(LATE), "--reason", "r", "--owner", "o")
    console("exempt", "a", "log-retention", *exemption)
    assert console(*asked, "--format", "csv").code == 0
    assert '"exempt"' in console.out
    console("exempt", "a", "log-retention", "--remove")
    console("sweep", "log-retention", "--enforce")
    every = [one for name in ("csv", "json", "junit", "ocsf") for one in ("--format", name)]
    assert console(*asked, *every, "--output", str(tmp_path / "now")).code == 0
    assert console.out == ""
    assert {file.name for file in tmp_path.glob("now.*")} == {
        "now.csv",
        "now.json",
        "now.junit.xml",
        "now.ocsf.jsonl",
    }
    told = json.loads((tmp_path / "now.json").read_text("utf-8"))
    assert [(one["standing"], one["fate"]) for one in told["findings"]] == [
        ("resolved", "remediated")
    ]
    assert [one["id"] for one in told["changes"]] == [told["findings"][0]["last_change"]]


def test_a_report_of_controls_that_are_off_is_not_clean(console: Console) -> None:
    """Nobody looked, and the code says so."""
    asked = console.policy({"log-retention": {"mode": "off"}})
    assert console("report", "log-retention", "--policy", asked, "--plain").code == 2
    assert json.loads(console.out)["controls"][0]["state"] == "off"
    assert "log-retention: the control is off" in console.err


def test_what_only_reads_the_ledger_begins_none(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first sweep nothing was recorded, and nobody is refused; a sweep begins it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(console.folder / "state"))
    place = [*console.place, "--pace", "off"]
    console.seed(Seed(name="a"))
    for command, code in ((["changes"], 0), (["exempt", "--list"], 0), (["explain", "a"], 1)):
        assert main([*command, *place]) == code
        assert "nothing was recorded yet: there is no ledger" in console.capture.readouterr().err
    assert not (console.folder / "state").exists()
    assert main(["sweep", *place]) == 1
    assert (console.folder / "state" / "steward" / "ledger.sqlite3").exists()
    assert (main(["changes", *place]), console.capture.readouterr().err.count("recorded")) == (0, 0)


def test_of_many_changes_the_newest_are_listed(console: Console) -> None:
    """Of all controls together, with the others only hinted at."""
    console.seed(*numbered(3))
    console("sweep", "--enforce")
    console("changes", "--limit", "2")
    newest = sorted((line["change"] for line in console.lines), reverse=True)
    assert [line["change"] for line in console.lines] == newest
    console("changes", "--limit", "2", "--plain")
    assert "... and more; --limit shows more" in console.out
    console("changes", "--limit", "3", "--plain")
    assert "more" not in console.out
    assert console("changes", "--since", "2099-01-01").lines == []


def test_exemptions_are_listed_with_what_is_to_be_said_of_them(console: Console) -> None:
    """Those of ledger, policy and tags, soonest to end first; ended, unused, too wide."""
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    tag = {"steward:exempt/log-retention": str(LATE - timedelta(days=1))}
    console.seed(Seed(name="/audit/a"), Seed(name="/audit/b"), Seed(name="/audit/c", tags=tag))
    one = {"resource": "/audit/a", "reason": "r", "owner": "o", "expires": "2020-01-01"}
    asked = {"log-retention": {"exemptions": [one], "honor_tags": True}}
    policy = ("--policy", console.policy(asked))
    console("sweep", *policy)
    told = ("--reason", "r", "--owner", "o", "--plain")
    console("exempt", "/audit/a", "log-retention", "--until", day, *told)
    assert (f"until {day}, 1 known violation" in console.out, console.err) == (True, "")
    console("exempt", "/typo/*", "log-retention", "--until", str(LATE), *told)
    assert console.err == "steward: exempt: /typo/* exempts nothing\n"
    console("exempt", "/audit/*", "log-retention", "--until", str(LATE + timedelta(days=1)), *told)
    told_of = "steward: exempt: /audit/*"
    assert console.err == (
        f"{told_of} exempts every resource\n{told_of} covers 3 of 3 known resources\n"
    )
    assert console("exempt", "--list", *policy).code == 0
    assert [(x["source"], x["resource"], x["covers"], x["remarks"]) for x in console.lines] == [
        ("policy", "/audit/a", 0, ["expired"]),
        ("ledger", "/audit/a", 1, ["expires in 9 days"]),
        ("tag", "/audit/c", 1, ["names nobody and gives no reason"]),
        ("ledger", "/typo/*", 0, ["exempts nothing"]),
        ("ledger", "/audit/*", 3, ["exempts every resource"]),
    ]
    assert console("exempt", "--list", "log-subscription", *policy).lines == []
    console("exempt", "--list", "log-retention", *policy, "--plain")
    assert "exempts every resource" in console.out


def test_what_the_ledger_does_not_exempt_says_where_it_is_to_be_removed(console: Console) -> None:
    """From the policy, the tag, or under the name of its glob; exit code 3."""
    tag = {"steward:exempt/log-retention": "2098-01-01"}
    console.seed(Seed(name="/audit/a"), Seed(name="/b", tags=tag))
    one = {"resource": "/audit/*", "reason": "r", "owner": "o", "expires": "2097-01-01"}
    file = console.policy({"log-retention": {"exemptions": [one], "honor_tags": True}})
    console("sweep", "--policy", file)
    remove = ("log-retention", "--remove", "--policy", file, "--plain")
    assert console("exempt", "/audit/a", *remove).code == 3
    assert f"remove it from exemptions of {file}, where it is '/audit/*'" in console.err
    assert console("exempt", "/b", *remove).code == 3
    assert "remove it from its tag steward:exempt/log-retention" in console.err
    assert console("exempt", "/c", *remove).code == 3
    assert "allowed: what 'steward exempt --list' shows" in console.err
    told = ("--until", str(LATE), "--reason", "r", "--owner", "o")
    console("exempt", "/audit/a", "log-retention", *told)
    assert console("exempt", "/audit/a", *remove).code == 0
    assert "stays exempt by exemptions of" in console.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a", "log-retention"], "--until, --reason, --owner"),
        (["a", "log-retention", "--until", "soon", "--reason", "r", "--owner", "o"], "'soon'"),
        (["a", "log-retention", "--until", "2020-01-01", "--reason", "r", "--owner", "o"], "later"),
        (["a", "other", "--until", "2099-01-01", "--reason", "r", "--owner", "o"], "'other'"),
        ([], "RESOURCE and CONTROL"),
        (["a", "log-retention", "--until", "2099-W01-1", "--reason", "r", "--owner", "o"], "W01"),
        (
            ["a", "log-retention", "--until", "2099-01-01", "--reason", " ", "--owner", "o"],
            "reason",
        ),
        (["*", "log-retention", "--until", str(LATE), "--reason", "r", "--owner", "o"], "'*'"),
    ],
)
def test_an_exemption_needs_an_end_a_reason_and_an_owner(
    console: Console, arguments: Sequence[str], told: str
) -> None:
    """Exit code 3, naming what is missing or wrong."""
    assert console("exempt", *arguments, "--plain").code == 3
    assert told in console.err


@pytest.mark.parametrize(
    ("document", "code", "told"),
    [
        ('{"redact": ["email"]}', 0, "fits; controls: log-shipper"),
        ('{"sample": [{"groups": "*", "rate": 2}]}', 3, "sample[0].rate: is 2, allowed"),
        (
            '{"redact_patterns": [{"name": "x", "anchor": "abc", "pattern": "abc(a+)+"}]}',
            3,
            "the pattern of x repeats without an upper bound",
        ),
    ],
    ids=["fits", "does not fit the schema", "a pattern that may take for ever"],
)
def test_the_policy_of_the_log_shipper_is_checked(
    console: Console, document: str, code: int, told: str
) -> None:
    """By its schema, and as the function would read it."""
    file = console.policy(f'{{"log-shipper": {document}}}')
    assert console("policy", "check", file, "--plain").code == code
    assert told in " ".join((console.out + console.err).split())


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ('{"log-retention": {"days": 8}}', "days: is 8, allowed: 1, 3, 5"),
        ('{"log-retention": {"rules": [{"name": "a", "days": 9}]}}', "rules[0].days: is 9"),
        ('{"log-retentio": {}}', "'log-retentio' is no control, allowed: log-retention"),
        ('{"log-retention": 7}', "allowed: a JSON object"),
        ("[]", "allowed: a JSON object"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"log-retention": {"shorten": false, "shorten": true}}', "'shorten' stands twice"),
    ],
)
def test_an_invalid_policy_changes_nothing(console: Console, policy: str, told: str) -> None:
    """RET-25: exit code 3, path, value, allowed values; not one request that writes."""
    console.seed(Seed(name="a"))
    console("sweep", "--enforce", "--policy", console.policy(policy), "--plain")
    assert (console.code, console.retention()) == (3, {"a": None})
    assert told in console.err
    assert not [call for call in console.server.calls if not call.startswith("sts.")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep", "other"], "control: is 'other', allowed: log-retention"),
        (["sweep", "--pace", "2"], "'off', or a number above 0 and up to 1"),
        (["sweep", "--policy", "/nowhere"], "policy /nowhere: No such file"),
        (["sweep", "--policy", "x", "--stack", "y"], "--policy and --stack exclude each other"),
        (["sweep", "--stack", "y"], "--ledger and --stack exclude each other"),
        (["sweeep"], "No such command"),
        (["undo", "something"], "'something'"),
        (["changes", "--since", "yesterday"], "'yesterday'"),
        (["changes", "--since", "0001-01-01T00:00+14:00"], "allowed: 2026-11-21 or"),
        (["changes", "--control", "x"], "allowed: log-retention"),
        (["explain", "/no/such/group"], "'/no/such/group' is no control"),
        (["explain", ""], "explain: is '', allowed: a control's id"),
        (["exempt", " ", "log-retention"], "exempt: needs RESOURCE and CONTROL"),
        (["report", "--format", "xls"], "'html', 'json', 'csv', 'junit', 'ocsf'"),
        (["report", "--format", "csv", "--format", "json"], "--output: is missing"),
        (["report", "--output", "/nowhere/x"], "--output /nowhere/x: No such file"),
        (["report", "--window", "91"], "91 is not in the range 1<=x<=90"),
        (["report", "x"], "allowed: log-retention"),
    ],
)
def test_wrong_usage_is_told_with_what_is_allowed(
    console: Console, arguments: Sequence[str], told: str
) -> None:
    """Exit code 3."""
    assert main([*arguments, *console.options()]) == 3
    assert told in console.capture.readouterr().err


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:9", "nonsense"], ids=["nobody answers", "malformed"]
)
def test_without_an_endpoint_it_ends_with_one_clear_line(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4, no traceback."""
    ledger = str(tmp_path / "ledger")
    assert main(["sweep", "--endpoint-url", endpoint, "--ledger", ledger]) == 4
    err = capsys.readouterr().err
    assert endpoint in err
    assert len(err.strip().splitlines()) == 1


def test_without_credentials_it_ends_with_one_clear_line(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 4; nothing was asked of the server."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(console.folder))
    console("sweep", "--plain")
    assert (console.code, len(console.err.strip().splitlines())) == (4, 1)
    assert "credentials" in console.err
    assert not console.server.calls


def test_credentials_that_expire_midway_end_the_run(console: Console) -> None:
    """Exit code 4, what was done is kept and the message says how to resume."""
    console.seed(*numbered(120))
    console.server.faults = [
        Fault(operation="logs.DescribeLogGroups", code="ExpiredTokenException", nth=2, times=None)
    ]
    assert console("sweep", "--enforce", "--plain").code == 4
    assert "resume" in console.err
    console.server.faults = ()
    assert console("sweep", "--enforce").code == 0
    assert None not in console.retention().values()


def test_a_control_that_the_policy_does_not_name_is_off(console: Console) -> None:
    """Nothing is read, exit code 0."""
    console.seed(Seed(name="a"))
    console("sweep", "--enforce", "--policy", console.policy({}))
    assert (console.code, console.summary["resources"]) == (0, 0)
    assert dict(console.server.calls) == {"sts.GetCallerIdentity": 1}


def test_audit_mode_plans_even_with_enforce(console: Console) -> None:
    """With --enforce a control's own mode still decides."""
    console.seed(Seed(name="a"))
    asked = console.policy({"log-retention": {"mode": "audit"}})
    console("sweep", "--enforce", "--policy", asked)
    assert (console.code, console.lines[0]["fate"]) == (1, "planned")
    assert console.retention() == {"a": None}


def test_options_are_taken_before_the_command_too(console: Console) -> None:
    """steward --json sweep is steward sweep --json."""
    console.seed(Seed(name="a"))
    console.capture.readouterr()
    assert main(["--json", "--pace", "off", "sweep", *console.options()]) == 1
    assert '"summary"' in console.capture.readouterr().out


def test_a_table_for_people_tells_the_same(console: Console) -> None:
    """Findings, summary, and that nothing was written; the change."""
    console.seed(Seed(name="/a/b"), Seed(name="c", days=7))
    console("sweep", "--plain")
    assert "/a/b" in console.out
    assert "NEVER_EXPIRES" in console.out
    assert "Nothing was written" in console.out
    console("sweep", "--enforce", "--plain")
    assert "remediated 1" in console.out
    console("changes", "--plain")
    assert "retentionInDays=30" in console.out
    assert re.search(r"log-retention-\d{8}T\d+-\w+", console.out)


def test_controls_and_policies_are_shown_without_a_connection(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop without credentials can read what Steward would do."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    for arguments in (["controls"], ["policy", "show"], ["explain", "log-retention"]):
        assert console(*arguments).code == 0
        assert console(*arguments, "--plain").code == 0
        assert "log-retention" in console.out
    assert not console.server.calls
    assert console("policy", "check", console.policy({"log-retention": {}})).code == 0


def test_explain_tells_what_is_there_and_what_would_be_done(console: Console) -> None:
    """Of one resource, without writing; also what was changed before."""
    console.seed(Seed(name="a"))
    console("explain", "a")
    assert (console.code, console.lines[0]["fate"]) == (1, "planned")
    console("sweep", "--enforce")
    console("explain", "a", "--plain")
    assert console.code == 0
    assert "WITHIN_POLICY" in console.out
    assert "DONE" in console.out
    assert 'name: "a"' in console.out
    assert "LogGroup(" not in console.out


def test_explain_says_under_which_condition_its_calls_are_sent(console: Console) -> None:
    """In audit they are not, and a control that is off was not even asked."""
    old = Seed(name="a", age_days=900, stored_bytes=4096)
    console.seed(old)
    asked = {"log-retention": {"mode": "audit", "shorten": True}}
    policy = console.policy(asked)
    console("explain", "a", "--policy", policy, "--plain")
    assert "would call, were it in mode enforce" in console.out
    assert "lost for good" in console.out
    assert "Off, and not asked: log-subscription, stream-capacity" in console.out
    console("explain", "b", "--policy", policy, "--plain")
    assert "no resource of one; off, and not asked: log-subscription" in console.err
    console("explain", "log-subscription", "--plain")
    assert "Mode:     off: nothing is looked at, and nothing is called" in console.out
    assert console("explain", "log-subscription").lines[0]["mode"] == "off"


def test_explain_tells_of_an_account_policy(console: Console) -> None:
    """By its name; and of a group what the account policy is to it."""
    stream = f"arn:aws:kinesis:{REGION}:123456789012:stream/events"
    ships = {"mode": "audit", "destination_arn": stream, "role_arn": ROLE, "strategy": "account"}
    policy = console.policy({"log-subscription": ships})
    console.seed(Seed(name="/a"))
    console("explain", "steward-logs", "--policy", policy)
    [told, _] = console.lines
    assert told["resource"] == {"kind": "AWS::Logs::AccountPolicy", "id": "steward-logs"}
    assert (told["code"], [one["operation"] for one in told["calls"]]) == (
        "NO_ACCOUNT_POLICY",
        ["PutAccountPolicy"],
    )
    console("explain", "/a", "--policy", policy)
    assert [line["code"] for line in console.lines[:-1]] == ["NOT_COVERED"]
    console("sweep", "log-subscription", "--policy", policy)
    assert {line["code"] for line in console.lines[:-1]} == {"NO_ACCOUNT_POLICY", "NOT_COVERED"}


def test_doctor_finds_a_trail_and_account_policies(console: Console) -> None:
    """A trail that logs writes is ok; without one only sweeps work."""
    aws = boto3.Session(region_name=REGION)
    console("doctor")
    by_name = {line["check"]: line for line in console.lines}
    assert by_name["credentials"]["status"] == by_name["clock"]["status"] == "ok"
    assert (by_name["trail"]["status"], "multi-Region" in by_name["trail"]["fix"]) == ("warn", True)
    s3 = aws.client("s3", endpoint_url=console.server.url)
    s3.create_bucket(Bucket="trail-bucket")
    trail = aws.client("cloudtrail", endpoint_url=console.server.url)
    trail.create_trail(Name="all", S3BucketName="trail-bucket", IsMultiRegionTrail=True)
    trail.start_logging(Name="all")
    writes = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
    trail.put_event_selectors(TrailName="all", EventSelectors=[writes])
    client(console.server).put_account_policy(
        policyName="org",
        policyType="RETENTION_POLICY",
        policyDocument='{"retentionInDays": 90, "enforcementMode": "NEW_ONLY"}',
    )
    console("doctor")
    found = [(line["check"], line["status"]) for line in console.lines]
    assert ("trail", "ok") in found
    assert ("account policies", "warn") in found
    assert console("doctor", "--plain").code == 2  # this server knows no Service Quotas
    trail.delete_trail(Name="all")


def start(console: Console, *arguments: str, **streams: int) -> subprocess.Popen[str]:
    """The console as a process of its own, so that it can be killed."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
    command = [sys.executable, "-m", "console", *arguments, *console.options(), "--pace", "off"]
    environment = {**os.environ, "PYTHONPATH": path, "TERM": "xterm"}
    out, err = streams.get("stdout", subprocess.PIPE), streams.get("stderr", subprocess.PIPE)
    return subprocess.Popen(command, env=environment, text=True, stdout=out, stderr=err)


def test_on_a_terminal_progress_is_shown_and_taken_away(console: Console) -> None:
    """While pages are read; the table that stays is the same."""
    console.seed(*numbered(120))
    console.server.latency = 0.02
    leader, follower = pty.openpty()
    process = start(console, "sweep", "--enforce", stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    with suppress(OSError):  # Linux tells the end of a terminal so
        while chunk := os.read(leader, 4096):
            shown += chunk
    os.close(leader)
    assert process.wait(timeout=30) == 0
    assert b"50 read, 50 changed" in shown
    assert b"remediated 120" in shown
    assert b"Traceback" not in shown


def wait_for(counts: Counter[str], operation: str, count: int) -> None:
    end = time.monotonic() + 30
    while counts[operation] < count:
        assert time.monotonic() < end, f"{operation} was not called {count} times"
        time.sleep(0.002)


@pytest.mark.parametrize("at", [1, 37, 50, 73])
def test_killed_and_run_again_it_leaves_nobody_out(console: Console, at: int) -> None:
    """SIGKILL at a write: nobody is written twice, at most one page is read twice."""
    console.seed(*numbered(150))
    console.server.latency = 0.01
    written: list[str] = []

    def keep(params: Mapping[str, Any]) -> bool:
        """Only of requests that arrived whole; a dying sender leaves some cut short."""
        written.extend(filter(None, [params.get("logGroupName")]))
        return False

    console.server.faults = [
        Fault(operation="logs.PutRetentionPolicy", code="None", when=keep, times=None)
    ]
    process = start(console, "sweep", "--enforce", "--json")
    wait_for(console.server.calls, "logs.PutRetentionPolicy", at)
    process.kill()
    process.communicate()
    time.sleep(0.2)  # requests under way arrive although their sender is dead
    console.server.latency = 0.0
    console("sweep", "--enforce")
    assert (console.code, console.summary["resources"]) == (0, 150)
    assert set(console.retention().values()) == {30}
    assert sorted(written) == sorted(console.retention())
    assert console.server.calls["logs.DescribeLogGroups"] <= 4
    console("changes", "--limit", "500")
    assert {line["status"] for line in console.lines} <= {"DONE", "FAILED"}
    assert len({line["resource"]["id"] for line in console.lines}) == 150


def test_an_interrupt_finishes_the_page_and_tells_how_to_resume(console: Console) -> None:
    """Ctrl-C once: exit code 2, the page is committed, the rest is done by the next run."""
    console.seed(*numbered(150))
    console.server.latency = 0.01
    process = start(console, "sweep", "--enforce", "--json")
    wait_for(console.server.calls, "logs.PutRetentionPolicy", 20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "run the same command again to resume" in err
    assert json.loads(out.splitlines()[-1])["summary"]["complete"] is False
    done = Counter(console.retention().values())[30]
    assert done in (50, 100)
    console("sweep", "--enforce")
    assert (console.code, console.summary["resources"]) == (0, 150)
    assert console.server.calls["logs.DescribeLogGroups"] == 3
    assert console.server.calls["logs.PutRetentionPolicy"] == 150


def test_a_second_interrupt_stops_at_once(console: Console) -> None:
    """It waits for no call; the next run settles what was open and does the rest."""
    console.seed(*numbered(50))
    console.server.faults = [
        Fault(operation="logs.PutRetentionPolicy", code="ThrottlingException", times=None)
    ]
    process = start(console, "sweep", "--enforce", "--json")
    wait_for(console.server.calls, "logs.PutRetentionPolicy", 8)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 2
    assert "stopped at once" in err
    console.server.faults = ()
    console("sweep", "--enforce")
    assert (console.code, set(console.retention().values())) == (0, {30})


def test_what_was_given_up_can_be_tried_again_at_once(console: Console) -> None:
    """After a permission was granted nobody waits a week: --retry."""
    console.seed(Seed(name="a"))
    console.server.faults = [
        Fault(operation="logs.PutRetentionPolicy", code="AccessDeniedException", times=None)
    ]
    codes = [console("sweep", "--enforce").code for _ in range(6)]
    assert codes == [2, 2, 2, 2, 2, 1]
    assert "exhausted" in console.lines[0]["reason"]
    console.server.faults = ()
    assert console("sweep", "--enforce").code == 1
    assert console("sweep", "--enforce", "--retry").code == 0
    assert console.retention() == {"a": 30}


def test_an_exemption_made_during_a_sweep_holds(console: Console) -> None:
    """It is read anew with each page."""
    console.seed(*numbered(100))
    console.server.latency = 0.02
    process = start(console, "sweep", "--enforce", "--json")
    wait_for(console.server.calls, "logs.PutRetentionPolicy", 1)
    told = ("--until", str(LATE), "--reason", "hold", "--owner", "legal")
    console("exempt", "/aws/lambda/f009*", "log-retention", *told)
    assert console.lines[0]["expires"] == str(LATE)
    process.communicate(timeout=30)
    left = [name for name, days in console.retention().items() if days is None]
    assert left == [f"/aws/lambda/f009{n}" for n in range(10)]


def test_a_glob_with_brackets_is_text_to_the_terminal(console: Console) -> None:
    """Names are printed as they are."""
    told = ("--until", str(LATE), "--reason", "r", "--owner", "o")
    console("exempt", "/x[/abc]*", "log-retention", *told, "--plain")
    assert (console.code, "/x[/abc]* is exempt" in console.out) == (0, True)


def test_a_database_of_another_program_is_left_alone(console: Console) -> None:
    """Exit code 3, and the file is as it was."""
    path = console.folder / "ledger.sqlite3"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE items (x)")
    other.close()
    before = path.read_bytes()
    assert console("sweep", "--plain").code == 3
    assert "another program" in console.err
    assert path.read_bytes() == before


def test_code_in_the_current_folder_is_not_run(tmp_path: Path) -> None:
    """The console runs with somebody's credentials, wherever it is called."""
    (tmp_path / "click.py").write_text("raise SystemExit('hijacked')")
    link = tmp_path / "steward"
    link.symlink_to(ROOT / "scripts" / "steward")
    called = subprocess.run(
        [str(link), "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (called.returncode, called.stdout.startswith("steward")) == (0, True)


def test_with_a_stack_policy_exemptions_and_ledger_are_the_stacks(console: Console) -> None:
    """A plan leaves no trace in it; with --enforce changes are written there; a typo is told."""
    aws = boto3.Session(region_name=REGION)
    ssm = aws.client("ssm", endpoint_url=console.server.url)
    ssm.put_parameter(Name="/gov/defaults/log-retention", Value='{"days": 60}', Type="String")
    table = aws.client("dynamodb", endpoint_url=console.server.url)
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    table.create_table(
        TableName="gov-ledger",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
    )
    console.seed(Seed(name="a"), Seed(name="b"))
    told = ("--until", str(LATE), "--reason", "r", "--owner", "o")
    assert console("exempt", "b", "log-retention", *told, "--stack", "gov").code == 0
    assert console("sweep", "--stack", "gov").code == 1
    assert {line["fate"] for line in console.lines[:-1]} == {"planned", "none"}
    assert table.scan(TableName="gov-ledger")["Count"] == 1  # the exemption
    assert console("sweep", "--stack", "gov", "--enforce").code == 0
    assert console.retention() == {"a": 60, "b": None}
    before = table.scan(TableName="gov-ledger")["Items"]
    assert console("report", "log-retention", "--stack", "gov", "--plain").code == 0
    standings = {one["standing"] for one in json.loads(console.out)["findings"]}
    assert (standings, json.loads(console.out)["stack"]) == ({"exempt", "resolved"}, "gov")
    assert table.scan(TableName="gov-ledger")["Items"] == before
    console("changes", "--stack", "gov")
    assert [line["resource"]["id"] for line in console.lines] == ["a"]
    assert (
        console("undo", console.lines[0]["change"], "--stack", "gov").lines[0]["fate"] == "planned"
    )
    ssm.put_parameter(Name="/gov/stop", Value="true", Type="String")
    console.seed(Seed(name="c"))
    console("sweep", "--stack", "gov", "--enforce")
    assert (console.code, console.retention()["c"]) == (1, None)
    for command in (["sweep"], ["policy", "show"]):
        assert console(*command, "--stack", "gvo", "--plain").code == 3
        assert "'gvo'" in console.err


def test_two_sweeps_at_once_are_refused(console: Console) -> None:
    """The second ends with exit code 2 and changes nothing; the first is undisturbed."""
    console.seed(*numbered(60))
    console.server.latency = 0.02
    process = start(console, "sweep", "--enforce", "--json")
    wait_for(console.server.calls, "logs.PutRetentionPolicy", 1)
    assert console("sweep", "--enforce", "--plain").code == 2
    assert "another sweep is under way" in console.err
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert set(console.retention().values()) == {30}


def test_a_reader_that_goes_away_is_no_crash(console: Console) -> None:
    """steward sweep --json | head -1"""
    console.seed(*numbered(400))
    process = start(console, "sweep", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    reader = threading.Thread(target=process.wait, kwargs={"timeout": 30})
    reader.start()
    err = process.stderr.read()
    reader.join()
    process.stderr.close()
    assert process.returncode == 2
    assert "Traceback" not in err


def test_a_full_disk_and_a_closed_output_end_in_a_sentence() -> None:
    """steward controls > /dev/full, and >&-; nobody needs a traceback for either."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
    command = f"PYTHONPATH={path} {sys.executable} -m console controls"
    ends = {}
    for into in ("/dev/full", "&-"):
        ran = subprocess.run(
            ["/bin/sh", "-c", f"{command} >{into}"], capture_output=True, text=True, check=False
        )
        ends[into] = ran.returncode, ran.stderr
    full = "steward: standard output: No space left on device\n"
    assert ends == {"/dev/full": (2, full), "&-": (0, "")}


def test_paced_it_stays_below_the_quota(console: Console) -> None:
    """A server that counts as AWS does never throttles us; 12 writes at 4.5 a second."""
    console.seed(*numbered(12))
    console.server.quotas = {"logs.PutRetentionPolicy": 5, "logs.DescribeLogGroups": 10}
    console("sweep", "--enforce", pace="0.9")
    assert (console.code, dict(console.server.throttled)) == (0, {})
    assert set(console.retention().values()) == {30}
