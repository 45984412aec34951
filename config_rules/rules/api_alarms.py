"""Alarms are no part of a stage's configuration: the rule runs by the clock alone."""

from steward.controls.api_alarms import CONTROL
from steward.reporter import Rule

RULE = Rule(CONTROL)
