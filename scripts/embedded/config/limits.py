"""What PutEvaluations takes; one row that does not fit, and the request is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import botocore.session

from embedded.request import Refusal

BATCH = 100
LONGEST_ANNOTATION, LONGEST_ID = 256, 768

BESIDES = frozenset({"AWS::::Account", "AWS::Logs::LogGroup"})
"""Types that are not recorded and yet taken: AWS's own rules report on them. A type of which that
is not known is refused, as AWS refuses some types of CloudFormation."""

TAKEN = ("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE")


def check(rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises Refusal for what Config refuses as a whole."""
    problems = [*_problems(rows)]
    if problems:
        raise Refusal("InvalidParameterValueException", problems[0])


@cache
def types() -> frozenset[str]:
    """The types that an evaluation may be of."""
    model = botocore.session.get_session().get_service_model("config")
    return frozenset(model.shape_for("ResourceType").enum) | BESIDES


def _problems(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(rows) > BATCH:
        yield f"evaluations: has {len(rows)} members, must have length less than or equal to 100"
    for row in rows:
        kind, id = row["ComplianceResourceType"], row["ComplianceResourceId"]
        if kind not in types():
            yield f"The resource type {kind} is not supported."
        if not 1 <= len(id) <= LONGEST_ID:
            yield f"complianceResourceId: has {len(id)} characters, allowed: 1 to {LONGEST_ID}"
        if row["ComplianceType"] not in TAKEN:
            yield f"complianceType: {row['ComplianceType']} is not allowed"
        if not 1 <= len(row.get("Annotation", " ")) <= LONGEST_ANNOTATION:
            yield f"annotation: must have 1 to {LONGEST_ANNOTATION} characters"
