"""A headless Chromium, spoken to through a pipe by its DevTools protocol; no driver is needed."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 60.0
"""Seconds without an answer after which the browser is taken for dead."""

_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-background-networking", "--hide-scrollbars"),
)


def executable() -> str | None:
    """A Chromium on PATH, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One browser with one page."""

    def __init__(self, program: str, folder: Path) -> None:
        self._answers, ours_out = os.pipe()
        ours_in, self._asked = os.pipe()
        # The shell puts the two ends where Chromium expects them; a fork's callback would not be
        # safe beside threads.
        shell = f'exec "$@" 3<&{ours_in} 4>&{ours_out}'
        options = [f"--user-data-dir={folder}", *_OPTIONS]
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", shell, "bash", program, *options],
            pass_fds=(ours_in, ours_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours_in)
        os.close(ours_out)
        self._last = 0
        self._buffer = b""
        self.events: list[Mapping[str, Any]] = []

    def __enter__(self) -> Self:
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = {"targetId": target, "flatten": True}
        self._session = self._ask("Target.attachToTarget", attached)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._asked)
        os.close(self._answers)

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command to the page and return its result."""
        return self._ask(method, params, self._session)

    def open(self, path: Path) -> None:
        """Load a file, to the end; events are those since then."""
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """An expression's value; also without scripts of the page's own."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self.ask("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def role(self, selector: str) -> str:
        """What an element is to a reader of the accessibility tree."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        asked = {"nodeId": node, "fetchRelatives": False}
        [found] = self.ask("Accessibility.getPartialAXTree", **asked)["nodes"]
        told: str = found["role"]["value"]
        return told

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        told = {"key": key, "windowsVirtualKeyCode": code}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **told)

    @contextmanager
    def width(self, pixels: int) -> Iterator[None]:
        """A screen of this width, as a phone's where it is narrow."""
        shape = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": pixels < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **shape)
        yield
        self.ask("Emulation.clearDeviceMetricsOverride")

    @contextmanager
    def media(self, kind: str = "screen", **features: str) -> Iterator[None]:
        """A medium, and what its user prefers."""
        told = [{"name": name.replace("_", "-"), "value": one} for name, one in features.items()]
        self.ask("Emulation.setEmulatedMedia", media=kind, features=told)
        yield
        self.ask("Emulation.setEmulatedMedia", media="", features=[])

    @contextmanager
    def without_scripts(self) -> Iterator[None]:
        """Pages opened within run none of their scripts."""
        self.ask("Emulation.setScriptExecutionDisabled", value=True)
        yield
        self.ask("Emulation.setScriptExecutionDisabled", value=False)

    def _ask(self, method: str, params: Mapping[str, Any], session: str = "") -> Any:
        self._last += 1
        told = {"id": self._last, "method": method, "params": params}
        told |= {"sessionId": session} if session else {}
        os.write(self._asked, json.dumps(told).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last:
            pass
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _receive(self) -> Mapping[str, Any]:
        """The next message; events are kept."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            got = os.read(self._answers, 1 << 20) if ready else b""
            assert got, f"Chromium said nothing for {PATIENCE:.0f} s, or ended"
            self._buffer += got
        message, _, self._buffer = self._buffer.partition(b"\0")
        told: Mapping[str, Any] = json.loads(message)
        if "method" in told:
            self.events.append(told)
        return told
