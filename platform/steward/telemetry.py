"""The only code that knows Powertools: log lines, and metrics in CloudWatch's embedded format."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any, Protocol, TextIO, TypeAlias

from steward.model import Clock

NAMESPACE = "Steward"

Dimensions: TypeAlias = Sequence[Sequence[str]]
"""The sets of dimensions under each of which a metric is kept, and paid for."""

WHOLE: Dimensions = ((),)
"""Of what is counted, or measured, without regard to controls."""

COUNTER: Dimensions = ((), ("Control",))
"""Of what is counted as it happens, so that an alarm needs to know no control."""

STATE: Dimensions = (("Control",),)
"""Of how a control's resources stand when its sweep ends. Without a control a count would be no
total: whatever is asked for of a day, be it sum, average or highest, mixes controls with sweeps."""

FATES: Dimensions = (("Control", "Fate"),)
"""Of what became of resources; a total is the sum of these."""

FATES_IN_FULL: Dimensions = ((), ("Control",), ("Control", "Fate"))

Values: TypeAlias = Mapping[str, float | Sequence[float]]
"""Metrics by name; of several values CloudWatch keeps the distribution."""

MOST_VALUES = 100
"""Values that a metric may have in one line (specification of the format)."""

_UNITS = {"Seconds": "Seconds", "Hours": "None", "Bytes": "Bytes"}
"""By how a metric's name ends."""


class Telemetry(Protocol):
    """What a run tells about itself. A message is a constant; facts are keys."""

    def info(self, message: str, **facts: Any) -> None: ...

    def error(self, message: str, **facts: Any) -> None: ...

    def traceback(self, message: str, **facts: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        ...

    def metric(self, values: Values, dimensions: Dimensions, **names: str) -> None:
        """Metrics under each of the dimension sets, whose values are in ``names``."""
        ...


class LambdaTelemetry:
    """Log lines by Powertools, metrics as embedded metric format on standard output."""

    def __init__(self, clock: Clock, service: str, out: TextIO | None = None) -> None:
        from aws_lambda_powertools.logging.formatter import (  # noqa: PLC0415  # not the console's
            LambdaPowertoolsFormatter,
        )

        self._clock = clock
        self._out = out or sys.stdout
        self._logger = logging.Logger(service, logging.INFO)  # of its own: Powertools' is shared
        handler = logging.StreamHandler(self._out)
        handler.setFormatter(LambdaPowertoolsFormatter(service=service))
        self._logger.addHandler(handler)

    def info(self, message: str, **facts: Any) -> None:
        self._logger.info(message, extra=facts)

    def error(self, message: str, **facts: Any) -> None:
        self._logger.error(message, extra=facts)

    def traceback(self, message: str, **facts: Any) -> None:
        self._logger.exception(message, extra=facts)

    def metric(self, values: Values, dimensions: Dimensions, **names: str) -> None:
        line = embedded(int(self._clock.now().timestamp() * 1000), values, dimensions, names)
        print(json.dumps(line), file=self._out, flush=True)


class Discreet:
    """Telemetry that tells of an exception where it was raised and of what type, but not its text:
    that may be of what we carry for others."""

    def __init__(self, told: Telemetry) -> None:
        self._told = told
        self.info, self.error, self.metric = told.info, told.error, told.metric

    def traceback(self, message: str, **facts: Any) -> None:
        kind, _, trace = sys.exc_info()
        places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in extract_tb(trace)]
        name = kind.__name__ if kind else ""
        self._told.error(message, exception_name=name, places=places, **facts)


def embedded(
    milliseconds: int,
    values: Values,
    dimensions: Dimensions,
    names: Mapping[str, str],
) -> dict[str, Any]:
    """One line of CloudWatch's embedded metric format (its specification, user guide)."""
    metrics = [{"Name": name, "Unit": _unit(name)} for name in values]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(names_of_set) for names_of_set in dimensions],
        "Metrics": metrics,
    }
    return {
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]},
        **names,
        **values,
    }


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "Count")
