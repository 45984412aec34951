"""Log groups that the policy selects have exactly our subscription filter to our destination."""

from steward.controls.log_subscription.assess import CODES, NO_SLOT, assess
from steward.controls.log_subscription.readers import BATCH, discover, observe
from steward.controls.log_subscription.state import ID, Policy
from steward.events import LOG_GROUP
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Log groups are subscribed to the destination, each once",
    severity=Severity.MEDIUM,
    kinds=(LOG_GROUP,),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "logs:DescribeAccountPolicies",
            "logs:DescribeLogGroups",
            "logs:DescribeSubscriptionFilters",
            "tag:GetResources",
        }
    ),
    writes=frozenset(
        {"iam:PassRole", "logs:DeleteSubscriptionFilter", "logs:PutSubscriptionFilter"}
    ),
    codes=CODES,
    monthly_cost="nothing itself; the destination charges for what it takes, by the GB",
    limit_code=NO_SLOT,
    batch=BATCH,
    ordered=True,
)
