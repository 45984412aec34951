"""A request to the embedded account, and how it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException


@dataclass(frozen=True, slots=True)
class Request:
    """One API call as the service gets it: parameters as the API reference names them."""

    service: str
    operation: str
    params: Mapping[str, Any]
    account: str
    region: str
    access_key: str = ""
    """Of whoever signed it."""
    path: str = ""
    """Of its URL, which permissions for API Gateway go by."""


class Refusal(ServiceException):
    """An error of the service; of a class of its own, because moto guesses by the module."""


def invalid(message: str) -> Refusal:
    """The error for parameters that do not fit together or lie outside what is allowed."""
    return Refusal("InvalidParameterException", message)


def not_found(message: str) -> Refusal:
    return Refusal("ResourceNotFoundException", message)
