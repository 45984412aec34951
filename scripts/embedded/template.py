"""The project's template as CloudFormation would get it: translated by SAM's own translator."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import (
    to_py27_compatible_template,
    undo_mark_unicode_str_in_template,
)
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
BUCKET = "artifacts"

FUNCTION = "AWS::Serverless::Function"
_CODE = {FUNCTION: "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}

Document = Mapping[str, Any]


_REFERENCE = re.compile(r'\{"Ref": "(\w+)"\}')


def substituted(value: Any) -> str:
    """A text, or that of its Fn::Sub; a name of its own gives way to the first that it refers to.

    Of ``{"Fn::Sub": ["${A} ${B}", {"A": {"Fn::If": ["X", {"Ref": "P"}, ""]}}]}``: ``${P} ${B}``.
    """
    told = value["Fn::Sub"] if isinstance(value, Mapping) else value
    text, names = told if isinstance(told, list) else (told, {})
    for name, inner in names.items():
        if found := _REFERENCE.search(json.dumps(inner)):
            text = text.replace(f"${{{name}}}", f"${{{found[1]}}}")
    return str(text)


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule of the template, by logical ids."""

    id: str
    pattern: Document
    queue: str
    """The inbox it delivers to; '' where its target is none."""


@dataclass(frozen=True, slots=True)
class Template:
    """The template as written and as translated; neither is to be changed."""

    written: Document
    translated: Document

    def of_type(self, kind: str) -> Mapping[str, Document]:
        """The translated resources of a type, by logical id."""
        resources: Mapping[str, Document] = self.translated["Resources"]
        return {name: one for name, one in resources.items() if one["Type"] == kind}

    def folders(self) -> Mapping[str, Path]:
        """Where each function's code lies, by the function's logical id."""
        return {
            name: ROOT / one["Properties"]["CodeUri"]
            for name, one in self.written["Resources"].items()
            if one["Type"] == FUNCTION
        }

    def rules(self) -> Iterator[Rule]:
        """The rules that match events; patterns may hold intrinsic functions."""
        for name, one in self.of_type("AWS::Events::Rule").items():
            properties = one["Properties"]
            queues = self.of_type("AWS::SQS::Queue")
            targets = [named(target["Arn"]) for target in properties["Targets"]]
            queue = next((target for target in targets if target in queues), "")
            yield Rule(name, properties["EventPattern"], queue)

    def inboxes(self) -> Mapping[str, str]:
        """The function that each inbox queue feeds, both by logical id."""
        mappings = self.of_type("AWS::Lambda::EventSourceMapping").values()
        properties = [one["Properties"] for one in mappings]
        return {named(one["EventSourceArn"]): named(one["FunctionName"]) for one in properties}


@cache
def load(path: Path = TEMPLATE) -> Template:
    """The template in a file, translated without AWS. Raises the translator's InvalidDocument."""
    return translated(yaml_parse(path.read_text("utf-8")))


def translated(written: Document) -> Template:
    """A template as it was written, and as SAM's translator makes it."""
    packaged, parameters = _packaged(written), dict[str, str]()
    to_py27_compatible_template(packaged, parameters)  # so that ids are those that AWS would make
    anywhere = boto3.Session(region_name="us-east-1")  # only SAM's own roles would depend on it
    translator = Translator(None, Parser(), boto_session=anywhere)
    document = translator.translate(packaged, parameters)
    return Template(written, undo_mark_unicode_str_in_template(document))


def named(value: object) -> str:
    """The logical id behind Ref or Fn::GetAtt; '' for anything else."""
    match value:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::GetAtt": str(name)}:
            return name.partition(".")[0]
    return ""


def _packaged(written: Document) -> dict[str, Any]:
    """What packaging makes of it: code lies in a bucket."""
    packaged: dict[str, Any] = copy.deepcopy(dict(written))
    for name, one in packaged["Resources"].items():
        if one["Type"] in _CODE:
            one["Properties"][_CODE[one["Type"]]] = f"s3://{BUCKET}/{name}.zip"
    return packaged
