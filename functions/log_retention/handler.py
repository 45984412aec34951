"""Sets retention when a log group appears or loses it, and on every sweep."""

from steward.controls.log_retention import CONTROL
from steward.events import Automation, log_group
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="log-retention",
    source="aws.logs",
    events={
        "CreateLogGroup": log_group,
        "PutRetentionPolicy": log_group,
        "DeleteRetentionPolicy": log_group,
    },
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
