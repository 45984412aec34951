"""How versions of functions are read and deleted, on a faithful moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, seed_functions, seed_versions
from steward.account import Account
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls.function_versions import CONTROL
from steward.errors import Gone, Refused
from steward.events import FUNCTION
from steward.look import look
from steward.model import Deadline, Ref, Trigger
from steward.policy import load
from steward.runtime import sheltered
from tests.fakes import REGION, FakeClock
from tests.toy import Telling

HERE = "123456789012"
OLD = (90, 80, 70, 60, 50)


class Watched(Api):
    """Lets something happen before each request, and keeps what deletions were asked for."""

    before: Callable[[str], None] = staticmethod(lambda _: None)
    deletions: list[Mapping[str, Any]]

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        self.before(operation)
        if operation == "DeleteFunction":
            self.deletions.append(params)
        return super().ask(service, operation, **params)


@pytest.fixture
def api() -> Iterator[Watched]:
    clock = FakeClock()
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        made = Watched(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)
        made.deletions = []
        yield made
        made.close()


def looked(api: Api, folder: Path, *names: str) -> dict[str, tuple[str, str]]:
    """Code and fate of each function after a look that deletes all but one of what is unused."""
    clock, ledger = FakeClock(), SQLiteLedger(folder / "ledger.sqlite3", "here")
    told = {"mode": "enforce", "keep": 1, "min_age_days": 0}
    account = Account(api, ledger, clock, Telling(), lambda control: load(control, told))
    deadline, shelter = Deadline(clock), sheltered(Telling())
    run = account.run(CONTROL, Trigger.EVENT, "run", deadline=deadline, shelter=shelter)
    outcomes = look(run, [Ref(FUNCTION, name) for name in names]).outcomes
    ledger.close()
    return {one.finding.ref.id: (one.finding.code, one.fate.value) for one in outcomes}


def published(*names: str) -> None:
    """Functions of five old versions."""
    seed_functions((FunctionSeed(name=name) for name in names), region=REGION)
    for name in names:
        seed_versions(name, *OLD, region=REGION)


def versions(api: Api, name: str) -> Sequence[str]:
    told = api.ask("lambda", "ListVersionsByFunction", FunctionName=name)["Versions"]
    return sorted(one["Version"] for one in told)


def alias(api: Api, version: str, **weights: float) -> None:
    """Point ``live`` of orders at a version, and by weight at others such as ``v2=0.1``."""
    routing = {"AdditionalVersionWeights": {key[1:]: weight for key, weight in weights.items()}}
    asked = {"FunctionName": "orders", "Name": "live", "FunctionVersion": version}
    api.ask("lambda", "CreateAlias", **asked, RoutingConfig=routing)


def test_versions_in_use_the_newest_and_latest_stay(api: Watched, tmp_path: Path) -> None:
    """VER-8, VER-33: each deletion names a number; functions stay, and their neighbours."""
    published("orders", "payments")
    alias(api, "1", v2=0.1)
    assert looked(api, tmp_path, "orders", "orders") == {
        "orders": ("UNUSED_VERSIONS", "remediated")
    }
    assert versions(api, "orders") == ["$LATEST", "1", "2", "5"]
    assert len(versions(api, "payments")) == 6
    assert api.deletions == [
        {"FunctionName": "orders", "Qualifier": "3"},
        {"FunctionName": "orders", "Qualifier": "4"},
    ]
    assert looked(api, tmp_path, "orders") == {"orders": ("NOTHING_TO_DELETE", "none")}


def test_an_alias_that_comes_after_the_last_look_is_lambdas_to_protect(
    api: Watched, tmp_path: Path
) -> None:
    """VER-38: its version stays, by Lambda's refusal; the others go all the same."""
    published("orders")

    def moves(operation: str) -> None:
        if operation == "DeleteFunction" and not api.deletions:
            alias(api, "2")

    api.before = moves
    assert looked(api, tmp_path, "orders") == {"orders": ("UNUSED_VERSIONS", "held")}
    assert versions(api, "orders") == ["$LATEST", "2", "5"]


def test_a_function_that_goes_between_plan_and_deletion_is_gone(
    api: Watched, tmp_path: Path
) -> None:
    """VER-28: no deletion is sent; the client itself would send none of a whole function."""
    published("orders")

    def goes(operation: str) -> None:
        if operation == "GetAccountSettings":  # read, and not yet read again
            boto3.client("lambda", REGION).delete_function(FunctionName="orders")

    api.before = goes
    assert [fate for _, fate in looked(api, tmp_path, "orders").values()] == ["gone"]
    assert api.deletions == []
    with pytest.raises(Gone):
        versions(api, "orders")
    with pytest.raises(Refused, match="without a numeric Qualifier"):
        api.ask("lambda", "DeleteFunction", FunctionName="orders")
