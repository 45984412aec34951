"""Actions of IAM that change something, as far as a statement can say on which resources.

The facts are in ``limitable.json``, which ``scripts/limitable`` makes of the Service Authorization
Reference; an action that is not there either reads, or has no resource that could be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase, translate
from functools import cache, lru_cache
from importlib import resources

PACKAGE = "steward.controls.function_role_least_privilege"


@cache
def limitable() -> Mapping[str, tuple[str, ...]]:
    """By the service's prefix, the names of its actions, sorted."""
    text = (resources.files(PACKAGE) / "limitable.json").read_text("utf-8")
    told: Mapping[str, str] = json.loads(text)["services"]
    return {prefix: tuple(names.split()) for prefix, names in told.items()}


def is_any(pattern: str) -> bool:
    """Whether a part of an action, of an ARN or of a resource leaves everything open."""
    return "*" in pattern and not pattern.strip("*?")


def every_action(pattern: str) -> bool:
    """Whether it is each action of each service: '*' or '*:*'."""
    service, colon, name = pattern.partition(":")
    return is_any(service) and (is_any(name) or not colon)


def every_action_of_a_service(pattern: str) -> bool:
    """Whether it is each action of one service, such as s3:*."""
    service, _, name = pattern.partition(":")
    return is_any(name) and not is_any(service)


def every_resource(pattern: str, action: str) -> bool:
    """Whether it is each resource that an action could be about: '*', or an ARN of the action's
    service that names neither type nor resource, such as arn:aws:s3:::*/*. Of roles to be passed
    on, it is each role, too. IAM completes an ARN of fewer than six parts with stars."""
    parts = pattern.split(":", 5)
    parts += "*" * (6 - len(parts))
    is_arn = _like("arn", parts[0]) and _like(action.partition(":")[0], parts[2])
    return is_arn and (is_any(re.sub("[/:]", "", parts[5])) or _is_every_role(parts[5], action))


def _is_every_role(resource: str, action: str) -> bool:
    """Whoever may pass on any role may do what any of them allows."""
    kind, _, name = resource.partition("/")
    return kind == "role" and is_any(name.replace("/", "")) and _like("iam:PassRole", action)


def _like(text: str, pattern: str) -> bool:
    """Whether IAM takes a text for what a pattern stands for, in any case."""
    return fnmatchcase(text.lower(), pattern.lower().replace("[", "[[]"))


@lru_cache(maxsize=4096)
def first_limitable(pattern: str) -> str:
    """The first action that a pattern stands for and whose resources could be named; '' for none.

    IAM does not tell cases apart.
    """
    prefix, _, name = pattern.lower().partition(":")
    wanted = re.compile(translate(name.replace("[", "[[]")))
    for service in _services(prefix):
        found = next((one for one in limitable()[service] if wanted.match(one.lower())), "")
        if found:
            return f"{service}:{found}"
    return ""


def _services(prefix: str) -> list[str]:
    """The services of a prefix, which may have wildcards."""
    if "*" not in prefix and "?" not in prefix:
        return [prefix] if prefix in limitable() else []
    wanted = re.compile(translate(prefix.replace("[", "[[]")))
    return [service for service in limitable() if wanted.match(service)]
