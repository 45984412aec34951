"""The embedded Runtime API does to a function what Lambda's does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from embedded.runtime_api import Answer, Function, RuntimeProcess

pytestmark = pytest.mark.usefixtures("built")  # scripts/build installs the runtime client

TELLING = """
import json, os
def handler(event, context):
    print("a line")
    left = context.get_remaining_time_in_millis()
    return {
        "event": event, "request": context.aws_request_id, "left": left, "process": os.getpid(),
        "arn": context.invoked_function_arn, "name": context.function_name,
        "memory": context.memory_limit_in_mb, "trace": os.environ["_X_AMZN_TRACE_ID"],
        "task_root": os.environ["LAMBDA_TASK_ROOT"], "mine": os.environ["MINE"],
        "home": os.environ.get("HOME"),
    }
"""


def function(folder: Path, code: str, *, timeout: float = 30) -> Function:
    (folder / "handler.py").write_text(code)
    return Function(name="toy", code=folder, timeout=timeout, environment={"MINE": "yes"})


def gone(process: int) -> bool:
    """Whether a process of ours, or of a child of ours, is no more; waits for it a little."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{process}/stat").exists():
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        time.sleep(0.05)
    return False


def test_a_handler_is_told_of_its_invocation(tmp_path: Path) -> None:
    """Who it is, how long it has, and only the variables that Lambda and the template give it."""
    with RuntimeProcess(function(tmp_path, TELLING)) as process:
        first, second = process.invoke({"n": 1}).value, process.invoke([2]).value
        lines = process.lines()
    assert (first["event"], second["event"]) == ({"n": 1}, [2])
    assert first["request"] != second["request"]
    assert first["process"] == second["process"]
    assert 20_000 < first["left"] <= 30_000
    assert first["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:toy"
    assert (first["name"], first["memory"]) == ("toy", "512")
    assert first["trace"].startswith("Root=1-")
    assert (first["task_root"], first["mine"], first["home"]) == (str(tmp_path), "yes", None)
    assert lines == ["a line", "a line"]
    assert gone(first["process"])


RAISES = "def handler(event, context):\n    raise KeyError('nothing')\n"
DIES = "import os\ndef handler(event, context):\n    os._exit(7)\n"


@pytest.mark.parametrize(
    ("code", "type_", "message"),
    [
        pytest.param(RAISES, "KeyError", "'nothing'", id="raises"),
        pytest.param("import nope", "Runtime.ImportModuleError", "'nope'", id="does not start"),
        pytest.param("", "Runtime.HandlerNotFound", "'handler' missing on module", id="no handler"),
        pytest.param(DIES, "Runtime.ExitError", "exit status 7", id="dies"),
    ],
)
def test_an_error_is_told_as_lambda_tells_it(
    tmp_path: Path, code: str, type_: str, message: str
) -> None:
    """Also when it comes before the handler, or ends the process; a second time alike."""
    with RuntimeProcess(function(tmp_path, code)) as process:
        for _ in range(2):
            error = process.invoke({}).error
            assert error is not None
            assert error["errorType"] == type_
            assert message in error["errorMessage"]


def test_a_function_that_takes_too_long_is_killed_and_started_anew(tmp_path: Path) -> None:
    """What it still does afterwards would be done on nobody's account."""
    slow = f"import time\n{TELLING}".replace("print(", "time.sleep(event); print(")
    with RuntimeProcess(function(tmp_path, slow, timeout=4)) as process:
        first: Any = process.invoke(0).value
        assert process.invoke(30) == Answer(timed_out=True)
        assert gone(first["process"])
        second: Any = process.invoke(0).value
    assert second["process"] != first["process"]


def test_no_function_outlives_who_started_it(tmp_path: Path) -> None:
    """Not even one that was killed without a chance to tidy up."""
    told = function(tmp_path, TELLING)
    starter = f"""
import time
from pathlib import Path
from embedded.runtime_api import Function, RuntimeProcess
told = Function(name="toy", code=Path({str(told.code)!r}), environment={{"MINE": "yes"}})
with RuntimeProcess(told) as process:
    print(process.invoke(1).value["process"], flush=True)
    time.sleep(60)
"""
    path = str(Path(__file__).parents[2] / "scripts")
    with subprocess.Popen(
        [sys.executable, "-c", starter], env={"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert gone(child)
