"""Functions' roles and logs on the embedded account: by events, by sweeps, and with others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from embedded.account import EmbeddedAccount
from embedded.faults import Fault, has
from tests.scenarios.embedding import create, installed, ledger, logged, put_policy, retention

SHARED, ROLES, LOGGING = (
    "function-role-not-shared",
    "function-role-least-privilege",
    "function-logging",
)
DEPLOYED = ("log-retention", SHARED, ROLES, LOGGING)

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
CODE = {"ZipFile": b"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}

pytestmark = pytest.mark.xdist_group("scenario-roles")  # one account for all of them


@pytest.fixture(scope="module")
def account() -> Iterator[EmbeddedAccount]:
    """A stack where IAM tells of its calls, installed some time ago."""
    with installed(controls=DEPLOYED, region="us-east-1") as made:
        yield made


@pytest.fixture
def here(account: EmbeddedAccount) -> EmbeddedAccount:
    """The account as the scenario before left it; it forgets what was done."""
    account.settle()
    account.server.faults = []
    account.server.clear()
    account.host.invocations.clear()
    return account


def document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(here: EmbeddedAccount, name: str) -> str:
    """A role that functions can take; its ARN."""
    told = here.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(**TRUST))
    arn: str = told["Role"]["Arn"]
    return arn


def function(here: EmbeddedAccount, name: str, role_arn: str, **config: str) -> None:
    here.client("lambda").create_function(
        FunctionName=name,
        Role=role_arn,
        Runtime="python3.13",
        Handler="a.b",
        Code=CODE,
        **({"LoggingConfig": config} if config else {}),
    )


def codes(here: EmbeddedAccount, control: str) -> dict[str, str]:
    """What the ledger has of a control; the stack's own resources left out."""
    items = ledger(here).all_items(control)
    return {one.ref.id: one.code for one in items if not one.ref.id.startswith("steward-")}


def test_a_role_that_another_function_takes_is_shared_until_that_one_is_gone(
    here: EmbeddedAccount,
) -> None:
    """Each event leads to all that have, or had, the same role."""
    arn = role(here, "orders")
    function(here, "orders", arn)
    here.settle()
    assert codes(here, SHARED) == {"orders": "OWN_ROLE"}
    function(here, "reports", arn)
    here.settle()
    assert codes(here, SHARED) == {"orders": "SHARED_ROLE", "reports": "SHARED_ROLE"}
    here.client("lambda").delete_function(FunctionName="reports")
    here.settle()
    assert codes(here, SHARED) == {"orders": "OWN_ROLE"}


def test_a_role_is_judged_as_its_policies_change_and_nothing_is_written(
    here: EmbeddedAccount,
) -> None:
    """By IAM's events, and alike by a sweep; one that cannot be read is UNKNOWN, by itself."""
    iam = here.client("iam")
    role(here, "wide")
    role(here, "other")
    here.settle()
    assert codes(here, ROLES)["wide"] == "LEAST_PRIVILEGE"
    allow = document(Effect="Allow", Action="*", Resource="*")
    iam.put_role_policy(RoleName="wide", PolicyName="all", PolicyDocument=allow)
    here.settle()
    assert codes(here, ROLES)["wide"] == "ACTION_STAR"
    here.sweep()
    assert codes(here, ROLES)["wide"] == "ACTION_STAR"
    denied = Fault(operation="iam.GetRolePolicy", code="AccessDenied", when=has(RoleName="wide"))
    here.server.faults = [denied]
    iam.put_role_policy(RoleName="wide", PolicyName="all", PolicyDocument=allow)
    iam.delete_role(RoleName="other")
    here.settle()
    assert codes(here, ROLES)["wide"] == "ACCESS_DENIED"
    assert "other" not in codes(here, ROLES)
    here.server.faults = []
    iam.delete_role_policy(RoleName="wide", PolicyName="all")
    here.settle()
    assert codes(here, ROLES)["wide"] == "LEAST_PRIVILEGE"
    assert not logged(here, "internal error")


def test_a_retention_that_log_retention_sets_puts_a_functions_logging_right(
    here: EmbeddedAccount,
) -> None:
    """Two automations meet: the call of one is an event of the other, and then there is rest."""
    function(here, "shop", role(here, "shop"), LogFormat="JSON")
    here.settle()
    assert codes(here, LOGGING)["shop"] == "NO_LOG_GROUP"
    create(here, "/aws/lambda/shop")
    here.settle()
    assert retention(here)["/aws/lambda/shop"] == 30
    assert codes(here, LOGGING)["shop"] == "LOGS_AS_ASKED"
    assert here.server.calls["logs.PutRetentionPolicy"] == 1
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}
    here.client("lambda").update_function_configuration(FunctionName="shop", LoggingConfig=config)
    here.settle()
    assert codes(here, LOGGING)["shop"] == "LEVEL_NOT_ALLOWED"
    put_policy(here, LOGGING, application_levels=["DEBUG", "INFO"])
    here.settle()
    assert codes(here, LOGGING)["shop"] == "LOGS_AS_ASKED"


def test_our_own_functions_are_as_we_ask_others_to_be(here: EmbeddedAccount) -> None:
    """Their roles are their own and allow no more than they should, and so do they log."""
    here.sweep()
    told = {"OWN_ROLE", "LEAST_PRIVILEGE", "NOT_FOR_FUNCTIONS", "LOGS_AS_ASKED"}
    for control in (SHARED, ROLES, LOGGING):
        items = ledger(here).all_items(control)
        own = {one.ref.id: one.code for one in items if one.ref.id.startswith("steward-")}
        assert own
        assert {id: code for id, code in own.items() if code not in told} == {}


def test_a_burst_of_functions_and_their_logs_is_judged_within_minutes(
    here: EmbeddedAccount,
) -> None:
    """At the deployed pace: a read after each call at most, no batch without time."""
    arn = role(here, "burst")
    names = [f"burst-{number:02}" for number in range(40)]
    begun = here.clock.now()
    for name in names:
        function(here, name, arn, LogFormat="JSON")
        create(here, f"/aws/lambda/{name}")
    here.settle()
    assert {codes(here, LOGGING)[name] for name in names} == {"LOGS_AS_ASKED"}
    assert {codes(here, SHARED)[name] for name in names} == {"SHARED_ROLE"}
    batches = [one for one in here.host.invocations if one.function == "steward-assessor"]
    assert [one for one in batches if one.answer and one.answer["batchItemFailures"]] == []
    read = here.server.calls["lambda.GetFunctionConfiguration"]
    assert read <= 3 * len(names)  # after the function, its group and that group's retention
    assert here.clock.now() - begun < timedelta(minutes=15)
