"""Puts resources into moto's own memory: a history that no API call could make, and quickly."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from moto.awslambda.models import LambdaBackend, lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.logs.models import LogGroup, LogsBackend, SubscriptionFilter, logs_backends
from moto.utilities.utils import get_partition

from embedded.function_updates import STATE, STATUS, UNZIPPED
from embedded.stamping import now

REGION = "us-east-1"

SEEDED = "seeded-functions"
"""The role of all seeded functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A log group that is to be there."""

    name: str
    days: int | None = None  # None: its events never expire
    age_days: int = 0
    stored_bytes: int = 0
    log_class: str = "STANDARD"
    tags: Mapping[str, str] = field(default_factory=dict)


def seed_log_groups(
    seeds: Iterable[Seed], *, region: str = REGION, account: str | None = None
) -> None:
    """Create log groups; a name that is taken raises moto's own error."""
    backend = _backend(region, account)
    for seed in seeds:
        group = backend.create_log_group(seed.name, dict(seed.tags), RetentionInDays=seed.days)
        vars(group)["log_class"] = seed.log_class
        _age(group, seed.age_days, seed.stored_bytes)


def seed_delivery_role(name: str, *streams: str, service: str = "logs.amazonaws.com") -> None:
    """A role that lets a service put records into streams, by their ARNs; any where none is told.

    A role of that name keeps what it is, but for what it may.
    """
    trust = _allowed("sts:AssumeRole", Principal={"Service": service})
    grants = _allowed("kinesis:PutRecord", Resource=list(streams) or "*")
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    if not any(one.name == name for one in backend.roles.values()):
        backend.create_role(name, trust, "/", None, "", [], "3600")
    backend.put_role_policy(name, "delivery", grants)


def _allowed(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def seed_filters(name: str, destination_arn: str, role_arn: str, *, region: str = REGION) -> None:
    """Give every log group a subscription filter for all events, spread over the shards."""
    for group in _backend(region, None).groups.values():
        made = SubscriptionFilter(name, group.name, "", destination_arn, role_arn)
        vars(made)["distribution"] = "Random"
        group.subscription_filters[name] = made


def age_log_group(
    name: str, *, days: int, stored_bytes: int, region: str = REGION, account: str | None = None
) -> None:
    """Make a group ``days`` days old, holding ``stored_bytes``. Raises KeyError for no group."""
    _age(_backend(region, account).groups[name], days, stored_bytes)


def retention_of_log_groups(
    *, region: str = REGION, account: str | None = None
) -> Mapping[str, int | None]:
    """Each group's own days as moto holds them, whatever an account policy says."""
    return {
        name: group.retention_in_days for name, group in _backend(region, account).groups.items()
    }


def clear_logs(*, region: str = REGION, account: str | None = None) -> None:
    """Forget everything of CloudWatch Logs."""
    _backend(region, account).reset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSeed:
    """A Lambda function that is to be there; it cannot be invoked."""

    name: str
    runtime: str | None = "python3.13"  # None: a container image; moto checks no identifier
    tags: Mapping[str, str] = field(default_factory=dict)
    layers: Sequence[str] = ()
    """ARNs of layer versions that there are."""
    architecture: str = "x86_64"
    unzipped: int = 0  # bytes of its code


def seed_functions(
    seeds: Iterable[FunctionSeed], *, region: str = REGION, account: str | None = None
) -> None:
    """Create functions under a role of their own; one of a name that is taken is replaced."""
    backend, role = _functions(region, account), _role(region, account)
    for seed in seeds:
        image = {"PackageType": "Image", "Code": {"ImageUri": "example/image:1"}}
        archive = {"Runtime": seed.runtime, "Handler": "index.handler", "Code": {"ZipFile": ""}}
        common = {"FunctionName": seed.name, "Role": role, "Tags": dict(seed.tags)}
        common |= {"Layers": [*seed.layers], "Architectures": [seed.architecture]}
        made = backend.create_function({**common, **(image if seed.runtime is None else archive)})
        vars(made)[UNZIPPED] = seed.unzipped


def seed_layer(
    name: str,
    versions: int = 1,
    *,
    runtimes: Sequence[str] = (),
    architectures: Sequence[str] = (),
    unzipped: int = 1_000_000,
    region: str = REGION,
    account: str | None = None,
) -> list[str]:
    """Publish so many versions of a layer, and return their ARNs."""
    told = {"CompatibleRuntimes": [*runtimes], "CompatibleArchitectures": [*architectures]}
    backend, made = _functions(region, account), []
    for _ in range(versions):
        version = backend.publish_layer_version(
            {"LayerName": name, "Content": {"ZipFile": ""}, **told}
        )
        vars(version)[UNZIPPED] = unzipped
        made.append(version.arn)
    return made


def hold_function(
    name: str,
    *,
    state: str = "Active",
    status: str = "Successful",
    region: str = REGION,
    account: str | None = None,
) -> None:
    """Have a function told to be in this state, and its last update to have come so far."""
    function = _functions(region, account).get_function(name)
    vars(function).update({STATE: state, STATUS: status})


def seed_versions(
    name: str,
    *days: int,
    size: int = 1_000_000,
    region: str = REGION,
    account: str | None = None,
    **fields: Any,
) -> list[str]:
    """Publish versions of a function that are so many days old, with so many bytes of code each.

    Returns their numbers. ``fields`` are moto's own of a version, such as ``run_time``.
    """
    backend = _functions(region, account)
    numbers = []
    for age in days:
        backend.get_function(name).code_or_config_updated = True
        made = backend.publish_version(name)
        if made is None:
            raise KeyError(name)
        told = {"code_size": size, "last_modified": f"{now() - timedelta(days=age):%FT%T}.000+0000"}
        vars(made).update({**told, **fields})
        numbers.append(str(made.version))
    return numbers


def clear_functions(*, region: str = REGION, account: str | None = None) -> None:
    """Forget everything of Lambda."""
    _functions(region, account).reset()


def clear_roles(*, region: str = REGION, account: str | None = None) -> None:
    """Forget everything of IAM, which is the same in all Regions of the partition."""
    iam_backends[_account(account)][get_partition(region)].reset()


def _functions(region: str, account: str | None) -> LambdaBackend:
    return lambda_backends[_account(account)][region]


def _role(region: str, account: str | None) -> str:
    """The ARN of the seeded functions' role, made when it is first needed."""
    backend = iam_backends[_account(account)][get_partition(region)]
    for role in backend.get_roles():
        if role.name == SEEDED:
            return role.arn
    return backend.create_role(SEEDED, "{}", "/", None, "", [], None).arn


def _backend(region: str, account: str | None) -> LogsBackend:
    return logs_backends[_account(account)][region]


def _account(account: str | None) -> str:
    return account or os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)


def _age(group: LogGroup, days: int, stored_bytes: int) -> None:
    group.creation_time = now() - timedelta(days=days)
    if stored_bytes:
        group.streams.pop("history", None)
        group.create_log_stream("history")
        group.streams["history"].stored_bytes = stored_bytes
