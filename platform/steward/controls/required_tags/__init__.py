"""Resources have the tags that the policy, or the organization's tag policies, require."""

from steward.controls.required_tags.assess import CODES, assess
from steward.controls.required_tags.readers import discover, observe
from steward.controls.required_tags.state import ID, KINDS, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Resources have the tags that are required of them",
    severity=Severity.LOW,
    kinds=KINDS,
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "cloudformation:DescribeStacks",
            "dynamodb:ListTables",
            "kinesis:ListStreams",
            "lambda:ListFunctions",
            "logs:DescribeLogGroups",
            "sns:ListTopics",
            "sqs:ListQueues",
            "states:ListStateMachines",
            "tag:GetResources",
            "tag:ListRequiredTags",
        }
    ),
    writes=frozenset(),
    codes=CODES,
)
