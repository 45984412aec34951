"""Whether a trail logs what EventBridge needs, as its selectors tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from console.checkup import writes_logged

MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


def field(name: str, **operators: Sequence[str]) -> Mapping[str, Any]:
    return {"Field": name, **operators}


@pytest.mark.parametrize(
    ("fields", "logged"),
    [
        ([MANAGEMENT], True),
        ([field("readOnly", Equals=["false"])], False),
        ([field("eventCategory", Equals=["Data"])], False),
        ([MANAGEMENT, field("readOnly", Equals=["false"])], True),
        ([MANAGEMENT, field("readOnly", Equals=["true"])], False),
        ([MANAGEMENT, field("readOnly", NotEquals=["true"])], True),
        ([MANAGEMENT, field("readOnly", NotEquals=["false"])], False),
        ([MANAGEMENT, field("eventSource", NotEquals=["kms.amazonaws.com"])], True),
        ([MANAGEMENT, field("eventSource", Equals=["kms.amazonaws.com"])], False),
        ([MANAGEMENT, field("eventName", StartsWith=["Get"])], False),
    ],
)
def test_a_trail_logs_writes_where_its_advanced_selector_lets_them_all_in(
    fields: Sequence[Mapping[str, Any]],
    logged: bool,  # noqa: FBT001
) -> None:
    """What is narrowed to some services or calls is no trail to go by."""
    assert writes_logged({"AdvancedEventSelectors": [{"FieldSelectors": fields}]}) is logged


def test_one_selector_that_lets_writes_in_is_enough() -> None:
    """Of either kind."""
    some = [{"FieldSelectors": [field("eventCategory", Equals=["Data"])]}]
    assert writes_logged({"AdvancedEventSelectors": [*some, {"FieldSelectors": [MANAGEMENT]}]})
    reads = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}
    assert not writes_logged({"EventSelectors": [reads]})
    assert writes_logged({"EventSelectors": [reads, {"ReadWriteType": "WriteOnly"}]})
