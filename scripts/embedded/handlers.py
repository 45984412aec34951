"""The handlers of the project's functions, whose folders are no packages."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from steward.account import World, deployed
from steward.events import Automation
from steward.reporter import Rule
from steward.runtime import Handler
from steward.runtime import handler as handler_of


def automation_of(folder: Path) -> Automation:
    """What a function's folder says of when to look. Raises FileNotFoundError without a handler."""
    automation: Automation = _module(folder).AUTOMATION
    return automation


def is_processor(folder: Path) -> bool:
    """Whether a function is no automation of controls. Raises FileNotFoundError."""
    return hasattr(_module(folder), "PROCESSOR")


def rules_of(folder: Path) -> Sequence[Rule]:
    """The AWS Config rules that a folder's handler routes to."""
    rules: Sequence[Rule] = _module(folder).RULES
    return rules


def handler_in(folder: Path, environment: Mapping[str, str], world: World) -> Handler:
    """The handler of a function's folder, in a world of the caller's.

    Of an automation it is the run time's; a function that is none has ``PROCESSOR``, which takes
    environment and world and returns it. Raises FileNotFoundError without a handler.
    """
    module = _module(folder)
    if hasattr(module, "PROCESSOR"):
        processor: Handler = module.PROCESSOR(environment, world)
        return processor

    def build(arn: str, controls: Sequence[str]) -> Any:
        return deployed(arn, controls, environment, world)

    return handler_of(module.AUTOMATION, build)


def _module(folder: Path) -> ModuleType:
    name = f"functions.{folder.name}.handler"
    if name not in sys.modules:
        if any(one.is_dir() and one.name != "__pycache__" for one in folder.glob("*")):
            sys.path.append(str(folder))  # as Lambda does: the handler has modules beside it
        file = folder / "handler.py"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None or not file.exists():
            raise FileNotFoundError(file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]
