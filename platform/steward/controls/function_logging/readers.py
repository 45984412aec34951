"""How functions' logging is read: fifty functions by one request, their log groups by another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from steward.controls import log_groups
from steward.controls.function_logging.state import JSON, KIND, Function, Group, Policy
from steward.controls.lambda_api import functions
from steward.controls.lambda_api.functions import Tagged
from steward.controls.unreadable import unread
from steward.errors import Refused
from steward.model import Page, Ref, Sight, Unread

DEFAULT_LEVEL = "INFO"
"""From which on a function that logs in JSON does, where it names no level (Lambda API reference,
LoggingConfig)."""


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[Function]]:
    """Every function; Lambda documents no order."""
    for told, more in functions.parts(sight, cursor):
        yield Page(list(_states(sight, told)), more)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[Function | Unread]:
    """The named functions; what is no legal name can name none, and is not asked for."""
    yield from _states(sight, functions.named(sight, refs))


def _states(sight: Sight[Policy], told: Iterable[Tagged | Unread]) -> Iterator[Function | Unread]:
    """Functions with their groups; where a group cannot be read, its function is not judged."""
    found = list(told)
    yield from (one for one in found if isinstance(one, Unread))
    read = [_state(*one) for one in found if not isinstance(one, Unread)]
    yield from (one for one in read if isinstance(one, Unread))
    states = [one for one in read if not isinstance(one, Unread)]
    if not sight.policy.require_retention:
        yield from states
        return
    try:
        groups = _groups(sight, {state.log_group for state in states})
    except Refused as refusal:
        yield from (unread(state.ref, refusal) for state in states)
        return
    for state in states:
        group = groups[state.log_group]
        if isinstance(group, Unread):
            yield Unread(state.ref, group.code, group.reason)
        else:
            yield replace(state, group=group)


def _state(described: Mapping[str, object], tags: Mapping[str, str]) -> Function | Unread:
    """A function without a LoggingConfig logs plain text to the group that bears its name."""
    name = str(described["FunctionName"])
    config = described.get("LoggingConfig") or {}
    if not isinstance(config, Mapping) or not all(isinstance(one, str) for one in config.values()):
        reason = f"LoggingConfig: is {config!r:.80}, allowed: an object of texts"
        return Unread(Ref(KIND, name), "UNREADABLE", reason)
    group = config.get("LogGroup") or f"/aws/lambda/{name}"
    log_format = config.get("LogFormat", "Text")
    default = DEFAULT_LEVEL if log_format == JSON else ""
    level = {one: config.get(f"{one}LogLevel", default) for one in ("Application", "System")}
    return Function(name, log_format, level["Application"], level["System"], group, tags=tags)


def _groups(sight: Sight[Policy], names: set[str]) -> Mapping[str, Group | Unread]:
    """What is known of each group; asked by exact name, so that nothing else is listed.

    A group that the answer leaves out is taken for missing: it is only reported, and asked for
    again by the next look.
    """
    wanted = sorted(names)
    found: dict[str, Group | Unread] = dict.fromkeys(wanted, Group.MISSING)
    for start in range(0, len(wanted), log_groups.BATCH):
        for one in log_groups.named(sight.aws, wanted[start : start + log_groups.BATCH]):
            if isinstance(one, Unread):
                found[one.ref.id] = one
                continue
            kept = Group.EXPIRING if _expires(one) else Group.KEPT_FOR_EVER
            found[one["logGroupName"]] = kept
    return found


def _expires(group: Mapping[str, object]) -> bool:
    """Events of a DELIVERY group are gone after two days (CloudWatch Logs user guide)."""
    return bool(group.get("retentionInDays")) or group.get("logGroupClass") == "DELIVERY"
