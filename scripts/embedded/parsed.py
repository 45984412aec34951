"""Lets moto's Step Functions parse what it has parsed before no second time.

It parses a machine's definition when the machine is made and again for each execution, and a path
for each value that it takes; and it makes a client for each invocation of a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

from embedded.overlays import MotoChangedError

_SEAM = "parse"
_OWN = AmazonStateLanguageParser.parse


@contextmanager
def parsed_once() -> Iterator[None]:
    """Within, definitions and paths are parsed once, and functions invoked by one client.

    Raises MotoChangedError where moto does none of it.
    """
    paths, calls = vars(json_path), vars(lambda_eval_utils)
    path, client_for = paths.get("parse"), calls.get("boto_client_for")
    if path is None or client_for is None:
        raise MotoChangedError("moto's state machines have no more parse and boto_client_for")
    client = cache(client_for)
    paths["parse"] = cache(path)
    calls["boto_client_for"] = lambda region, service, **_: client(region, service)
    setattr(AmazonStateLanguageParser, _SEAM, staticmethod(_parsed))
    try:
        yield
    finally:
        setattr(AmazonStateLanguageParser, _SEAM, staticmethod(_OWN))
        paths["parse"], calls["boto_client_for"] = path, client_for


def _parsed(definition: str) -> tuple[Any, Any]:
    """A program of the caller's own, which an execution may change, and the tree that it is of."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


@cache
def _tree(definition: str) -> Any:
    """Raises moto's ASLParserException, each time."""
    return _OWN(definition)[1]
