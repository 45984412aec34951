"""How a secret becomes the headers by which a service knows us. No error shows any of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from steward.errors import BadPolicy
from steward.shipping.encoders.base import Encoder

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OURS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "host"}
    | {"transfer-encoding"}
)


def headers_of(secret: str, encoder: Encoder) -> Mapping[str, str]:
    """The headers that a secret asks for.

    ``{"headers": {...}}`` gives exactly these, ``{"username": ..., "password": ...}`` HTTP Basic;
    a text that is no JSON object is the service's token or key. Raises BadPolicy for any other
    object, such as Secrets Manager makes of keys and values, and where no header can carry it.
    """
    value = _object(secret)
    if "headers" in value:
        return _checked(value["headers"])
    if "username" in value and "password" in value:
        return _checked({"Authorization": _basic(value["username"], value["password"])})
    if value:
        raise BadPolicy("secret: an object has to have headers, or username and password")
    return _checked(encoder.credentials(secret.strip()))


def _object(secret: str) -> Mapping[str, Any]:
    try:
        value = json.loads(secret)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _basic(username: Any, password: Any) -> str:
    if not (isinstance(username, str) and isinstance(password, str)) or ":" in username:
        raise BadPolicy("secret: username and password have to be texts, the former without colon")
    both = f"{username}:{password}".encode(errors="replace")
    return "Basic " + base64.b64encode(both).decode()


def _checked(headers: Any) -> Mapping[str, str]:
    if not isinstance(headers, dict):
        raise BadPolicy("secret: headers has to be an object of texts")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise BadPolicy("secret: a name under headers is no name of a header that may be set")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise BadPolicy("secret: a header's value has to be printable ASCII on one line")
    return headers
