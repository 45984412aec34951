"""What a function should carry depends on tags and aliases, too: the rule runs by the clock."""

from steward.controls.function_layers import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
