"""Limits API methods and routes when they are deployed or change, and on every sweep."""

from steward.api_events import api_stage
from steward.controls.api_throttling import CONTROL
from steward.events import Automation
from steward.runtime import handler as handler_of

EVENTS = (
    *("CreateDeployment", "CreateStage", "UpdateStage", "DeleteStage", "DeleteRestApi"),
    *("CreateApi", "ImportApi", "ReimportApi", "DeleteApi"),
    *("CreateRoute", "UpdateRoute", "DeleteRoute", "DeleteRouteSettings"),
)

AUTOMATION = Automation(
    name="api-throttling",
    source="aws.apigateway",
    events=dict.fromkeys(EVENTS, api_stage),
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
