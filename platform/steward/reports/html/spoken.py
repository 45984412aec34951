"""What API calls do, in words of things and not of operations. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from steward.model import Call
from steward.reports.wording import clip, counted

UNSET = "not set"
ABSENT, THERE, DELETED = "not there", "there", "deleted"
WHOLE = 4000
"""Characters of a value or a call, in full."""

_TAKES = ("Delete", "Untag", "Remove")
_MARK = re.compile(r" \[steward:[^\]]*\]$")
"""By which Steward knows its own alarms again."""

_JOINTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spoken(call: Call) -> str:
    """A call on one line: 'logs PutRetentionPolicy logGroupName=/orders retentionInDays=30'."""
    params = " ".join(f"{name}={value(one)}" for name, one in call.params.items())
    return clip(f"{call.service} {call.operation} {params}", WHOLE)


def thing(call: Call) -> str:
    """What a call is about: 'alarm steward/api/5xx', 'version 3', 'tags of 2 resources'."""
    match call.operation:
        case "TagResources" | "UntagResources":
            arns: Sequence[str] = call.params.get("ResourceARNList", ())
            return f"tags of {arns[0] if len(arns) == 1 else counted(len(arns), 'resource')}"
        case "DeleteFunction" if "Qualifier" in call.params:
            return f"version {call.params['Qualifier']}"
        case "PutMetricAlarm" | "DeleteAlarms":
            return f"alarm {_subject(call)}"
    return f"{_noun(call)} {_subject(call)}".strip()


def before(call: Call) -> str:
    """What was there, as far as the call's undo tells."""
    undo = call.undo
    if takes(call):
        return THERE
    if undo is None or takes(undo):
        return UNSET if call.operation == "TagResources" else ABSENT
    return made(undo)


def made(call: Call) -> str:
    """What a call leaves behind."""
    match call.operation:
        case _ if takes(call):
            return DELETED
        case "TagResources":
            tags = call.params.get("Tags", {})
            return ", ".join(f"{key}={one}" for key, one in tags.items()) or UNSET
        case "PutMetricAlarm" if call.params.get("AlarmDescription"):
            return clip(_MARK.sub("", str(call.params["AlarmDescription"])), WHOLE)
    return phrase(call.params, list(call.params)[1:]) or THERE


def takes(call: Call) -> bool:
    """Whether it takes something away."""
    return call.operation.startswith(_TAKES)


def phrase(params: Mapping[str, Any], names: Sequence[str]) -> str:
    """Parameters as 'shard count: 4, scaling type: uniform'; what is not set is left out."""
    texts = {name: value(params[name]) for name in names if name in params}
    told = [f"{words(name)}: {text}" for name, text in texts.items() if text != UNSET]
    return clip(", ".join(told), WHOLE)


def value(of: Any) -> str:
    """A value as a person would write it down."""
    if of is None or of in ("", [], (), {}):
        return UNSET
    if isinstance(of, str):
        return clip(of, WHOLE)
    if isinstance(of, list | tuple) and all(isinstance(one, str) for one in of):
        return clip(", ".join(of), WHOLE)
    if isinstance(of, bool):
        return "yes" if of else "no"
    return clip(json.dumps(of, sort_keys=True, default=str, ensure_ascii=False), WHOLE)


def words(name: str) -> str:
    """A name of a field in words; of an API's method, its path and its verb.

    API Gateway writes '~1' for the slashes of a path: '~1items/GET' is '/items GET'.
    """
    if "~1" in name or "~0" in name:
        path, _, verb = name.rpartition("/")
        return (
            f"{path or verb} {verb if path else ''}".strip().replace("~1", "/").replace("~0", "~")
        )
    return _JOINTS.sub(" ", name).lower() if name.isalpha() else name.replace("_", " ")


def _noun(call: Call) -> str:
    """Of an operation's name what follows its verb."""
    told = _JOINTS.sub(" ", call.operation).split(" ", 1)
    return told[-1].lower()


def _subject(call: Call) -> str:
    return value(next(iter(call.params.values()), "")).replace(UNSET, "")
