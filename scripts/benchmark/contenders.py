"""Who is measured, and how each is started."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark import custodian

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
DAYS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """Where a contender runs: the endpoint, and a folder that it may fill."""

    url: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    command: Callable[[Site], Sequence[str]]
    fresh: bool = True
    """Whether the account is seeded anew before; otherwise it is as the one before left it."""


def contenders(pace: str, *, paced: bool, with_custodian: bool) -> Sequence[Contender]:
    """Steward first, because the others are compared with it."""
    chosen = [Contender("Steward", partial(_steward, pace))]
    if not paced:
        chosen.append(Contender("Steward, converged", partial(_steward, pace), fresh=False))
        chosen.append(Contender("boto3, 1 thread", partial(_bare, 1)))
    chosen.append(Contender("boto3, 8 threads", partial(_bare, 8)))
    if with_custodian:
        executable = custodian.installed()
        name = f"Cloud Custodian {custodian.VERSION}"
        chosen.append(Contender(name, lambda site: _custodian(executable, site)))
    return chosen


def environment(site: Site) -> Mapping[str, str]:
    """Made-up credentials, nobody's profile, and nothing of the caller's environment."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("platform", "scripts")),
        "HOME": str(site.folder),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": site.url,
    }


def _steward(pace: str, site: Site) -> Sequence[str]:
    policy = site.folder / "policy.json"
    policy.write_text(json.dumps({"log-retention": {"mode": "enforce", "days": DAYS}}), "utf-8")
    where = ["--endpoint-url", site.url, "--region", REGION]
    files = ["--policy", str(policy), "--ledger", str(site.folder / "ledger.sqlite3")]
    how = ["--enforce", "--pace", pace, "--json"]
    return [sys.executable, "-m", "console", "sweep", "log-retention", *how, *where, *files]


def _bare(threads: int, _: Site) -> Sequence[str]:
    return [sys.executable, "-m", "benchmark.bare", str(threads)]


def _custodian(executable: Path, site: Site) -> Sequence[str]:
    return custodian.command(executable, site.folder, REGION)
