"""The events that AWS would deliver to EventBridge for a call that an embedded service answered.

Pure: nothing is read but the services' models. Times are to the second, as AWS has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded.trail_call import Caller, Identity, Made, identity, instant, source
from embedded.trail_members import elements, parameters
from embedded.trail_native import natives
from embedded.trail_rules import delivered, event_name, event_region, event_source
from embedded.trail_shapes import SHAPES, Known, Shape

__all__ = ["Caller", "Identity", "Made", "event_of", "events_of", "is_faithful", "native_events"]

NewId = Callable[[], str]
Envelope = dict[str, Any]

LARGEST = 100 * 1024
"""Bytes of parameters or of response elements above which a record leaves them out."""

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_API_VERSIONS = {"logs": "20140328"}
_BY_RULES = Shape(known=Known.RECONSTRUCTED)


def events_of(made: Made, new_id: NewId) -> list[Envelope]:
    """All that a call causes: CloudTrail's event, then those of the service itself."""
    recorded = event_of(made, new_id)
    return [*([recorded] if recorded else []), *native_events(made, new_id)]


def event_of(made: Made, new_id: NewId) -> Envelope | None:
    """CloudTrail's event in EventBridge's envelope; None where a rule in state ENABLED gets none.

    A call that failed is delivered like any other.
    """
    if not delivered(made.service, made.operation):
        return None
    region = event_region(made.service, made.region)
    return {
        **_envelope(made, new_id, f"aws.{event_source(made.service)}", region=region),
        "detail-type": "AWS API Call via CloudTrail",
        "detail": _record(made, new_id, region),
    }


def native_events(made: Made, new_id: NewId) -> list[Envelope]:
    """What the service itself sends: Parameter Store Change, Stack Status Change."""
    return [
        {
            **_envelope(made, new_id, native.source, region=made.region),
            "detail-type": native.detail_type,
            "resources": [*native.resources],
            "detail": dict(native.detail),
        }
        for native in natives(made)
    ]


def is_faithful(service: str, operation: str) -> bool:
    """Whether the event's shape was checked against one that AWS delivered or documented."""
    return SHAPES.get((service, operation), _BY_RULES).known is not Known.RECONSTRUCTED


def _envelope(made: Made, new_id: NewId, sender: str, *, region: str) -> Envelope:
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": "",
        "source": sender,
        "account": made.account,
        "time": instant(made.time),
        "region": region,
        "resources": [],
        "detail": {},
    }


def _record(made: Made, new_id: NewId, region: str) -> dict[str, Any]:
    shape = SHAPES.get((made.service, made.operation), _BY_RULES)
    return {
        "eventVersion": "1.11",
        "userIdentity": identity(made),
        "eventTime": instant(made.time),
        "eventSource": f"{event_source(made.service)}.amazonaws.com",
        "eventName": event_name(made.service, made.operation),
        "awsRegion": region,
        **source(made.caller),
        **_error(made),
        **_fitting("requestParameters", _asked(made, shape)),
        **_fitting("responseElements", _answered(made, shape)),
        "requestID": new_id(),
        "eventID": new_id(),
        "readOnly": False,
        **_optional("resources", [] if made.failed else shape.resources(made)),
        "eventType": "AwsApiCall",
        **_optional("apiVersion", _API_VERSIONS.get(made.service)),
        "managementEvent": True,
        "recipientAccountId": made.account,
        "eventCategory": "Management",
        **_optional("tlsDetails", _tls(made, region)),
        **_optional("sessionCredentialFromConsole", "true" if made.caller.from_console else ""),
    }


def _error(made: Made) -> Mapping[str, str]:
    """API Gateway v2 tells its message in the response elements instead."""
    if not made.failed:
        return {}
    message = {"errorMessage": made.error_message[:1024]}
    return {"errorCode": made.error_code, **({} if _is_v2(made) else message)}


def _asked(made: Made, shape: Shape) -> Mapping[str, Any] | None:
    """None for a call without parameters, and for one that was denied before it was read."""
    if made.error_code in _DENIED:
        return None
    told = parameters(made.service, made.operation, made.params)
    return {**shape.asked, **shape.also(made), **told} or None


def _answered(made: Made, shape: Shape) -> Mapping[str, Any] | None:
    if made.failed:
        return {"message": made.error_message} if _is_v2(made) else None
    told = elements(made.service, made.operation, made.answer or {})
    if not told:
        return None
    return {**shape.answered, **told, **_links(made, shape, told)}


def _links(made: Made, shape: Shape, told: Mapping[str, Any]) -> dict[str, Any]:
    """API Gateway v1's relations, with ids from the answer and from the call."""
    ids = {name: told.get(member) for name, member in shape.ids.items()}
    known = {**told, **made.params, **ids}
    return {
        name: {
            **{one: known[one] for one in link.names if known.get(one) is not None},
            "template": link.template,
            **({"templateSkipList": ["position"]} if link.paged else {}),
        }
        for name, link in shape.links.items()
    }


def _tls(made: Made, region: str) -> Mapping[str, str]:
    """None for what a service or the console calls; without the host for API Gateway v2."""
    if made.caller.invoked_by or made.caller.source_ip == "AWS Internal":
        return {}
    host = f"{event_source(made.service)}.{region}.amazonaws.com"
    return {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        **({} if _is_v2(made) else {"clientProvidedHostHeader": host}),
    }


def _is_v2(made: Made) -> bool:
    return made.service == "apigatewayv2"


def _fitting(name: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value} if len(json.dumps(value).encode()) <= LARGEST else {}


def _optional(name: str, value: str | Mapping[str, Any] | Sequence[Any] | None) -> dict[str, Any]:
    return {name: value} if value else {}
