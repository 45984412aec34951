"""What the template and the team say about shipping, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from steward.errors import BadPolicy
from steward.shipping.encoders.base import Options
from steward.shipping.own_rules import redactor
from steward.shipping.redaction import Redactor

ARCHIVE = "s3_raw"
"""The format that is none: records are archived as they are."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where log events go, which only the template says."""

    format: str
    bucket: str
    url: str = ""
    secret: str = ""  # an ARN
    signing: str = ""  # the name of a service of AWS

    @classmethod
    def read(cls, text: str) -> Target:
        """The target in STEWARD_SHIPPING, a JSON object of these fields, all of them texts.

        Raises BadPolicy, which never shows the URL: a token may be part of it.
        """
        try:
            told = json.loads(text)
            target = cls(**told)
        except (ValueError, TypeError) as error:
            raise BadPolicy(f"STEWARD_SHIPPING: is not read: {type(error).__name__}") from error
        if wrong := [name for name, value in told.items() if not isinstance(value, str)]:
            raise BadPolicy(f"STEWARD_SHIPPING: {wrong[0]}: is no text")
        if target.format != ARCHIVE and not _is_address(target.url):
            raise BadPolicy("STEWARD_SHIPPING: url: is none, allowed: https://HOST[:PORT][/PATH]")
        return target


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of brackets and ports
        return False


def options(document: Mapping[str, Any]) -> Options:
    """What of the policy ``log-shipper`` the formats know. Raises BadPolicy."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # an escaped surrogate, which no encoder could write
        raise BadPolicy("log-shipper: has a character that UTF-8 cannot carry") from None
    return Options(
        index=document["index"],
        source=document["source"],
        sourcetype=document["sourcetype"],
        service=document["service"],
        attributes=dict(document["attributes"]),
    )


def redaction(document: Mapping[str, Any]) -> Redactor:
    """The rules that the policy wants, the team's own among them. Raises BadPolicy."""
    try:
        return redactor(document["redact"], document["redact_patterns"])
    except ValueError as error:
        raise BadPolicy(f"redact_patterns: {error}") from error
