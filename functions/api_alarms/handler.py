"""Gives APIs alarms as they are deployed, and takes them away with what they watch."""

from steward.api_events import api_stage
from steward.controls.api_alarms import CONTROL
from steward.events import Automation
from steward.runtime import handler as handler_of

CALLS = """CreateApi CreateDeployment CreateRestApi CreateRoute CreateStage DeleteApi DeleteRestApi
    DeleteRoute DeleteStage ImportApi ImportRestApi PutRestApi ReimportApi TagResource UntagResource
    UpdateApi UpdateRestApi UpdateRoute UpdateStage"""

AUTOMATION = Automation(
    name="api-alarms",
    source="aws.apigateway",
    events=dict.fromkeys(CALLS.split(), api_stage),
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
