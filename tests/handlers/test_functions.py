"""How functions are read and judged, on a faithful moto: names, pages, tags, refusals."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from console.sqlite_ledger import SQLiteLedger
from embedded.overlays import faithful
from embedded.seeding import FunctionSeed, seed_functions
from steward.account import Account, function_name
from steward.aws.api import Api, Identity
from steward.aws.pacing import Pacer
from steward.controls import log_retention
from steward.controls.function_runtime import CONTROL
from steward.controls.function_runtime.readers import discover, observe
from steward.controls.function_runtime.state import KIND, Function
from steward.errors import Denied, Gone, Invalid, Refused, StewardError, Throttled
from steward.events import Automation, concerned
from steward.ledger import Item
from steward.model import Ref, Sight, Unread
from steward.policy import load
from steward.runtime import handler
from tests.fakes import ACCOUNT, REGION, FakeAws, FakeClock, NothingKnown
from tests.toy import Telling

ROOT = Path(__file__).parents[2]
HERE = "123456789012"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
EXEMPT_TAG = "steward:exempt/function-runtime"


@pytest.fixture
def api() -> Iterator[Api]:
    clock = FakeClock()
    with faithful(), mock_aws():
        where = Identity(HERE, REGION, "aws")
        yield Api(clock=clock, pacer=Pacer(clock, None), region=REGION, identity=where)


def sight(aws: Any, **policy: Any) -> Sight[Any]:
    return Sight(aws, load(CONTROL, policy).policy, NothingKnown(), FakeClock().now())


def refs(*names: str) -> list[Ref]:
    return [Ref(KIND, name) for name in names]


def seed(*names: str, **fields: Any) -> None:
    seed_functions((FunctionSeed(name=name, **fields) for name in names), region=REGION)


def described(name: str, **fields: Any) -> dict[str, Any]:
    told = {"FunctionName": name, "FunctionArn": f"{ARN}:{name}", "Runtime": "python3.13"}
    return {**told, "PackageType": "Zip", **fields}


def test_discovery_reads_pages_of_fifty_and_no_tags(api: Api) -> None:
    """Each function once, in whatever order; tags only where the policy uses them."""
    names = [f"f{number:03}" for number in range(51)]
    seed(*names, runtime="python3.9", tags={"team": "core"})
    pages = list(discover(sight(api), None))
    assert [len(page.states) for page in pages] == [50, 1]
    assert sorted(one.ref.id for page in pages for one in page.states) == names
    assert dict(api.calls) == {"lambda.ListFunctions": 2}
    resumed = list(discover(sight(api), pages[0].cursor))
    assert [page.states for page in resumed] == [pages[1].states]


def test_a_function_is_read_alike_in_a_sweep_and_by_its_name(api: Api) -> None:
    """Runtime, the day of the reading, and tags; a container image has no runtime."""
    day = FakeClock().now().date()
    seed("old", runtime="python3.9", tags={EXEMPT_TAG: "2027-01-31"})
    seed("image", runtime=None)
    [page] = discover(sight(api, honor_tags=True), None)
    named = list(observe(sight(api, honor_tags=True), refs("image", "old")))
    assert sorted(page.states, key=str) == sorted(named, key=str)
    assert named == [
        Function("image", None, day),
        Function("old", "python3.9", day, {EXEMPT_TAG: "2027-01-31"}),
    ]


def test_only_the_function_that_is_named_is_read(api: Api) -> None:
    """One call for each name, each name once; of one that is gone nothing is told."""
    seed("orders", "orders-prod")
    found = list(observe(sight(api), refs("orders", "order", "orders")))
    assert [one.ref.id for one in found] == ["orders"]
    assert dict(api.calls) == {"lambda.GetFunctionConfiguration": 2}


@pytest.mark.parametrize("name", ["/aws/lambda/orders", "orders:3", f"{ARN}:orders", "a%62", ""])
def test_what_is_no_functions_name_is_not_asked_for(name: str) -> None:
    """Such as a log group's, or a version's: Lambda would answer for another, or refuse."""
    assert list(observe(sight(FakeAws()), refs(name))) == []


def test_the_reads_are_those_that_the_control_declares(api: Api) -> None:
    """What the role of the function must grant, and no more."""
    seed("orders")
    assert list(observe(sight(api, honor_tags=True), refs("orders")))
    assert list(discover(sight(api, honor_tags=True), None))
    actions = {call.replace("resourcegroupstaggingapi.", "tag.") for call in api.calls}
    assert {action.replace(".", ":") for action in actions} == CONTROL.reads


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        pytest.param(Refused("no"), "UNREADABLE", id="refused"),
        pytest.param(Invalid("no"), "UNREADABLE", id="invalid"),
        pytest.param(Denied("no"), "ACCESS_DENIED", id="denied"),
        pytest.param(Throttled("no"), "BUSY", id="busy"),
        pytest.param(Gone("no"), None, id="gone"),
    ],
)
def test_a_function_that_cannot_be_read_spoils_only_itself(
    refusal: StewardError, code: str | None
) -> None:
    """It is told why not; the others are read."""

    def configuration(params: Mapping[str, Any]) -> Mapping[str, Any]:
        if params["FunctionName"] == "bad":
            raise refusal
        return described(params["FunctionName"])

    aws = FakeAws({("lambda", "GetFunctionConfiguration"): configuration})
    found = list(observe(sight(aws), refs("a", "bad", "b")))
    assert [one.ref.id for one in found if isinstance(one, Function)] == ["a", "b"]
    unread = [(one.ref.id, one.code) for one in found if isinstance(one, Unread)]
    assert unread == ([] if code is None else [("bad", code)])


@pytest.mark.parametrize("by_name", [True, False], ids=["observe", "discover"])
def test_functions_whose_tags_cannot_be_read_are_not_judged(*, by_name: bool) -> None:
    """An exemption might be among the tags."""
    aws = FakeAws(
        {
            ("lambda", "GetFunctionConfiguration"): described("a"),
            ("lambda", "ListFunctions"): {"Functions": [described("a")]},
            ("resourcegroupstaggingapi", "GetResources"): Denied("GetResources: no"),
        }
    )
    tagged = sight(aws, honor_tags=True)
    found = observe(tagged, refs("a")) if by_name else next(discover(tagged, None)).states
    [unread] = found
    assert isinstance(unread, Unread)
    assert unread.code == "TAGS_UNREADABLE"


def test_a_function_of_which_no_runtime_is_told_is_not_judged() -> None:
    """Only a container image has none."""
    answer = {name: told for name, told in described("a").items() if name != "Runtime"}
    aws = FakeAws({("lambda", "ListFunctions"): {"Functions": [answer]}})
    [unread] = next(discover(sight(aws), None)).states
    assert isinstance(unread, Unread)
    assert unread.code == "UNREADABLE"


@dataclass
class Context:
    """What Lambda tells a function of its invocation."""

    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:{HERE}:function:steward-assessor"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@dataclass
class Assessor:
    """The deployed function, with a ledger of its own."""

    api: Api
    book: SQLiteLedger

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        account = Account(self.api, self.book, FakeClock(), Telling(), load)
        return handler(_automation(), lambda *_: account)(event, Context())

    def known(self) -> dict[str, Item]:
        return {item.ref.id: item for item in self.book.all_items(CONTROL.id)}


def _automation() -> Automation:
    path = ROOT / "functions" / "assessor" / "handler.py"
    spec = importlib.util.spec_from_file_location("assessor_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    automation: Automation = module.AUTOMATION
    return automation


@pytest.fixture
def assessor(api: Api, tmp_path: Path) -> Iterator[Assessor]:
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite3", "here")
    yield Assessor(api, ledger)
    ledger.close()


def delivered(file: str) -> dict[str, Any]:
    """A recorded event as EventBridge delivers it in the embedded account."""
    record = json.loads((ROOT / "tests" / "events" / f"{file}.json").read_text("utf-8"))
    told = json.loads(json.dumps(record).replace(ACCOUNT, HERE))
    envelope = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.lambda"}
    return {**envelope, "account": HERE, "region": REGION, "detail": told}


def test_a_named_function_is_looked_at_and_forgotten_once_it_is_gone(assessor: Assessor) -> None:
    """Reported with its dates, never called for; once the function is gone so is its item."""
    asked = {"look": {"control": CONTROL.id, "resources": ["checkout"]}}
    seed("checkout", runtime="python3.9")
    assert assessor(asked)["fates"] == {"reported": 1}
    assert assessor.known()["checkout"].code == "DEPRECATED"
    seed("checkout", runtime="python3.13")
    assessor(asked)
    assert assessor.known()["checkout"].code == "SUPPORTED"
    assessor.api._client("lambda").delete_function(FunctionName="checkout")
    assert assessor(asked)["fates"] == {"gone": 1}
    assert assessor.known() == {}


def test_an_event_is_looked_at_by_the_controls_that_it_concerns(assessor: Assessor) -> None:
    """Of a new function there are four; its configuration is read once, for all of them."""
    seed("checkout", runtime="python3.9")
    created = delivered("lambda.CreateFunction.assessor")
    looked = assessor(created)
    asked = [one.id for one in concerned(_automation(), created) if KIND in one.kinds]
    assert sum(looked["fates"].values()) == len(asked) == 4
    assert assessor.known()["checkout"].code == "DEPRECATED"
    codes = [item.code for item in assessor.book.all_items("async-failure-destination")]
    assert codes == ["NO_EVIDENCE"]
    assert "resourcegroupstaggingapi.GetResources" not in assessor.api.calls
    of_lambda = {name: n for name, n in assessor.api.calls.items() if name.startswith("lambda.")}
    # The list tells with whom the role is shared.
    assert of_lambda == {
        "lambda.GetFunctionConfiguration": 1,
        "lambda.GetPolicy": 1,
        "lambda.ListFunctions": 1,
    }


def test_a_function_that_is_gone_is_asked_for_once(assessor: Assessor) -> None:
    """Five controls forget it."""
    seed("checkout", runtime="python3.9")
    assessor(delivered("lambda.CreateFunction.assessor"))
    assessor.api._client("lambda").delete_function(FunctionName="checkout")
    assessor.api.calls.clear()
    assert assessor(delivered("lambda.DeleteFunction.assessor"))["fates"] == {"gone": 5}
    assert assessor.api.calls["lambda.GetFunctionConfiguration"] == 1
    assert assessor.known() == {}


def test_a_sweep_judges_every_function_and_misses_those_that_are_gone(assessor: Assessor) -> None:
    """Two pages in no order; a second sweep finds nothing to write, and one function gone."""
    seed(*(f"new{number:02}" for number in range(60)))
    seed("old", runtime="nodejs18.x")
    step = {"sweep": {"control": CONTROL.id, "cursor": None}}
    first = assessor(step)
    assert (first["complete"], first["verdicts"]) == (True, {"COMPLIANT": 60, "NON_COMPLIANT": 1})
    before = assessor.known()
    assessor.api._client("lambda").delete_function(FunctionName="new07")
    assert assessor(step)["fates"] == {"none": 59, "reported": 1, "gone": 1}
    assert assessor.known() == {name: item for name, item in before.items() if name != "new07"}
    assert not {name for name in assessor.api.calls if "Update" in name or "Put" in name}


def test_a_stacks_function_is_named_after_what_it_runs() -> None:
    """A control that writes has a function of its own; the others share the assessor."""
    assert function_name("governance", log_retention.CONTROL) == "governance-log-retention"
    assert function_name("governance", CONTROL) == "governance-assessor"
