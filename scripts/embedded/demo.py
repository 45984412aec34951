"""The demo: a messy account, and the console putting it in order, step by step.

The account is the counting server in a process of its own; every command is the real one.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from embedded.process import CountingProcess
from embedded.seeding import Seed

REGION = "eu-west-1"
STEWARD = Path(__file__).parents[1] / "steward"

POLICY = {
    "log-retention": {
        "days": 30,
        "min_days": 14,
        "max_days": 731,
        "honor_tags": True,
        "rules": [
            {"name": "/ecs/*", "days": 90},
            {"tags": {"data": "audit*"}, "days": 731},
            {"name": "/vendor/*", "days": None},
        ],
    }
}

GIGABYTE = 2**30


def account() -> Iterator[Seed]:
    """A few log groups of every kind."""
    yield from (Seed(name=f"/aws/lambda/{name}") for name in ("checkout", "orders", "search"))
    yield from (Seed(name=f"/aws/lambda/{name}", days=30) for name in ("mail", "thumbnails"))
    yield Seed(name="/aws/lambda/legacy-import", age_days=1100, stored_bytes=40 * GIGABYTE)
    yield Seed(name="/aws/lambda/retired", age_days=700)
    yield Seed(name="/aws/lambda/debug", days=1)
    yield Seed(name="/ecs/web")
    yield Seed(name="/ecs/worker", days=3653, age_days=400, stored_bytes=9 * GIGABYTE)
    yield Seed(name="/payments/ledger", tags={"data": "audit-trail"})
    yield Seed(name="/payments/tagged", tags={"steward:log-retention/days": "365"})
    yield Seed(name="/payments/typo", tags={"steward:log-retention/days": "a year"})
    yield Seed(name="/vendor/agent")
    yield Seed(name="/delivery/firehose", log_class="DELIVERY")
    yield Seed(name="/legal/holds", age_days=2000, stored_bytes=GIGABYTE)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: the account's endpoint, and a folder for policy and ledger."""

    server: CountingProcess
    folder: Path

    def steward(self, *arguments: str) -> int:
        """Run a command as a person would, and return its exit code."""
        print(f"\n$ steward {shlex.join(arguments)}", flush=True)
        return subprocess.run(
            self._command(*arguments), env=self._environment(), check=False, cwd=self.folder
        ).returncode

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command tells other tools."""
        command = self._command(*arguments, "--json")
        out = subprocess.run(
            command,
            env=self._environment(),
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
        ).stdout
        return [json.loads(line) for line in out.splitlines()]

    def _command(self, *arguments: str) -> list[str]:
        ledger = str(self.folder / "ledger.sqlite3")
        where = ["--endpoint-url", self.server.url, "--region", REGION, "--ledger", ledger]
        return [str(STEWARD), *arguments, *where]

    def _environment(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        rest = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**rest, **keys, **nobody}


def play(stage: Stage) -> bool:
    """Show the whole story; whether it ended as it should."""
    (stage.folder / "policy.json").write_text(json.dumps(POLICY))
    by = ("--policy", "policy.json")
    say("A policy, and a plan: what is not in order, and what would be called. Nothing is written.")
    print(json.dumps(POLICY, indent=2))
    stage.steward("sweep", *by)
    say("Legal answers for its holds until a date; the rest is put right.")
    told = ("--until", "2099-12-31", "--reason", "legal hold", "--owner", "legal")
    stage.steward("exempt", "/legal/*", "log-retention", *told)
    stage.steward("sweep", "--enforce", *by)
    say("A second sweep finds the account as the first one left it, and writes nothing.")
    again = stage.lines("sweep", "--enforce", *by)[-1]["summary"]
    print(json.dumps(again, indent=2))
    say("Every change is recorded, with what was before. One of them was a mistake: undo it.")
    stage.steward("changes", "--limit", "5")
    newest = stage.lines("changes", "--limit", "1")[0]
    undone = stage.steward("undo", newest["change"], "--enforce")
    name = str(newest["resource"]["id"])
    restored = stage.server.retention(region=REGION)[name] == newest["before"]["days"]
    say(f"{name} is as it was before, and exempt for 30 days, so that no sweep fights over it.")
    stage.steward("explain", name, *by)
    return undone == 0 and restored and "remediated" not in again["fates"] and again["complete"]


def say(text: str) -> None:
    """A line of the story."""
    print(f"\n--- {text}", flush=True)


def main() -> int:
    with CountingProcess() as server, tempfile.TemporaryDirectory() as folder:
        server.seed([asdict(seed) for seed in account()], region=REGION)
        ended_well = play(Stage(server, Path(folder)))
    say(
        "That is Steward with its first control."
        if ended_well
        else "This did not end as it should."
    )
    return 0 if ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
