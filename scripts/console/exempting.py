"""steward exempt: who answers for which violation until when, and whether that makes sense."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from console.codes import ExitCode
from console.lines import emit
from console.options import Options
from console.session import connect, history, selected
from console.views import console, printable, table
from steward.account import Account
from steward.asked import LONGEST_EXEMPTION
from steward.aws.parameters import policy_name
from steward.errors import BadPolicy
from steward.evaluate import EXEMPT_TAG
from steward.ledger import shallow, stamp
from steward.model import Control, Exemption
from steward.policy import unfit
from steward.reports.dataset import ExemptionLine
from steward.reports.exempting import exemption_lines, soonest_first
from steward.reports.reading import Kept, read
from steward.reports.wording import counted

HANDFUL = 10
"""Resources that one exemption may cover without a remark, where they are not most."""

Told: TypeAlias = Mapping[str, str | bool | None]


def exempt(options: Options, resource: str | None, control_id: str | None, told: Told) -> ExitCode:
    """Add, remove or list exemptions. They are the ledger's, and change nothing in AWS."""
    _only_what_goes_together(control_id, told)
    if told["listed"]:
        return _list(options, resource if control_id is None else control_id)
    if not resource or not resource.strip() or not control_id:
        raise BadPolicy("exempt: needs RESOURCE and CONTROL, or --list")
    [control] = selected([control_id])
    if told["remove"]:
        return _remove(options, control, resource)
    exemption = _exemption(control, resource, told)
    account = connect(replace(options, enforce=True), begin=True)
    account.ledger.exempt(control.id, exemption)
    kept, today = _kept(account, control), account.clock.now().date()
    [made] = [one for one in exemption_lines(kept, today) if _is(one, "ledger", resource)]
    for remark in (*made.remarks, *_breadth(kept, exemption, today)):
        if not remark.startswith("expires"):  # they know: they just said when
            _warn(f"{resource} {remark}")
    line = {"control": control.id, **shallow(exemption), "covers": made.covers}
    until = f"until {exemption.expires}, {counted(made.covers, 'known violation')}"
    return _say(options, f"{resource} is exempt from {control.id} {until}", line)


def _only_what_goes_together(control_id: str | None, told: Told) -> None:
    """Refuse what would be ignored. Raises BadPolicy."""
    adding = [f"--{name}" for name in ("until", "reason", "owner") if told[name] is not None]
    if told["listed"]:
        ignored = [*(["--remove"] if told["remove"] else []), *adding]
        ignored += ["RESOURCE"] if control_id is not None else []
        if ignored:
            absent = ", ".join(ignored)
            raise BadPolicy(f"--list: only lists, allowed: with a CONTROL or none, not {absent}")
    elif told["remove"] and adding:
        absent = ", ".join(adding)
        raise BadPolicy(f"--remove: only removes, allowed: RESOURCE and CONTROL, not {absent}")


def _remove(options: Options, control: Control[Any, Any], resource: str) -> ExitCode:
    account = connect(replace(options, enforce=True))
    removed = account.ledger.unexempt(control.id, resource)
    left = [one for one in _lines(account, control) if fnmatchcase(resource, _glob(one))]
    if not removed:
        raise BadPolicy(_not_here(options, control, resource, left))
    for one in left:
        _warn(f"{resource} stays exempt by {_place(options, one)}, until {one.exemption.expires}")
    gone = {"control": control.id, "resource": resource, "removed": True}
    return _say(options, f"{resource} is no longer exempt from {control.id}", gone)


def _not_here(
    options: Options, control: Control[Any, Any], resource: str, left: Sequence[ExemptionLine]
) -> str:
    """Where an exemption is to be removed that is not the ledger's under this name."""
    told = f"exempt: {resource!r} has no exemption from {control.id} here"
    if not left:
        return f"{told}, allowed: what 'steward exempt --list' shows of the ledger"
    return f"{told}: remove it from {'; '.join(_place(options, one) for one in left)}"


def _place(options: Options, one: ExemptionLine) -> str:
    """Where an exemption is written."""
    if one.source == "tag":
        return f"its tag {EXEMPT_TAG}{one.control}"
    if one.source == "ledger":
        return f"the ledger, where it is {_glob(one)!r}"
    if options.stack:
        return (
            f"exemptions of {policy_name(options.stack, one.control)}, where it is {_glob(one)!r}"
        )
    return f"exemptions of {options.policy}, where it is {_glob(one)!r}"


def _lines(account: Account, control: Control[Any, Any]) -> Iterator[ExemptionLine]:
    """The control's exemptions of every source, as they are today."""
    yield from exemption_lines(_kept(account, control), account.clock.now().date())


def _kept(account: Account, control: Control[Any, Any]) -> Kept:
    """What the ledger has of the control; that its policy does not fit is told."""
    now = stamp(account.clock.now())
    kept = read(history(account.ledger), control, account.policy, now)
    if kept.problem:
        _warn(f"those of its policy are not known: {kept.problem}")
    return kept


def _breadth(kept: Kept, exemption: Exemption, today: date) -> Iterator[str]:
    """How much is exempt, if that is more than a handful, or most of what is known."""
    covered, known = sum(exemption.covers(item.ref, today) for item in kept.items), len(kept.items)
    if covered > HANDFUL or 1 < covered > known / 2:
        yield f"covers {covered:,} of {counted(known, 'known resource')}"


def _glob(one: ExemptionLine) -> str:
    return one.exemption.resource


def _is(one: ExemptionLine, source: str, resource: str) -> bool:
    return one.source == source and _glob(one) == resource


def _list(options: Options, control_id: str | None) -> ExitCode:
    """All exemptions, soonest to expire first; exit code 2 where a policy could not be read."""
    account = connect(options)
    some = selected([control_id] if control_id else [])
    asked = [one for one in some if _has_any(account, one)]
    lines = soonest_first(line for control in asked for line in _lines(account, control))
    if options.json:
        emit(map(_line, lines))
    else:
        names = ("control", "resource", "expires", "covers", "source", "remarks", "owner", "reason")
        table("Exemptions", names, map(_row, lines))
    broken = any(_policy(account, control) is None for control in some)
    return ExitCode.INCOMPLETE if broken else ExitCode.CLEAN


def _has_any(account: Account, control: Control[Any, Any]) -> bool:
    """Whether it may have one at all: its resources are read only then."""
    policy = _policy(account, control)
    by_policy = policy is None or policy.exemptions or policy.honor_tags
    return bool(by_policy or account.ledger.exemptions(control.id))


def _policy(account: Account, control: Control[Any, Any]) -> Any:
    try:
        return account.policy(control).policy
    except BadPolicy:
        return None


def _line(one: ExemptionLine) -> Mapping[str, Any]:
    told = {"covers": one.covers, "source": one.source, "remarks": list(one.remarks)}
    return {"control": one.control, **shallow(one.exemption), **told}


def _row(one: ExemptionLine) -> Sequence[object]:
    that = one.exemption
    known = (one.control, that.resource, that.expires, one.covers, one.source)
    return *known, ", ".join(one.remarks), that.owner, that.reason


def _warn(text: str) -> None:
    print(f"steward: exempt: {printable(text)}", file=sys.stderr)


def _say(options: Options, sentence: str, line: Mapping[str, Any]) -> ExitCode:
    """What was done, for people or for other tools."""
    if options.json:
        emit([line])
    else:
        console().print(sentence, markup=False, soft_wrap=True)
    return ExitCode.CLEAN


def _within_a_year(expires: date) -> None:
    """Who exempts for longer than they may remember says so in the policy. Raises BadPolicy."""
    today = datetime.now(UTC).date()
    if expires < today:
        raise BadPolicy(f"--until: is {expires}, allowed: today or later")
    last = today + timedelta(days=LONGEST_EXEMPTION)
    if expires > last:
        longer = "for longer write it into the policy's field exemptions"
        raise BadPolicy(
            f"--until: is {expires}, allowed: to {last}, in {LONGEST_EXEMPTION} days; {longer}"
        )


def _exemption(control: Control[Any, Any], resource: str, told: Told) -> Exemption:
    given = {name: str(told[name] or "").strip() for name in ("until", "reason", "owner")}
    absent = [f"--{name}" for name, text in given.items() if not text]
    if absent:
        raise BadPolicy(f"exempt: needs {', '.join(absent)}")
    try:
        expires = datetime.strptime(given["until"], "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise BadPolicy(f"--until: is {told['until']!r}, allowed: YYYY-MM-DD") from None
    _within_a_year(expires)
    if not resource.strip("*?"):
        raise BadPolicy(
            f"exempt: RESOURCE is {resource!r}, which is everything; mode audit does that"
        )
    exemption = Exemption(resource, given["reason"], given["owner"], expires)
    for problem in unfit(control.id, exemption):
        raise BadPolicy(f"exempt: {problem}")
    return exemption
