"""How the limits of a stage's methods are judged, and by which calls they are put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.controls.api_gateway.stages import EVERY, Method
from steward.controls.api_throttling import CONTROL
from steward.controls.api_throttling.assess import assess
from steward.controls.api_throttling.rules import Policy
from steward.controls.api_throttling.settings import limit_of, limits
from steward.controls.api_throttling.state import ApiStage
from steward.errors import BadPolicy
from steward.evaluate import foretold
from steward.model import Finding, Verdict
from steward.policy import load
from tests.api_stages import MATERIALISED, REST, V2, World, after, method, state, taken_back

GET, POST = method("GET", "/items"), method("POST", "/item/{itemId}")
ROUTES = method("GET", "/items", V2), method("POST", "/item", V2)
SET = {"rate": 100, "burst": 50}
ACCOUNT = {"rate": 10_000, "burst": 5_000}


def policy(**asked: Any) -> Policy:
    found: Policy = load(CONTROL, asked).policy
    return found


def own(rate: float, burst: int, **more: Any) -> dict[str, Any]:
    """Settings of a REST method with these limits."""
    return {**MATERIALISED, "throttlingRateLimit": rate, "throttlingBurstLimit": burst, **more}


def route(rate: float, burst: int, **more: Any) -> dict[str, Any]:
    numbers = {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
    return {"DetailedMetricsEnabled": False, **numbers, **more}


def patches(finding: Finding) -> list[tuple[str, ...]]:
    """The operations of all calls: what, where, and the value."""
    return [
        tuple(one.values())
        for call in finding.remediation
        for one in call.params["patchOperations"]
    ]


BY_RULE = {"rules": [{"path": "/items", "rate": 200, "burst": 100}]}
DEFAULT = {"allow_stage_default": True}


@pytest.mark.parametrize(
    ("world", "asked", "verdict", "code", "planned"),
    [
        pytest.param({}, {}, "NON_COMPLIANT", "NO_LIMIT", False, id="THR-14 none, and none named"),
        pytest.param({}, SET, "NON_COMPLIANT", "NO_LIMIT", True, id="THR-14 none"),
        pytest.param({GET.key: own(100, 50)}, SET, "COMPLIANT", "LIMITED", False, id="THR-13"),
        pytest.param({GET.key: own(7, 7)}, {}, "COMPLIANT", "LIMITED", False, id="any limit"),
        pytest.param({GET.key: own(0, 0)}, {}, "COMPLIANT", "LIMITED", False, id="none let in"),
        pytest.param(
            {GET.key: {**MATERIALISED, "metricsEnabled": True}},
            SET,
            "NON_COMPLIANT",
            "NO_LIMIT",
            True,
            id="THR-14 materialised by another setting",
        ),
        pytest.param(
            {GET.key: own(-1, -1)}, SET, "NON_COMPLIANT", "NO_LIMIT", True, id="THR-14 -1 is none"
        ),
        pytest.param(
            {GET.key: own(100, 5000)}, {}, "NON_COMPLIANT", "NO_LIMIT", False, id="a rate alone"
        ),
        pytest.param(
            {GET.key: own(10_001, 50)}, {}, "NON_COMPLIANT", "NO_LIMIT", False, id="above it"
        ),
        pytest.param(
            {GET.key: own(120, 60)}, SET, "NON_COMPLIANT", "OTHER_LIMIT", True, id="a little more"
        ),
        pytest.param(
            {GET.key: own(80, 50)}, SET, "NON_COMPLIANT", "OTHER_LIMIT", True, id="a little less"
        ),
        pytest.param(
            {GET.key: own(200, 100)}, SET, "NON_COMPLIANT", "OTHER_LIMIT", True, id="half of it"
        ),
        pytest.param(
            {GET.key: own(201, 50)}, SET, "NON_COMPLIANT", "NEEDS_FORCE", False, id="THR-15"
        ),
        pytest.param(
            {GET.key: own(60, 50)}, SET, "NON_COMPLIANT", "NEEDS_FORCE", False, id="THR-15 upwards"
        ),
        pytest.param(
            {GET.key: own(0, 50)}, SET, "NON_COMPLIANT", "NEEDS_FORCE", False, id="THR-15 from 0"
        ),
        pytest.param(
            {GET.key: own(1000, 5000)}, SET, "NON_COMPLIANT", "NEEDS_FORCE", False, id="THR-15 one"
        ),
        pytest.param(
            {GET.key: own(999, 500)},
            {**SET, "force": True},
            "NON_COMPLIANT",
            "OTHER_LIMIT",
            True,
            id="THR-15 with force",
        ),
        pytest.param(
            {}, {"rate": 10_000, "burst": 50}, "NON_COMPLIANT", "ABOVE_ACCOUNT", False, id="account"
        ),
        pytest.param(
            {EVERY: own(100, 50)}, SET, "NON_COMPLIANT", "NO_LIMIT", True, id="the stage's alone"
        ),
        pytest.param(
            {EVERY: own(100, 50)}, {**SET, **DEFAULT}, "COMPLIANT", "LIMITED", False, id="allowed"
        ),
        pytest.param({EVERY: own(7, 7)}, DEFAULT, "COMPLIANT", "LIMITED", False, id="any allowed"),
        pytest.param({}, {**SET, **DEFAULT}, "NON_COMPLIANT", "NO_LIMIT", True, id="THR-14 absent"),
        pytest.param(
            {EVERY: own(-1, -1)}, DEFAULT, "NON_COMPLIANT", "NO_LIMIT", False, id="THR-14 stage -1"
        ),
        pytest.param(
            {EVERY: own(10_000, 5_000)}, DEFAULT, "NON_COMPLIANT", "NO_LIMIT", False, id="THR-14 ="
        ),
        pytest.param(
            {EVERY: own(100, 50), GET.key: {**MATERIALISED}},
            DEFAULT,
            "NON_COMPLIANT",
            "NO_LIMIT",
            False,
            id="hidden by its own settings",
        ),
        pytest.param(
            {EVERY: own(100, 50)},
            {**SET, **DEFAULT, **BY_RULE},
            "NON_COMPLIANT",
            "NO_LIMIT",
            True,
            id="a rule asks for its own",
        ),
        pytest.param(
            {GET.key: own(7, 7)},
            {**SET, "rules": [{"rate": None, "burst": None}]},
            "COMPLIANT",
            "LIMITED",
            False,
            id="a rule for any limit",
        ),
    ],
)
def test_a_stage_is_judged_by_its_methods_limits(
    world: World,
    asked: Mapping[str, Any],
    verdict: str,
    code: str,
    planned: bool,  # noqa: FBT001  # a case
) -> None:
    """The method GET /items, its settings and the stage's."""
    finding = assess(state(world, [GET]), policy(**asked))
    assert (finding.verdict, finding.code) == (Verdict(verdict), code)
    assert bool(finding.remediation) is planned


def test_a_stage_on_which_nothing_is_deployed_is_none_of_ours() -> None:
    """And has no limits to speak of."""
    assert assess(state({}, []), policy(**SET)).code == "NO_METHODS"


def test_a_stage_that_api_gateway_manages_is_only_reported() -> None:
    """Nobody can change it."""
    stage = state({}, ROUTES, kind=V2, managed=True)
    finding = assess(stage, policy(**SET))
    assert (finding.code, finding.remediation) == ("MANAGED_BY_AWS", ())


@pytest.mark.parametrize(
    ("rule", "limited"),
    [
        pytest.param({}, True, id="any method"),
        pytest.param({"api": "a1"}, True, id="by the API's id"),
        pytest.param({"api": "ord*"}, True, id="by its name"),
        pytest.param({"api": "order"}, False, id="anchored"),
        pytest.param({"stage": "prod"}, True, id="by the stage"),
        pytest.param({"stage": "test"}, False, id="another stage"),
        pytest.param({"path": "/item/*"}, True, id="by the path"),
        pytest.param({"path": "/item"}, False, id="another path"),
        pytest.param({"method": "post"}, True, id="by the method, in any case"),
        pytest.param({"method": "GET"}, False, id="another method"),
        pytest.param({"method": "ANY"}, False, id="not deployed as ANY"),
    ],
)
def test_a_rule_names_methods_by_globs(rule: Mapping[str, str], limited: bool) -> None:  # noqa: FBT001  # a case
    """Of an API, a stage, a path and a method; what it leaves out may be anything."""
    asked = {"rules": [{**rule, "rate": 200, "burst": 100}]}
    finding = assess(state({}, [POST]), policy(**asked))
    assert bool(finding.remediation) is limited


def test_the_first_rule_that_matches_decides() -> None:
    """What no rule names gets the policy's own limits."""
    rules = [{"path": "/items", "rate": 1, "burst": 1}, {"path": "/*", "rate": 2, "burst": 2}]
    finding = assess(state({}, [GET, POST, method("GET", "/")]), policy(**SET, rules=rules))
    rates = {path: value for _, path, value in patches(finding) if path.endswith("rateLimit")}
    assert rates == {
        "/~1items/GET/throttling/rateLimit": "1",
        "/~1item~1{itemId}/POST/throttling/rateLimit": "2",
        "/~1/GET/throttling/rateLimit": "2",
    }


def test_the_stage_gets_limits_where_methods_may_have_those() -> None:
    """THR-1, THR-2: two operations for the stage, two for each method with a rule."""
    stage = state({}, [GET, POST])
    finding = assess(stage, policy(rate=1000, burst=500, **DEFAULT))
    assert patches(finding) == [
        ("replace", "/*/*/throttling/rateLimit", "1000"),
        ("replace", "/*/*/throttling/burstLimit", "500"),
    ]
    finding = assess(stage, policy(rate=1000, burst=500, **DEFAULT, **BY_RULE))
    [call] = finding.remediation
    assert patches(finding)[2:] == [
        ("replace", "/~1items/GET/throttling/rateLimit", "200"),
        ("replace", "/~1items/GET/throttling/burstLimit", "100"),
    ]
    assert len(call.params["patchOperations"]) == 4


def test_many_methods_are_limited_by_few_calls() -> None:
    """THR-5: no call has more than 80 operations."""
    stage = state({}, [method("GET", f"/items/{n}") for n in range(50)])
    finding = assess(stage, policy(**SET))
    assert [len(call.params["patchOperations"]) for call in finding.remediation] == [80, 20]


def test_a_method_keeps_what_it_has_from_the_stage() -> None:
    """THR-12: settings of its own would hide the stage's logging, metrics and caching."""
    everywhere = {
        "loggingLevel": "ERROR",
        "metricsEnabled": True,
        "cachingEnabled": True,
        "cacheTtlInSeconds": 60,
    }
    world: World = {EVERY: {**MATERIALISED, **everywhere}}
    finding = assess(state(world, [GET]), policy(**SET))
    assert after(world, finding.remediation)[GET.key] == own(100.0, 50, **everywhere)


def test_a_methods_own_settings_are_left_alone() -> None:
    """THR-12: two operations, and no other setting."""
    world: World = {GET.key: {**MATERIALISED, "loggingLevel": "INFO", "metricsEnabled": True}}
    finding = assess(state(world, [GET]), policy(**SET))
    assert patches(finding) == [
        ("replace", "/~1items/GET/throttling/rateLimit", "100"),
        ("replace", "/~1items/GET/throttling/burstLimit", "50"),
    ]


def test_a_route_keeps_what_it_has_from_its_stage() -> None:
    """THR-6, THR-12: a route's settings are named by its key."""
    world: World = {EVERY: {"DetailedMetricsEnabled": True}, ROUTES[1].key: route(100, 50)}
    finding = assess(state(world, ROUTES, kind=V2), policy(**SET))
    [call] = finding.remediation
    wished = {
        "DetailedMetricsEnabled": True,
        "ThrottlingRateLimit": 100,
        "ThrottlingBurstLimit": 50,
    }
    assert call.params["RouteSettings"] == {"GET /items": wished}
    assert "DefaultRouteSettings" not in call.params
    assert call.undo is not None
    assert (call.undo.operation, call.undo.params["RouteKey"]) == (
        "DeleteRouteSettings",
        "GET /items",
    )


def test_an_http_api_is_told_nothing_of_execution_logs() -> None:
    """It refuses them; a WebSocket API has them."""
    logs = {"LoggingLevel": "OFF", "DataTraceEnabled": False}
    world: World = {EVERY: {}, ROUTES[0].key: {**route(120, 60), **logs}}
    for protocol in ("HTTP", "WEBSOCKET"):
        stage = state(world, ROUTES[:1], kind=V2, protocol=protocol)
        [call] = assess(stage, policy(**SET)).remediation
        told = call.params["RouteSettings"]["GET /items"]
        assert (set(logs) <= set(told)) == (protocol == "WEBSOCKET")


def test_routes_may_have_the_limits_of_their_stage() -> None:
    """THR-6: they cannot be unset, so undo gives the account's, which limit nothing."""
    world: World = {EVERY: {"DetailedMetricsEnabled": True}}
    finding = assess(state(world, ROUTES, kind=V2), policy(**SET, **DEFAULT))
    [call] = finding.remediation
    assert call.params["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingRateLimit": 100,
        "ThrottlingBurstLimit": 50,
    }
    undone = limit_of(taken_back(after(world, [call]), [call])[EVERY])
    assert limits(undone, ACCOUNT) == frozenset()


@pytest.mark.parametrize("key", ["$connect", "$default", "sendMessage"])
def test_a_route_of_a_websocket_api_is_limited_by_its_key(key: str) -> None:
    """It has no path, and no method but ANY."""
    stage = state({EVERY: {}}, [Method(key, key, "ANY")], kind=V2, protocol="WEBSOCKET")
    rules = [{"path": key, "method": "ANY", "rate": 5, "burst": 5}]
    [call] = assess(stage, policy(rules=rules)).remediation
    assert [*call.params["RouteSettings"]] == [key]


def converged(world: World, methods: Sequence[Method], wanted: Policy, kind: str = REST) -> Any:
    """World and memory once everything that is planned is done."""
    stage = state(world, methods, kind=kind)
    finding = assess(stage, wanted)
    memory = assess(foretold(stage, finding.remediation), wanted).memory
    return after(world, finding.remediation), memory


def test_paths_that_end_alike_have_limits_of_their_own() -> None:
    """THR-3: each under its whole path; the stage's own are left alone, as nothing needs them."""
    finding = assess(state({}, [GET, method("GET", "/older/items")]), policy(**SET, **BY_RULE))
    assert patches(finding) == [
        ("replace", "/~1items/GET/throttling/rateLimit", "200"),
        ("replace", "/~1items/GET/throttling/burstLimit", "100"),
        ("replace", "/~1older~1items/GET/throttling/rateLimit", "100"),
        ("replace", "/~1older~1items/GET/throttling/burstLimit", "50"),
    ]


@pytest.mark.parametrize(("kind", "methods"), [(REST, (GET, POST)), (V2, ROUTES)])
def test_limits_of_a_method_that_is_gone_are_taken_away(
    kind: str, methods: tuple[Method, ...]
) -> None:
    """THR-8, THR-11: those that Steward set, and that nobody has touched since."""
    start: World = {} if kind == REST else {EVERY: {}}
    world, memory = converged(start, methods, policy(**SET), kind)
    finding = assess(state(world, methods[:1], memory, kind), policy(**SET))
    assert finding.code == "STALE_LIMIT"
    gone = after(world, finding.remediation)
    assert [key for key in gone if key != EVERY] == [methods[0].key]
    assert taken_back(gone, finding.remediation) == world
    theirs = assess(state(world, methods[:1], "", kind), policy(**SET))
    assert (theirs.code, theirs.remediation) == ("LIMITED", ())


def test_settings_that_somebody_touched_are_not_ours_any_more() -> None:
    """Neither with another setting nor with other limits."""
    world, memory = converged({}, [GET, POST], policy(**SET))
    for touched in ({"loggingLevel": "INFO"}, {"throttlingRateLimit": 99.0}):
        changed = {**world, POST.key: {**world[POST.key], **touched}}
        assert assess(state(changed, [GET], memory), policy(**SET)).code == "LIMITED"


@pytest.mark.parametrize(
    ("kind", "methods", "metered"),
    [
        (REST, (GET, POST), {"metricsEnabled": True}),
        (V2, ROUTES, {"DetailedMetricsEnabled": True}),
    ],
)
def test_metrics_of_single_methods_make_their_limits_nobody_elses(
    kind: str, methods: tuple[Method, ...], metered: Mapping[str, Any]
) -> None:
    """api-alarms switches them on by name; a limit of a method that is gone still goes with it."""
    start: World = {} if kind == REST else {EVERY: {}}
    world, memory = converged(start, methods, policy(**SET), kind)
    on = {key: {**told, **(metered if key != EVERY else {})} for key, told in world.items()}
    stage = state(on, methods, memory, kind)
    kept = assess(stage, policy(**SET))
    assert (kept.code, kept.remediation, kept.memory) == ("LIMITED", (), memory)
    finding = assess(state(on, methods[:1], memory, kind), policy(**SET))
    assert finding.code == "STALE_LIMIT"
    gone = after(on, finding.remediation)
    assert [key for key in gone if key != EVERY] == [methods[0].key]
    assert taken_back(gone, finding.remediation) == on


def test_what_the_stage_gets_later_leaves_the_metrics_of_single_methods_on() -> None:
    """And metrics of the stage itself leave nothing to do where each method has them."""
    world, memory = converged({}, [GET], policy(**SET))
    on = {GET.key: {**world[GET.key], "metricsEnabled": True}}
    logged = {**on, EVERY: {**MATERIALISED, "loggingLevel": "INFO"}}
    finding = assess(state(logged, [GET], memory), policy(**SET))
    assert finding.code == "HIDES_SETTINGS"
    assert patches(finding) == [("replace", "/~1items/GET/logging/loglevel", "INFO")]
    done = after(logged, finding.remediation)
    told = assess(foretold(state(logged, [GET], memory), finding.remediation), policy(**SET))
    assert assess(state(done, [GET], told.memory), policy(**SET)).code == "LIMITED"
    assert assess(state(done, [], told.memory), policy(**SET)).code == "STALE_LIMIT"
    both = {**on, EVERY: {**MATERIALISED, "metricsEnabled": True}}
    same = assess(state(both, [GET], memory), policy(**SET))
    assert (same.code, same.remediation) == ("LIMITED", ())


def test_limits_are_taken_away_where_the_stages_will_do() -> None:
    """THR-11: the rule is gone, and the stage has the limits that the policy asks for."""
    first = policy(**SET, **DEFAULT, **BY_RULE)
    world, memory = converged({}, [GET, POST], first)
    assert set(world) == {EVERY, GET.key}
    finding = assess(state(world, [GET, POST], memory), policy(**SET, **DEFAULT))
    assert finding.code == "STALE_LIMIT"
    assert patches(finding) == [("remove", "/~1items/GET")]


def test_our_limits_do_not_hide_what_the_stage_gets_later() -> None:
    """Metrics that are switched on for the stage reach the methods that Steward limited."""
    world, memory = converged({}, [GET], policy(**SET))
    world[EVERY] = {**MATERIALISED, "metricsEnabled": True}
    stage = state(world, [GET], memory)
    finding = assess(stage, policy(**SET))
    assert finding.code == "HIDES_SETTINGS"
    assert patches(finding) == [("replace", "/~1items/GET/metrics/enabled", "true")]
    done = after(world, finding.remediation)
    told = assess(foretold(stage, finding.remediation), policy(**SET))
    assert told.code == "LIMITED"
    assert assess(state(done, [GET], told.memory), policy(**SET)).code == "LIMITED"
    assert taken_back(done, finding.remediation) == world


def test_the_reason_tells_what_is_wrong_and_what_all_limits_come_to() -> None:
    """Of the account's; no longer than AWS Config takes."""
    stage = state({GET.key: own(100, 50), POST.key: own(2000, 50)}, [GET, POST])
    finding = assess(stage, policy(**SET))
    assert finding.reason == (
        "1 of 2 methods have limits that differ by more than half and need force: true "
        "(POST /item/{itemId}); limits add up to 2100/100, 21% of the account's 10000/5000"
    )
    assert "the account's limits are 10000/5000" in assess(state({}, [GET]), policy()).reason


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"rate": 5}, "burst: is null while rate is not, allowed: both or neither"),
        ({"burst": 5}, "rate: is null while burst is not"),
        ({"rules": [{"rate": None, "burst": 5}]}, r"rules\[0\].rate: is null while rules\[0\]"),
        ({"rules": [{"path": "/"}]}, "rate"),
        ({"rate": 0, "burst": 5}, "rate"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    asked: Mapping[str, Any], problem: str
) -> None:
    """A rate without a burst limits nothing."""
    with pytest.raises(BadPolicy, match=problem):
        policy(**asked)


PATHS = ("/", "/a", "/a/{id}", "/b")
REST_METHODS = [method(verb, path) for path in PATHS for verb in ("GET", "POST")]
V2_METHODS = [method(verb, path, V2) for path in PATHS for verb in ("GET", "POST")]

_RATES = st.sampled_from([-1.0, 0.0, 50.0, 90.0, 100.0, 1000.0, 10000.0])
_BURSTS = st.sampled_from([-1, 0, 25, 50, 60, 5000])
_SWITCHES = st.booleans()


@st.composite
def rest_settings(draw: st.DrawFn) -> dict[str, Any]:
    more: dict[str, Any] = {"metricsEnabled": draw(_SWITCHES), "cachingEnabled": draw(_SWITCHES)}
    if draw(_SWITCHES):
        more["loggingLevel"] = draw(st.sampled_from(["OFF", "ERROR", "INFO"]))
    return own(draw(_RATES), draw(_BURSTS), **more, cacheTtlInSeconds=draw(st.integers(0, 3600)))


@st.composite
def route_settings(draw: st.DrawFn, *, whole: bool) -> dict[str, Any]:
    told = route(draw(_RATES), draw(_BURSTS), DetailedMetricsEnabled=draw(_SWITCHES))
    if not whole and draw(_SWITCHES):
        told = {"DetailedMetricsEnabled": told["DetailedMetricsEnabled"]}
    return told


@st.composite
def stages(draw: st.DrawFn) -> tuple[str, World, list[Method]]:
    """A kind, settings, and what is deployed."""
    kind = draw(st.sampled_from([REST, V2]))
    known = REST_METHODS if kind == REST else V2_METHODS
    methods = draw(st.lists(st.sampled_from(known), unique=True, min_size=1))
    one = rest_settings() if kind == REST else route_settings(whole=True)
    world: World = draw(st.dictionaries(st.sampled_from([m.key for m in known]), one, max_size=5))
    if kind == V2:
        world = {EVERY: draw(route_settings(whole=False)), **world}
    elif draw(_SWITCHES):
        world = {EVERY: draw(rest_settings()), **world}
    return kind, world, methods


POLICIES = st.fixed_dictionaries(
    {
        "rate": st.just(100),
        "burst": st.just(50),
        "force": _SWITCHES,
        "allow_stage_default": _SWITCHES,
        "rules": st.sampled_from([[], [{"path": "/a*", "rate": 90, "burst": 60}]]),
    }
)


def effective(world: World, key: str, kind: str) -> dict[str, Any]:
    """All that a method has but its limits: its own settings, or the stage's."""
    usual = {"loggingLevel": "OFF", **MATERIALISED} if kind == REST else {}
    told = {**usual, **world.get(key, world.get(EVERY, {}))}
    return {name: value for name, value in told.items() if "throttling" not in name.lower()}


def limiting(world: World) -> World:
    """Without numbers that limit nothing: a route's cannot be unset."""
    numbers = {"throttlingratelimit": ACCOUNT["rate"], "throttlingburstlimit": ACCOUNT["burst"]}
    return {
        key: {name: value for name, value in told.items() if value != numbers.get(name.lower())}
        for key, told in world.items()
    }


@given(stages(), POLICIES, POLICIES, st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_planned_limits_methods_and_touches_nothing_else(
    made: tuple[str, World, list[Method]],
    first: dict[str, Any],
    second: dict[str, Any],
    data: st.DataObject,
) -> None:
    """Planning again finds nothing; undoing restores; what the ledger keeps foretells the rest.

    Then another policy and another deployment come, and Steward knows what is its own.
    """
    kind, world, methods = made
    done, memory = assert_put_right(world, methods, "", kind, first)
    known = REST_METHODS if kind == REST else V2_METHODS
    others = data.draw(st.lists(st.sampled_from(known), unique=True))
    assert_put_right(done, others, memory, kind, second)


def assert_put_right(
    world: World, methods: list[Method], memory: str, kind: str, asked: dict[str, Any]
) -> tuple[World, str]:
    """World and memory once all that is planned is done, which is held to what must not change."""
    wanted = policy(**asked)
    stage = state(world, methods, memory, kind)
    finding = assess(stage, wanted)
    done = after(world, finding.remediation)
    for one in methods:
        assert effective(done, one.key, kind) == effective(world, one.key, kind)
    untouched = set(world) - {EVERY, *(one.key for one in methods), *stage.ours}
    assert {key: done[key] for key in untouched} == {key: world[key] for key in untouched}
    assert not set(stage.ours) - {one.key for one in methods} & set(done)
    if asked["force"]:
        assert all(_is_right(done, one, stage, wanted) for one in methods)
    told = assess(foretold(stage, finding.remediation), wanted)
    again = assess(state(done, methods, told.memory, kind), wanted)
    assert (again.remediation, again.code, again.memory) == ((), told.code, told.memory)
    assert limiting(taken_back(done, finding.remediation)) == limiting(world)
    return done, told.memory


def _is_right(world: World, one: Method, stage: ApiStage, wanted: Policy) -> bool:
    """Whether a method has the limits of its rule, or of the stage where it may."""
    rule = wanted.rule(stage, one)
    told = world.get(one.key)
    if told is None and wanted.allow_stage_default and rule is None:
        told = world[EVERY]
    return told is not None and limit_of(told) == wanted.wish(rule)
