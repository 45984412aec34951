"""The calls that give methods their limits, and touch nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from steward.controls.api_gateway.stages import REST
from steward.controls.api_throttling.edits import Edit, Step, foretelling, taken_over
from steward.controls.api_throttling.routes import route_steps
from steward.controls.api_throttling.settings import BURST, RATE, chosen, defaults, number
from steward.controls.api_throttling.state import ApiStage
from steward.model import Call

OPERATIONS = 80
"""What one UpdateStage takes, at most; its undo must be one, too."""

Operation: TypeAlias = Mapping[str, str]
Patch: TypeAlias = tuple[Edit, Sequence[Operation], Sequence[Operation]]
"""An edit, its operations, and those that undo it."""

PATHS: Mapping[str, str] = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "cachingEnabled": "caching/enabled",
    "cacheTtlInSeconds": "caching/ttlInSeconds",
    "cacheDataEncrypted": "caching/dataEncrypted",
    "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
    "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy",
    RATE: "throttling/rateLimit",
    BURST: "throttling/burstLimit",
}
"""Where a setting stands in a method's (API Gateway developer guide: patch operations)."""

NO_LIMIT = -1
"""What stands for no limit in a patch."""


def calls(stage: ApiStage, edits: Sequence[Edit]) -> tuple[Call, ...]:
    """The calls for these edits, in their order."""
    steps = _rest_steps if stage.kind == REST else route_steps
    return tuple(foretelling(stage, list(steps(stage, edits))))


def _rest_steps(stage: ApiStage, edits: Sequence[Edit]) -> Iterator[Step]:
    """As many edits to a call as it takes."""
    some: list[Patch] = []
    for patch in (_patch(stage, edit) for edit in edits):
        if some and not _fit([*some, patch]):
            yield _step(stage, some)
            some = []
        some.append(patch)
    if some:
        yield _step(stage, some)


def _fit(patches: Sequence[Patch]) -> bool:
    """Whether one call can carry them out, and one undo them."""
    forth = sum(len(operations) for _, operations, _ in patches)
    back = sum(len(operations) for _, _, operations in patches)
    return max(forth, back) <= OPERATIONS


def _step(stage: ApiStage, patches: Sequence[Patch]) -> Step:
    """Undo takes the edits back from the last to the first."""
    undo = [operation for _, _, back in reversed(patches) for operation in back]
    call = _update(stage, [one for _, forth, _ in patches for one in forth], _update(stage, undo))
    return Step(call, [edit for edit, _, _ in patches])


def _update(stage: ApiStage, operations: Sequence[Operation], undo: Call | None = None) -> Call:
    params = {"restApiId": stage.api, "stageName": stage.name, "patchOperations": [*operations]}
    return Call("apigateway", "UpdateStage", params, undo)


def _patch(stage: ApiStage, edit: Edit) -> Patch:
    key = edit.key
    before = {**stage.others(key), **stage.limits.get(key, {})}
    if edit.limit is None:
        back = {**chosen(stage.kind, stage.others(key)), **stage.limits[key]}
        return edit, [_remove(key)], _replace(key, back)
    new = {**taken_over(stage, key), **edit.limit}
    changed = {name: value for name, value in new.items() if before.get(name) != value}
    if key not in stage.limits:
        return edit, _replace(key, changed), [_remove(key)]
    usual = {**defaults(stage.kind), RATE: NO_LIMIT, BURST: NO_LIMIT}
    return (
        edit,
        _replace(key, changed),
        _replace(key, {n: before.get(n, usual[n]) for n in changed}),
    )


def _remove(key: str) -> Operation:
    return {"op": "remove", "path": f"/{key}"}


def _replace(key: str, settings: Mapping[str, Any]) -> list[Operation]:
    """One operation for each setting; what stands for no setting known here is left alone."""
    return [
        {"op": "replace", "path": f"/{key}/{PATHS[name]}", "value": _told(value)}
        for name, value in settings.items()
        if name in PATHS
    ]


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else number(value)
