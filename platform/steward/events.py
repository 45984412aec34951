"""From events to refs. Pure; an event only names resources, and whatever else it says is ignored.

The shapes are those of CloudTrail records as EventBridge delivers them. Nothing in them is taken
for granted: ``requestParameters`` may be null, absent (over 100 KB) or of another type, and calls
that failed are delivered like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import unquote

from steward.config_resources import ref_of
from steward.model import Control, Ref

Extractor: TypeAlias = Callable[[Mapping[str, Any]], Iterator[Ref]]
"""From the detail of an event to the resources it names."""

CLOUDTRAIL = "AWS API Call via CloudTrail"
STACK_STATUS = "CloudFormation Stack Status Change"
COMPLIANCE_CHANGE = "Config Rules Compliance Change"

LOG_GROUP = "AWS::Logs::LogGroup"
ACCOUNT_POLICY = "AWS::Logs::AccountPolicy"
FUNCTION = "AWS::Lambda::Function"
REST_STAGE = "AWS::ApiGateway::Stage"
V2_STAGE = "AWS::ApiGatewayV2::Stage"
STACK = "AWS::CloudFormation::Stack"

_LOG_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_POLICY_NAME = re.compile(r"[^:*\s][^:*]{0,255}")
_LOG_GROUP_ARN = re.compile(r"arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::.*)?")
_FUNCTION_NAME = re.compile(
    r"(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|(?:\d{12}:)?function:)?"
    r"([A-Za-z0-9_.-]{1,140})"
    r"(?::(?:\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}))?"
)
_FUNCTION_ARN = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:.+")
_STACK_ARN = re.compile(
    r"arn:[^:]+:cloudformation:[^:]+:\d{12}:stack/[A-Za-z][A-Za-z0-9-]{0,127}(?:/.+)?"
)
_API_VERSION = re.compile(r"\d{8}(?:v\d+)?\Z")


class Skip(StrEnum):
    """Why an event names nothing for us to look at."""

    NOT_AN_EVENT = "not-an-event"
    OTHER_ACCOUNT = "other-account"
    OTHER_REGION = "other-region"
    NO_RULE = "no-rule"
    FAILED_CALL = "failed-call"
    NO_NAME = "no-name"


@dataclass(frozen=True, slots=True)
class Native:
    """Events that a service sends itself, beside CloudTrail's."""

    source: str
    extract: Extractor


@dataclass(frozen=True, slots=True)
class Automation:
    """When to look: which events name resources of which controls."""

    name: str
    controls: Sequence[Control[Any, Any]]
    source: str = ""
    """The events' source, such as ``aws.logs``; '' where no event is looked at."""
    events: Mapping[str, Extractor] = field(default_factory=dict)
    """By the API's name of the call, without the date that Lambda's event names end in."""
    others: Mapping[str, Mapping[str, Extractor]] = field(default_factory=dict)  # by source
    natives: Mapping[str, Native] = field(default_factory=dict)
    """By detail-type; those of ``EVERYWHERE`` besides."""
    only_after: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By the id of a control: the calls after which it looks; none: it is left to sweeps. One that
    is not here looks after all of them."""

    @property
    def prompt(self) -> Sequence[Control[Any, Any]]:
        """The controls for which events name resources."""
        return [one for one in self.controls if self.only_after.get(one.id) != frozenset()]

    def looks(self, control: Control[Any, Any], called: str) -> bool:
        """Whether a control looks at what a call names."""
        return called in self.only_after.get(control.id, {called})

    def by_source(self) -> Mapping[str, Mapping[str, Extractor]]:
        """All events of CloudTrail, by their source."""
        return {self.source: self.events, **self.others} if self.source else self.others


Heeding: TypeAlias = Callable[[str], str]
"""From a Config rule's name to the id of the control that looks at what it finds; '' for none."""


def named(
    automation: Automation,
    event: object,
    *,
    account: str,
    region: str,
    heeding: Heeding | None = None,
) -> list[Ref] | Skip:
    """The resources that an EventBridge event names, each once, or why it names none.

    Without ``heeding``, violations are looked at whatever Config rule found them.
    """
    if not isinstance(event, Mapping) or not isinstance(event.get("detail"), Mapping):
        return Skip.NOT_AN_EVENT
    detail: Mapping[str, Any] = event["detail"]
    if elsewhere := _elsewhere(event, detail, account, region):
        return elsewhere
    kind = event.get("detail-type")
    known = _known(automation, event) if kind == CLOUDTRAIL else _native(automation, kind)
    source, extract = known
    if event.get("source") != source or extract is None:
        return Skip.NO_RULE
    if detail.get("errorCode") or detail.get("errorMessage"):
        return Skip.FAILED_CALL
    if kind == COMPLIANCE_CHANGE and not _is_heeded(detail, heeding):
        return Skip.NO_RULE
    return list(dict.fromkeys(extract(detail))) or Skip.NO_NAME


def concerned(
    automation: Automation, event: Mapping[str, Any], heeding: Heeding | None = None
) -> Sequence[Control[Any, Any]]:
    """The controls that look at what an event names, of those that look at events at all."""
    kind = event.get("detail-type")
    if kind == CLOUDTRAIL:
        called = _called(event)
        return [one for one in automation.prompt if automation.looks(one, called)]
    if kind == COMPLIANCE_CHANGE and heeding is not None:
        found = heeding(_rule(event["detail"]))
        return [one for one in automation.prompt if one.id == found]
    return automation.prompt


def _called(event: Mapping[str, Any]) -> str:
    """The API's name of the call that an event of CloudTrail tells of."""
    return _API_VERSION.sub("", str(event["detail"].get("eventName")))


def _rule(detail: Mapping[str, Any]) -> str:
    return str(detail.get("configRuleName"))


def _known(automation: Automation, event: Mapping[str, Any]) -> tuple[str, Extractor | None]:
    source = str(event.get("source"))
    return source, automation.by_source().get(source, {}).get(_called(event))


def _native(automation: Automation, kind: object) -> tuple[str, Extractor | None]:
    known = {**EVERYWHERE, **automation.natives}
    native = known.get(kind) if isinstance(kind, str) else None
    return (native.source, native.extract) if native else ("", None)


def _is_heeded(detail: Mapping[str, Any], heeding: Heeding | None) -> bool:
    """Whether a Config rule that is heeded found a violation; the first has no result before it."""
    result = detail.get("newEvaluationResult")
    found = isinstance(result, Mapping) and result.get("complianceType") == "NON_COMPLIANT"
    return found and (heeding is None or heeding(_rule(detail)) != "")


def _elsewhere(
    event: Mapping[str, Any], detail: Mapping[str, Any], account: str, region: str
) -> Skip | None:
    """Copies of events of other accounts and Regions reach a bus, too."""
    if event.get("account") != account or detail.get("recipientAccountId", account) != account:
        return Skip.OTHER_ACCOUNT
    if event.get("region") != region or detail.get("awsRegion", region) != region:
        return Skip.OTHER_REGION
    return None


def log_group(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The log group of a CloudWatch Logs call, told by name or by ARN."""
    asked = detail.get("requestParameters")
    if not isinstance(asked, Mapping):
        return
    told = asked.get("logGroupName") or asked.get("logGroupIdentifier") or asked.get("resourceArn")
    name = log_group_name(told)
    if name:
        yield Ref(LOG_GROUP, name)


def account_subscription(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The account policy of CloudWatch Logs that a call is about, if it ships log events."""
    asked = detail.get("requestParameters")
    if not isinstance(asked, Mapping) or asked.get("policyType") != "SUBSCRIPTION_FILTER_POLICY":
        return
    name = asked.get("policyName")
    if isinstance(name, str) and _POLICY_NAME.fullmatch(name):
        yield Ref(ACCOUNT_POLICY, name)


def log_group_name(told: object) -> str:
    """The name in a log group's name or ARN; '' for anything else."""
    if not isinstance(told, str):
        return ""
    arn = _LOG_GROUP_ARN.fullmatch(told)
    name = arn.group(1) if arn else told
    return name if _LOG_GROUP_NAME.fullmatch(name) else ""


def violation(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The resource of which a Config rule has found another compliance."""
    ref = ref_of(detail.get("resourceType"), detail.get("resourceId"))
    if ref is not None:
        yield ref


EVERYWHERE: Mapping[str, Native] = {COMPLIANCE_CHANGE: Native("aws.config", violation)}
"""By detail-type: what every automation looks at that has an inbox."""


def function(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The function of a Lambda call, told in any of the ways that Lambda takes."""
    asked = detail.get("requestParameters")
    if isinstance(asked, Mapping) and (name := function_name(asked.get("functionName"))):
        yield Ref(FUNCTION, name)


def tagged_function(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The function whose tags a Lambda call changes; it changes those of other things, too."""
    asked = detail.get("requestParameters")
    told = asked.get("resource") if isinstance(asked, Mapping) else None
    arn = unquote(told) if isinstance(told, str) else ""
    if _FUNCTION_ARN.fullmatch(arn) and (name := function_name(arn)):
        yield Ref(FUNCTION, name)


def publishing_function(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """As ``function``, where the call also publishes a version."""
    asked = detail.get("requestParameters")
    if isinstance(asked, Mapping) and asked.get("publish") is True:
        yield from function(detail)


def function_name(told: object) -> str:
    """The name in a function's name or ARN, whole or partial; '' for anything else.

    A version or alias may follow. CloudTrail tells a name from a URL as it stood there,
    percent-encoded.
    """
    if not isinstance(told, str):
        return ""
    found = _FUNCTION_NAME.fullmatch(unquote(told))
    return found.group(1) if found else ""


COMPLETED = (
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
)
"""Statuses of a stack whose resources are there, as an operation has left them."""


def stack(detail: Mapping[str, Any]) -> Iterator[Ref]:
    """The stack of a Stack Status Change, once an operation on it is complete."""
    status = detail.get("status-details")
    complete = isinstance(status, Mapping) and status.get("status") in COMPLETED
    name = detail.get("stack-id")
    if complete and isinstance(name, str) and _STACK_ARN.fullmatch(name):
        yield Ref(STACK, name)
