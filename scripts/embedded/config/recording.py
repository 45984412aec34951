"""What the recorder makes of calls: which resource changed, and whether it is still there.

Only functions, roles and stages of APIs. Each call is an item of its own; AWS would merge some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends
from moto.iam.models import iam_backends

FUNCTION = "AWS::Lambda::Function"
ROLE = "AWS::IAM::Role"
DELETED = "ResourceDeleted"

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """A configuration item, as far as a rule needs it to name the resource."""

    kind: str
    id: str
    name: str
    arn: str
    status: str
    captured: datetime

    def summary(self, account: str, region: str) -> dict[str, Any]:
        """As notifications tell it."""
        return {
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": instant(self.captured),
            "configurationStateId": int(self.captured.timestamp() * 1000),
            "awsAccountId": account,
            "configurationItemStatus": self.status,
            "resourceType": self.kind,
            "resourceId": self.id,
            "resourceName": self.name,
            "ARN": self.arn,
            "awsRegion": region,
            "configurationStateMd5Hash": "",
        }


def instant(moment: datetime) -> str:
    """A moment as Config tells it, in milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def utc(moment: datetime) -> datetime:
    """A moment of a request, which moto reads without its time zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def items_of(event: Mapping[str, Any], now: datetime) -> Iterator[Item]:
    """The items that an event of CloudTrail leads to."""
    detail = event.get("detail", {})
    if detail.get("errorCode") or not isinstance(detail.get("requestParameters"), Mapping):
        return
    read = _CHANGES.get((event["source"], detail.get("eventName", "").split("20")[0]))
    if read is not None:
        yield from read(event, detail, now)


def functions_there(account: str, region: str, now: datetime) -> Iterator[Item]:
    """What the recorder finds when a rule is made."""
    for one in lambda_backends[account][region].list_functions():
        name, arn = str(one.function_name), str(one.function_arn)
        yield Item(FUNCTION, name, name, arn, "ResourceDiscovered", now)


def roles_there(account: str, now: datetime) -> Iterator[Item]:
    """The same of roles, whose ids are not their names."""
    for role in iam_backends[account]["aws"].get_roles():
        yield Item(ROLE, role.id, role.name, role.arn, "ResourceDiscovered", now)


def role_of(event: Mapping[str, Any], known: Mapping[str, Item], now: datetime) -> Item | None:
    """The item of a role that a call of IAM changed; of one that is gone, as it was ``known``."""
    detail = event.get("detail", {})
    asked = detail.get("requestParameters")
    name = asked.get("roleName") if isinstance(asked, Mapping) else None
    if event["source"] != "aws.iam" or detail.get("errorCode") or not name:
        return None
    there = {one.name: one for one in roles_there(event["account"], now)}
    if name in there:
        return replace(there[name], status="OK")
    return replace(known[name], status=DELETED, captured=now) if name in known else None


def _function(event: Mapping[str, Any], detail: Detail, now: datetime) -> Iterator[Item]:
    told = str(detail["requestParameters"]["functionName"])
    name = told.rpartition("function:")[2].partition(":")[0]
    gone = detail["eventName"].startswith("Delete")
    if gone and detail["requestParameters"].get("qualifier"):  # of one version only
        return
    arn = f"arn:aws:lambda:{event['region']}:{event['account']}:function:{name}"
    yield Item(FUNCTION, name, name, arn, DELETED if gone else "OK", now)


def _stage(event: Mapping[str, Any], detail: Detail, now: datetime) -> Iterator[Item]:
    asked = detail["requestParameters"]
    rest = "restApiId" in asked
    api = asked["restApiId"] if rest else asked.get("apiId", "")
    inner = asked.get(f"{detail['eventName'][0].lower()}{detail['eventName'][1:]}Input", {})
    stage = unquote(str(asked.get("stageName") or inner.get("stageName") or ""))
    if not api or not stage:
        return
    kind = "AWS::ApiGateway::Stage" if rest else "AWS::ApiGatewayV2::Stage"
    path = f"/{'restapis' if rest else 'apis'}/{api}/stages/{stage}"
    arn = f"arn:aws:apigateway:{event['region']}::{path}"
    status = DELETED if detail["eventName"].startswith("Delete") else "OK"
    yield Item(kind, arn, stage, arn, status, now)


_Read = Callable[[Mapping[str, Any], Detail, datetime], Iterator[Item]]

_CHANGES: Mapping[tuple[str, str], _Read] = {
    **{
        ("aws.lambda", f"{verb}Function{what}"): _function
        for verb, what in (
            ("Create", ""),
            ("Delete", ""),
            ("Update", "Code"),
            ("Update", "Configuration"),
        )
    },
    **{
        ("aws.apigateway", name): _stage
        for name in ("CreateDeployment", "CreateStage", "UpdateStage", "DeleteStage")
    },
}
