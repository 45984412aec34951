"""A log group's and a stream's names tell the function, and only where they do."""

from __future__ import annotations

import pytest

from steward.shipping.origins import origin

HEX = "0123456789abcdef0123456789abcdef"
FUNCTION = "/aws/lambda/shop-api"


@pytest.mark.parametrize(
    ("group", "stream", "function", "version"),
    [
        pytest.param(
            FUNCTION, f"2026/11/20/[$LATEST]{HEX}", "shop-api", "$LATEST", id="of the function"
        ),
        pytest.param(FUNCTION, f"2026/11/20/[76]{HEX}", "shop-api", "76", id="version, SHIP-4"),
        pytest.param(FUNCTION, "[76]", "shop-api", "76", id="only a version"),
        pytest.param(FUNCTION, "made-by-an-agent", "shop-api", "", id="foreign stream"),
        pytest.param(
            "/aws/lambda/us-east-1.edge-fn",
            f"2026/11/20/[3]{HEX}",
            "edge-fn",
            "3",
            id="Lambda@Edge, SHIP-18",
        ),
        pytest.param(
            "/team/logs",
            f"2026/11/06/fn-name[$LATEST]{HEX}",
            "fn-name",
            "$LATEST",
            id="shared group, SHIP-18",
        ),
        pytest.param(FUNCTION, f"2026/11/06/other[7]{HEX}", "other", "7", id="stream before group"),
        pytest.param("API-Gateway-Execution-Logs_abc/dev", HEX, "", "", id="API Gateway, SHIP-18"),
        pytest.param("/team/logs", f"2026/11/06/[$LATEST]{HEX}", "", "", id="nameless stream"),
        pytest.param("/team/logs", "2026/11/06/fn[1]", "", "", id="incomplete stream"),
        pytest.param("/team/logs", f"fn[1]{HEX}", "", "", id="stream without a date"),
        pytest.param("/aws/lambda/a/b", "x", "", "", id="no name of a function"),
        pytest.param("", "", "", "", id="nothing"),
    ],
)
def test_the_function_and_its_version_come_from_the_names(
    group: str, stream: str, function: str, version: str
) -> None:
    """A function is named where Lambda's form of a name is certain."""
    found = origin("111122223333", "eu-west-1", group, stream)
    assert (found.function, found.version) == (function, version)
    assert (found.owner, found.region) == ("111122223333", "eu-west-1")
    assert (found.group, found.stream) == (group, stream)


def test_an_origin_is_made_once() -> None:
    """Records of one stream share their origin."""
    first, second = (origin("1", "eu-west-1", FUNCTION, "[1]") for _ in range(2))
    assert first is second
