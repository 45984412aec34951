"""The stages of REST, HTTP and WebSocket APIs, for every control that is about them.

A stage's id is ``<apiId>/<stage>``; ``<apiId>/*`` names all stages of an API. What a control makes
of a stage is its own: it hands a function to ``observe`` and ``discover``.
"""

from steward.controls.api_gateway.calls import action, is_about
from steward.controls.api_gateway.methods import methods
from steward.controls.api_gateway.reading import discover, observe
from steward.controls.api_gateway.stages import KINDS, REST, V2, Api, Method, Stage

__all__ = [
    "KINDS",
    "REST",
    "V2",
    "Api",
    "Method",
    "Stage",
    "action",
    "discover",
    "is_about",
    "methods",
    "observe",
]
