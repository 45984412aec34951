"""An API call that the embedded account has answered, and who made it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class Identity(StrEnum):
    """Types of ``userIdentity`` that are told (CloudTrail user guide: userIdentity element)."""

    USER = "IAMUser"
    ROLE = "AssumedRole"
    ROOT = "Root"
    SERVICE = "AWSService"
    ACCOUNT = "AWSAccount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who made a call; ``name`` is a user's or a role's, with its path if it has one."""

    type: Identity = Identity.USER
    account: str
    name: str = ""
    session: str = ""
    """A role's session name; the function's name where Lambda assumed the role."""
    since: datetime | None = None
    """When the session began; None: five minutes before the call."""
    invoked_by: str = ""
    """The service that made the call itself or on behalf of the caller, as its principal."""
    access_key: str = ""
    source_ip: str = ""
    user_agent: str = ""
    from_console: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One API call that an embedded service has answered."""

    service: str  # as boto3 names it
    operation: str
    params: Mapping[str, Any]  # as the service's model names them
    account: str
    region: str
    time: datetime  # aware
    caller: Caller
    error_code: str = ""
    error_message: str = ""
    answer: Mapping[str, Any] | None = None
    """As boto3 gives it; None: not known."""
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the call found, by name, where an event tells it: Type and Description of parameters
    before they were deleted."""

    @property
    def failed(self) -> bool:
        return bool(self.error_code)


def instant(time: datetime) -> str:
    """Such as 2026-11-20T10:00:00Z, as CloudTrail and EventBridge write it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def identity(made: Made) -> dict[str, Any]:
    """The record's userIdentity; ids that AWS would draw follow from the caller's ARN."""
    caller = made.caller
    told: dict[str, Any] = {"type": str(caller.type)}
    if caller.type is not Identity.SERVICE:
        told |= _KNOWN[caller.type](made)
    if caller.invoked_by:
        told["invokedBy"] = caller.invoked_by
    return told


def source(caller: Caller) -> Mapping[str, str]:
    """Whence the call came; a service that calls tells its principal as address and agent."""
    return {
        "sourceIPAddress": caller.source_ip or caller.invoked_by or "192.0.2.10",
        "userAgent": (caller.user_agent or caller.invoked_by or "Boto3")[:1024],
    }


def _user(made: Made) -> dict[str, Any]:
    caller = made.caller
    arn = f"arn:aws:iam::{caller.account}:user/{caller.name}"
    return {
        "principalId": _unique("AIDA", arn),
        "arn": arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key or "AKIAIOSFODNN7EXAMPLE",
        "userName": _last(caller.name),
    }


def _role(made: Made) -> dict[str, Any]:
    caller = made.caller
    role, name = f"arn:aws:iam::{caller.account}:role/{caller.name}", _last(caller.name)
    session = f"arn:aws:sts::{caller.account}:assumed-role/{name}/{caller.session}"
    return {
        "principalId": f"{_unique('AROA', role)}:{caller.session}",
        "arn": session,
        "accountId": caller.account,
        "accessKeyId": caller.access_key or "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": _unique("AROA", role),
                "arn": role,
                "accountId": caller.account,
                "userName": name,
            },
            "attributes": {
                "creationDate": instant(caller.since or made.time - timedelta(minutes=5)),
                "mfaAuthenticated": "false",
            },
        },
    }


def _root(made: Made) -> dict[str, Any]:
    account = made.caller.account
    return {
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": made.caller.access_key or "ASIAIOSFODNN7EXAMPLE",
    }


def _other_account(made: Made) -> dict[str, Any]:
    account = made.caller.account
    return {"principalId": _unique("AIDA", account), "accountId": account}


_KNOWN = {
    Identity.USER: _user,
    Identity.ROLE: _role,
    Identity.ROOT: _root,
    Identity.ACCOUNT: _other_account,
}


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _unique(prefix: str, arn: str) -> str:
    """IAM's unique id of an entity: 21 characters, always the same for the same ARN."""
    digest = base64.b32encode(hashlib.sha256(arn.encode()).digest()).decode()
    return prefix + digest[:17]
