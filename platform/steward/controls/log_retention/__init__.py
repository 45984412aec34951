"""Log groups keep their events as long as the policy says, and none keeps them for ever."""

from steward.controls.log_retention.assess import CODES, assess
from steward.controls.log_retention.readers import discover, observe
from steward.controls.log_retention.state import ID, KIND, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Log groups keep their events for a bounded time",
    severity=Severity.MEDIUM,
    kinds=(KIND,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset({"logs:DescribeLogGroups", "tag:GetResources"}),
    writes=frozenset({"logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"}),
    codes=CODES,
    ordered=True,
)
