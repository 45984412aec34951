"""A stack's resources and their tags are many things in one: the rule runs by the clock."""

from steward.controls.stack_tags import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
