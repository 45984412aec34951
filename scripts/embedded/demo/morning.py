"""Scenes of developers' activity: what they do, and what Steward does about it a minute later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from embedded.demo.stage import CONTROL, Stage
from embedded.demo.words import counted
from embedded.hosting import Invoked

BURST = 200
INVOICES = "/aws/lambda/invoices"


def by_hand(stage: Stage) -> None:
    """A log group that somebody creates gets its retention within a minute."""
    stage.clock(9, 2)
    stage.screen.say(
        "A developer creates a log group and thinks no more of it. CloudTrail tells EventBridge, a "
        "rule puts the event into an inbox, and after 30 seconds a function looks at the group."
    )
    stage.create(INVOICES)
    stage.settle()
    stage.promise(f"{INVOICES} is kept 30 days", stage.retention().get(INVOICES), 30)


def terraform(stage: Stage) -> None:
    """Infrastructure code that sets its own retention is let go first."""
    stage.clock(9, 10)
    stage.screen.say(
        "Terraform creates a log group and sets its retention in a second call. The inbox waits "
        "long enough, so that the two do not fight."
    )
    before = stage.writes()
    stage.create("/ecs/recommender", user="terraform")
    stage.wait(seconds=10)
    stage.client("logs", "terraform").put_retention_policy(
        logGroupName="/ecs/recommender", retentionInDays=60
    )
    stage.settle()
    stage.promise("Terraform's days stay", stage.retention().get("/ecs/recommender"), 60)
    stage.promise("nobody wrote but Terraform", stage.writes() - before, 1)


def tampering(stage: Stage) -> None:
    """A retention that is removed or made too short comes back."""
    stage.clock(9, 20)
    stage.screen.say("Retentions are not only set once: who removes or shortens one is seen, too.")
    logs = stage.client("logs")
    logs.delete_retention_policy(logGroupName="/aws/lambda/mail")
    stage.settle()
    logs.put_retention_policy(logGroupName="/aws/lambda/thumbnails", retentionInDays=3)
    stage.settle()
    now = stage.retention()
    stage.promise("a retention that was removed is back", now.get("/aws/lambda/mail"), 30)
    stage.promise("one that was too short is mended", now.get("/aws/lambda/thumbnails"), 30)


def noise(stage: Stage) -> None:
    """A call that failed is nothing to look at, and an event delivered twice changes nothing."""
    stage.clock(9, 30)
    stage.screen.say(
        "CloudTrail also tells of calls that fail. And EventBridge may deliver an event more than "
        "once: here the first one of this morning comes twice again."
    )
    before, logs = stage.writes(), stage.client("logs")
    try:
        logs.create_log_group(logGroupName=INVOICES)
    except logs.exceptions.ResourceAlreadyExistsException:
        stage.settle()
    created = next(
        routed.event
        for routed in stage.here.journal.events
        if routed.event["detail"].get("requestParameters") == {"logGroupName": INVOICES}
    )
    for _ in range(2):
        stage.here.put_event(created)
    stage.settle()
    stage.promise("nothing is written twice", stage.writes(), before)


def burst(stage: Stage) -> None:
    """Many events at once are a handful of batches."""
    stage.clock(11, 0)
    stage.screen.say(f"A deployment creates {BURST} log groups within a minute.")
    names = [f"/batch/job-{number:03}" for number in range(BURST)]
    told = f"terraform CreateLogGroup {names[0]} ... {names[-1]}, {BURST} times"
    stage.screen.line(stage.here.clock.now(), told)
    done, before = len(stage.here.host.invocations), stage.requests()
    with stage.quietly():
        for name in names:
            stage.create(name, user="terraform")
            stage.wait(seconds=60 / BURST)
        stage.settle()
    new, asked = stage.here.host.invocations[done:], stage.requests() - before
    _tell_burst(stage, new, asked)
    now = stage.retention()
    stage.promise("each of the burst is kept 30 days", {now.get(name) for name in names}, {30})
    stage.promise("each is written once", asked["logs.PutRetentionPolicy"], BURST)
    few = asked["logs.DescribeLogGroups"] <= 2 * BURST // 25
    stage.promise("fifty or so are read together", few, wanted=True)


def _tell_burst(stage: Stage, new: Sequence[Invoked], asked: Mapping[str, int]) -> None:
    """What the inbox's batches came to, together."""
    now, screen = stage.here.clock.now(), stage.screen
    mine = [one for one in new if one.function.endswith(CONTROL)]  # another one hears of them, too
    batches = [len(one.event["Records"]) for one in mine if "Records" in one.event]
    own = sum(batches) - BURST
    told = f"{sum(batches)} events, {own} of them our own changes come back"
    screen.line(now, f"{told}, in {len(batches)} batches", depth=1)
    lines = (line for one in new for line in one.lines if "code" in line)
    counts = Counter(f"{line['verdict']} ({line['code']}), {line['message']}" for line in lines)
    for text, count in counts.items():
        screen.line(now, f"{count} {text}", "green", depth=1)
    calls = ("logs.DescribeLogGroups", "logs.PutRetentionPolicy")
    screen.line(now, counted({name: asked[name] for name in calls}), depth=1)
