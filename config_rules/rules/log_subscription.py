"""Log groups are no type that Config records: the rule runs by the clock alone.

What is found of an account policy is told of the account.
"""

from steward.controls.log_subscription import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
