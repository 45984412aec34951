"""How functions log, which moto keeps of none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends

from embedded.deployment import Deployment
from embedded.function_logs import default_group
from embedded.request import Request

LOGGING = "logging_config"
"""What is kept of a function beside moto's own."""

LEVEL = "INFO"


def logging(function: LambdaFunction) -> Mapping[str, str]:
    """A function's LoggingConfig; levels only where the log is JSON (API reference)."""
    asked: Mapping[str, str] = vars(function).get(LOGGING, {})
    group = asked.get("LogGroup", default_group(str(function.function_name)))
    told = {"LogFormat": asked.get("LogFormat", "Text"), "LogGroup": group}
    if told["LogFormat"] == "Text":
        return told
    levels = ("ApplicationLogLevel", "SystemLogLevel")
    return told | {name: asked.get(name, LEVEL) for name in levels}


def keep(function: LambdaFunction, params: Mapping[str, Any]) -> None:
    """Remember what a request, or a template, says of how a function logs."""
    if told := params.get("LoggingConfig"):
        vars(function)[LOGGING] = {**vars(function).get(LOGGING, {}), **told}


def before_create(request: Request) -> Callable[[], None]:
    """Once the function is made."""
    backend = lambda_backends[request.account][request.region]
    name = request.params["FunctionName"]
    return lambda: keep(backend.get_function(name), request.params)


def keep_all(deployment: Deployment, account: str, region: str) -> None:
    """The same of a stack's functions."""
    backend = lambda_backends[account][region]
    for one in deployment.of_type("AWS::Lambda::Function"):
        keep(backend.get_function(one.physical_id), one.properties)
