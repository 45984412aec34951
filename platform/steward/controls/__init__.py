"""Every control there is. Adding one is adding its line here."""

from typing import Any

from steward.controls import log_retention
from steward.model import Control

CONTROLS: tuple[Control[Any, Any], ...] = (log_retention.CONTROL,)


def named(control_id: str) -> Control[Any, Any] | None:
    """The control with this id, or None."""
    return next((control for control in CONTROLS if control.id == control_id), None)
