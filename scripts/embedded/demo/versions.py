"""A scene of versions: those that nobody uses are reported, and deleted once that is enforced."""

from __future__ import annotations

import json

from embedded.demo.stage import Stage
from embedded.seeding import seed_versions
from steward.events import FUNCTION
from steward.model import Ref

CONTROL = "function-versions"
NAME = "search"
AGES = (700, 600, 500, 400, 300, 200)
"""Days ago that its versions were published, the first one first."""


def deleted(stage: Stage) -> None:
    """Of six old versions those stay that an alias leads to, and the newest of the others."""
    stage.clock(14, 20)
    stage.screen.say(
        f"{NAME} has {len(AGES)} published versions. Its alias live is still on the oldest, and "
        "sends a tenth of all calls to the next one. Versions are reported first: none that was "
        "deleted comes back, so that mode, ceiling and the stack's AllowIrreversible have to agree."
    )
    with stage.quietly():
        every = _published(stage)
        stage.settle()
    item = _item(stage)
    if item is None:
        stage.promise(f"{NAME} is looked at", None, "an item")
        return
    stage.screen.line(stage.here.clock.now(), f"{NAME}: {item}", depth=1)
    stage.promise("unused versions are reported", item.partition(":")[0], "UNUSED_VERSIONS")
    stage.promise("and none is deleted", _versions(stage), every)
    policy = {"mode": "enforce", "keep": 1}
    stage.screen.line(stage.here.clock.now(), f"policy: {json.dumps(policy)}", "cyan")
    with stage.quietly():
        stage.put_parameter(f"policy/{CONTROL}", json.dumps(policy))
        stage.settle()
    told = f"{NAME} has versions {', '.join(_versions(stage))}"
    stage.screen.line(stage.here.clock.now(), told, "green", depth=1)
    stage.promise("what is live stays, and one more", _versions(stage), [*every[:2], every[-1]])
    stage.promise("each by one call", stage.requests()["lambda.DeleteFunction"], 3)


def _published(stage: Stage) -> list[str]:
    """Give the function its versions, and move the alias, which is an event; their numbers."""
    every = seed_versions(NAME, *AGES, region=stage.here.region)
    functions, alias = stage.client("lambda"), {"FunctionName": NAME, "Name": "live"}
    functions.create_alias(**alias, FunctionVersion=every[0])
    functions.update_alias(**alias, RoutingConfig={"AdditionalVersionWeights": {every[1]: 0.1}})
    return every


def _item(stage: Stage) -> str | None:
    """What the ledger holds of the function, in words."""
    ref = Ref(FUNCTION, NAME)
    item = stage.ledger.items(CONTROL, [ref]).get(ref)
    return f"{item.code}: {item.reason}" if item else None


def _versions(stage: Stage) -> list[str]:
    told = stage.client("lambda", "auditor").list_versions_by_function(FunctionName=NAME)
    return sorted(one["Version"] for one in told["Versions"] if one["Version"] != "$LATEST")
