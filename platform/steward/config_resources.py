"""How AWS Config names resources, and how refs do. Pure.

Config's ``resourceId`` is a name for some types, a URL or an ARN for others (read in recorded
events and configuration items, November 2026). What is told by an ARN where Config has a name, as
services that send findings of their own do, is understood too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from steward.model import Ref

ACCOUNT = "AWS::::Account"
"""Config's type of the account itself; its id is the account's."""

OF_THE_ACCOUNT = frozenset(
    {
        "AWS::CloudWatch::Dashboard",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Logs::AccountPolicy",
        "AWS::Pipes::Pipe",
        "AWS::SSM::Parameter",
        "AWS::Scheduler::ScheduleGroup",
    }
)
"""Types that Config does not record and is not known to take: the account stands in for them."""

RENAMED = {
    "AWS::CertificateManager::Certificate": "AWS::ACM::Certificate",
    "AWS::OpenSearchService::Domain": "AWS::OpenSearch::Domain",
}
"""Types that Config calls otherwise than CloudFormation does."""

QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"

STAGES = ("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage")

REST, HTTP = "restapis", "apis"
"""API Gateway's two versions, as their ARNs tell them."""

API_PATHS = {
    "AWS::ApiGateway::RestApi": REST,
    "AWS::ApiGateway::Stage": REST,
    "AWS::ApiGatewayV2::Api": HTTP,
    "AWS::ApiGatewayV2::Stage": HTTP,
}

_OURS = {theirs: ours for ours, theirs in RENAMED.items()}
_API = re.compile(r"(?:arn:[^:]+:apigateway:[^:]*::)?/(restapis|apis)/([^/]+)(?:/stages/(.+))?")
_RENAMED = re.compile(r"(?:securityhub-(.+)-[0-9a-z]{6,10}|(.+)-conformance-pack-[0-9a-z]+)")
_UNIQUE_ROLE = re.compile(r"AROA[A-Z0-9]{12,}")


class Place(Protocol):
    """Where we are; see ``steward.model.Aws``."""

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def partition(self) -> str: ...


def ref_of(kind: object, resource_id: object, name: object = None) -> Ref | None:
    """The ref of what Config names, by its ``resourceName`` where the id says nothing.

    None for what is no name, and for a role of which only the unique id is told.
    """
    if not isinstance(kind, str) or not isinstance(resource_id, str):
        return None
    told = _FROM_CONFIG.get(kind, _as_it_is)(resource_id, name if isinstance(name, str) else "")
    return Ref(_OURS.get(kind, kind), told) if kind and told else None


def in_config(ref: Ref, place: Place, memory: str = "") -> tuple[str, str]:
    """Type and id under which a resource is reported to Config.

    Of a role, whose name Config takes for no id, a control remembers the unique one.
    """
    if ref.kind == ROLE and _UNIQUE_ROLE.fullmatch(memory):
        return ref.kind, memory
    if ref.kind in OF_THE_ACCOUNT:
        return ACCOUNT, place.account
    if ref.kind == QUEUE:
        suffix = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
        return ref.kind, f"https://sqs.{place.region}.{suffix}/{place.account}/{ref.id}"
    if ref.kind in API_PATHS:
        api, _, stage = ref.id.partition("/")
        path = f"/{API_PATHS[ref.kind]}/{api}" + (f"/stages/{stage}" if stage else "")
        return ref.kind, f"arn:{place.partition}:apigateway:{place.region}::{path}"
    return RENAMED.get(ref.kind, ref.kind), ref.id


def rule_name(stack: str, control_id: str) -> str:
    """The name of the AWS Config rule that tells what a stack's control finds."""
    return f"{stack}-{control_id}"


def plain_name(rule: str) -> str:
    """A Config rule's name without what Security Hub and conformance packs put around it."""
    found = _RENAMED.fullmatch(rule)
    return (found[1] or found[2]) if found else rule


def _as_it_is(told: str, _name: str) -> str:
    return told


def _after(mark: str) -> Callable[[str, str], str]:
    def read(told: str, _name: str) -> str:
        return told.rpartition(mark)[2]

    return read


def _log_group(told: str, _name: str) -> str:
    return told.partition(":log-group:")[2].removesuffix(":*") or told


def _function(told: str, _name: str) -> str:
    return told.partition(":function:")[2].partition(":")[0] or told


def _role(told: str, name: str) -> str:
    return name or ("" if _UNIQUE_ROLE.fullmatch(told) else told.rpartition("/")[2])


def _queue(told: str, _name: str) -> str:
    return told.rpartition("/")[2].rpartition(":")[2]


def _api(told: str, _name: str) -> str:
    found = _API.fullmatch(told)
    if not found:
        return "" if told.startswith("arn:") else told
    return f"{found[2]}/{found[3]}" if found[3] else found[2]


_Read: TypeAlias = Callable[[str, str], str]

_FROM_CONFIG: Mapping[str, _Read] = {
    "AWS::Kinesis::Stream": _after(":stream/"),
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    QUEUE: _queue,
    ROLE: _role,
    **dict.fromkeys(API_PATHS, _api),
}
"""By type: the id of the ref, from Config's id and name."""
