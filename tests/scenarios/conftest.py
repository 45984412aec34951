"""The account of a scenario."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedded.account import EmbeddedAccount
from tests.scenarios.embedding import installed


@pytest.fixture
def here(request: pytest.FixtureRequest) -> Iterator[EmbeddedAccount]:
    """An account of the scenario's own, in which the stack was installed some time ago.

    Where the module says DEPLOYED, the stack has no other controls.
    """
    with installed(controls=getattr(request.module, "DEPLOYED", ())) as account:
        yield account
