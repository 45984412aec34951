"""Log groups that the policy selects are shipped to our destination once each.

By a subscription filter on each group, or by one account policy for all.
"""

from steward.controls.log_subscription.account_readers import besides
from steward.controls.log_subscription.assess import CODES, NO_SLOT, assess
from steward.controls.log_subscription.changes import sets
from steward.controls.log_subscription.readers import BATCH, discover, observe
from steward.controls.log_subscription.state import ID, Policy
from steward.events import ACCOUNT_POLICY, LOG_GROUP
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Log groups are shipped to the destination, each once",
    severity=Severity.MEDIUM,
    kinds=(LOG_GROUP, ACCOUNT_POLICY),
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
        {
            "iam:PassRole",
            "logs:DeleteAccountPolicy",
            "logs:DeleteSubscriptionFilter",
            "logs:PutAccountPolicy",
            "logs:PutSubscriptionFilter",
        }
    ),
    codes=CODES,
    monthly_cost="nothing itself; the destination charges for what it takes, by the GB",
    limit_code=NO_SLOT,
    batch=BATCH,
    ordered=True,
    besides=besides,
    sets=sets,
)
