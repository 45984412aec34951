"""The alarms of a stack: which ring, which are blind, and which nobody hears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.deployed import ALARM
from console.health import Check, Health
from console.place import Place

CHECK = "alarms"
_NAMES = 100  # names that DescribeAlarms takes (API reference)

_REDRIVEN = ("-dead-letters", "-undelivered", "-not-started", "-parked", "-given-up")


_NONE = Check(CHECK, Health.WARN, "the stack has no alarm", "deploy it as it is in template.yaml")


def alarms(place: Place) -> Iterator[Check]:
    """What is to be told of each alarm; one line says that nothing is."""
    names = place.parts.of_type(ALARM)
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(names), _NAMES):
        some = list(names[start : start + _NAMES])
        for answer, _ in place.aws.pages("cloudwatch", "DescribeAlarms", AlarmNames=some):
            found += answer["MetricAlarms"]
    told = [*judge(names, found, place)] if names else [_NONE]
    yield from told
    if not told:
        yield Check(CHECK, Health.OK, f"none of {len(names)} rings, and each notifies somebody")


def judge(
    names: Sequence[str], found: Sequence[Mapping[str, Any]], place: Place
) -> Iterator[Check]:
    """What is to be told of these alarms, of which some may be there no more."""
    gone = sorted(set(names) - {one["AlarmName"] for one in found})
    if gone:
        yield Check(CHECK, Health.FAIL, f"deleted by somebody: {', '.join(gone)}", place.drift)
    for one in found:
        if one["StateValue"] == "ALARM":
            name, since = one["AlarmName"], one.get("StateUpdatedTimestamp", "an unknown time")
            detail = f"{name} rings since {since}: {one.get('AlarmDescription', '')}"
            yield Check(CHECK, Health.FAIL, detail, _answer(name, place))
    blind = [one["AlarmName"] for one in found if one["StateValue"] == "INSUFFICIENT_DATA"]
    if blind:
        fix = "wait some minutes after a deployment; later: what they watch is measured no more"
        yield Check(CHECK, Health.WARN, f"without data: {', '.join(sorted(blind))}", fix)
    yield from _unheard(found)


def _answer(name: str, place: Place) -> str:
    if name.endswith(_REDRIVEN):
        return place.redrive()
    if name.endswith("-heartbeat"):
        return place.sweep
    return f"docs/operations.md, Alarms, {name.removeprefix(f'{place.name}-')}"


def _unheard(found: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """Alarms that notify nobody: none of them does without a topic."""
    silent = [one["AlarmName"] for one in found if not one.get("AlarmActions")]
    if silent:
        some = f"all {len(silent)}" if len(silent) == len(found) else ", ".join(sorted(silent))
        fix = "deploy with AlarmTopicArn"
        yield Check(CHECK, Health.WARN, f"notify nobody: {some}", fix)
    muted = [n["AlarmName"] for n in found if n.get("AlarmActions") and not n["ActionsEnabled"]]
    if muted:
        fix = f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(sorted(muted))}"
        yield Check(CHECK, Health.WARN, f"muted by somebody: {', '.join(sorted(muted))}", fix)
