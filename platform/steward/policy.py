"""What is asked of a control: schema defaults, then the template's values, then the team's.

Layers are merged by top-level field; objects inside a field are completed with the schema's own
defaults. The merged document is judged by the schema and by the policy's own checks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Generic
from unicodedata import category

import fastjsonschema

from steward.errors import BadPolicy
from steward.model import Control, Exemption, Mode, P, S

Document = Mapping[str, Any]

LONGEST_OWNER = 128
"""Characters that an exemption's owner may have, by every control's schema."""

_STEERING = ("Cc", "Cs", "Zl", "Zp")
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Begin and end of texts that are shown from right to left."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[P]):
    """A policy that fits, with the document it came from and that document's hash."""

    policy: P
    document: Document
    hash: str
    allowed: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The values that fields may have besides the schema's default, where the template says so."""


@cache
def schema(control_id: str) -> Document:
    """The JSON Schema (draft 7) of a control's policy."""
    file = resources.files("steward") / "policies" / f"{control_id}.schema.json"
    loaded: Document = json.loads(file.read_text("utf-8"))
    return loaded


def load(
    control: Control[S, P],
    *layers: Document,
    ceiling: Mode = Mode.ENFORCE,
    allowed: Mapping[str, Sequence[Any]] | None = None,
) -> Loaded[P]:
    """Merge the layers, later ones winning, and judge the result.

    ``allowed`` are the values that fields may have besides the schema's default, where the
    template limits them.

    Raises BadPolicy, naming the field, its value and what is allowed.
    """
    document = settled(control.id, *layers)
    try:
        policy = control.policy.read(document)
    except ValueError as error:  # such as 2026-02-30, a date that no pattern can refuse
        raise BadPolicy(f"{control.id}: {error}") from error
    _refuse(control.id, policy.problems())
    modes = list(Mode)
    if modes.index(policy.mode) > modes.index(ceiling):
        most = f"the template allows '{ceiling}' at most"
        raise BadPolicy(f"{control.id}: mode: is '{policy.mode}', {most}")
    _refuse(control.id, forbidden(control.id, document, allowed or {}))
    return Loaded(policy, document, digest(document), allowed or {})


def settled(name: str, *layers: Document) -> Document:
    """The layers, merged and completed with the defaults of the schema of that name.

    Raises BadPolicy, naming the field, its value and what is allowed.
    """
    document = complete(schema(name), merged(*layers))
    _refuse(name, misfits(name, document))
    plain: Document = _with_plain_integers(document)
    return plain


def _refuse(control_id: str, problems: Iterator[str]) -> None:
    if found := "; ".join(problems):
        raise BadPolicy(f"{control_id}: {found}")


def forbidden(
    control_id: str, document: Document, allowed: Mapping[str, Sequence[Any]]
) -> Iterator[str]:
    """What the template does not allow of a document, or of a part of one.

    ``rules.layer_arn`` stands for that field of each of the rules.
    """
    for name, few in allowed.items():
        outer, _, inner = name.partition(".")
        default = [] if inner else [schema(control_id)["properties"][outer]["default"]]
        values = [*default, *few]
        for path, value in _told(document, outer, inner):
            if value not in values:
                told = ", ".join(json.dumps(one) for one in values if one) or "none"
                yield f"{path}: is {_short(json.dumps(value))}, the template allows {told}"


def _told(document: Document, outer: str, inner: str) -> Iterator[tuple[str, Any]]:
    """Each place of a field in a document, with what it has there."""
    if outer in document and not inner:
        yield outer, document[outer]
    for number, entry in enumerate(document.get(outer, ()) if inner else ()):
        yield f"{outer}[{number}].{inner}", entry[inner]


def merged(*layers: Document) -> Document:
    """The layers by top-level field; the last one that has a field decides it."""
    return {field: value for layer in layers for field, value in layer.items()}


def complete(part: Document, value: Any) -> Any:
    """``value`` with the schema's defaults wherever a property is absent, at any depth."""
    if isinstance(value, Mapping):
        properties: Document = part.get("properties", {})
        absent = {
            name: inner["default"]
            for name, inner in properties.items()
            if name not in value and "default" in inner
        }
        present = {name: complete(properties.get(name, {}), inner) for name, inner in value.items()}
        return {**absent, **present}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = part.get("items", {})
        return [complete(items, item) for item in value]
    return value


def misfits(control_id: str, document: Document) -> Iterator[str]:
    """The first thing about a merged document that its schema does not allow, if any."""
    try:
        _validator(control_id)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        yield described(error.path[1:], error.value, str(error.rule), error.definition or {})


def unfit(control_id: str, exemption: Exemption) -> Iterator[str]:
    """What a control's policy may not have of an exemption, or others' terminals, if anything."""
    entry = {name: str(value) for name, value in asdict(exemption).items()}
    for name, text in entry.items():
        if steers(text):
            yield f"{name}: is {text!r}, allowed: no control characters"
    for problem in misfits(control_id, complete(schema(control_id), {"exemptions": [entry]})):
        yield problem.removeprefix("exemptions[0].")


def steers(text: str) -> bool:
    """Whether a text has more to it than what is seen: control characters, or a turned order."""
    return any(category(one) in _STEERING or one in _TURNING for one in text)


def described(path: Sequence[str | int], value: Any, rule: str, part: Document) -> str:
    """'field: is VALUE, allowed: ...' for a value that breaks a rule of that part of a schema."""
    where = "".join(f"[{p}]" if str(p).isdigit() else f".{p}" for p in path).lstrip(".")
    asked = part.get(rule)
    if rule == "additionalProperties" and isinstance(value, Mapping):
        known, patterns = part.get("properties", {}), part.get("patternProperties", {})
        unknown = [one for one in sorted(set(value) - set(known)) if not _fits_any(one, patterns)]
        allowed = ", ".join([*known, *patterns])
        return f"{where or 'policy'}: has no field {_short(', '.join(unknown))}, allowed: {allowed}"
    if rule == "required" and isinstance(value, Mapping):
        absent = [name for name in asked or () if name not in value]
        return f"{where or 'policy'}: lacks {', '.join(absent)}"
    if rule == "enum":
        allowed = ", ".join(json.dumps(choice) for choice in asked or ())
    elif rule == "type":
        allowed = asked if isinstance(asked, str) else " or ".join(asked or ())
    else:
        allowed = f"{rule} {asked}"
    return f"{where or 'policy'}: is {_short(json.dumps(value, default=str))}, allowed: {allowed}"


def _fits_any(name: str, patterns: Iterable[str]) -> bool:
    return any(re.search(pattern, name) for pattern in patterns)


def digest(document: Document) -> str:
    """A short hash of a document, the same for equal documents on any machine."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _validator(control_id: str) -> Any:
    return fastjsonschema.compile(dict(schema(control_id)), use_default=False, use_formats=False)


def _with_plain_integers(value: Any) -> Any:
    """30.0 is an integer to JSON Schema, and must not reach an API as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _with_plain_integers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_plain_integers(item) for item in value]
    return value


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
