"""Ships log groups as they appear, are tagged, lose or get filters, and on every sweep."""

from steward.controls.log_subscription import CONTROL
from steward.events import Automation, account_subscription, log_group
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="log-subscription",
    source="aws.logs",
    events={
        "CreateLogGroup": log_group,
        "PutAccountPolicy": account_subscription,
        "DeleteAccountPolicy": account_subscription,
        "PutSubscriptionFilter": log_group,
        "DeleteSubscriptionFilter": log_group,
        "TagResource": log_group,
        "UntagResource": log_group,
        "TagLogGroup": log_group,
        "UntagLogGroup": log_group,
    },
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
