"""The programme. A scene is added by its line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from embedded.account import EmbeddedAccount
from embedded.demo import (
    apis,
    auditing,
    history,
    installing,
    layers,
    limits,
    morning,
    reporting,
    shipping,
    summing_up,
    sweeping,
    tagging,
    trouble,
    versions,
)
from embedded.demo.screen import of_this_process
from embedded.demo.stage import Scene, Stage, stage_of
from embedded.log_service import LogService

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""A Monday. Every time the demo is played it is the same one."""

SCENES: Sequence[Scene] = (
    Scene("An account with a history", history.found),
    Scene("Installed: the first sweep only plans", installing.first_sweep),
    Scene("The team's policy: the next sweep puts things right", installing.team_policy),
    Scene("A log group, created by hand", morning.by_hand),
    Scene("Infrastructure code goes first", morning.terraform),
    Scene("Retentions removed and shortened", morning.tampering),
    Scene("What changes nothing: a failed call, an event delivered twice", morning.noise),
    Scene("A mistyped policy", trouble.mistyped),
    Scene("The stop switch", trouble.stopped),
    Scene("200 log groups in a minute", morning.burst),
    Scene("A message that nobody can read", trouble.poison),
    Scene("A sweep finds what no event told", sweeping.made_up),
    Scene("A second sweep changes nothing", sweeping.again),
    Scene("A change is taken back", sweeping.undo),
    Scene("A layer for functions, old and new", layers.carried),
    Scene("Versions that nobody uses", versions.deleted),
    Scene("A line of a new function arrives", shipping.arrives),
    Scene("The log service is out", shipping.outage),
    Scene("A method without a limit", limits.limited),
    Scene("An API lights up its alarms", apis.alarmed),
    Scene("A stack is deployed, and its tags go where they should", tagging.stack),
    Scene("Red in AWS Config, put right, and green", auditing.red_and_green),
    Scene("What it came to", summing_up.show),
)


REPORT = "The report of it all"
"""The last scene, which leaves a file."""


def parameters(service: LogService) -> Mapping[str, str]:
    """The stack's: it ships to a log service, once the team has log groups subscribed, and tells
    AWS Config what it finds."""
    place = ("123456789012", "eu-west-1")
    return {
        "AllowIrreversible": "true",
        "ConfigRules": "enabled",
        "DigestTopicArn": reporting.arn(*place),
        "FunctionLayerArns": layers.arn(*place),
        "FunctionLayersMode": "off",
        "FunctionVersionsCeiling": "enforce",
        "LogShipping": "enabled",
        "LogSubscriptionMode": "off",
        "ShippingFormat": "ndjson",
        "ShippingUrl": service.url,
    }


def show(report: Path) -> int:
    """Play everything on standard output; the exit code, 0 where every promise holds.

    ``report``: where the compliance report is left in the end.
    """
    last = Scene(REPORT, reporting.written_to(report))
    with LogService() as service, _account(service) as here:
        return perform([*SCENES, last], stage_of(here, of_this_process(), service))


def _account(service: LogService) -> EmbeddedAccount:
    return EmbeddedAccount(parameters(service), start=START, before=_before)


def _before(here: EmbeddedAccount) -> None:
    auditing.recorder(here)
    reporting.topic(here)


def perform(scenes: Sequence[Scene], stage: Stage) -> int:
    """Play scenes in turn, and conclude: 0 where every promise holds, else 1."""
    for number, scene in enumerate(scenes, 1):
        stage.screen.scene(number, scene.title)
        stage.narrator.new_scene()
        scene.play(stage)
    return _concluded(stage)


def _concluded(stage: Stage) -> int:
    held = len(stage.kept)
    if not stage.broken:
        stage.screen.line(None, f"All {held} promises hold.", "bold green")
        return 0
    stage.screen.line(None, f"{held} promises hold, {len(stage.broken)} do not:", "bold red")
    for text in stage.broken:
        stage.screen.line(None, text, "red", depth=1)
    return 1
