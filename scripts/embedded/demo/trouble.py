"""Scenes of what goes wrong: it is told, nothing is lost, and nothing else is harmed."""

from __future__ import annotations

import json

from embedded.demo.history import policy
from embedded.demo.stage import CONTROL, Stage

MALFORMED = "{ this is no event"


def mistyped(stage: Stage) -> None:
    """Under a policy that is invalid nothing is changed; what waited is made up for."""
    stage.clock(10, 0)
    document = policy(stage.here.clock.now().date())
    stage.screen.say(
        "Somebody mistypes the policy: 33 is no retention that CloudWatch Logs has. The control "
        "stops rather than guess, alarms ring, and events wait."
    )
    stage.put_parameter(f"policy/{CONTROL}", json.dumps({**document, "days": 33}))
    stage.settle()
    stage.create("/aws/lambda/vouchers")
    stage.wait(minutes=3)
    stage.promise(
        "nothing is changed meanwhile", stage.retention().get("/aws/lambda/vouchers"), None
    )
    stage.promise("the alarm over policies rings", "bad-policy" in stage.rang, wanted=True)
    stage.screen.say("It is mended; the sweep that this sets off makes up for what waited.")
    stage.put_parameter(f"policy/{CONTROL}", json.dumps(document))
    stage.settle()
    stage.promise("what waited is put right", stage.retention().get("/aws/lambda/vouchers"), 30)


def stopped(stage: Stage) -> None:
    """With the stop switch set everything is judged and nothing is written."""
    stage.clock(10, 30)
    stage.screen.say("An incident: the team sets the stop switch, and later removes it.")
    stage.put_parameter("stop", "true")
    stage.settle()
    before = stage.writes()
    stage.create("/aws/lambda/gift-cards")
    stage.settle()
    stage.promise("nothing is written while stopped", stage.writes(), before)
    stage.clock(10, 45)
    stage.client("ssm", "platform-team").delete_parameter(Name=f"/{stage.here.stack}/stop")
    stage.settle()
    stage.promise("then it is made up for", stage.retention().get("/aws/lambda/gift-cards"), 30)


def poison(stage: Stage) -> None:
    """A message that nobody can read harms none of its neighbours, and ends where it is seen."""
    stage.clock(11, 30)
    stage.screen.say(
        "A message that is no JSON lands in the inbox, between two events. Those are done. It is "
        "tried ten times, and then lies in the dead-letter queue, over which there is an alarm."
    )
    stage.create("/aws/lambda/loyalty")
    stage.here.queue(CONTROL).send(MALFORMED)
    stage.create("/aws/lambda/surveys")
    stage.settle()
    tried = sum(MALFORMED in json.dumps(one.event) for one in stage.here.host.invocations)
    dead = [one.body for one in stage.here.queue(f"{CONTROL}-dead-letters").messages()]
    for body in dead:
        told = f"after {tried} attempts among the dead letters: {body!r}"
        stage.screen.line(stage.here.clock.now(), told, "red", depth=1)
    now = stage.retention()
    neighbours = [now.get("/aws/lambda/loyalty"), now.get("/aws/lambda/surveys")]
    stage.promise("the neighbours of a malformed message are done", neighbours, [30, 30])
    stage.promise("it lies among the dead letters", dead, [MALFORMED])
    stage.promise("its alarm rings", f"{CONTROL}-dead-letters" in stage.rang, wanted=True)
