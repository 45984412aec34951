"""The template without some of its controls: a scenario pays for none that it has no use for."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import Any

from embedded.template import Template, load, named, translated
from steward.controls import ASSESSOR, CONTROLS, function_of


@cache
def only(*controls: str) -> Template:
    """The template as it would be if there were no controls but these; it deploys sooner.

    It has no dashboard, which is over all of them.
    """
    written: dict[str, Any] = copy.deepcopy(dict(load().written))
    gone = ("ComplianceDashboard", *map(_camel, _left_out(controls)))
    written["Resources"] = resources = {
        name: one for name, one in written["Resources"].items() if not name.startswith(gone)
    }
    version, sweep, role = (resources[name] for name in ("Version", "Sweep", "SweepRole"))
    version["DependsOn"] = [one for one in version["DependsOn"] if not one.startswith(gone)]
    machine = sweep["Properties"]
    machine["DefinitionSubstitutions"] = _kept(machine["DefinitionSubstitutions"], gone)
    plan = machine["Definition"]["States"]["Plan"]["Result"]
    plan["groups"] = [*_swept(plan["groups"], controls)]
    functions = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    functions["Resource"] = [
        one for one in functions["Resource"] if not named(one).startswith(gone)
    ]
    outputs = written["Outputs"].items()
    written["Outputs"] = {
        name: one for name, one in outputs if not named(one["Value"]).startswith(gone)
    }
    return translated(written)


def _left_out(controls: Iterable[str]) -> set[str]:
    """The controls and functions that there are besides."""
    kept = [one for one in CONTROLS if one.id in set(controls)]
    functions = {function_of(one) for one in kept}
    return {one.id for one in CONTROLS if one not in kept} | ({ASSESSOR} - functions)


def _kept(substitutions: dict[str, Any], gone: tuple[str, ...]) -> dict[str, Any]:
    return {name: one for name, one in substitutions.items() if not named(one).startswith(gone)}


def _swept(groups: Iterable[dict[str, Any]], controls: Iterable[str]) -> Iterable[dict[str, Any]]:
    for group in groups:
        if swept := [one for one in group["controls"] if one["control"] in controls]:
            yield {**group, "controls": swept}


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("-"))
