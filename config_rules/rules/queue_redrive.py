"""What a queue feeds, no configuration item tells; it is reported by the clock."""

from steward.controls.queue_redrive import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
