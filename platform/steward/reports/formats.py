"""The formats of a report. What renders one is imported when it is asked for: HTML needs Jinja2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from steward.reports.dataset import Report


@dataclass(frozen=True, slots=True)
class Format:
    """A module of ``steward.reports`` that renders, and what its files are."""

    module: str
    suffix: str
    """How names of its files end."""
    media_type: str

    def render(self, report: Report) -> bytes:
        text: str = import_module(f"steward.reports.{self.module}").render(report)
        return text.encode("utf-8")


FORMATS: Mapping[str, Format] = {
    "html": Format("html", ".html", "text/html; charset=utf-8"),
    "json": Format("as_json", ".json", "application/json"),
    "csv": Format("as_csv", ".csv", "text/csv; charset=utf-8"),
    "junit": Format("as_junit", ".junit.xml", "application/xml"),
    "ocsf": Format("as_ocsf", ".ocsf.jsonl", "application/x-ndjson"),
}
