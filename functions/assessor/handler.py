"""Sweeps the controls that only report; its role may read and nothing else."""

from steward.controls import function_runtime, required_tags
from steward.events import Automation
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="assessor",
    controls=(function_runtime.CONTROL, required_tags.CONTROL),
)

handler = handler_of(AUTOMATION)
