"""A function's runtime is judged when its configuration changes, and as dates go by."""

from steward.controls.function_runtime import CONTROL
from steward.events import FUNCTION
from steward.reporter import Rule

RULE = Rule(CONTROL, recorded=(FUNCTION,))
