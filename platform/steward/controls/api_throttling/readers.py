"""Reads stages with the limits of what is deployed on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from steward.controls import api_gateway
from steward.controls.api_gateway.stages import EVERY, Stage
from steward.controls.api_throttling.rules import Policy
from steward.controls.api_throttling.settings import BURST, RATE, Limit, chosen, limit_of, others
from steward.controls.api_throttling.state import ApiStage, Own, still_ours
from steward.errors import Refused
from steward.model import Page, Ref, Sight, Unread


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[ApiStage]]:
    """Every stage; see ``api_gateway``."""
    yield from api_gateway.discover(sight, cursor, partial(_state, sight, _account(sight)))


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[ApiStage | Unread]:
    """The named stages, or all of an API."""
    yield from api_gateway.observe(sight, refs, partial(_state, sight, _account(sight)))


def _account(sight: Sight[Policy]) -> Limit | Refused:
    """The account's limits, read once a step, or why they cannot be read."""

    def read() -> Limit | Refused:
        try:
            told = sight.aws.ask("apigateway", "GetAccount")["throttleSettings"]
        except Refused as refusal:
            return refusal
        return {RATE: told["rateLimit"], BURST: told["burstLimit"]}

    return sight.known.once("limits of the account", read)


def _state(sight: Sight[Policy], account: Limit | Refused, stage: Stage) -> ApiStage:
    """A stage that the policy excludes is not looked into. Raises what reading raises."""
    if sight.policy.excludes(stage.ref):
        return ApiStage(stage.ref.id, stage.api.kind, tags=stage.tags)
    if isinstance(account, Refused):
        raise account
    told = {**({EVERY: stage.default} if stage.default else {}), **stage.settings}
    limits = {key: limit_of(settings) for key, settings in told.items()}
    settings = {key: others(one) for key, one in told.items()}
    ours = still_ours(stage.api.kind, _memory(sight, stage.ref), limits, settings)
    return ApiStage(
        id=stage.ref.id,
        kind=stage.api.kind,
        api_name=stage.api.name,
        protocol=stage.api.protocol,
        managed=stage.managed,
        methods=api_gateway.methods(sight, stage),
        account=account,
        limits=limits,
        settings=settings,
        ours=ours,
        behind=_behind(stage, ours),
        tags=stage.tags,
    )


def _memory(sight: Sight[Policy], ref: Ref) -> str:
    item = sight.known.items([ref]).get(ref)
    return item.memory if item else ""


def _behind(stage: Stage, ours: Mapping[str, Own]) -> list[str]:
    """What hides the stage's settings as they are now."""
    now = chosen(stage.api.kind, others(stage.default))
    return sorted(key for key, own in ours.items() if own["settings"] != now)
