"""AWS's signature, as services of AWS check it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from steward.aws.signing import Signer
from steward.errors import NotConnected

KEYS = Credentials("AKIDEXAMPLE", "made-up", "session-token")
BODY = b"body"
URL = "https://search.example.com/logs/_bulk?filter_path=errors,items.*.status"


class Session:
    """Has credentials, or not."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def get_credentials(self) -> Any:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def signed(url: str = URL, service: str = "es") -> Mapping[str, str]:
    headers = {"Content-Type": "application/x-ndjson"}
    return Signer(Session(KEYS), service, "eu-west-1")("POST", url, headers, BODY)


def test_a_request_is_signed() -> None:
    """With the session's token, and the digest that OpenSearch Serverless wants to be told."""
    found = signed(service="aoss")
    assert "/eu-west-1/aoss/aws4_request" in found["Authorization"]
    assert "x-amz-content-sha256" in found["Authorization"]
    assert found["X-Amz-Content-SHA256"] == hashlib.sha256(BODY).hexdigest()
    assert found["X-Amz-Security-Token"] == "session-token"
    assert found["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize(
    "query",
    ["", "a=1", "filter_path=errors,items.*.status", "b=2&a=x%20y", "empty=", "q=a+b", "z=~-_."],
)
def test_a_query_is_signed_as_aws_reads_it(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded and encoded again, so that commas and asterisks are percent signs."""
    seen: list[str] = []
    canonical = SigV4Auth.canonical_request

    def kept(self: SigV4Auth, request: AWSRequest) -> str:
        found: str = canonical(self, request)
        seen.append(found.splitlines()[2])
        return found

    monkeypatch.setattr(SigV4Auth, "canonical_request", kept)
    signed(f"https://search.example.com/logs?{query}")
    pairs = parse_qsl(urlsplit(f"?{query}").query, keep_blank_values=True)
    coded = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs]
    assert seen == ["&".join(f"{name}={value}" for name, value in sorted(coded))]


@pytest.mark.parametrize(
    "found",
    [None, CredentialRetrievalError(provider="container", error_msg="no")],
    ids=["none", "broken"],
)
def test_without_credentials_nothing_is_signed(found: Any) -> None:
    """It waits for somebody to mend that."""
    with pytest.raises(NotConnected) as raised:
        Signer(Session(found), "es", "eu-west-1")("POST", URL, {}, BODY)
    assert "sign" in str(raised.value)


def test_credentials_are_taken_at_one_moment() -> None:
    """Those that are renewed meanwhile would be of two kinds."""

    class Changing:
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            return ReadOnlyCredentials("AKIDFROZEN", "made-up", None)

    found = Signer(Session(Changing()), "logs", "eu-west-1")("POST", URL, {}, BODY)
    assert "AKIDFROZEN" in found["Authorization"]
