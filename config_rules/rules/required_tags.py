"""Required tags are read for all resources of a kind together: the rule runs by the clock."""

from steward.controls.required_tags import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
