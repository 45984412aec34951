"""Fits the shards of streams to their load, on a schedule of its own and on every sweep."""

from steward.controls.stream_capacity import CONTROL
from steward.events import Automation
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="stream-capacity",
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
