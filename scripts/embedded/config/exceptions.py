"""Remediation exceptions: what Config's own remediation leaves alone, for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from embedded.config.recording import utc
from embedded.config.results import Key
from embedded.overlays import Overlay
from embedded.request import Refusal, Request
from steward.model import Clock

BATCH = 100


class Exceptions:
    """By rule and resource; one that has expired is forgotten."""

    def __init__(self, clock: Clock, violates: Callable[[str, Key], bool]) -> None:
        """``violates`` tells whether a rule holds a resource as NON_COMPLIANT."""
        self._clock = clock
        self._violates = violates
        self._kept: dict[str, dict[Key, Mapping[str, Any]]] = defaultdict(dict)

    def of(self, rule: str) -> dict[Key, Mapping[str, Any]]:
        """A rule's exceptions that have not expired."""
        now = self._clock.now()
        return {k: one for k, one in self._kept[rule].items() if _ends(one, now) > now}

    def overlays(self) -> Mapping[tuple[str, str], Overlay]:
        """What answers in moto's place."""
        answers: Mapping[str, Overlay] = {
            "DeleteRemediationExceptions": self._delete,
            "DescribeRemediationExceptions": self._describe,
            "PutRemediationExceptions": self._put,
        }
        return {("config", operation): answer for operation, answer in answers.items()}

    def _put(self, request: Request) -> Mapping[str, Any]:
        rule, failed = request.params["ConfigRuleName"], []
        told = {name: request.params.get(name) for name in ("Message", "ExpirationTime")}
        for key in _keys(request):
            named = {"ConfigRuleName": rule, "ResourceType": key[0], "ResourceId": key[1]}
            if not self._violates(rule, key):
                failed.append(named)
                continue
            self._kept[rule][key] = {**named, **{n: one for n, one in told.items() if one}}
        message = "The resource is not NON_COMPLIANT."
        return {
            "FailedBatches": [{"FailureMessage": message, "FailedItems": failed}] * bool(failed)
        }

    def _describe(self, request: Request) -> Mapping[str, Any]:
        return {"RemediationExceptions": [*self.of(request.params["ConfigRuleName"]).values()]}

    def _delete(self, request: Request) -> Mapping[str, Any]:
        rule = request.params["ConfigRuleName"]
        for key in _keys(request):
            if self._kept[rule].pop(key, None) is None:
                raise Refusal("NoSuchRemediationExceptionException", f"There is none of {key[1]}.")
        return {"FailedBatches": []}


def _ends(one: Mapping[str, Any], now: datetime) -> datetime:
    ends: datetime = one.get("ExpirationTime", datetime.max.replace(tzinfo=now.tzinfo))
    return utc(ends)


def _keys(request: Request) -> list[Key]:
    told = request.params["ResourceKeys"]
    if not 1 <= len(told) <= BATCH:
        raise Refusal("InvalidParameterValueException", "resourceKeys: allowed: 1 to 100")
    return [(one["ResourceType"], one["ResourceId"]) for one in told]
