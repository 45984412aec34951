"""The names of our alarms, and the mark by which we know them again.

An alarm is ours if its name begins with our prefix and its description ends with the mark, which
names the stage and is of no other alarm: one that somebody else made under our prefix has none,
and one that was copied under another name has that of the first.
"""

from __future__ import annotations

import hashlib
import re

from steward.controls.api_gateway import REST, V2
from steward.model import Ref

LONGEST = 255
"""Characters of an alarm's name (PutMetricAlarm, API reference)."""

ALL = "all"
"""Stands for the API in the names of alarms over all APIs; no API has so short an id."""

_SORTS = {"rest": REST, "v2": V2}
_DIGEST = 16
_CUT = re.compile(rf".*~[0-9a-f]{{{_DIGEST}}}", re.DOTALL)
_MARK = re.compile(r"\[steward:api-alarms (\S+) (\S+) ([0-9a-f]{16})\]\Z")


def alarm_name(prefix: str, api: str, *rest: str) -> str:
    """``prefix/api/...``, never longer than an alarm's name may be, and of no other alarm.

    The last part, the alarm's sort, has no slash, and neither have prefix, API and stage: what is
    between may have any. A name that is cut ends in a digest of the whole, and so does one that
    looks as if it had been cut.
    """
    name = "/".join((prefix, api, *rest))
    if len(name) <= LONGEST and not _CUT.fullmatch(name):
        return name
    return f"{name[: LONGEST - _DIGEST - 1]}~{_digest(name)}"


def mark(ref: Ref, name: str) -> str:
    """What the description of an alarm of this name ends with."""
    return f"[steward:api-alarms {ref.kind} {ref.id} {_digest(name)}]"


def owner(name: str, description: str) -> Ref | None:
    """What an alarm is of, by its mark; None for one that is not ours."""
    found = _MARK.search(description)
    if found is None or found[3] != _digest(name):
        return None
    return Ref(found[1], found[2])


def api_of(name: str) -> str:
    """The id of the API in the name of an alarm of ours."""
    return name.split("/")[1]


def api_prefix(prefix: str, api: str) -> str:
    """How the names of all our alarms of an API begin, and of no other's."""
    return f"{prefix}/{api}/"


def dashboard_prefix(prefix: str, region: str) -> str:
    """How the names of our dashboards begin; those have no slashes.

    All Regions of an account share their dashboards (PutDashboard, API reference): without the
    Region, the stack of one would take those of another's APIs for left over.
    """
    return f"{prefix}-apis-{region}-"


def dashboard_name(prefix: str, region: str, stages: Ref) -> str:
    """The name of the dashboard of an API, told by a ref of its stages."""
    sort = next(sort for sort, kind in _SORTS.items() if kind == stages.kind)
    return f"{dashboard_prefix(prefix, region)}{sort}-{stages.id.partition('/')[0]}"


def stages_of(prefix: str, region: str, dashboard: str) -> Ref | None:
    """All stages of the API whose dashboard has this name; None for another name."""
    start = dashboard_prefix(prefix, region)
    sort, _, api = dashboard.removeprefix(start).partition("-")
    if not dashboard.startswith(start) or sort not in _SORTS or not api.isalnum():
        return None
    return Ref(_SORTS[sort], f"{api}/*")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
