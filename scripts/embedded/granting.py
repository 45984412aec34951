"""What the roles of a stack grant, from their resolved properties."""

from __future__ import annotations

from collections.abc import Sequence

from embedded.authorization import Policy
from embedded.deployment import Deployment

ROLE = "AWS::IAM::Role"
MANAGED = "AWS::IAM::ManagedPolicy"


def policies_of(deployment: Deployment, role_arn: str) -> Sequence[Policy]:
    """A role's policies, inline and attached. Raises LookupError for what is not the stack's."""
    role = next((one for one in deployment.of_type(ROLE) if one.arn == role_arn), None)
    if role is None:
        raise LookupError(f"{role_arn}: no role of the stack")
    managed = {one.arn: one.properties for one in deployment.of_type(MANAGED)}
    attached = role.properties.get("ManagedPolicyArns", [])
    foreign = [arn for arn in attached if arn not in managed]
    if foreign:
        raise LookupError(f"{foreign[0]}: no policy of the stack")
    documents = [
        *(one["PolicyDocument"] for one in role.properties.get("Policies", [])),
        *(managed[arn]["PolicyDocument"] for arn in attached),
    ]
    return [Policy.parse(document) for document in documents]
