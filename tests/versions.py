"""A Lambda of functions with versions and whoever names them, for the control over versions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from botocore import xform_name

from steward.errors import Gone, Invalid, Moved
from tests.fakes import ACCOUNT, REGION, START

T = TypeVar("T")
R = TypeVar("R")

PAGE = 50
MARK = "at:"

OWN = ("lambda", "resourcegroupstaggingapi", "cloudformation")
"""Services of which it knows operations by itself."""

EMPTY: Mapping[str, Any] = {
    "ListDistributions": {"DistributionList": {}},
    "ListEventBuses": {"EventBuses": []},
}
"""Answers about nothing, where AWS still tells a list."""


def arn(name: str, version: int | str = "") -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}{f':{version}' if version else ''}"


def stamp(age_days: float, now: datetime = START) -> str:
    """As Lambda tells when a version was published."""
    return f"{now - timedelta(days=age_days):%Y-%m-%dT%H:%M:%S.000+0000}"


@dataclass
class Lambda:
    """See ``steward.model.Aws``: lists in pages that cut through functions, in no order of names.

    Whatever nobody named is empty. ``errors`` are raised by operation, or by operation and version.
    """

    functions: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    aliases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    provisioned: dict[str, list[str]] = field(default_factory=dict)
    durable: dict[str, list[int]] = field(default_factory=dict)
    mappings: list[str] = field(default_factory=list)
    policies: set[tuple[str, int]] = field(default_factory=set)
    urls: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    stacks: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    """Answers of other services, by operation; a function of the parameters, or a document."""
    errors: dict[str, Exception] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    before: Callable[[str], None] = lambda _: None
    region: str = REGION
    _listed: list[dict[str, Any]] = field(default_factory=list)

    account, partition = ACCOUNT, "aws"

    def publish(self, name: str, *ages: float, **told: Any) -> None:
        """Give a function versions of these ages in days, the first one being version 1."""
        versions = self.functions.setdefault(name, {})
        for age in ages:
            number = max(versions, default=0) + 1
            fields = {"LastModified": stamp(age), "CodeSize": 1_000_000, "PackageType": "Zip"}
            versions[number] = {**fields, "Runtime": "python3.13", **told}

    def alias(self, name: str, alias: str, version: int | str, **weights: float) -> None:
        """An alias; weights are of versions such as ``v3=0.1``."""
        routing = {key[1:]: weight for key, weight in weights.items()}
        told = {"Name": alias, "FunctionVersion": str(version)}
        config = {"RoutingConfig": {"AdditionalVersionWeights": routing}} if routing else {}
        self.aliases.setdefault(name, []).append({**told, **config})

    def left(self, name: str) -> list[int]:
        return sorted(self.functions[name])

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        self.before(operation)
        self.calls[operation] += 1
        for key in (operation, f"{operation} {params.get('Qualifier', '')}"):
            if key in self.errors:
                raise self.errors[key]
        made = getattr(self, f"_{xform_name(operation)}", None) if service in OWN else None
        if made is not None:
            answer: Mapping[str, Any] = made(params)
            return answer
        other = self.others.get(operation, EMPTY.get(operation, {}))
        told: Mapping[str, Any] = other(params) if callable(other) else other
        return told

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        marker = start
        while True:
            more = {"Marker": marker} if marker else {}
            answer = self.ask(service, operation, **params, **more)
            marker = answer.get("NextMarker")
            yield answer, marker
            if marker is None:
                return

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [act(item) for item in items]

    def _list_functions(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        every = asked.get("FunctionVersion") == "ALL"
        if "Marker" not in asked or not self._listed:
            names = sorted(self.functions, key=lambda name: name[::-1])
            found = (self._entries(name) for name in names)
            self._listed = [one for some in found for one in (some if every else some[:1])]
        return self._page("Functions", self._listed, asked)

    def _list_versions_by_function(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._page("Versions", self._entries(self._known(asked)), asked)

    def _page(self, key: str, entries: Sequence[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        marker = asked.get("Marker", f"{MARK}0")
        if not marker.startswith(MARK):
            raise Invalid("Invalid Marker.")
        start = int(marker.removeprefix(MARK))
        more = {"NextMarker": f"{MARK}{start + PAGE}"} if start + PAGE < len(entries) else {}
        return {key: entries[start : start + PAGE], **more}

    def _entries(self, name: str) -> list[dict[str, Any]]:
        latest = {"FunctionName": name, "Version": "$LATEST", "LastModified": stamp(0)}
        published = {**latest, "Version": "$LATEST.PUBLISHED"}
        odd = [published] if name.startswith("managed") else []
        versions = self.functions[name].items()
        told = [{"FunctionName": name, "Version": str(n), **one} for n, one in versions]
        return [latest, *odd, *told]

    def _known(self, asked: Mapping[str, Any]) -> str:
        name = str(asked["FunctionName"])
        if name not in self.functions:
            raise Gone(f"Function not found: {name}")
        return name

    def _list_aliases(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Aliases": self.aliases.get(self._known(asked), [])}

    def _list_provisioned_concurrency_configs(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = asked["FunctionName"]
        configs = [{"FunctionArn": arn(name, one)} for one in self.provisioned.get(name, [])]
        return {"ProvisionedConcurrencyConfigs": configs}

    def _list_durable_executions_by_function(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        assert "RUNNING" in asked["Statuses"]
        name = asked["FunctionName"]
        found = [{"FunctionArn": arn(name, one)} for one in self.durable.get(name, [])]
        return {"DurableExecutions": found}

    def _list_function_url_configs(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = asked["FunctionName"]
        found = [{"FunctionArn": arn(name, one)} for one in self.urls.get(name, [])]
        return {"FunctionUrlConfigs": found}

    def _list_event_source_mappings(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"EventSourceMappings": [{"FunctionArn": one} for one in self.mappings]}

    def _get_policy(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if (asked["FunctionName"], int(asked["Qualifier"])) not in self.policies:
            raise Gone("The resource you requested does not exist.")
        return {"Policy": json.dumps({"Statement": []})}

    def _get_account_settings(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        used, most = {"TotalCodeSize": 30 * 1024**3}, {"TotalCodeSize": 300 * 1024**3}
        return {"AccountUsage": used, "AccountLimit": most}

    def _get_resources(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        arns = asked["ResourceARNList"]
        told = {one: self.tags.get(one.rpartition(":")[2], {}) for one in arns}
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": one, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
                for one, tags in told.items()
                if tags
            ]
        }

    def _list_stack_resources(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = asked["StackName"]
        if name not in self.stacks:
            raise Invalid(f"Stack with id {name} does not exist")
        return {"StackResourceSummaries": self.stacks[name]}

    def _delete_function(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name, version = self._known(asked), asked["Qualifier"]
        if int(version) not in self.functions[name]:
            raise Gone(f"Function not found: {name}:{version}")
        for alias in self.aliases.get(name, []):
            weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            if version in (alias["FunctionVersion"], *weights):
                raise Moved(f"Unable to delete version: {alias['Name']}")
        del self.functions[name][int(version)]
        return {}
