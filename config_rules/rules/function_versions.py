"""Config records no versions of functions: the rule runs by the clock alone."""

from steward.controls.function_versions import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
