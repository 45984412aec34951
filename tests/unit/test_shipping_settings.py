"""What the template says about shipping."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steward.errors import BadPolicy
from steward.shipping.encoders.base import Options
from steward.shipping.settings import ARCHIVE, Target, options

TOKEN = "s3cr3t-t0k3n"  # noqa: S105  # made up
WHOLE = {"format": "ndjson", "bucket": "logs-111122223333", "url": "https://logs.example.com/in"}
CHOSEN: dict[str, Any] = {
    "index": "logs",
    "source": "",
    "sourcetype": "",
    "service": "shop",
    "attributes": {"team": "payments"},
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"url": "http://10.0.0.7:9200"},
        {"url": "https://[::1]:8088/services"},
        {"secret": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x", "signing": "es"},
        {"format": ARCHIVE, "url": ""},
    ],
)
def test_a_target_is_read(changes: dict[str, str]) -> None:
    """Whatever is left out is empty."""
    told = {**WHOLE, **changes}
    assert Target.read(json.dumps(told)) == Target(**told)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"[{TOKEN}]",
        "[]",
        "7",
        json.dumps({"format": "ndjson"}),
        json.dumps({**WHOLE, "token": TOKEN}),
        json.dumps({**WHOLE, "url": ""}),
        json.dumps({**WHOLE, "url": 7}),
        json.dumps({**WHOLE, "secret": None}),
        json.dumps({**WHOLE, "url": f"logs.example.com/?token={TOKEN}"}),
        json.dumps({**WHOLE, "url": f"ftp://logs.example.com/?token={TOKEN}"}),
        json.dumps({**WHOLE, "url": f"https://:443/?token={TOKEN}"}),
        json.dumps({**WHOLE, "url": f"https://[::1/?token={TOKEN}"}),
        json.dumps({**WHOLE, "url": f"https://logs.example.com:99999/?token={TOKEN}"}),
    ],
)
def test_a_target_that_does_not_fit_is_refused(text: str) -> None:
    """Before anything is shipped; the address is not shown, as a token may be part of it."""
    with pytest.raises(BadPolicy, match="STEWARD_SHIPPING") as raised:
        Target.read(text)
    assert TOKEN not in str(raised.value)


def test_choices_become_options() -> None:
    """Those that the formats know."""
    assert options({**CHOSEN, "mode": "enforce"}) == Options(
        index="logs", service="shop", attributes={"team": "payments"}
    )


def test_a_choice_that_nobody_could_write_is_refused() -> None:
    """An escaped surrogate would make every record poison."""
    with pytest.raises(BadPolicy, match="UTF-8"):
        options({**CHOSEN, "attributes": {"team": "\ud800"}})
    assert options(CHOSEN).index == "logs"
