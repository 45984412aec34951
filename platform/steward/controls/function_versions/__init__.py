"""Functions keep the versions that somebody uses, the newest and the young ones, and no others."""

from datetime import timedelta

from steward.controls.function_versions.assess import CODES, assess, foretell
from steward.controls.function_versions.readers import FUNCTIONS, discover, observe
from steward.controls.function_versions.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Lambda functions keep no versions that nobody uses",
    severity=Severity.LOW,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "apigateway:GET",
            "cloudformation:ListStackResources",
            "cloudfront:ListDistributions",
            "events:ListEventBuses",
            "events:ListRules",
            "events:ListTargetsByRule",
            "lambda:GetAccountSettings",
            "lambda:GetPolicy",
            "lambda:ListAliases",
            "lambda:ListDurableExecutionsByFunction",
            "lambda:ListEventSourceMappings",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:ListFunctionUrlConfigs",
            "lambda:ListFunctions",
            "lambda:ListProvisionedConcurrencyConfigs",
            "lambda:ListVersionsByFunction",
            "pipes:ListPipes",
            "s3:GetBucketNotification",
            "s3:ListAllMyBuckets",
            "scheduler:GetSchedule",
            "scheduler:ListSchedules",
            "sns:ListSubscriptions",
            "states:DescribeStateMachine",
            "states:ListStateMachineVersions",
            "states:ListStateMachines",
            "tag:GetResources",
        }
    ),
    writes=frozenset({"lambda:DeleteFunction"}),
    codes=CODES,
    limit_code="REPLICATED",
    limit_lasts=timedelta(hours=12),
    batch=FUNCTIONS,
    ordered=True,
    destructive=True,
    foretell=foretell,
)
