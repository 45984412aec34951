"""The last scene: the report that the stack writes each morning, as a file to open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.sns.models import sns_backends

from embedded.account import EmbeddedAccount
from embedded.demo.stage import Stage
from embedded.demo.words import counted
from steward.controls import CONTROLS
from steward.model import Verdict

FUNCTION = "compliance-report"
BUCKET = "ReportBucket"
TOPIC = "compliance"

SHOWN = 12
"""Lines of the digest that are shown."""


def topic(here: EmbeddedAccount) -> None:
    """The platform team's topic, which the digest is published to."""
    here.client("sns").create_topic(Name=TOPIC)


def arn(here_account: str, region: str) -> str:
    """The ARN of the team's topic."""
    return f"arn:aws:sns:{region}:{here_account}:{TOPIC}"


def written_to(path: Path) -> Callable[[Stage], None]:
    """The scene that leaves the report in a file."""
    return lambda stage: _show(stage, path)


def _show(stage: Stage, path: Path) -> None:
    stage.screen.say(
        "Each morning a function writes the report into a private bucket, in every format, and "
        "publishes a digest of what is new. Here it is written now."
    )
    answer = stage.here.invoke(FUNCTION, {"report": {}})
    told = json.loads(_read(stage, "report.json"))
    page = _read(stage, "report.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, "utf-8")
    standings = [finding["standing"] for finding in told["findings"]]
    counts = {one: standings.count(one) for one in dict.fromkeys(standings)}
    now = stage.here.clock.now()
    stage.screen.line(now, f"{answer['findings']} findings: {counted(counts)}", depth=1)
    _digest(stage)
    stage.screen.line(None, f"The report, one file that needs no network: {path}", "bold")
    day = f"The demo's clock stands on {now:%Y-%m-%d}, a made-up day"
    stage.screen.line(None, f"{day}: so the page may call itself old.", "dim", depth=1)
    stage.promise("the report tells what the ledger holds", _open(told), _violations(stage))
    stage.promise("every violation of the report is on its page", _missing(told, page), [])
    stage.promise("a digest of it was sent", answer["digest"], wanted=True)


def _digest(stage: Stage) -> None:
    [kept] = sns_backends[stage.here.account][stage.here.region].topics.values()
    _, message, subject, *_ = kept.sent_notifications[-1]
    stage.screen.line(stage.here.clock.now(), f"digest: {subject}", "bold", depth=1)
    lines = message.splitlines()
    for line in lines[:SHOWN]:
        stage.screen.line(None, line, "dim", depth=2)
    if len(lines) > SHOWN:
        stage.screen.line(None, f"and {len(lines) - SHOWN} lines more", "dim", depth=2)


def _read(stage: Stage, name: str) -> str:
    bucket = stage.here.deployment.resources[BUCKET].physical_id
    found = stage.client("s3", "auditor").get_object(Bucket=bucket, Key=name)
    return str(found["Body"].read().decode())


def _open(told: Any) -> list[tuple[str, str]]:
    found = (one for one in told["findings"] if one["standing"] == "open")
    return sorted((one["control"], one["resource"]["id"]) for one in found)


def _violations(stage: Stage) -> list[tuple[str, str]]:
    items = (item for control in CONTROLS for item in stage.ledger.all_items(control.id))
    wrong = (item for item in items if item.verdict is Verdict.NON_COMPLIANT)
    return sorted((item.control, item.ref.id) for item in wrong)


def _missing(told: Any, page: str) -> list[str]:
    return sorted({name for _, name in _open(told) if name not in page})
