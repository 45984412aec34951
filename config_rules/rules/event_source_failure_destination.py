"""Config records no event source mappings; their functions are reported, by the clock."""

from steward.controls.event_source_failure_destination import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
