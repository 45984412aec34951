"""A scene of tags: a stack is deployed, and what it is made of gets the stack's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from embedded.demo.stage import Stage

STACK = "refunds"
GROUP, QUEUE = "/refunds/audit", "refunds-inbox"
TAGS = {"team": "payments", "cost": "4711"}
KEPT_BACK = {"access": "open"}
"""A tag of the stack that the policy does not allow to be written."""
INDEX = "resourcegroupstaggingapi"


def stack(stage: Stage) -> None:
    """By CloudFormation's own event a stack's resources get its tags: those that are allowed."""
    stage.clock(16, 10)
    stage.screen.say(
        "The team lets Steward write the tags team and cost-..., as a tag can change who may do "
        "what. Then a developer deploys a stack. CloudFormation itself tells when it is complete."
    )
    policy = {"mode": "enforce", "allow_keys": ["team", "cost*"]}
    stage.put_parameter("policy/stack-tags", json.dumps(policy))
    stage.settle()
    before = stage.requests()[f"{INDEX}.TagResources"]
    _deploy(stage)
    stage.settle()
    region, account = stage.here.region, stage.here.account
    found = {
        f"arn:aws:logs:{region}:{account}:log-group:{GROUP}": GROUP,
        f"arn:aws:sqs:{region}:{account}:{QUEUE}": QUEUE,
    }
    for arn, name in found.items():
        tags = _tags(stage, arn)
        told = ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))
        stage.screen.line(stage.here.clock.now(), f"tagged: {name}: {told}", "bold green", depth=2)
        stage.promise(f"{name} has the tags that may be written", tags, TAGS)
    asked = stage.requests()[f"{INDEX}.TagResources"] - before
    stage.promise("one request tags both", asked, 1)
    stage.promise("its retention is set, too", stage.retention().get(GROUP), 30)


def _deploy(stage: Stage) -> None:
    resources = {
        "Audit": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP}},
        "Inbox": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": QUEUE}},
    }
    told = [{"Key": key, "Value": value} for key, value in {**TAGS, **KEPT_BACK}.items()]
    body = json.dumps({"Resources": resources})
    stage.client("cloudformation").create_stack(StackName=STACK, TemplateBody=body, Tags=told)


def _tags(stage: Stage, arn: str) -> Mapping[str, str]:
    index = stage.client(INDEX, "auditor")
    found = index.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return {tag["Key"]: tag["Value"] for one in found for tag in one["Tags"]}
