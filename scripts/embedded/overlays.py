"""Makes moto faithful: overlays answer in its place, guards refuse what it would let pass.

All of it hangs on one seam, ``moto.core.responses.BaseResponse.call_action``, through which every
request of every service goes, in a process under ``mock_aws`` as in moto's server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from moto.core.errors import COMMON_ERROR_CODES
from moto.core.responses import ActionContext, ActionResult, BaseResponse
from moto.core.serialize import DefaultAttributePicker
from moto.s3.responses import S3Response

from embedded import (
    account_policies,
    dashboards,
    function_configs,
    function_updates,
    function_uses,
    functions,
    iam_roles,
    invoke_configs,
    logs,
    metric_alarms,
    rest_apis,
    rest_exports,
    stacks,
    subscriptions,
    tag_writes,
    tagging,
    v2_apis,
    versions,
)
from embedded.request import Refusal, Request
from embedded.wire import parsed

Overlay = Callable[[Request], Mapping[str, Any]]
"""Answers as the API reference describes it; raises Refusal."""

Guard = Callable[[Request], Callable[[], None] | None]
"""Runs before moto and raises Refusal; what it returns runs once moto has succeeded."""

OVERLAYS: Mapping[tuple[str, str], Overlay] = {
    ("apigateway", "GetDeployment"): rest_apis.get_deployment,
    ("apigateway", "GetExport"): rest_exports.get_export,
    ("apigateway", "GetRestApis"): rest_apis.list_apis,
    ("apigateway", "UpdateStage"): rest_apis.update_stage,
    ("apigatewayv2", "CreateDeployment"): v2_apis.create_deployment,
    ("apigatewayv2", "DeleteRouteSettings"): v2_apis.delete_route_settings,
    ("apigatewayv2", "GetApis"): v2_apis.list_apis,
    ("apigatewayv2", "UpdateStage"): v2_apis.update_stage,
    ("cloudwatch", "DeleteAlarms"): metric_alarms.delete,
    ("cloudwatch", "DescribeAlarms"): metric_alarms.describe,
    ("iam", "GetAccountAuthorizationDetails"): iam_roles.account_details,
    ("iam", "GetRolePolicy"): iam_roles.role_policy,
    ("lambda", "GetFunctionConfiguration"): function_updates.get_configuration,
    ("lambda", "ListFunctions"): functions.list_functions,
    ("lambda", "UpdateFunctionConfiguration"): function_updates.update_configuration,
    ("apigatewayv2", "GetAuthorizers"): function_uses.list_authorizers,
    ("lambda", "DeleteProvisionedConcurrencyConfig"): function_uses.delete_provisioned_concurrency,
    ("lambda", "GetAccountSettings"): function_uses.account_settings,
    ("lambda", "GetPolicy"): versions.get_policy,
    ("lambda", "ListAliases"): versions.list_aliases,
    ("lambda", "ListDurableExecutionsByFunction"): function_uses.list_durable_executions,
    ("lambda", "ListEventSourceMappings"): versions.list_event_source_mappings,
    ("lambda", "ListFunctionUrlConfigs"): function_uses.list_urls,
    ("lambda", "ListProvisionedConcurrencyConfigs"): function_uses.list_provisioned_concurrency,
    ("lambda", "ListVersionsByFunction"): versions.list_versions,
    ("lambda", "PutProvisionedConcurrencyConfig"): function_uses.put_provisioned_concurrency,
    ("lambda", "DeleteFunctionEventInvokeConfig"): invoke_configs.delete,
    ("lambda", "GetFunctionEventInvokeConfig"): invoke_configs.get,
    ("lambda", "ListFunctionEventInvokeConfigs"): invoke_configs.list_configs,
    ("lambda", "PutFunctionEventInvokeConfig"): invoke_configs.put,
    ("lambda", "UpdateFunctionEventInvokeConfig"): invoke_configs.update,
    ("logs", "DescribeLogGroups"): logs.describe_log_groups,
    ("logs", "PutAccountPolicy"): account_policies.put,
    ("logs", "DescribeAccountPolicies"): account_policies.describe,
    ("logs", "DeleteAccountPolicy"): account_policies.delete,
    ("logs", "DescribeSubscriptionFilters"): subscriptions.describe,
    ("logs", "PutSubscriptionFilter"): subscriptions.put,
    ("cloudformation", "ListStackResources"): stacks.list_stack_resources,
    ("resourcegroupstaggingapi", "GetResources"): tagging.get_resources,
    ("stepfunctions", "ListStateMachineVersions"): function_uses.no_machine_versions,
    ("resourcegroupstaggingapi", "ListRequiredTags"): tag_writes.list_required_tags,
    ("resourcegroupstaggingapi", "TagResources"): tag_writes.tag_resources,
    ("resourcegroupstaggingapi", "UntagResources"): tag_writes.untag_resources,
}
GUARDS: Mapping[tuple[str, str], Guard] = {
    ("apigateway", "CreateDeployment"): rest_apis.before_create_deployment,
    ("cloudwatch", "PutDashboard"): dashboards.before_put,
    ("cloudwatch", "PutMetricAlarm"): metric_alarms.before_put,
    ("lambda", "CreateFunction"): function_configs.before_create,
    ("lambda", "UpdateFunctionCode"): function_updates.before_code,
    ("lambda", "DeleteFunction"): versions.before_delete,
    ("logs", "CreateLogGroup"): logs.before_create,
    ("logs", "DeleteLogGroup"): logs.before_delete,
    ("logs", "PutRetentionPolicy"): logs.before_put_retention,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a service said to a request."""

    status: int
    headers: Mapping[str, Any]
    body: bytes


class Witness(Protocol):
    """Sees every request of every service, beside overlays and guards."""

    overlays: Mapping[tuple[str, str], Overlay]
    """Further overlays, which go before the standing ones."""

    def before(self, request: Request) -> None:
        """Raises Refusal for a request that is not to be carried out."""
        ...

    def after(self, request: Request, answered: Answered) -> None:
        """Whatever the answer was, also a refusal."""
        ...


_WITNESSES: list[Witness] = []

Own = Callable[[BaseResponse], Any]
"""Moto's own way to answer."""

_METHODS = ("call_action", "serialized", "_get_action", "boto3_service_name", "setup_class")
_SET_UP = ("normalized_request", "uri_match", "current_account", "region", "access_key")
_OWN = "moto_own"


class MotoChangedError(RuntimeError):
    """This version of moto no longer has what the overlays hang on."""


class _Exactly(ActionResult):
    """An answer with the fields it has; moto would fill others from names that resemble theirs."""

    def execute_result(self, context: ActionContext) -> Any:
        serializer = context.serializer_class(
            operation_model=context.operation_model, value_picker=DefaultAttributePicker()
        )
        answer = serializer.serialize(self.result)
        return answer["status_code"], answer["headers"], answer["body"]


def install() -> None:
    """Make moto faithful in this process; once is enough. Raises MotoChangedError."""
    if hasattr(BaseResponse.call_action, _OWN):
        return
    _check()
    v2_apis.route_urls()
    function_uses.add_paths()
    own = BaseResponse.call_action

    def call_action(response: BaseResponse) -> Any:
        return _answer(response, own)

    setattr(call_action, _OWN, own)
    BaseResponse.call_action = call_action  # type: ignore[method-assign,assignment]  # the seam


@contextmanager
def faithful() -> Iterator[None]:
    """Moto is faithful within, and afterwards what it was before."""
    before = BaseResponse.call_action
    install()
    try:
        with versions.numbered():
            yield
    finally:
        BaseResponse.call_action = before  # type: ignore[method-assign]  # as install


@contextmanager
def witnessed(witness: Witness) -> Iterator[None]:
    """Within, the witness sees every request. Raises RuntimeError while another does."""
    if _WITNESSES:
        raise RuntimeError("there is a witness already: a process holds one embedded account")
    _WITNESSES.append(witness)
    known = [*COMMON_ERROR_CODES]
    COMMON_ERROR_CODES.extend(("AccessDenied", "AccessDeniedException"))  # of every service
    try:
        with _objects_seen():
            yield
    finally:
        COMMON_ERROR_CODES[:] = known
        _WITNESSES.remove(witness)


@contextmanager
def _objects_seen() -> Iterator[None]:
    """Within, requests of S3 are answered like all others, which moto answers in a way of its own.

    Raises MotoChangedError.
    """
    names = ("bucket_response", "key_response")
    before = {name: vars(S3Response).get(name) for name in names}
    if None in before.values():
        raise MotoChangedError(f"moto's S3Response has no more {' and '.join(names)}")
    for name, own in before.items():
        setattr(S3Response, name, _s3(own))
    try:
        yield
    finally:
        for name, own in before.items():
            setattr(S3Response, name, own)


def _s3(own: Any) -> Any:
    def answered(response: S3Response, request: Any, full_url: str, headers: Any) -> Any:
        response.setup_class(request, full_url)
        known = response._get_action() is not None  # noqa: SLF001  # see _METHODS
        moto = partial(own, request=request, full_url=full_url, headers=headers)
        return _answer(response, moto) if known else moto(response)

    return answered


def _check() -> None:
    """Raises MotoChangedError where a name is gone that no public interface stands for."""
    known = BaseResponse.setup_class.__code__.co_names
    missing = [name for name in _METHODS if not hasattr(BaseResponse, name)]
    missing += [name for name in _SET_UP if name not in known]
    if missing:
        raise MotoChangedError(f"moto's BaseResponse has no more {', '.join(missing)}")


def _answer(response: BaseResponse, own: Own) -> Any:
    """The answer as moto gives it: status, headers, body."""
    key = response.boto3_service_name, response._get_action()  # noqa: SLF001  # see _METHODS
    for witness in _WITNESSES:
        return _seen(response, own, key, witness)
    return _carried_out(response, own, key, OVERLAYS)


def _seen(response: BaseResponse, own: Own, key: tuple[str, str], witness: Witness) -> Any:
    request = _request(response, *key)
    try:
        witness.before(request)
        answer = _carried_out(response, own, key, {**OVERLAYS, **witness.overlays})
    except Refusal as refusal:
        answer = response.serialized(_Exactly(refusal))
        if key[0] == "s3":  # says it by HTTP's status, and to HEAD by nothing else
            answer = 403, answer[1], "" if response.method == "HEAD" else answer[2]
    status, headers, body = answer
    text = body.encode() if isinstance(body, str) else body
    witness.after(request, Answered(int(status), headers, text))
    return answer


def _carried_out(
    response: BaseResponse,
    own: Own,
    key: tuple[str, str],
    overlays: Mapping[tuple[str, str], Overlay],
) -> Any:
    overlay, guard = overlays.get(key), GUARDS.get(key)
    if overlay is None and guard is None:
        return own(response)
    try:
        request = _request(response, *key)
        if overlay is not None:
            return response.serialized(_Exactly(overlay(request)))
        after = guard(request) if guard else None
    except Refusal as refusal:
        return response.serialized(_Exactly(refusal))
    answer = own(response)
    if after is not None and int(answer[0]) < 400:
        after()
    return answer


def _request(response: BaseResponse, service: str, operation: str) -> Request:
    params = parsed(service, operation, response.normalized_request, response.uri_match)
    return Request(
        service,
        operation,
        params,
        response.current_account,
        response.region,
        response.access_key,
        response.path,
    )
