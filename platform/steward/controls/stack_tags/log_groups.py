"""Log groups that a stack's resources made, or write to: CloudFormation does not tag them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from steward.controls.stack_tags.members import Member
from steward.errors import Gone
from steward.events import log_group_name
from steward.model import Aws

BATCH = 50
"""Groups that a DescribeLogGroups request names at most (API reference)."""

Functions: TypeAlias = Callable[[Sequence[str]], Mapping[str, str]]
"""The log groups that were chosen for functions, by name of the function."""


@dataclass(frozen=True, slots=True)
class Written:
    """A log group that a resource writes to."""

    name: str
    owner: str  # the resource's ARN
    shared: bool
    """Its name is somebody's choice, so that others may write to it, too."""


def written(aws: Aws, members: Sequence[Member], functions: Functions) -> Sequence[Written]:
    """The groups of these resources, each once, whether or not they are there."""
    found = [*_by_form(members), *_of_functions(members, functions), *_of_apis(aws, members)]
    first = {one.name: one for one in sorted(found, key=_precedence, reverse=True)}
    return list(first.values())


def _precedence(one: Written) -> tuple[bool, str]:
    return one.shared, one.owner


def there(aws: Aws, names: Sequence[str]) -> Mapping[str, str]:
    """The ARNs of those groups that exist, by name."""
    found = {}
    for start in range(0, len(names), BATCH):
        some = list(names[start : start + BATCH])
        for answer, _ in aws.pages("logs", "DescribeLogGroups", logGroupIdentifiers=some):
            for group in answer["logGroups"]:
                arn = str(group.get("logGroupArn") or group["arn"])
                found[str(group["logGroupName"])] = arn.removesuffix(":*")
    return found


def chosen_group(function: Mapping[str, Any]) -> str:
    """The log group of a function's configuration; '' for the one that bears its name."""
    group = str(function.get("LoggingConfig", {}).get("LogGroup", ""))
    return "" if group == f"/aws/lambda/{function['FunctionName']}" else group


def chosen_groups(aws: Aws, names: Sequence[str]) -> Mapping[str, str]:
    """The groups chosen for functions, which are asked for one by one."""

    def ask(name: str) -> Mapping[str, Any]:
        try:
            return aws.ask("lambda", "GetFunctionConfiguration", FunctionName=name)
        except Gone:
            return {}

    answers = aws.together(ask, names) if names else []
    found = {one["FunctionName"]: chosen_group(one) for one in answers if one}
    return {name: group for name, group in found.items() if group}


def _by_form(members: Sequence[Member]) -> Iterator[Written]:
    for one in members:
        for form in one.form.log_groups:
            yield Written(form.replace("{name}", one.id), one.arn, shared=False)


def _of_functions(members: Sequence[Member], functions: Functions) -> Iterator[Written]:
    mine = {one.id: one.arn for one in members if one.form.kind == "AWS::Lambda::Function"}
    for name, group in functions(list(mine)).items() if mine else ():
        yield Written(group, mine[name], shared=True)


_STAGES = {
    "AWS::ApiGateway::RestApi": ("apigateway", "restApiId", "item"),
    "AWS::ApiGatewayV2::Api": ("apigatewayv2", "ApiId", "Items"),
}
"""How GetStages is asked for an API's stages, and where it tells them."""


def _of_apis(aws: Aws, members: Sequence[Member]) -> Iterator[Written]:
    """Execution logs, which a REST API's stages have, and the groups of access logs."""
    apis = [one for one in members if one.form.kind in _STAGES]

    def ask(one: Member) -> Sequence[Mapping[str, Any]]:
        service, parameter, member = _STAGES[one.form.kind]
        try:
            told = aws.ask(service, "GetStages", **{parameter: one.id}).get(member, ())
        except Gone:
            return ()
        stages: Sequence[Mapping[str, Any]] = told
        return stages

    answers = aws.together(ask, apis) if apis else []
    for one, stages in zip(apis, answers, strict=True):
        for stage in stages:
            yield from _of_stage(one, stage)


def _of_stage(api: Member, stage: Mapping[str, Any]) -> Iterator[Written]:
    if "stageName" in stage:
        name = f"API-Gateway-Execution-Logs_{api.id}/{stage['stageName']}"
        yield Written(name, api.arn, shared=False)
    access = stage.get("accessLogSettings", stage.get("AccessLogSettings", {}))
    told = str(access.get("destinationArn", access.get("DestinationArn", "")))
    if told.split(":")[2:3] == ["logs"] and (group := log_group_name(told)):
        yield Written(group, api.arn, shared=True)
