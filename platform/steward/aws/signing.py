"""AWS's signature (version 4) for services of AWS that take logs over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from steward.aws.api import Session
from steward.aws.translate import translated
from steward.errors import NotConnected


class Signer:
    """Signs requests to one service with the function's own credentials."""

    def __init__(self, session: Session, service: str, region: str) -> None:
        self._session = session
        self._service = service
        self._region = region

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        """The headers with the signature among them. Raises NotConnected without credentials."""
        try:
            held = self._session.get_credentials()
            credentials = held.get_frozen_credentials() if held else None
        except BotoCoreError as error:
            raise translated(error, "sign") from error
        if credentials is None:
            raise NotConnected("sign: there are no credentials")
        # OpenSearch Serverless wants the digest in a header, too.
        signed = {**headers, "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}
        request = AWSRequest(method=method, url=_canonical(url), data=body, headers=signed)
        SigV4Auth(credentials, self._service, self._region).add_auth(request)
        return dict(request.headers.items())


def _canonical(url: str) -> str:
    """The URL with its query as AWS reads it; botocore signs a query as it stands."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote, safe="")
    return urlunsplit(parts._replace(query=query))
