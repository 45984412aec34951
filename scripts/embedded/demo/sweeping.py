"""Scenes of sweeps: what no event told, that a second one changes nothing, and an undo."""

from __future__ import annotations

from embedded.demo.stage import CONTROL, Stage
from embedded.demo.words import changed
from steward.undo import EXEMPT_FOR

UNDONE = "/aws/lambda/checkout"


def made_up(stage: Stage) -> None:
    """A sweep finds what no event told of."""
    stage.clock(13, 30)
    stage.screen.say(
        "Not everything is an event: two log groups whose events get lost on the way, an account "
        "policy that is deleted, a tag that is removed. A sweep looks at every log group."
    )
    lost = ("/aws/lambda/wishlist", "/aws/lambda/returns")
    stage.create(*lost)
    stage.here.watch.calls.clear()
    told = f"developer CreateLogGroup {lost[0]}, {lost[1]}  (their events get lost)"
    stage.screen.line(stage.here.clock.now(), told)
    stage.client("logs", "platform-team").delete_account_policy(
        policyName="etl-logs", policyType="RETENTION_POLICY"
    )
    group = f"arn:aws:logs:{stage.here.region}:{stage.here.account}:log-group:/migration/to"
    stage.client("logs").untag_resource(resourceArn=group, tagKeys=["steward:exempt/log-retention"])
    stage.settle()
    stage.sweep()
    now = stage.retention()
    found = (*lost, "/migration/to", "/etl/extract", "/etl/transform", "/etl/load")
    stage.promise(
        "what no event told is put right", [now.get(name) for name in found], [30] * len(found)
    )


def again(stage: Stage) -> None:
    """A second sweep changes nothing."""
    stage.clock(13, 45)
    stage.screen.say("The same once more: everything is looked at, and nothing is written.")
    before, requests, retention = stage.writes(), stage.requests(), stage.retention()
    stage.sweep()
    asked = stage.requests() - requests
    stage.promise("the second sweep writes nothing", stage.writes(), before)
    stage.promise("no log group is other than before", stage.retention(), retention)
    told = f"no change: {asked['logs.DescribeLogGroups']} DescribeLogGroups, {asked.total()} calls"
    if stage.writes() == before:
        stage.screen.line(stage.here.clock.now(), f"{told} in all", "bold green", depth=1)


def undo(stage: Stage) -> None:
    """A change is taken back, and no sweep fights over it."""
    stage.clock(14, 0)
    stage.screen.say(
        f"{UNDONE} was to be kept for ever. An operator takes the change back: the group is as it "
        f"was before, and exempt for {EXEMPT_FOR.days} days, so that there is time for a policy."
    )
    change = stage.change_of(UNDONE)
    if change is None:
        stage.promise(f"there is a change of {UNDONE}", None, "one")
        return
    asked = {"undo": {"change": change.id, "owner": "platform-team"}}
    stage.screen.line(stage.here.clock.now(), f"platform-team asks to undo {change.id}")
    answer = stage.here.invoke(CONTROL, asked)
    taken_back = stage.ledger.change(answer["change"])
    for text in changed(taken_back) if taken_back else ():
        stage.screen.line(stage.here.clock.now(), f"{answer['fate']}: {text}", "green", depth=1)
    stage.settle()
    stage.sweep()
    until = (stage.here.clock.now() + EXEMPT_FOR).date()
    item = stage.items()[UNDONE]
    stage.promise("the undo is done", answer["fate"], "remediated")
    stage.promise(f"{UNDONE} is as before", stage.retention().get(UNDONE), change.before["days"])
    stage.promise(
        f"{UNDONE} is exempt", (item.verdict, str(until) in item.reason), ("EXEMPT", True)
    )
