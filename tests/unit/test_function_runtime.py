"""Whether AWS still supports the runtime of a function: the judgement, and its table."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.controls.function_runtime import CONTROL
from steward.controls.function_runtime.assess import CODES, assess
from steward.controls.function_runtime.runtimes import RUNTIMES
from steward.controls.function_runtime.state import Function, Policy
from steward.errors import BadPolicy
from steward.model import Verdict
from steward.policy import load
from steward.run import REASON

TODAY = date(2026, 11, 20)


def policy(**fields: Any) -> Policy:
    loaded: Policy = load(CONTROL, fields).policy
    return loaded


def function(runtime: str | None, read_on: date = TODAY) -> Function:
    return Function("orders", runtime, read_on)


def before(runtime: str, days: int) -> date:
    """So many days before the runtime is deprecated."""
    return RUNTIMES[runtime].deprecated - timedelta(days=days)


@pytest.mark.parametrize(
    ("state", "asked", "code", "verdict"),
    [
        pytest.param(
            function("python3.13"), {}, "SUPPORTED", Verdict.COMPLIANT, id="supported for years"
        ),
        pytest.param(
            function("python3.9"), {}, "DEPRECATED", Verdict.NON_COMPLIANT, id="deprecated"
        ),
        pytest.param(
            function("nodejs12.x"), {}, "DEPRECATED", Verdict.NON_COMPLIANT, id="long blocked"
        ),
        pytest.param(
            function("provided.al2"), {}, "DEPRECATED", Verdict.NON_COMPLIANT, id="an OS alone"
        ),
        pytest.param(
            function("provided.al2023"), {}, "SUPPORTED", Verdict.COMPLIANT, id="an OS, supported"
        ),
        pytest.param(
            function("nodejs22.x"), {}, "DEPRECATED_SOON", Verdict.NON_COMPLIANT, id="in 161 days"
        ),
        pytest.param(
            function("python3.11", before("python3.11", 180)),
            {},
            "SUPPORTED",
            Verdict.COMPLIANT,
            id="180 days are not fewer than 180",
        ),
        pytest.param(
            function("python3.11", before("python3.11", 179)),
            {},
            "DEPRECATED_SOON",
            Verdict.NON_COMPLIANT,
            id="179 days are",
        ),
        pytest.param(
            function("python3.11", before("python3.11", 1)),
            {"warn_days": None},
            "SUPPORTED",
            Verdict.COMPLIANT,
            id="the last day, without warning",
        ),
        pytest.param(
            function("python3.11", before("python3.11", 1)),
            {"warn_days": 0},
            "SUPPORTED",
            Verdict.COMPLIANT,
            id="the last day, zero days of warning",
        ),
        pytest.param(
            function("python3.11", before("python3.11", 0)),
            {"warn_days": None},
            "DEPRECATED",
            Verdict.NON_COMPLIANT,
            id="the day itself",
        ),
        pytest.param(
            function("python3.9"),
            {"allow": ["python3.8", "python3.9"]},
            "ALLOWED",
            Verdict.COMPLIANT,
            id="deprecated and allowed",
        ),
        pytest.param(
            function("nodejs22.x"),
            {"allow": ["nodejs22.x"]},
            "ALLOWED",
            Verdict.COMPLIANT,
            id="soon deprecated and allowed",
        ),
        pytest.param(
            function("python3.9"),
            {"allow": ["python3.8"]},
            "DEPRECATED",
            Verdict.NON_COMPLIANT,
            id="another one is allowed",
        ),
        pytest.param(
            function("python3.13"),
            {"allow": ["python3.13"]},
            "SUPPORTED",
            Verdict.COMPLIANT,
            id="needs no permission",
        ),
        pytest.param(
            function(None), {}, "CONTAINER_IMAGE", Verdict.NOT_APPLICABLE, id="a container image"
        ),
        pytest.param(
            function("nodejs99.x"), {}, "NOT_IN_TABLE", Verdict.COMPLIANT, id="not in the table"
        ),
        pytest.param(
            function("Python3.9"), {}, "NOT_IN_TABLE", Verdict.COMPLIANT, id="identifiers are exact"
        ),
    ],
)
def test_judgement(state: Function, asked: dict[str, Any], code: str, verdict: Verdict) -> None:
    """A code and a verdict; there is never anything to call."""
    finding = assess(state, policy(**asked))
    assert (finding.code, finding.verdict) == (code, verdict)
    assert finding.remediation == ()


@pytest.mark.parametrize(
    ("runtime", "told"),
    [
        ("python3.10", ["2026-10-31", "2027-02-01", "2027-03-03"]),
        ("nodejs22.x", ["2027-04-30", "2027-06-01", "2027-07-01"]),
        ("java25", ["2029-06-30"]),
        ("nodejs99.x", ["table of November 2026"]),
    ],
)
def test_the_reason_tells_the_runtime_and_its_dates(runtime: str, told: list[str]) -> None:
    """From when on it is unsupported, and functions on it cannot be made or updated."""
    reason = assess(function(runtime), policy()).reason
    assert all(part in reason for part in [runtime, *told])


def test_an_allowance_for_no_runtime_is_refused() -> None:
    """A typing error must not look like a permission."""
    with pytest.raises(BadPolicy, match=r"allow\[1\]: is 'python39', allowed: .*python3.9"):
        policy(allow=["python3.9", "python39"])


def test_the_table_says_what_the_pinned_linter_says() -> None:
    """A newer cfn-lint shows here which dates AWS has moved, and which runtimes it has added."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        pytest.skip("cfn-lint is not installed")
    file = Path(spec.origin).parent / "data" / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json"
    theirs = {
        runtime: tuple(life[name] for name in ("deprecated", "create-block", "update-block"))
        for runtime, life in json.loads(file.read_text("utf-8")).items()
    }
    del theirs["dotnet9"]  # a container image, not a runtime that a function can name
    ours = {
        runtime: tuple(map(str, (life.deprecated, life.no_create, life.no_update)))
        for runtime, life in RUNTIMES.items()
    }
    assert ours == theirs


STATES = st.builds(
    Function,
    name=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    runtime=st.none() | st.sampled_from(sorted(RUNTIMES)) | st.just("x" * 300) | st.text(),
    read_on=st.dates(date(2015, 1, 1), date(2035, 1, 1)),
)
POLICIES = st.builds(
    policy,
    warn_days=st.none() | st.integers(0, 730),
    allow=st.lists(st.sampled_from(sorted(RUNTIMES)), unique=True, max_size=3),
)


@given(STATES, POLICIES)
def test_the_judgement_is_total_and_deterministic(state: Function, asked: Policy) -> None:
    """Any function gets a documented code and a short reason, and nothing to call."""
    finding = assess(state, asked)
    assert finding == assess(state, asked)
    assert finding.code in CODES
    assert 0 < len(finding.reason) <= REASON
    assert finding.remediation == ()


@given(st.sampled_from(sorted(RUNTIMES)), st.integers(-30, 800), POLICIES)
def test_a_day_that_changes_no_code_changes_nothing(runtime: str, days: int, asked: Policy) -> None:
    """The ledger writes when something changed; that a day has passed is no such thing."""
    today = assess(function(runtime, before(runtime, days)), asked)
    tomorrow = assess(function(runtime, before(runtime, days - 1)), asked)
    assert today == tomorrow or today.code != tomorrow.code or today.code == "ALLOWED"
