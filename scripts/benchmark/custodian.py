"""Cloud Custodian, from its public package, in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

VERSION = "0.9.53"

_POLICY = {
    "policies": [
        {
            "name": "log-retention",
            "resource": "aws.log-group",
            "filters": [{"retentionInDays": "absent"}],
            "actions": [{"type": "retention", "days": 30}],
        }
    ]
}


def installed() -> Path:
    """Its command, installed on first use. Raises CalledProcessError where that fails."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "steward-bench" / f"c7n-{VERSION}"
    ready = home / "ready"
    if not ready.exists():
        python = str(home / "bin" / "python")
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(home)], check=True
        )  # our own interpreter
        install = [python, "-m", "pip", "install", "-qq", f"c7n=={VERSION}"]
        subprocess.run(install, check=True, stdout=sys.stderr)  # a pinned public package
        ready.touch()
    return home / "bin" / "custodian"


def command(executable: Path, folder: Path, region: str) -> list[str]:
    """One run over the account; nothing is cached, so that it reads what is there."""
    policy = folder / "custodian.json"
    policy.write_text(json.dumps(_POLICY), "utf-8")
    output = str(folder / "custodian")
    nowhere = ["--cache-period", "0", "--output-dir", output]
    return [str(executable), "run", "--region", region, *nowhere, str(policy)]
