"""The account of a scenario, and the operator's console beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from console.cli import main
from embedded.account import EmbeddedAccount
from tests.scenarios.embedding import Console, Lines, installed


@pytest.fixture
def here(request: pytest.FixtureRequest) -> Iterator[EmbeddedAccount]:
    """An account of the scenario's own, in which the stack was installed some time ago.

    Where the module says DEPLOYED, the stack has no other controls.
    """
    with installed(controls=getattr(request.module, "DEPLOYED", ())) as account:
        yield account


@pytest.fixture
def console(here: EmbeddedAccount, capsys: pytest.CaptureFixture[str]) -> Console:
    """Runs a command on the stack: its exit code, its JSON lines, its standard error."""

    def run(*arguments: str) -> tuple[int, Lines, str]:
        place = ("--endpoint-url", here.server.url, "--region", here.region, "--pace", "off")
        code = main([*arguments, *place, "--stack", here.stack, "--json"])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run
