"""Policies of a deployed stack, its stop switch, and which Config rules its controls heed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from steward.aws import parameters
from steward.config_resources import plain_name, rule_name
from steward.controls import CONTROLS
from steward.controls import named as registered
from steward.errors import BadPolicy
from steward.model import Aws, Clock, Control, Mode
from steward.policy import Loaded, load, settled

Allowed: TypeAlias = Mapping[str, Mapping[str, Sequence[Any]]]
"""By control and field of its policy: the values that the template allows."""

CONFIG_RULES = "config-rules"
"""The policy that maps rules which are not ours, such as Security Hub's, to controls."""

PARAMETERS_FRESH = 60.0
"""Seconds that policies and the stop switch are believed without being read again."""


class StackPolicies:
    """Policies and the stop switch of a stack, from parameters that are read together."""

    def __init__(
        self,
        aws: Aws,
        stack: str,
        clock: Clock,
        controls: Sequence[str],
        ceilings: Mapping[str, Mode] | None = None,
        allowed: Allowed | None = None,
    ) -> None:
        self._aws = aws
        self._stack = stack
        self._clock = clock
        self._controls = controls
        self._ceilings = ceilings or {}
        self._allowed = allowed or {}
        self._values: Mapping[str, str] = {}
        self._read_at = float("-inf")

    def policy(self, control: Control[Any, Any]) -> Loaded[Any]:
        """A control's policy from the stack's parameters. Raises BadPolicy."""
        layers = parameters.layers(self._fresh(), self._stack, control.id)
        ceiling = self._ceilings.get(control.id, Mode.ENFORCE)
        return load(control, *layers, ceiling=ceiling, allowed=self._allowed.get(control.id))

    def heeding(self, rule: str) -> str:
        """The id of the control of which a Config rule is, or to which the policy maps it.

        That is the policy config-rules; '' where it is none of these controls. Raises BadPolicy.
        """
        plain = plain_name(rule)
        for control in self._controls:
            if plain == rule_name(self._stack, control):
                return control
        layers = parameters.layers(self._fresh(), self._stack, CONFIG_RULES)
        mapped: Mapping[str, str] = settled(CONFIG_RULES, *layers)["rules"]
        for name, control in mapped.items():
            if registered(control) is None:
                allowed = ", ".join(one.id for one in CONTROLS)
                raise BadPolicy(f"{CONFIG_RULES}: rules.{name}: is {control!r}, allowed: {allowed}")
        found = mapped.get(rule, mapped.get(plain, ""))
        return found if found in self._controls else ""

    def is_deployed(self) -> bool:
        """Whether there are parameters that only a stack's template makes."""
        names = (parameters.defaults_name(self._stack, control) for control in self._controls)
        return any(name in self._fresh() for name in names)

    def stopped(self) -> bool:
        """Whether the stop switch is set."""
        return parameters.is_stopped(self._fresh(), self._stack)

    def forget(self) -> None:
        """Read everything again before it is next believed."""
        self._read_at = float("-inf")

    def _fresh(self) -> Mapping[str, str]:
        now = self._clock.monotonic()
        if now - self._read_at > PARAMETERS_FRESH:
            names = [parameters.stop_name(self._stack)]
            names.append(parameters.policy_name(self._stack, CONFIG_RULES))
            for control in self._controls:
                names.append(parameters.defaults_name(self._stack, control))
                names.append(parameters.policy_name(self._stack, control))
            self._values = parameters.read(self._aws, names)
            self._read_at = now
        return self._values
