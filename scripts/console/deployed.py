"""A deployed stack as CloudFormation knows it: its parameters, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steward.errors import BadPolicy, Gone, Invalid
from steward.model import Aws

ALARM = "AWS::CloudWatch::Alarm"
BUCKET = "AWS::S3::Bucket"
CONFIG_RULE = "AWS::Config::ConfigRule"
FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
QUEUE = "AWS::SQS::Queue"
RULE = "AWS::Events::Rule"
SCHEDULE = "AWS::Scheduler::Schedule"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"


class NoStack(BadPolicy):  # as the errors that it is one of
    """No stack has the name that --stack tells."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack and what its parameters say; ``drift`` is CloudFormation's last word on it."""

    name: str
    status: str
    drift: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """The resources of a stack, by type, as Ref gives them: names, URLs of queues, UUIDs, ARNs."""

    by_type: Mapping[str, Sequence[str]]

    def of_type(self, kind: str) -> Sequence[str]:
        return self.by_type.get(kind, ())

    def function(self, name: str) -> bool:
        """Whether the stack has a function of this name."""
        return name in self.of_type(FUNCTION)


def stack(aws: Aws, name: str) -> Stack:
    """The stack of that name. Raises NoStack where there is none."""
    [told] = _known(aws, "DescribeStacks", name)["Stacks"]
    parameters = {
        one["ParameterKey"]: one.get("ParameterValue", "") for one in told.get("Parameters", ())
    }
    drift = told.get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED")
    return Stack(name, told["StackStatus"], drift, parameters)


def parts(aws: Aws, name: str) -> Parts:
    """What the stack of that name is made of. Raises NoStack where there is none."""
    found: dict[str, list[str]] = {}
    try:
        for answer, _ in aws.pages("cloudformation", "ListStackResources", StackName=name):
            for one in answer["StackResourceSummaries"]:
                if physical := one.get("PhysicalResourceId"):
                    found.setdefault(one["ResourceType"], []).append(physical)
    except (Gone, Invalid) as error:
        raise _missing(aws, name) from error
    return Parts({kind: sorted(ids) for kind, ids in found.items()})


def _known(aws: Aws, operation: str, name: str) -> Mapping[str, Any]:
    try:
        return aws.ask("cloudformation", operation, StackName=name)
    except (Gone, Invalid) as error:  # CloudFormation calls it a ValidationError
        raise _missing(aws, name) from error


def _missing(aws: Aws, name: str) -> NoStack:
    return NoStack(f"--stack: is {name!r}, allowed: a stack that there is in {aws.region}")
