"""The account of a scenario."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embedded.account import EmbeddedAccount
from tests.scenarios.embedding import installed


@pytest.fixture
def here() -> Iterator[EmbeddedAccount]:
    """An account of the scenario's own, in which the stack was installed some time ago."""
    with installed() as account:
        yield account
