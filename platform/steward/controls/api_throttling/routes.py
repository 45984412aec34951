"""The calls for the routes of HTTP and WebSocket APIs. Pure.

UpdateStage leaves routes alone that it does not name. Those that it names are sent whole, with all
other settings as they are, so that nothing depends on whether it keeps what is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from steward.controls.api_gateway.stages import EVERY, Settings
from steward.controls.api_throttling.edits import Edit, Step, taken_over
from steward.controls.api_throttling.settings import BURST, RATE, Limit
from steward.controls.api_throttling.state import ApiStage
from steward.model import Call


def route_steps(stage: ApiStage, edits: Sequence[Edit]) -> Iterator[Step]:
    """What has settings is changed together; a new one by itself, so that it can be undone."""
    known = [edit for edit in edits if edit.key in stage.limits and edit.limit is not None]
    if known:
        yield Step(_change(stage, known), known)
    for edit in edits:
        if edit.limit is None:
            undo = _update(stage, {edit.key: _told(stage, edit.key, stage.limits[edit.key])})
            yield Step(_delete(stage, edit.key, undo), [edit])
        elif edit not in known:
            new = {edit.key: _told(stage, edit.key, edit.limit)}
            yield Step(_update(stage, new, _delete(stage, edit.key)), [edit])


def _change(stage: ApiStage, edits: Sequence[Edit]) -> Call:
    """Limits can be changed and not unset: undo gives the account's, which limit nothing either."""
    before = {
        edit.key: _before(stage, edit.key, {**stage.account, **stage.limits[edit.key]})
        for edit in edits
    }
    after = {edit.key: _told(stage, edit.key, edit.limit or {}) for edit in edits}
    return _update(stage, after, _update(stage, before))


def _told(stage: ApiStage, key: str, limit: Limit) -> Settings:
    """A route's settings with these limits, and what it takes over from the stage's."""
    return {**_before(stage, key, limit), **taken_over(stage, key)}


def _before(stage: ApiStage, key: str, limit: Limit) -> Settings:
    names = {RATE: "ThrottlingRateLimit", BURST: "ThrottlingBurstLimit"}
    numbers = {names[name]: value for name, value in limit.items()}
    if BURST in limit:
        numbers[names[BURST]] = int(limit[BURST])
    kept = stage.others(key)
    if stage.protocol == "HTTP":  # which refuses execution logs, whatever they are set to
        kept = {name: kept[name] for name in ("DetailedMetricsEnabled",) if name in kept}
    return {**kept, **numbers}


def _update(stage: ApiStage, settings: Mapping[str, Settings], undo: Call | None = None) -> Call:
    params: dict[str, Any] = {"ApiId": stage.api, "StageName": stage.name}
    if EVERY in settings:
        params["DefaultRouteSettings"] = settings[EVERY]
    own = {key: told for key, told in settings.items() if key != EVERY}
    if own:
        params["RouteSettings"] = own
    return Call("apigatewayv2", "UpdateStage", params, undo)


def _delete(stage: ApiStage, key: str, undo: Call | None = None) -> Call:
    params = {"ApiId": stage.api, "StageName": stage.name, "RouteKey": key}
    return Call("apigatewayv2", "DeleteRouteSettings", params, undo)
