"""Log groups are no type that Config records: the rule runs by the clock alone."""

from steward.controls.log_retention import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
