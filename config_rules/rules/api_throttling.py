"""A stage is judged when it changes; what is deployed to it changes it, too."""

from steward.config_resources import STAGES
from steward.controls.api_throttling import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL, recorded=STAGES)
