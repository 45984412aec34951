"""Who invokes a function, and where its failures go, no configuration item tells: by the clock."""

from steward.controls.async_failure_destination import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
