"""What the tagging API calls on behalf of whoever tags: each service's own operation is told, too.

Of functions and log groups alone, whose tags something of the stack listens to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from embedded.trail import Made

PRINCIPAL = "tagging.amazonaws.com"

_ARN: Mapping[str, str] = {"lambda": "Resource", "logs": "resourceArn"}
"""How a service's TagResource and UntagResource name the resource."""

_NAMES = {
    "lambda": {"Tags": "Tags", "TagKeys": "TagKeys"},
    "logs": {"Tags": "tags", "TagKeys": "tagKeys"},
}


def calls_by_tagging(made: Made) -> Iterator[Made]:
    """The calls that a TagResources or UntagResources led to, for what did not fail."""
    if made.service != "resourcegroupstaggingapi" or made.failed:
        return
    if made.operation not in ("TagResources", "UntagResources"):
        return
    failed = (made.answer or {}).get("FailedResourcesMap", {})
    for arn in made.params["ResourceARNList"]:
        service = arn.split(":")[2]
        if service in _ARN and arn not in failed:
            names = _NAMES[service]
            told = {names[key]: made.params[key] for key in names if key in made.params}
            yield replace(
                made,
                service=service,
                operation=made.operation.removesuffix("s"),
                params={_ARN[service]: arn, **told},
                caller=replace(made.caller, invoked_by=PRINCIPAL),
                answer=None,
            )
