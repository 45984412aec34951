"""A secret becomes headers, or an error that shows none of it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.errors import BadPolicy
from steward.shipping.encoders.credentials import headers_of
from tests.blocks import encoder

TOKENS = [
    pytest.param("datadog", {"DD-API-KEY": "k3y"}, id="datadog"),
    pytest.param("es_bulk", {"Authorization": "ApiKey k3y"}, id="es_bulk"),
    pytest.param("loki", {"Authorization": "Bearer k3y"}, id="loki"),
    pytest.param("ndjson", {"Authorization": "Bearer k3y"}, id="ndjson"),
    pytest.param("otlp", {"Authorization": "Bearer k3y"}, id="otlp"),
    pytest.param("splunk_hec", {"Authorization": "Splunk k3y"}, id="splunk_hec"),
]


@pytest.mark.parametrize("secret", ["k3y", " k3y\n"], ids=["bare", "with a line's end"])
@pytest.mark.parametrize(("name", "headers"), TOKENS)
def test_a_token_is_told_as_the_service_wants_it(
    name: str, headers: dict[str, str], secret: str
) -> None:
    """Each service has a header of its own; white space around a token is not of it."""
    assert headers_of(secret, encoder(name)) == headers


STRUCTURED = [
    pytest.param(
        {"username": "u", "password": "p:ä"},
        {"Authorization": "Basic " + base64.b64encode("u:p:ä".encode()).decode()},
        id="a password",
    ),
    pytest.param(
        {"headers": {"X-Scope-OrgID": "t1", "Authorization": "Bearer x"}},
        {"X-Scope-OrgID": "t1", "Authorization": "Bearer x"},
        id="headers",
    ),
    pytest.param(
        {"headers": {"A": "1"}, "username": "u", "password": "p"}, {"A": "1"}, id="headers win"
    ),
]


@pytest.mark.parametrize(("secret", "headers"), STRUCTURED)
def test_a_structured_secret_says_what_to_send(
    secret: dict[str, str], headers: dict[str, str]
) -> None:
    """Headers exactly as they stand, or HTTP Basic, whatever the service."""
    assert headers_of(json.dumps(secret), encoder("datadog")) == headers


UNFIT = [
    pytest.param("", id="empty"),
    pytest.param('{"token": "hunter2"}', id="a key and a value"),
    pytest.param('{"username": "hunter2"}', id="no password"),
    pytest.param("hunter2\r\nX-Evil: 1", id="a line's end"),
    pytest.param("hunter2\x00", id="a control character"),
    pytest.param("hunter2é", id="not ASCII"),
    pytest.param('{"headers": {"A": "hunter2\\n"}}', id="a header with a line's end"),
    pytest.param('{"headers": {"A": 2}}', id="a header that is no text"),
    pytest.param('{"headers": {"A": ""}}', id="an empty header"),
    pytest.param('{"headers": {"hunter2: x": "1"}}', id="a name that is none"),
    pytest.param('{"headers": {"": "hunter2"}}', id="no name"),
    pytest.param('{"headers": {"Content-Length": "2"}}', id="a header that is not theirs"),
    pytest.param('{"headers": "hunter2"}', id="headers that are none"),
    pytest.param('{"username": "hunter2:", "password": "hunter2"}', id="a user with a colon"),
    pytest.param('{"username": "u", "password": 2}', id="a password that is no text"),
]


@pytest.mark.parametrize("secret", UNFIT)
def test_an_unfit_secret_is_refused_and_not_shown(secret: str) -> None:
    """Neither the error nor what led to it has any of it."""
    with pytest.raises(BadPolicy) as error:
        headers_of(secret, encoder("otlp"))
    assert str(error.value).startswith("secret: ")
    assert "hunter2" not in str(error.value)
    assert (error.value.__cause__, error.value.__context__) == (None, None)


@given(secret=st.text())
def test_headers_are_printable_ascii(secret: str) -> None:
    """Whatever the secret is: headers that can be sent, or an error."""
    try:
        headers = headers_of(secret, encoder("datadog"))
    except BadPolicy:
        headers = {"refused": "x"}
    assert all(value.isascii() and value.isprintable() and value for value in headers.values())
