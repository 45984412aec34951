"""Half of it is about log groups, which Config does not record: the rule runs by the clock."""

from steward.controls.function_logging import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
