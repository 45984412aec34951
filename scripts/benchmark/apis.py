"""The APIs' benchmark: how many requests it takes to give every method a limit, and to find them.

Requests are what counts here: API Gateway takes ten a second, from all who deploy in an account.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from moto.apigateway.models import apigateway_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from benchmark.contenders import REGION, Site, environment
from embedded.api_seeding import ApiSeed, seed_api
from embedded.counting import CountingServer

STAGE = "prod"
RATE, BURST = 100, 50
CONTROL = "api-throttling"

Contender = Callable[[Site], int]
"""Gives methods their limits; its exit code."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a contender asked for; nothing of it counts where there is a ``problem``."""

    contender: str
    first: Mapping[str, int]
    """Requests by ``service.Operation`` while no method had a limit."""
    again: Mapping[str, int]
    """Once all had."""
    problem: str


def counted(apis: int, methods: int) -> Iterator[Counted]:
    """Each contender, in an account with so many REST APIs of so many methods."""
    for name, contender in (("Steward", _steward), ("boto3", _plain)):
        with CountingServer() as server, tempfile.TemporaryDirectory(prefix="steward-bench-") as at:
            _seed(apis, methods)
            site = Site(server.url, Path(at))
            first = _requests(server, partial(contender, site))
            again = _requests(server, partial(contender, site))
            problem = _problem(apis, methods)
        yield Counted(name, first, again, problem)


def _requests(server: CountingServer, run: Callable[[], int]) -> Mapping[str, int]:
    """The requests to API Gateway until the contender has ended. Raises RuntimeError."""
    server.clear()
    if code := run():
        raise RuntimeError(f"the contender ended with {code}")
    return {name: n for name, n in server.calls.items() if name.startswith("apigateway")}


def _seed(apis: int, methods: int) -> None:
    apigateway_backends[DEFAULT_ACCOUNT_ID][REGION].apis.clear()
    paths = [f"GET /items/{number}" for number in range(methods)]
    for number in range(apis):
        seed_api(ApiSeed(name=f"api-{number}", methods=paths), region=REGION)


def _problem(apis: int, methods: int) -> str:
    """Why a result does not count, or ''."""
    found = apigateway_backends[DEFAULT_ACCOUNT_ID][REGION].apis.values()
    limits = [
        (one["throttlingRateLimit"], one["throttlingBurstLimit"])
        for api in found
        for one in api.stages[STAGE].method_settings.values()
    ]
    right = limits.count((RATE, BURST))
    return "" if right == apis * methods else f"{right} of {apis * methods} methods have the limit"


def _steward(site: Site) -> int:
    policy = site.folder / "policy.json"
    limits = {"mode": "enforce", "rate": RATE, "burst": BURST}
    policy.write_text(json.dumps({CONTROL: limits}), "utf-8")
    where = ["--endpoint-url", site.url, "--region", REGION, "--pace", "off", "--enforce"]
    files = ["--policy", str(policy), "--ledger", str(site.folder / "ledger.sqlite3"), "--json"]
    command = [sys.executable, "-m", "console", "sweep", CONTROL, *where, *files]
    ran = subprocess.run(command, env=environment(site), capture_output=True, check=False)
    return ran.returncode


def _plain(site: Site) -> int:
    """The least that finds the methods of each stage by the API's resources, and limits each."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    rest = boto3.client("apigateway", endpoint_url=site.url, region_name=REGION, **keys)
    for page in rest.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            _limit(rest, api["id"])
    return 0


def _limit(rest: Any, api: str) -> None:
    pages = rest.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    keys = [key for page in pages for one in page["items"] for key in _keys(one)]
    for stage in rest.get_stages(restApiId=api)["item"]:
        for key in keys:
            own = stage["methodSettings"].get(key, {})
            if own.get("throttlingRateLimit") != RATE:
                where = {"restApiId": api, "stageName": stage["stageName"]}
                rest.update_stage(**where, patchOperations=_operations(key))


def _keys(resource: Mapping[str, Any]) -> Sequence[str]:
    path = str(resource["path"]).replace("/", "~1")
    return [f"{path}/{verb}" for verb in resource.get("resourceMethods", ())]


def _operations(key: str) -> list[Mapping[str, str]]:
    values = {"rateLimit": RATE, "burstLimit": BURST}
    return [
        {"op": "replace", "path": f"/{key}/throttling/{name}", "value": str(value)}
        for name, value in values.items()
    ]
