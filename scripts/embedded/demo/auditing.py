"""A scene of AWS Config: one violation turns red, is put right, turns green; one is given up."""

from __future__ import annotations

from collections import Counter

from embedded.account import EmbeddedAccount
from embedded.demo import limits
from embedded.demo.stage import CONTROL, Stage
from embedded.faults import Fault, has
from steward.config_resources import STAGES, in_config, rule_name
from steward.controls import CONTROLS
from steward.evaluations import HELD, together
from steward.gate import MAX_ATTEMPTS
from steward.model import Ref

MENDED, STUCK = "/aws/lambda/claims", "/aws/lambda/couriers"
RED, GREEN = "NON_COMPLIANT", "COMPLIANT"


def recorder(here: EmbeddedAccount) -> None:
    """The account has an AWS Config that records; without one no rule could be made."""
    told = {"name": "default", "roleARN": f"arn:aws:iam::{here.account}:role/config"}
    here.client("config").put_configuration_recorder(ConfigurationRecorder=told)


def red_and_green(stage: Stage) -> None:
    """What failed is tried again when Config tells of it, and Config is asked to look again."""
    with stage.quietly():
        stage.clock(16, 30)
    stage.screen.say(
        "AWS Config has a rule for each control, evaluated when a resource changes and by the "
        "clock. It tells only what Config does not hold yet. Setting the retention of two new "
        "log groups is refused, of one once and of the other for good. An auditor has the rule "
        "evaluated."
    )
    rule = rule_name(stage.here.stack, CONTROL)
    stage.here.server.faults = [_refused(MENDED, 1), _refused(STUCK, None)]
    stage.narrator.tells_config = True
    stage.create(MENDED, STUCK)
    stage.wait(minutes=3)
    stage.client("config", "auditor").start_config_rules_evaluation(ConfigRuleNames=[rule])
    stage.wait(minutes=10)
    report = stage.here.config.report(rule)
    stage.promise("the retention that was refused once is set", stage.retention().get(MENDED), 30)
    stage.promise(
        "its group turned red, and then green", _course(stage, CONTROL, MENDED), [RED, GREEN]
    )
    stage.promise("the other is red", report[STUCK][0], RED)
    stage.screen.say(
        "An operator has the other one looked at again. After five failures it is given up for a "
        "week: an alarm rings, and Config is told."
    )
    for _ in range(MAX_ATTEMPTS - 1):  # the last one finds it given up
        stage.here.invoke(CONTROL, {"look": {"control": CONTROL, "resources": [STUCK]}})
    stage.wait(minutes=2)
    by_clock = [name for name, one in stage.here.config.rules.items() if not one.kinds]
    stage.client("config", "auditor").start_config_rules_evaluation(ConfigRuleNames=by_clock)
    stage.wait(minutes=5)
    compliance, annotation = stage.here.config.report(rule)[STUCK]
    stage.screen.line(stage.here.clock.now(), f"AWS Config holds {STUCK}: {compliance}", depth=1)
    stage.screen.line(None, annotation, "yellow", depth=2)
    stage.promise("the alarm over what is given up rings", "exhausted" in stage.rang, wanted=True)
    stage.promise("Config says that it is given up", "exhausted" in annotation, wanted=True)
    stage.here.server.faults = []
    stage.narrator.tells_config = False
    _tell_rules(stage)
    red_once = "the stage without limits turned red, and green once it had them"
    stage.promise(red_once, _course(stage, limits.CONTROL, _stage_arn(stage)), [RED, GREEN])


def _stage_arn(stage: Stage) -> str:
    """What Config calls the stage of the scene before."""
    apis = stage.client("apigateway", "auditor").get_rest_apis()["items"]
    [api] = [one["id"] for one in apis if one["name"] == limits.API]
    return in_config(Ref(STAGES[0], f"{api}/{limits.STAGE}"), _Place(stage))[1]


def _refused(name: str, times: int | None) -> Fault:
    return Fault(
        operation="logs.PutRetentionPolicy",
        code="InvalidParameterException",
        when=has(logGroupName=name),
        times=times,
    )


def _course(stage: Stage, control: str, id: str) -> list[str]:
    """What Config has told of a resource by a control's rule, in order."""
    rule = rule_name(stage.here.stack, control)
    details = [one.event["detail"] for one in stage.here.journal.events]
    told = [one for one in details if one.get("configRuleName") == rule]
    found = [one for one in told if one["resourceId"] == id]
    return [str(one["newEvaluationResult"]["complianceType"]) for one in found]


def _tell_rules(stage: Stage) -> None:
    """What each rule holds; the ledger holds the same."""
    rows, differences = [], 0
    for control in CONTROLS:
        rule = rule_name(stage.here.stack, control.id)
        held = {id: compliance for id, (compliance, _) in stage.here.config.report(rule).items()}
        counts = Counter(held.values())
        rows.append((rule, counts[GREEN], counts[RED]))
        found = together(stage.ledger.all_items(control.id), _Place(stage)).values()
        wanted = {one.id: one.compliance.value for one in found if one.compliance in HELD}
        differences += len({*wanted.items()} ^ {*held.items()})
    stage.screen.table(("rule of AWS Config", GREEN, RED), rows)
    stage.promise("Config and the ledger hold the same", differences, 0)


class _Place:
    partition = "aws"

    def __init__(self, stage: Stage) -> None:
        self.account, self.region = stage.here.account, stage.here.region
