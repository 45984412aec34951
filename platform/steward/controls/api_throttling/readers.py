"""Reads stages with the limits of what is deployed on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from steward.controls import api_gateway
from steward.controls.api_gateway.stages import EVERY, Stage
from steward.controls.api_throttling.rules import Policy
from steward.controls.api_throttling.settings import BURST, RATE, Limit, limit_of, others
from steward.controls.api_throttling.state import ApiStage, remembering
from steward.errors import Refused
from steward.model import Page, Ref, Sight, Unread


def discover(sight: Sight[Policy], cursor: str | None) -> Iterator[Page[ApiStage]]:
    """Every stage; see ``api_gateway``."""
    read = partial(_state, sight, _account(sight))
    for page in api_gateway.discover(sight, cursor, read):
        yield Page(_remembering(sight, page.states), page.cursor)


def observe(sight: Sight[Policy], refs: Sequence[Ref]) -> Iterator[ApiStage | Unread]:
    """The named stages, or all of an API."""
    read = partial(_state, sight, _account(sight))
    yield from _remembering(sight, list(api_gateway.observe(sight, refs, read)))


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
    return ApiStage(
        id=stage.ref.id,
        kind=stage.api.kind,
        api_name=stage.api.name,
        protocol=stage.api.protocol,
        managed=stage.managed,
        methods=api_gateway.methods(sight, stage),
        account=account,
        limits={key: limit_of(settings) for key, settings in told.items()},
        settings={key: others(settings) for key, settings in told.items()},
        tags=stage.tags,
    )


def _remembering(
    sight: Sight[Policy], states: Sequence[ApiStage | Unread]
) -> list[ApiStage | Unread]:
    """The states, with what the ledger remembers of all of them together."""
    items = sight.known.items([one.ref for one in states if isinstance(one, ApiStage)])
    return [
        remembering(one, items[one.ref].memory)
        if isinstance(one, ApiStage) and one.ref in items
        else one
        for one in states
    ]
