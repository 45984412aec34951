"""The sweep's benchmark: set a retention on every log group that has none."""

from __future__ import annotations

import compileall
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmark.contenders import DAYS, REGION, ROOT, Contender, Site, environment
from benchmark.measure import Usage, run
from benchmark.watching import watched
from embedded.process import CountingProcess

WRITE = "logs.PutRetentionPolicy"
QUOTAS = {WRITE: 5.0, "logs.DescribeLogGroups": 10.0}
"""Requests per second that AWS allows an account and Region (CloudWatch Logs quotas)."""

Days = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Race:
    """How many log groups, how slow a service (seconds), and whether AWS's quotas hold."""

    groups: int
    latency: float
    quotas: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """One contender's run; nothing of it counts where there is a ``problem``."""

    contender: str
    latency: float  # seconds
    usage: Usage
    calls: Mapping[str, int]
    throttled: Mapping[str, int]
    in_flight_max: int
    problem: str

    @property
    def writes(self) -> int:
        """Those that went through."""
        return self.calls.get(WRITE, 0) - self.throttled.get(WRITE, 0)


def races(chosen: Sequence[Contender], several: Sequence[Race], runs: int) -> Iterator[Result]:
    """Each contender in each race; of several runs, that of the median wall time."""
    for folder in ("platform/steward", "scripts/console", "scripts/benchmark"):
        compileall.compile_dir(ROOT / folder, quiet=1)  # so that nobody's run pays for it
    with CountingProcess() as server:
        for race in several:
            repeated = [list(_race(server, chosen, race)) for _ in range(runs)]
            for results in zip(*repeated, strict=True):
                yield _median(results)


def seeds(groups: int) -> Days:
    """Every other group without a retention, the rest with one that is not the policy's."""
    return {
        f"/aws/lambda/fn-{number:05}": (7, 90, 365)[number // 2 % 3] if number % 2 else None
        for number in range(groups)
    }


def problem(seeded: Days, found: Days, exit_code: int) -> str:
    """Why a result does not count, or ''."""
    wanted = {name: DAYS if days is None else days for name, days in seeded.items()}
    wrong = [name for name in wanted if found.get(name) != wanted[name]]
    troubles = [f"exit code {exit_code}"] if exit_code else []
    troubles += [f"{len(wrong)} of {len(wanted)} log groups are not as wanted"] if wrong else []
    return ", ".join(troubles)


def _race(server: CountingProcess, chosen: Sequence[Contender], race: Race) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as folder:
        site = Site(server.url, Path(folder))
        for contender in chosen:
            yield _result(server, contender, race, site)


def _result(server: CountingProcess, contender: Contender, race: Race, site: Site) -> Result:
    seeded = seeds(race.groups)
    if contender.fresh:
        server.seed([{"name": name, "days": days} for name, days in seeded.items()], region=REGION)
    server.configure(latency=race.latency, quotas=race.quotas)
    server.clear()
    title = f"{contender.name}, {race.groups} log groups, {race.latency * 1000:.0f} ms"
    log = site.folder / "output"
    missing = [*seeded.values()].count(None) if contender.fresh else 0
    with watched(title, missing, lambda: _written(server)):
        usage = run(contender.command(site), environment(site), log)
    stats = server.stats()
    trouble = problem(seeded, server.retention(region=REGION), usage.exit_code)
    return Result(
        contender=contender.name,
        latency=race.latency,
        usage=usage,
        calls=stats["calls"],
        throttled=stats["throttled"],
        in_flight_max=stats["in_flight_max"],
        problem=f"{trouble}: {_end(log)}" if trouble else "",
    )


def _written(server: CountingProcess) -> int:
    stats = server.stats()
    written: int = stats["calls"].get(WRITE, 0) - stats["throttled"].get(WRITE, 0)
    return written


def _median(results: Sequence[Result]) -> Result:
    """The run of the median wall time; a wrong one before all others."""
    wrong = [result for result in results if result.problem]
    middle = median(sorted(result.usage.wall for result in results))
    return (wrong or sorted(results, key=lambda result: abs(result.usage.wall - middle)))[0]


def _end(log: Path) -> str:
    """The last line that a contender wrote."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
