"""The account as its developers left it: log groups of every kind, and functions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from embedded.demo.stage import Stage
from embedded.seeding import FunctionSeed, Seed, seed_functions, seed_log_groups

GIGABYTE = 2**30
ACCOUNT_POLICIES: Mapping[str, str] = {"platform-logs": "/platform/", "etl-logs": "/etl/"}
"""Account policies, which keep for 90 days what begins with a prefix."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Log groups that are alike, and what is to become of them under the team's policy."""

    title: str
    seeds: tuple[Seed, ...]
    days: int | None = None
    """What CloudWatch Logs is to tell in the end; None: what it tells now."""

    @property
    def promised(self) -> dict[str, int | None]:
        return {seed.name: self.days or seed.days for seed in self.seeds}


FUNCTIONS: Mapping[str, str | None] = {
    "checkout": "python3.14",
    "orders": "python3.14",
    "search": "nodejs24.x",
    "mail": "java25",
    "thumbnails": "provided.al2023",
    "invoice-pdf": "python3.8",
    "legacy-import": "nodejs14.x",
    "nightly-report": "ruby2.7",
    "edge-rewrite": "nodejs16.x",
    "migrations": "go1.x",
    "recommender": None,
}
"""Runtimes by function; None: a container image."""

OWNERS: Mapping[str, str] = {
    "invoice-pdf": "billing",
    "legacy-import": "data",
    "nightly-report": "data",
    "edge-rewrite": "web",
}
"""Whose functions are, where a tag says so."""

DEPRECATED = 5
"""How many of the functions run on what AWS supports no more."""


def kinds(today: date) -> Iterator[Kind]:
    """Every kind of log group there is, some of each."""
    dba = {"team": "databases"}
    yield Kind(
        "never expires, nothing yet to lose",
        _groups("/aws/lambda/", "checkout orders search cart stock prices login", age_days=6)
        + _groups("/aws/lambda/", "signup refunds webhooks audit-feed", age_days=500)  # empty
        + _groups("/aws/apigateway/", "shop admin partners", age_days=12, stored_bytes=GIGABYTE),
        days=30,
    )
    yield Kind(
        "never expires, with old events",
        _groups("/aws/lambda/", "legacy-import nightly-report migrations", **_old())
        + _groups("/aws/rds/", "orders/error orders/slowquery users/error", tags=dba, **_old())
        + _groups("/app/", "monolith monolith-batch", tags={"owner": "core"}, **_old()),
    )
    yield Kind(
        "kept too long", _groups("/app/", "search cart login mobile web", days=3653, **_old())
    )
    yield Kind("kept too short", _groups("/aws/lambda/", "debug probe smoke", days=1), days=30)
    yield Kind("kept too short", _groups("/aws/codebuild/", "shop admin", days=7), days=30)
    yield Kind("in order", _groups("/aws/lambda/", "mail thumbnails edge-rewrite", days=30))
    yield Kind("in order", _groups("/aws/vpc/", "flow-a flow-b flow-c flow-d", days=14))
    yield Kind("in order", _groups("/app/", "payments invoices tax", days=731, **_old()))
    yield from _special(today)


def _special(today: date) -> Iterator[Kind]:
    """Groups over which something else than the policy's own days decides."""
    managed = _groups("/platform/", "dns proxy mesh secrets", age_days=9)
    managed += _groups("/etl/", "extract transform load", age_days=9)
    yield Kind("managed by an account policy", managed, days=90)
    delivery = _groups("/delivery/", "firehose s3 athena", log_class="DELIVERY")
    yield Kind("log class DELIVERY", delivery)
    yield Kind("excluded by the policy", _groups("/vendor/", "agent scanner backup", **_old()))
    yield Kind("left alone by a rule", _groups("/sandbox/", "alpha beta", **_old()))
    yield Kind("90 days by a rule over names", _groups("/ecs/", "web worker cron api"), days=90)
    audit = {"data": "audit-trail"}
    yield Kind("731 days by a rule over tags", _groups("/ledger/", "in out", tags=audit), days=731)
    year = {"steward:log-retention/days": "365"}
    yield Kind("a tag asks for 365 days", _groups("/research/", "a b c", tags=year), days=365)
    typo = {"steward:log-retention/days": "a year"}
    yield Kind("a mistyped tag", _groups("/research/", "d e", tags=typo))
    yield Kind("exempt by the policy", _groups("/legal/", "holds cases mail", **_old()))
    until = {"steward:exempt/log-retention": str(today + timedelta(days=12))}
    yield Kind("exempt by a tag", _groups("/migration/", "from to", tags=until))
    vague = {"steward:exempt/log-retention": "until we are done"}
    yield Kind("a mistyped exemption", _groups("/migration/", "plan", tags=vague))


def policy(today: date) -> dict[str, Any]:
    """The team's policy over log groups."""
    hold = {
        "resource": "/legal/*",
        "reason": "legal hold",
        "owner": "legal",
        "expires": str(today + timedelta(days=200)),
    }
    return {
        "days": 30,
        "min_days": 14,
        "max_days": 731,
        "honor_tags": True,
        "exclude": ["/vendor/*"],
        "rules": [
            {"name": "/ecs/*", "days": 90},
            {"name": "/sandbox/*", "days": None},
            {"tags": {"data": "audit*"}, "days": 731},
        ],
        "exemptions": [hold],
    }


def found(stage: Stage) -> None:
    """Make the history, and show what there is of each kind."""
    here = stage.here
    every = [*kinds(here.clock.now().date())]
    seed_log_groups((seed for kind in every for seed in kind.seeds), region=here.region)
    owners = {name: {"owner": owner} for name, owner in OWNERS.items()}
    seed_functions(
        (
            FunctionSeed(name=name, runtime=runtime, tags=owners.get(name, {}))
            for name, runtime in FUNCTIONS.items()
        ),
        region=here.region,
    )
    _account_policies(stage)
    counts = Counter({kind.title: 0 for kind in every})
    for kind in every:
        counts[kind.title] += len(kind.seeds)
    examples = {kind.title: kind.seeds[0].name for kind in reversed(every)}
    said = f"{counts.total()} log groups and {len(FUNCTIONS)} functions of several years."
    stage.screen.say(f"{said} The stack has just been deployed beside them.")
    rows = [(title, counts[title], examples[title]) for title in counts]
    stage.screen.table(("log groups", "count", "such as"), rows)
    stage.promise("there are at least 60 log groups", counts.total() >= 60, wanted=True)


def _account_policies(stage: Stage) -> None:
    """They are older than the stack, so that nobody is told of them."""
    document = json.dumps({"retentionInDays": 90, "enforcementMode": "RETROACTIVE"})
    for name, prefix in ACCOUNT_POLICIES.items():
        stage.client("logs", "platform-team").put_account_policy(
            policyName=name,
            policyType="RETENTION_POLICY",
            policyDocument=document,
            selectionCriteria=f'LogGroupNamePrefix IN ["{prefix}"]',
        )
        stage.here.watch.calls.pop()


def _groups(prefix: str, names: str, **fields: Any) -> tuple[Seed, ...]:
    return tuple(Seed(name=f"{prefix}{name}", **fields) for name in names.split())


def _old() -> Mapping[str, int]:
    return {"age_days": 1100, "stored_bytes": 40 * GIGABYTE}
