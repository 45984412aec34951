"""A function is judged against all others, of which no change tells: the rule runs by the clock."""

from steward.controls.function_role_not_shared import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
