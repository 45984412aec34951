"""Provisioned Kinesis streams have the shards that their load takes, and not many more."""

from datetime import timedelta

from steward.controls.stream_capacity.assess import assess
from steward.controls.stream_capacity.codes import CHANGE_LIMIT, CODES
from steward.controls.stream_capacity.readers import discover, observe
from steward.controls.stream_capacity.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Provisioned Kinesis streams have the shards that their load takes",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "cloudwatch:GetMetricData",
            "kinesis:DescribeStreamSummary",
            "kinesis:ListStreams",
            "tag:GetResources",
        }
    ),
    writes=frozenset({"kinesis:UpdateShardCount"}),
    codes=CODES,
    monthly_cost=(
        "11 USD for each shard that is added (0.015 USD an hour in us-east-1); reading metrics "
        "costs 0.22 USD for a stream that is looked at every ten minutes"
    ),
    limit_code=CHANGE_LIMIT,
    limit_lasts=timedelta(hours=1),
)
