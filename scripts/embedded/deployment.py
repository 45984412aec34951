"""The template as a stack on moto, and what each of its resources turned out to be.

Moto's CloudFormation makes what it can make and names everything. What it cannot make, or would
make unfaithfully, is left out of what it gets; its properties are resolved all the same.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json

from embedded.choices import choose
from embedded.template import BUCKET, Template

KEPT_FROM_MOTO = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::Config::ConfigRule",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::S3::BucketPolicy",
        "AWS::Scheduler::Schedule",
        "AWS::SQS::QueuePolicy",
    }
)
"""Types that the embedded account runs by itself, or does without; bucket policies are not judged.

Nothing refers to them, but to the UUIDs of event source mappings.
"""

MAPPING = "AWS::Lambda::EventSourceMapping"

FUNCTION = "AWS::Lambda::Function"
QUEUE = "AWS::SQS::Queue"
RULE = "AWS::Events::Rule"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the stack, with every intrinsic function resolved."""

    id: str
    """Its logical id."""
    kind: str
    physical_id: str
    """What Ref gives; '' for types that are kept from moto, mappings left out."""
    arn: str
    properties: Properties


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack and its resources by logical id; those whose condition is false are not there."""

    stack: str
    resources: Mapping[str, Resource]

    def of_type(self, kind: str) -> Iterator[Resource]:
        """The stack's resources of a type."""
        return (one for one in self.resources.values() if one.kind == kind)


def deploy(
    template: Template,
    client: Any,
    stack: str,
    parameters: Mapping[str, str],
    *,
    account: str,
    region: str,
) -> Deployment:
    """Create the stack through ``client(service)``, a maker of boto3 clients for this account.

    Raises ParameterError for parameters that the template does not take, and botocore's ClientError
    for what moto refuses.
    """
    choices = choose(template.translated, parameters, region)
    document = _with_mappings_named(choices.decided(), stack)
    _upload(template, client("s3"))
    resources = document["Resources"]
    made = {name: one for name, one in resources.items() if one["Type"] not in KEPT_FROM_MOTO}
    given = [{"ParameterKey": k, "ParameterValue": v} for k, v in choices.values.items()]
    client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=json.dumps({**document, "Resources": made}),
        Parameters=given,
        Capabilities=["CAPABILITY_IAM"],
    )
    known = cloudformation_backends[account][region].get_stack(stack).resource_map
    found = (_resource(name, one, known) for name, one in resources.items())
    return Deployment(stack, {one.id: one for one in found})


def _with_mappings_named(document: dict[str, Any], stack: str) -> dict[str, Any]:
    """The template with a UUID for each event source mapping, also where something refers to it."""
    resources: Mapping[str, Any] = document["Resources"]
    ids = {
        name: str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{stack}.{name}"))
        for name, one in resources.items()
        if one["Type"] == MAPPING
    }
    named = _referred(resources, ids)
    for name, id in ids.items():
        named[name] = {**named[name], "Uuid": id}
    return {**document, "Resources": named}


def _referred(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if isinstance(value.get("Ref"), str) and value["Ref"] in ids:
            return ids[value["Ref"]]
        return {name: _referred(part, ids) for name, part in value.items()}
    return [_referred(one, ids) for one in value] if isinstance(value, list) else value


def _resource(name: str, written: Properties, known: Any) -> Resource:
    kind = written["Type"]
    properties = clean_json(written.get("Properties", {}), known)
    if kind in KEPT_FROM_MOTO:
        return Resource(name, kind, str(written.get("Uuid", "")), "", properties)
    made = known[name]
    return Resource(name, kind, _physical_id(made), _arn(made), properties)


def _physical_id(made: Any) -> str:
    return str(getattr(made, "physical_resource_id", ""))  # moto's layer versions have none


def _arn(made: Any) -> str:
    for attribute in ("function_arn", "queue_arn", "arn"):
        found = getattr(made, attribute, None)
        if found:
            return str(found)
    return ""


def _upload(template: Template, s3: Any) -> None:
    """Put empty archives where the translated template says that code lies."""
    s3.create_bucket(Bucket=BUCKET, **_place(s3.meta.region_name))
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("handler.py", "")
    kinds = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    for name, one in template.written["Resources"].items():
        if one["Type"] in kinds:
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=text.getvalue())


def _place(region: str) -> Mapping[str, Any]:
    """The default Region of S3 is the one that may not be named."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}
