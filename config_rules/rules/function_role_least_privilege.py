"""A role is judged when it changes, and by the clock: managed policies are items of their own."""

from steward.config_resources import ROLE
from steward.controls.function_role_least_privilege import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL, recorded=(ROLE,))
