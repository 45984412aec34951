"""The tables of what IAM asks for an API call, by boto3's names of services and operations.

They follow the Service Authorization Reference, and a test holds them to it. Resources are written
without the ARN's beginning: ``{A|B}`` is the parameter of these that is given, '*' if none is;
``{:A}`` is ':' and the parameter, or nothing; '::' goes before those whose ARNs have no Region,
':::' before those that have no account either.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIXES = {
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
    "apigatewayv2": "apigateway",
}
"""IAM's names of services that boto3 calls otherwise."""

UNASKED = frozenset({"sts.GetCallerIdentity"})
"""What everyone may (STS API reference)."""

RENAMED = {
    "lambda.Invoke": "InvokeFunction",
    "s3.GetBucketNotificationConfiguration": "GetBucketNotification",
    "s3.HeadBucket": "ListBucket",
    "s3.HeadObject": "GetObject",
    "s3.ListBuckets": "ListAllMyBuckets",
    "s3.ListObjectsV2": "ListBucket",
    "sqs.ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sqs.DeleteMessageBatch": "DeleteMessage",
    "sqs.SendMessageBatch": "SendMessage",
}

BARE = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})
"""Actions on a log group's ARN as it is. All others are on ``...log-group:NAME:log-stream:``, which
``NAME:*`` in a policy matches and ``NAME`` does not (User Guide, "Overview of managing access
permissions to your CloudWatch Logs resources"; so AccessDenied messages name it)."""

LOG_GROUP = "log-group:{logGroupName|logGroupIdentifier}"

UNSCOPED = frozenset(
    f"{service}.{operation}"
    for service, operations in {
        "cloudformation": "ListStacks",
        "cloudfront": "ListDistributions",
        "cloudwatch": "DescribeAlarmsForMetric GetMetricData GetMetricStatistics ListDashboards"
        " ListMetrics PutMetricData",
        "config": "BatchGetResourceConfig DeleteRemediationExceptions"
        " DescribeRemediationExceptions GetResourceConfigHistory ListDiscoveredResources"
        " PutEvaluations PutRemediationExceptions SelectResourceConfig",
        "dynamodb": "ListTables",
        "events": "ListEventBuses ListRuleNamesByTarget ListRules",
        "iam": "GetAccountAuthorizationDetails ListRoles",
        "kinesis": "DescribeLimits ListStreams UpdateShardCount",
        "lambda": "GetAccountSettings ListEventSourceMappings ListFunctions ListLayerVersions"
        " ListLayers",
        "logs": "DeleteAccountPolicy DescribeAccountPolicies DescribeLogGroups ListLogGroups"
        " PutAccountPolicy",
        "pipes": "ListPipes",
        "resourcegroupstaggingapi": "GetResources GetTagKeys GetTagValues ListRequiredTags"
        " TagResources UntagResources",
        "s3": "ListBuckets",
        "scheduler": "ListSchedules",
        "sns": "ListSubscriptions ListTopics",
        "sqs": "ListQueues",
        "ssm": "DescribeParameters",
        "stepfunctions": "ListStateMachines",
    }.items()
    for operation in operations.split()
)
"""Operations whose actions take no resource: only a grant on '*' allows them."""

SCOPED: Mapping[str, tuple[str, ...]] = {
    f"{service}.{operation}": tuple(forms.split())
    for service, grouped in {
        "cloudformation": {
            "stack/{StackName}/*": "DescribeStackResources DescribeStacks GetTemplate"
            " ListStackResources",
        },
        "cloudwatch": {
            "alarm:{AlarmName}": "PutCompositeAlarm PutMetricAlarm",
            "alarm:{AlarmNames}": "DeleteAlarms DescribeAlarms",
            "alarm:{ResourceARN}": "ListTagsForResource TagResource UntagResource",
            "::dashboard/{DashboardName}": "GetDashboard PutDashboard",
            "::dashboard/{DashboardNames}": "DeleteDashboards",
        },
        "config": {
            "config-rule/{ConfigRuleName|ConfigRuleNames}": "GetComplianceDetailsByConfigRule"
            " StartConfigRulesEvaluation",
        },
        "dynamodb": {
            "table/{TableName}": "DeleteItem DescribeTable GetItem PutItem UpdateItem",
            "table/{RequestItems}": "BatchGetItem BatchWriteItem",
        },
        "events": {"rule/{Rule}": "ListTargetsByRule"},
        "iam": {
            "::role/{RoleName}": "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"
            " ListRoleTags TagRole UntagRole",
            "::policy/{PolicyArn}": "GetPolicy GetPolicyVersion",
        },
        "kinesis": {
            "stream/{StreamARN|StreamName}": "DescribeStream DescribeStreamSummary"
            " GetShardIterator ListShards ListTagsForStream PutRecord PutRecords",
        },
        "lambda": {
            "function:{FunctionName}{:Qualifier}": "DeleteFunction GetAlias GetFunction"
            " GetFunctionConcurrency"
            " GetFunctionConfiguration GetFunctionEventInvokeConfig GetFunctionUrlConfig GetPolicy"
            " Invoke ListAliases ListDurableExecutionsByFunction ListFunctionEventInvokeConfigs"
            " ListFunctionUrlConfigs ListProvisionedConcurrencyConfigs ListVersionsByFunction"
            " UpdateFunctionConfiguration",
            "function:{Resource}": "ListTags TagResource UntagResource",
            "layer:{LayerName}:{VersionNumber}": "GetLayerVersion",
        },
        "logs": {
            f"{LOG_GROUP}:log-stream:": "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy"
            " DeleteSubscriptionFilter DescribeSubscriptionFilters PutRetentionPolicy",
            f"{LOG_GROUP}:log-stream:{{logStreamName}}": "CreateLogStream PutLogEvents",
            # A caller without the bare ARN, too, was denied.
            f"{LOG_GROUP}:log-stream: {LOG_GROUP}": "PutSubscriptionFilter",
            "log-group:{resourceArn}": " ".join(sorted(BARE)),
        },
        "s3": {
            ":::{Bucket}": "GetBucketNotificationConfiguration HeadBucket ListObjectsV2",
            ":::{Bucket}/{Key}": "DeleteObject GetObject HeadObject PutObject",
        },
        "scheduler": {"schedule/{GroupName}/{Name}": "GetSchedule"},
        "secretsmanager": {"secret:{SecretId}": "DescribeSecret GetSecretValue"},
        "sns": {"{TopicArn|TargetArn}": "GetTopicAttributes Publish"},
        "sqs": {
            "{QueueName|QueueUrl}": "ChangeMessageVisibility ChangeMessageVisibilityBatch"
            " DeleteMessage DeleteMessageBatch GetQueueAttributes GetQueueUrl"
            " ListDeadLetterSourceQueues ReceiveMessage SendMessage SendMessageBatch",
        },
        "ssm": {
            "parameter/{Name}": "DeleteParameter GetParameter PutParameter",
            "parameter/{Names}": "GetParameters",
        },
        "stepfunctions": {
            "stateMachine:{stateMachineArn}": "DescribeStateMachine ListExecutions"
            " ListStateMachineVersions StartExecution",
            "execution:{executionArn}": "DescribeExecution GetExecutionHistory StopExecution",
        },
    }.items()
    for forms, operations in grouped.items()
    for operation in operations.split()
}
"""The resources of operations; the braces name a parameter, or several of which one is given."""

BESIDES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "cloudwatch.PutMetricAlarm": (("Tags", "cloudwatch:TagResource", "alarm:{AlarmName}"),),
    "lambda.UpdateFunctionConfiguration": (
        ("Layers", "lambda:GetLayerVersion", "layer:{Layers}"),
        ("Role", "iam:PassRole", "::role/{Role}"),
    ),
    "logs.PutSubscriptionFilter": (("roleArn", "iam:PassRole", "::role/{roleArn}"),),
}
"""What a parameter asks for besides the operation's own action (API references)."""

TAGGING: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            *("appsync", "athena", "cloudwatch", "cognito-idp", "dynamodb", "ecr", "ecs", "eks"),
            *("elasticfilesystem", "events", "glue", "kms", "lambda", "logs", "pipes"),
            *("scheduler", "secretsmanager", "sns", "states"),
        ),
        ("TagResource", "UntagResource"),
    ),
    "acm": ("AddTagsToCertificate", "RemoveTagsFromCertificate"),
    "ec2": ("CreateTags", "DeleteTags"),
    **dict.fromkeys(("elasticache", "rds", "ssm"), ("AddTagsToResource", "RemoveTagsFromResource")),
    **dict.fromkeys(("elasticloadbalancing", "es"), ("AddTags", "RemoveTags")),
    "firehose": ("TagDeliveryStream", "UntagDeliveryStream"),
    "kinesis": ("AddTagsToStream", "RemoveTagsFromStream"),
    "s3": ("GetBucketTagging PutBucketTagging", "GetBucketTagging PutBucketTagging"),
    "sqs": ("TagQueue", "UntagQueue"),
}
"""How services' own actions call what the tagging API does in them on the caller's behalf."""

ACCOUNT_POLICIES = {
    "RETENTION_POLICY": "logs:PutRetentionPolicy",
    "SUBSCRIPTION_FILTER_POLICY": "logs:PutSubscriptionFilter",
}
"""What an account policy does to every log group."""
