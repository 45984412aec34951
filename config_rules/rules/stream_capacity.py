"""A stream's load, which the control judges, is no change of its configuration."""

from steward.controls.stream_capacity import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
