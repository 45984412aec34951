"""What can be tagged: ARNs of CloudFormation's resources, and the actions that tag them.

The facts are in ``taggable.json``; ``taggable_others.json`` has the types for which there are none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from steward.model import Aws

MOST = 50
"""Tags that a resource can have, those of AWS left out (Tagging Best Practices)."""

_PARTS = {"name": "[^:/]+", "path": "[^:]+", "version": "[^:/]+:[0-9]+"}
"""What a placeholder of a form stands for."""

_COMMON = r"[\w\s.:/=+\-@]*"
"""The characters that most services take in keys and values."""


@dataclass(frozen=True, slots=True)
class Form:
    """How ARNs of one type look, and how its physical id tells them."""

    kind: str
    arn: str  # without "arn:PARTITION:", with placeholders
    id: str = "name"
    """Of the physical id: name (as in the ARN), arn, url (of a queue), path (which may begin with
    a slash) or bus (BUS|RULE)."""
    log_groups: tuple[str, ...] = ()  # of groups that the resource makes, not CloudFormation
    listing: tuple[str, ...] = ()
    """Service, operation, and member of the answer that lists all; then the member of each."""
    page: Mapping[str, int] = field(default_factory=dict)  # how large a page is asked for
    own: bool = False  # has no place in the tagging API

    @property
    def service(self) -> str:
        """As ARNs and IAM have it."""
        return self.arn.partition(":")[0]


@cache
def forms() -> Mapping[str, Form]:
    """By CloudFormation's type."""
    told: Mapping[str, Mapping[str, Any]] = _document("taggable.json")["types"]
    return {kind: Form(kind, **_frozen(one)) for kind, one in told.items()}


def _frozen(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in told.items()}


@cache
def _document(name: str) -> Mapping[str, Any]:
    file = resources.files("steward.controls") / name
    loaded: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


@cache
def others() -> frozenset[str]:
    """Types that have tags, and whose ARNs are not known here."""
    told: Mapping[str, str] = _document("taggable_others.json")["types"]
    return frozenset(f"AWS::{part}::{name}" for part, text in told.items() for name in text.split())


def actions() -> frozenset[str]:
    """The IAM actions of all services that tag and untag."""
    services: Mapping[str, Mapping[str, Sequence[str]]] = _document("taggable.json")["services"]
    return frozenset(
        f"{service}:{name}"
        for service, told in services.items()
        for verb in ("tag", "untag")
        for name in told[verb]
    )


def fits(service: str, text: str) -> bool:
    """Whether a service takes the text as a tag's key or value."""
    pattern: str = _document("taggable.json")["services"][service].get("characters", _COMMON)
    return re.fullmatch(pattern, text) is not None


def arn(form: Form, physical: str, aws: Aws) -> str:
    """The ARN of a resource by its physical id; '' where that does not fit the form."""
    if physical.startswith("arn:"):
        return physical if _pattern(form, aws).fullmatch(physical) else ""
    name = _NAMES[form.id](physical, aws)
    if not re.fullmatch(_PARTS[_placeholder(form)], name):
        return ""
    made = _filled(form, aws).replace(f"{{{_placeholder(form)}}}", name)
    return made if _pattern(form, aws).fullmatch(made) else ""


def resource(told: str, aws: Aws) -> tuple[str, str]:
    """Type and id of the resource with that ARN; ('', '') for one whose type is not known.

    The id is the physical one, but a queue's is its name.
    """
    service = told.split(":")[2] if told.count(":") > 4 else ""
    for form in forms().values():
        if form.service == service and (found := _pattern(form, aws).fullmatch(told)):
            return form.kind, told if form.id == "arn" else found[1]
    return "", ""


def _placeholder(form: Form) -> str:
    return next(name for name in _PARTS if f"{{{name}}}" in form.arn)


def _filled(form: Form, aws: Aws) -> str:
    text = form.arn.replace("{region}", aws.region).replace("{account}", aws.account)
    return f"arn:{aws.partition}:{text}"


def _pattern(form: Form, aws: Aws) -> re.Pattern[str]:
    return _compiled(_filled(form, aws), _placeholder(form))


@cache
def _compiled(text: str, placeholder: str) -> re.Pattern[str]:
    before, _, after = text.partition(f"{{{placeholder}}}")
    return re.compile(f"{re.escape(before)}({_PARTS[placeholder]}){re.escape(after)}")


def _of_url(told: str, aws: Aws) -> str:
    """A queue's name; its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, tells its place."""
    if "/" not in told:
        return told
    found = re.fullmatch(r"https?://(?:sqs\.([a-z0-9-]+)\.)?[^/]+/([0-9]{12})/([^/]+)", told)
    ours = found and found[2] == aws.account and found[1] in (None, aws.region)
    return found[3] if found and ours else ""


_NAMES: Mapping[str, Callable[[str, Aws], str]] = {
    "name": lambda told, _: told,
    "arn": lambda _told, _: "",  # what is no ARN is not guessed
    "url": _of_url,
    "path": lambda told, _: told.removeprefix("/"),
    "bus": lambda told, _: told.replace("|", "/"),
}
