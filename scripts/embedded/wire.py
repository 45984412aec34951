"""What an HTTP request asks of which service, and errors in that service's own protocol."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import DataNotFoundError
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestDict
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

Environ = dict[str, Any]

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_SIGNED_AS = {
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "elasticloadbalancing": "elbv2",
    "email": "ses",
}
"""boto3's names of services whose requests are signed under another name."""


_ROUTING = threading.Lock()
"""Held while a service's routes are looked up: made for the first time in two threads at once, they
can make Python's parser fail (SystemError: AST constructor recursion depth mismatch)."""

_REQUEST = {"x-amzn-RequestId": "00000000-0000-0000-0000-000000000000"}
"""Some callers, such as moto's Step Functions, take for granted that an error has one."""


@dataclass(frozen=True)
class Asked:
    """One request of a service; ``operation`` is '' where the service's model has none for it."""

    service: str
    operation: str
    http: Request
    in_path: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``service.Operation``, or method and path for what is no operation."""
        known = f"{self.service}.{self.operation}"
        return known if self.operation else f"{self.http.method} {self.http.path}"

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """Parameters as the API reference names them."""
        if not self.operation:
            return {}
        return parsed(self.service, self.operation, self.http, self.in_path)

    def error(self, code: str, message: str) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of an error, in JSON or in XML as the request's protocol has it."""
        protocol = _spoken(self.service, self.http)[1] if self.operation else ""
        if "json" in protocol:
            document = json.dumps({"__type": code, "message": message})
            kind = {"Content-Type": "application/json", "X-Amzn-ErrorType": code}
            return {**kind, **_REQUEST}, document.encode()
        told = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        xml = f"<ErrorResponse><Error>{told}</Error></ErrorResponse>"
        return {"Content-Type": "text/xml", **_REQUEST}, xml.encode()


def read(environ: Environ) -> Asked:
    """What a request asks; its body can be read again from ``environ`` afterwards."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    http = Request({**environ, "wsgi.input": BytesIO(body)})
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    signed = scope[1] if scope else ""
    service = _SIGNED_AS.get(signed, signed)
    if service == "apigateway" and http.path.startswith("/v2/"):
        service = "apigatewayv2"  # both versions are signed under one name
    try:
        with _ROUTING:
            model, in_path = get_service_router(service).match(http)
    except (NotFound, NotImplementedError, DataNotFoundError):
        return Asked(service, "", http, {})
    return Asked(service, model.name, http, in_path)


def parsed(
    service: str, operation: str, http: Request, in_path: Mapping[str, Any]
) -> Mapping[str, Any]:
    """A request's parameters, whatever the protocol."""
    model, protocol = _spoken(service, http)
    parser = PROTOCOL_PARSERS[protocol](model.operation_model(operation), map_type=dict)
    asked: RequestDict = {
        "method": http.method,
        "values": http.values,
        "headers": http.headers,
        "body": http.data,
        "url_path": http.path,
        "url_params": dict(in_path),
    }
    return dict(parser.parse(asked))


def _spoken(service: str, http: Request) -> tuple[ServiceModel, str]:
    """The service's model, and the protocol of the request."""
    model = get_service_model(service)
    return model, determine_request_protocol(model, http.content_type)
