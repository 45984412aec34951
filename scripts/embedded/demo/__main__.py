"""``python -P -m embedded.demo``: plays the demo in this process; nothing leaves the machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

DESCRIPTION = """
Plays Steward's work on an embedded AWS account: no AWS, no Docker, a minute or two. A messy
account, a morning of its developers, and for each event what was decided and changed. Exit code 0:
all that is promised on the way holds; 1: something does not, and the end says what.
"""

REPORT = Path(__file__).parents[3] / ".demo" / "report.html"
"""Where the report is written; git does not look at it."""

HELP = "where the compliance report is left in the end (default: .demo/report.html)"

INTERRUPTED = 130

_SURROUNDINGS = ("AWS_", "MOTO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def only_this_machine() -> None:
    """Let no profile, endpoint or proxy of whoever runs this lead anywhere else."""
    for name in [*os.environ]:
        if name.upper().startswith(_SURROUNDINGS):
            del os.environ[name]
    nobody = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ.update(nobody, AWS_EC2_METADATA_DISABLED="true")


def interrupted(*_: object) -> None:
    """End at once: all there is lives in this process's memory, and its threads would complain."""
    os._exit(INTERRUPTED)


def main() -> int:
    """Play everything, and return the exit code."""
    signal.signal(signal.SIGINT, interrupted)
    parser = argparse.ArgumentParser(prog="scripts/demo", description=DESCRIPTION)
    parser.add_argument("--report", type=Path, metavar="FILE", default=REPORT, help=HELP)
    report: Path = parser.parse_args().report
    only_this_machine()
    from embedded.demo.show import show  # noqa: PLC0415  # --help need not wait for moto

    return show(report)


if __name__ == "__main__":
    sys.exit(main())
