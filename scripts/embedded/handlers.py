"""The handlers of the project's functions, whose folders are no packages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from steward.events import Automation


def automation_of(folder: Path) -> Automation:
    """What a function's folder says of when to look. Raises FileNotFoundError without a handler."""
    name = f"functions.{folder.name}.handler"
    if name not in sys.modules:
        file = folder / "handler.py"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None or not file.exists():
            raise FileNotFoundError(file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    automation: Automation = sys.modules[name].AUTOMATION
    return automation
