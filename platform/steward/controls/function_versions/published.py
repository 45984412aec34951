"""Published versions as Lambda lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from steward.controls.function_versions.state import Policy, Version
from steward.controls.function_versions.users import number_of
from steward.errors import NotConnected, OutOfTime, StewardError
from steward.model import Sight

Described: TypeAlias = Mapping[str, Any]


def published(now: datetime, listed: Sequence[Described]) -> list[Version]:
    """The versions that have a number, oldest first."""
    told = (_version(now, one) for one in listed if number_of(one["Version"]))
    return sorted(told, key=lambda one: one.number)


def _version(now: datetime, told: Described) -> Version:
    """Code counts but for images; a version that runs on a capacity provider never rests."""
    snapshots = told.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    return Version(
        number=number_of(told["Version"]),
        age_days=age_of(now, told),
        size=0 if told.get("PackageType") == "Image" else told.get("CodeSize", 0),
        snapshot=snapshots and not told.get("Runtime", "").startswith("java"),
        used="capacity provider" if told.get("CapacityProviderConfig") else "",
    )


def age_of(now: datetime, told: Described) -> int | None:
    """Whole days since it was published; None where Lambda tells no time that can be read."""
    try:
        return (now - datetime.fromisoformat(told["LastModified"])).days
    except (KeyError, TypeError, ValueError):
        return None


def storage(sight: Sight[Policy]) -> str:
    """How much of its code storage the account uses, as a remark; '' if it is not told."""
    told = _settings(sight)
    if told is None:
        return ""
    used, most = (told[key]["TotalCodeSize"] for key in ("AccountUsage", "AccountLimit"))
    return f"{used * 100 // most}% of the account's {most // 1024**3} GB of code are used"


def stored(sight: Sight[Policy]) -> int | None:
    """Bytes of code that the account stores, layers among them; None if it is not told in time."""
    try:
        told = _settings(sight)
    except OutOfTime:
        return None
    return None if told is None else int(told["AccountUsage"]["TotalCodeSize"])


def _settings(sight: Sight[Policy]) -> Mapping[str, Any] | None:
    """What Lambda tells of the account, read once in a step; None if it refuses. Raises
    OutOfTime."""

    def read() -> Mapping[str, Any] | None:
        try:
            return sight.aws.ask("lambda", "GetAccountSettings")
        except (NotConnected, OutOfTime):
            raise
        except StewardError:  # neither remark nor gauge decides anything
            return None

    return sight.known.once("account settings", read)
