"""AWS Config, as far as the stack's rules rely on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.deployed import CONFIG_RULE
from console.health import Check, Health
from console.place import Place

CHECK = "AWS Config"
_NAMES = 25  # rules that a request takes (DescribeConfigRuleEvaluationStatus, API reference)


def config(place: Place) -> Iterator[Check]:
    """Nothing where the stack has no rules."""
    if not place.has("ConfigRules", "enabled"):
        return
    yield _recorder(place)
    names, broken = place.parts.of_type(CONFIG_RULE), False
    for start in range(0, len(names), _NAMES):
        some = list(names[start : start + _NAMES])
        operation = "DescribeConfigRuleEvaluationStatus"
        for answer, _ in place.aws.pages("config", operation, ConfigRuleNames=some):
            for check in filter(None, map(_rule, answer["ConfigRulesEvaluationStatus"])):
                broken = True
                yield check
    if not broken:
        yield Check(CHECK, Health.OK, f"{len(names)} rules are evaluated")


def _recorder(place: Place) -> Check:
    answer = place.aws.ask("config", "DescribeConfigurationRecorderStatus")
    recorders = answer.get("ConfigurationRecordersStatus", ())
    if not recorders:
        fix = "set up AWS Config in this Region, or deploy with ConfigRules=disabled"
        return Check(CHECK, Health.FAIL, "there is no configuration recorder", fix)
    one = recorders[0]
    if not one.get("recording"):
        start = "aws configservice start-configuration-recorder --configuration-recorder-name"
        return Check(
            CHECK, Health.FAIL, f"the recorder {one['name']} is stopped", f"{start} {one['name']}"
        )
    if str(one.get("lastStatus", "")).upper() == "FAILURE":
        why = f"{one.get('lastErrorCode', '')} {one.get('lastErrorMessage', '')}".strip()
        fix = "correct its role or its bucket"
        return Check(CHECK, Health.FAIL, f"the recorder {one['name']} fails: {why}", fix)
    return Check(CHECK, Health.OK, f"the recorder {one['name']} records")


def _rule(told: Mapping[str, Any]) -> Check | None:
    """What is to be told of a rule: that its last evaluation failed, or that it had none yet."""
    name = told["ConfigRuleName"]
    if code := told.get("LastErrorCode"):
        detail = f"the rule {name} fails: {code}: {told.get('LastErrorMessage', '')}"
        fix = "the log of the function config-rules says why; docs/operations.md, Alarms"
        return Check(CHECK, Health.FAIL, detail, fix)
    if not told.get("FirstEvaluationStarted"):
        fix = f"aws configservice start-config-rules-evaluation --config-rule-names {name}"
        return Check(CHECK, Health.WARN, f"the rule {name} was not evaluated yet", fix)
    return None
