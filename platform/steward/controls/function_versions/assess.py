"""Which versions of a function nobody uses and no rule keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from steward.controls.function_versions.state import Function, Policy, Version
from steward.model import Call, Finding, Verdict

AT_ONCE = 50
"""Versions of a function that one finding deletes at most, the oldest first; what is read and done
about it has to fit into a step of a sweep."""

CODES = {
    "NOTHING_TO_DELETE": "Every version is in use, among the newest, or younger than min_age_days.",
    "UNUSED_VERSIONS": (
        "Versions are not in use, beyond the newest keep of those that are not, and at least "
        "min_age_days old. What is deleted cannot be restored."
    ),
    "EVIDENCE_UNREAD": (
        "Versions may be unused, but a source of evidence could not be read, or not completely. "
        "Nothing is deleted for which it could have vouched."
    ),
    "REPLICATED": (
        "Lambda refuses to delete a version of which Lambda@Edge still has replicas, which go "
        "hours after the last distribution let go of it. It is tried again every twelve hours."
    ),
}

_LOST = "the code, settings and policy of version {} cannot be restored, nor its number given again"
_BILLED = "SnapStart snapshots are billed as long as they are kept"


def assess(function: Function, policy: Policy) -> Finding:
    """Judge a function; a version that somebody may use is never planned for deletion."""
    calls = tuple(_deletion(function.name, one) for one in planned(function.versions, policy))
    if calls:
        reason = _excess(function, policy, unused(function.versions, policy))
        return Finding(function.ref, Verdict.NON_COMPLIANT, "UNUSED_VERSIONS", reason, calls)
    if waiting := [one for one in _beyond(_unproven(function.versions), policy) if one.unread]:
        numbers = ranges([one.number for one in waiting])
        reason = f"{numbers} may be unused, but {waiting[-1].unread}"
        return Finding(function.ref, Verdict.UNKNOWN, "EVIDENCE_UNREAD", reason[:256])
    reason = f"{_counted(function.published)}, none to delete"
    return Finding(function.ref, Verdict.COMPLIANT, "NOTHING_TO_DELETE", reason)


def foretell(function: Function, calls: Sequence[Call]) -> Function:
    """The function without the versions that the calls delete; as it is where they are gone."""
    gone = {int(call.params["Qualifier"]) for call in calls}
    left = tuple(one for one in function.versions if one.number not in gone)
    published = function.published - len(function.versions) + len(left)
    return replace(function, versions=left, published=published)


def planned(versions: Sequence[Version], policy: Policy) -> list[Version]:
    """The versions that one finding deletes, oldest first."""
    return unused(versions, policy)[:AT_ONCE]


def unused(versions: Sequence[Version], policy: Policy) -> list[Version]:
    """All that nobody uses and no rule keeps, oldest first."""
    return _beyond(_pool(versions), policy)


def decisive(versions: Sequence[Version], policy: Policy) -> list[Version]:
    """Those on whose use it hangs what is deleted: the newest that are kept, and the planned."""
    return [*_newest(_pool(versions), policy), *planned(versions, policy)]


def _pool(versions: Sequence[Version]) -> list[Version]:
    """Versions of which it is known that nobody uses them; the newest of them are kept."""
    return [one for one in versions if not one.used and not one.unread]


def _unproven(versions: Sequence[Version]) -> list[Version]:
    """Versions that nobody is known to use."""
    return [one for one in versions if not one.used]


def _newest(pool: Sequence[Version], policy: Policy) -> list[Version]:
    return sorted(pool, key=lambda one: -one.number)[: policy.keep]


def _beyond(pool: Sequence[Version], policy: Policy) -> list[Version]:
    """What neither keep nor min_age_days keeps of the pool, oldest first."""
    kept = {one.number for one in _newest(pool, policy)}
    old = (one for one in pool if one.number not in kept and policy.is_old(one.age_days))
    return sorted(old, key=lambda one: one.number)


def _deletion(name: str, version: Version) -> Call:
    params = {"FunctionName": name, "Qualifier": str(version.number)}
    lost = _LOST.format(version.number)
    return Call("lambda", "DeleteFunction", params, irreversible=lost)


def _excess(function: Function, policy: Policy, going: Sequence[Version]) -> str:
    told = [
        f"{len(going)} of {_counted(function.published)} unused beyond the newest {policy.keep}"
        f" and {policy.min_age_days} days old: {_megabytes(sum(one.size for one in going))} MB",
        function.storage,
    ]
    if billed := sum(one.snapshot for one in going):
        told.append(f"{billed} {_BILLED}")
    if any(one.unread for one in function.versions):
        told.append("others are kept, as evidence could not be read")
    told.append(f"version {ranges([one.number for one in going])}")
    return "; ".join(part for part in told if part)[:256]


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in words: ``1-3, 7``."""
    return ", ".join(_ranges(sorted(numbers)))


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    ends = [one for one, after in pairwise([*numbers, 0]) if after != one + 1]
    starts = [one for before, one in pairwise([-1, *numbers]) if one != before + 1]
    for start, end in zip(starts, ends, strict=True):
        yield str(start) if start == end else f"{start}-{end}"


def _counted(published: int) -> str:
    return "1 published version" if published == 1 else f"{published} published versions"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}"
