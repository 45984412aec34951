"""The built artifact, which needs a Python 3.13, and the functions in it as processes."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded import template
from embedded.choices import choose
from embedded.runtime_api import Function, RuntimeProcess

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/build"
STACK = "steward"
CANNOT = 3
"""How scripts/build ends on a machine that lacks what it needs."""

Start = Callable[..., RuntimeProcess]


@contextmanager
def alone() -> Iterator[None]:
    """One process of the tests at a time: two builds at once would spoil each other's folders."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@pytest.fixture(scope="session")
def built() -> Path:
    """What scripts/build built, as the tree is now; without a Python 3.13 there is none."""
    with alone():
        ran = subprocess.run([ROOT / "scripts/build"], capture_output=True, text=True, check=False)
    if ran.returncode == CANNOT and not os.environ.get("STEWARD_REQUIRE_PACKAGE_TESTS"):
        pytest.skip(ran.stderr.strip())
    assert ran.returncode == 0, ran.stderr
    return BUILT


@pytest.fixture
def start(built: Path) -> Iterator[Start]:
    """Starts functions of the artifact, by their folders, against an endpoint."""
    with ExitStack() as processes:

        def started(folder: str, endpoint_url: str = "http://127.0.0.1:1") -> RuntimeProcess:
            told = described(built, folder, {"AWS_ENDPOINT_URL": endpoint_url})
            return processes.enter_context(RuntimeProcess(told))

        yield started


def named(folder: str) -> str:
    """The logical id of the function whose code lies in the folder of this name."""
    folders = template.load().folders()
    return next(name for name, path in folders.items() if path.name == folder)


def described(built: Path, folder: str, more: Mapping[str, str]) -> Function:
    """A function of the template, where the build put it, with further variables."""
    reports = "enabled" if folder.startswith("config_") else "disabled"
    given = {"LogShipping": "enabled", "ConfigRules": reports}
    stack = choose(template.load().translated, given)
    resource = stack.decided()["Resources"][named(folder)]["Properties"]
    variables: Mapping[str, Any] = resource["Environment"]["Variables"]
    names = {**stack.values, "AWS::StackName": STACK, "Ledger": f"{STACK}-ledger"}
    told = {name: resolved(value, names) for name, value in variables.items()}
    return Function(
        name=resolved(resource["FunctionName"], names),
        code=built / named(folder),
        layers=[built / "Platform"],
        environment={**told, **more},
        handler=resource["Handler"],
        timeout=resource["Timeout"],
        memory=resource["MemorySize"],
    )


def resolved(value: Any, names: Mapping[str, str]) -> str:
    """What the few intrinsic functions in a function's properties come to; an attribute, and a
    name that is none of a parameter, is told as it is written."""
    match value:
        case {"Ref": str(name)}:
            return names.get(name, name)
        case {"Fn::GetAtt": asked}:
            return ".".join(asked)
        case {"Fn::Sub": [str(text), dict(own)]}:
            inner = {name: resolved(one, names) for name, one in own.items()}
            return resolved({"Fn::Sub": text}, {**names, **inner})
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: names.get(found[1], found[1]), text)
    return str(value)
