"""The counting server's own paths, for whoever runs it in another process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from embedded.faults import fault_from
from embedded.seeding import Seed, clear_logs, retention_of_log_groups, seed_log_groups

if TYPE_CHECKING:
    from embedded.counting import CountingServer

PATH = "/_control/"

Body = Mapping[str, Any]


def control(server: CountingServer, asked: str, body: Body) -> tuple[int, bytes]:
    """Status and answer to a request such as 'POST clear'."""
    action = _ACTIONS.get(asked)
    if action is None:
        return 404, json.dumps({"error": f"is {asked!r}, allowed: {', '.join(_ACTIONS)}"}).encode()
    return 200, json.dumps(action(server, body)).encode()


def _stats(server: CountingServer, _: Body) -> Any:
    return server.stats()


def _clear(server: CountingServer, _: Body) -> Any:
    server.clear()
    return {}


def _configure(server: CountingServer, body: Body) -> Any:
    """Set what the body names: latency, quotas, faults; the rest stays."""
    server.latency = body.get("latency", server.latency)
    server.quotas = body.get("quotas", server.quotas)
    if "faults" in body:
        server.faults = [fault_from(fault) for fault in body["faults"]]
    return {}


def _seed(_: CountingServer, body: Body) -> Any:
    """Make the body's log groups the only ones."""
    clear_logs(**_place(body))
    seed_log_groups((Seed(**group) for group in body["groups"]), **_place(body))
    return {}


def _retention(_: CountingServer, body: Body) -> Any:
    return retention_of_log_groups(**_place(body))


def _place(body: Body) -> dict[str, Any]:
    return {key: body[key] for key in ("region", "account") if key in body}


_ACTIONS: Mapping[str, Callable[[CountingServer, Body], Any]] = {
    "GET stats": _stats,
    "POST clear": _clear,
    "POST configure": _configure,
    "POST seed": _seed,
    "POST retention": _retention,
}
