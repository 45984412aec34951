"""Step Functions that really run, in moto's interpreter and in virtual time.

Moto runs machines only where it is told to, keeps those in another place than the ones its
CloudFormation makes, calls functions over HTTP at the port in ``MOTO_PORT``, and sleeps through
waits and retries. All of that is answered here; tasks take real time and the clock does not see it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)

from embedded.overlays import MotoChangedError

_UNTIL = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
_INNER = ("ItemProcessor", "Iterator")
_CONFIG: dict[str, Any] = default_user_config  # type: ignore[assignment]  # set by name
_LOGGER = logging.getLogger("moto.stepfunctions")


@dataclass(frozen=True, slots=True)
class Execution:
    """How an execution ended."""

    status: str
    """SUCCEEDED, FAILED, ABORTED or TIMED_OUT."""
    output: Any = None
    error: str | None = None
    cause: str | None = None


@contextmanager
def executing(sleep: Callable[[float], None], *, port: int | None = None) -> Iterator[None]:
    """Within, moto runs state machines; ``sleep`` is called where a retry waits, from threads.

    ``port`` is that of moto's server on the loopback interface; without one, ``mock_aws`` has to be
    active. Raises MotoChangedError where moto no longer sleeps where it did.
    """
    retries = vars(retrier_decl)
    if retries.get("time") is not time:
        raise MotoChangedError("moto's retries have no more time.sleep")
    config, level = _CONFIG.get("stepfunctions"), _LOGGER.level
    _CONFIG["stepfunctions"] = {"execute_state_machine": True}
    retries["time"] = SimpleNamespace(sleep=sleep)
    _LOGGER.setLevel(logging.CRITICAL)  # a state that fails is no failure of ours
    try:
        with _environment("MOTO_PORT", None if port is None else str(port)):
            yield
    finally:
        _LOGGER.setLevel(level)
        retries["time"] = time
        _CONFIG["stepfunctions"] = config


@contextmanager
def _environment(name: str, value: str | None) -> Iterator[None]:
    before = os.environ.get(name)
    _put(name, value)
    try:
        yield
    finally:
        _put(name, before)


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


@dataclass(frozen=True, slots=True)
class StateMachines:
    """The state machines of an account and Region that moto runs."""

    account: str
    region: str

    def make(self, name: str, properties: Mapping[str, Any]) -> str:
        """The ARN of a machine from an AWS::StepFunctions::StateMachine's resolved properties.

        A machine of that name is replaced. Raises ValueError where there is no definition, and
        moto's InvalidDefinition for a bad one.
        """
        document = json.dumps(without_waits(definition(properties)))
        found = next((one for one in self._backend.state_machines if one.name == name), None)
        if found is not None:
            self._backend.update_state_machine(found.arn, document, properties["RoleArn"])
            return str(found.arn)
        made = self._backend.create_state_machine(
            name, document, properties["RoleArn"], sm_type=properties.get("StateMachineType")
        )
        return str(made.arn)

    def execute(self, arn: str, event: Mapping[str, Any], *, seconds: float = 60) -> Execution:
        """Run a machine to its end; TimeoutError where that takes more than ``seconds``."""
        begun = self._begun(arn, event)
        # A thread of ours: moto's own says that it has ended before it says how.
        thread = threading.Thread(target=begun.start, daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise TimeoutError(f"{begun.exec_arn}: still running after {seconds} s")
        return Execution(begun.status, begun.output, begun.error, begun.cause)

    def _begun(self, arn: str, event: Mapping[str, Any]) -> SyncExecution:
        """An execution that the machine knows, and that runs when it is started."""
        machine: Any = self._backend.describe_state_machine(arn)
        name = uuid.uuid4()
        execution = SyncExecution(
            name=str(name),
            sm_type=machine.sm_type,
            role_arn=machine.roleArn,
            exec_arn=f"{arn.replace(':stateMachine:', ':execution:')}:{name}",
            account_id=self.account,
            region_name=self.region,
            state_machine=machine,
            start_date=datetime.now(UTC),
            cloud_watch_logging_session=None,
            activity_store={},
            input_data=json.dumps(event),
        )
        machine.executions.append(execution)
        return execution

    @property
    def _backend(self) -> StepFunctionsParserBackend:
        return stepfunctions_parser_backends[self.account][self.region]


def definition(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """A machine's definition with its substitutions made. Raises ValueError where it has none."""
    found = properties.get("DefinitionString") or properties.get("Definition")
    if not found:
        raise ValueError("DefinitionString: is absent, allowed: it or Definition")
    text = found if isinstance(found, str) else json.dumps(found)
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


def without_waits(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a definition, or of a part that has states, in which Wait states wait for nothing.

    Retries stay as they are: moto, as AWS, takes no interval below a second.
    """
    states = {name: _without_waits(state) for name, state in definition["States"].items()}
    return {**definition, "States": states}


def _without_waits(state: Mapping[str, Any]) -> dict[str, Any]:
    if state["Type"] == "Wait":
        kept = {key: value for key, value in state.items() if key not in _UNTIL}
        return {**kept, "Seconds": 0}
    inner = {key: without_waits(state[key]) for key in _INNER if key in state}
    branches = [without_waits(branch) for branch in state.get("Branches", ())]
    return {**state, **inner, **({"Branches": branches} if branches else {})}
