"""The composition root: what a deployed function works with, built at its first call.

The template says all of it in the environment:

| variable           | what                                                                     |
|--------------------|--------------------------------------------------------------------------|
| STEWARD_STACK      | the stack's name: of parameters, and the ledger's table (-ledger)         |
| STEWARD_LEDGER     | the ledger's table, if it has another name                               |
| STEWARD_CEILINGS   | JSON: the highest mode of each control, such as {"log-retention": "audit"};
|                    | audit of those it does not name                                          |
| STEWARD_ALLOWED    | JSON: the values that fields of policies may have, by control, such as
|                    | {"log-subscription": {"destination_arn": ["arn:..."]}}; in lists of       |
|                    | objects, such as {"function-layers": {"rules.layer_arn": ["arn:..."]}}    |
| STEWARD_PACE       | the part of AWS's quotas that this process may use: 0.125, or JSON by
|                    | service or by group (quotas.py): {"logs": 0.125, "ssm": 0.0625,           |
|                    | "logs.DescribeLogGroups": 0.05}; 0.05 of what it does not name            |
| STEWARD_AUDIT      | the log group of changes, failures and what was held; '' for none         |
| STEWARD_METRICS    | full emits metrics that no alarm and no dashboard needs                   |
| STEWARD_CONFIG_INBOX | the queue that is told whose resources were changed, so that AWS Config
|                    | follows; none if it is empty                                             |
| STEWARD_ALLOW_WRITES | "true", or nothing but plans is made                                    |
| STEWARD_ALLOW_IRREVERSIBLE | "true", or what no undo can bring back is held                    |
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TextIO, TypeVar

from steward.audit import audit_of
from steward.aws.api import Api, Identity, Session
from steward.aws.dynamodb_ledger import DynamoDBLedger
from steward.aws.pacing import Pacer
from steward.controls import function_of
from steward.errors import BadPolicy
from steward.events import Heeding
from steward.gate import Gate
from steward.ledger import Item, Ledger
from steward.model import Clock, Control, Deadline, Mode, Ref, Sight, Trigger
from steward.policy import Loaded
from steward.run import Outcome, Run, Shelter
from steward.stack_policies import Allowed, StackPolicies
from steward.telemetry import LambdaTelemetry, Telemetry

T = TypeVar("T")

REST = 0.05
"""The share of quotas that STEWARD_PACE does not name."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Memory:
    """See ``steward.model.Known``: the ledger's items, and what this step has read."""

    def __init__(self, ledger: Ledger, control: str, made: dict[str, Any] | None = None) -> None:
        self._ledger = ledger
        self._control = control
        self._made = {} if made is None else made

    def items(self, refs: Sequence[Ref]) -> Mapping[Ref, Item]:
        return self._ledger.items(self._control, refs)

    def once(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made


@dataclass(frozen=True, slots=True)
class Account:
    """The outside world as a run sees it."""

    aws: Api
    ledger: Ledger
    clock: Clock
    telemetry: Telemetry
    policy: Callable[[Control[Any, Any]], Loaded[Any]]
    """A control's policy. Raises BadPolicy."""
    stopped: Callable[[], bool] = field(default=lambda: False)
    plan_only: bool = False
    retry: bool = False
    """What was given up after five failures is tried again at once."""
    irreversible: bool = True
    """Calls that no undo can bring back may be sent, where the policy asks for them."""
    plans_first: bool = False
    """A control's first sweep only plans."""
    forget: Callable[[], None] = field(default=lambda: None)
    """Policies and the stop switch are read again before they are next believed."""
    heeding: Heeding = field(default=lambda _: "")
    """The id of the control that looks at what a Config rule finds. Raises BadPolicy."""
    changed: Callable[[str], None] = field(default=lambda _: None)
    """Tells AWS Config's follower of a control whose resources were changed."""
    audit: Callable[[Sequence[Outcome]], None] = field(default=lambda _: None)
    """Writes what the ledger now has of outcomes to the audit log."""
    in_full: bool = False
    """Metrics that no alarm and no dashboard needs are emitted, too."""

    def looks_at(self, rule: str) -> str:
        """The id of the control that now looks at what a Config rule finds. Raises BadPolicy.

        Not before its second sweep: the first one only plans, and what it has planned would be done
        minutes later, when Config evaluates a new rule.
        """
        control = self.heeding(rule)
        if not control or not self.plans_first:
            return control
        firsts = [bool(one.finished) for one in islice(self.ledger.sweeps(control), 2)]
        return control if firsts == [True, True] else ""

    def run(
        self,
        control: Control[Any, Any],
        trigger: Trigger,
        run_id: str,
        *,
        deadline: Deadline,
        shelter: Shelter,
        plan_only: bool = False,
        made: dict[str, Any] | None = None,
    ) -> Run[Any, Any]:
        """Everything that one pass of a control needs. Raises BadPolicy.

        What is read once goes to ``made``, if passes of several controls are to share it.
        """
        loaded = self.policy(control)
        gate = Gate(
            loaded.policy.mode,
            plan_only=self.plan_only or plan_only,
            stopped=self.stopped(),
            retry=self.retry,
            irreversible=self.irreversible,
        )
        memory = Memory(self.ledger, control.id, made)
        return Run(
            id=run_id,
            control=control,
            loaded=loaded,
            sight=Sight(self.aws, loaded.policy, memory, self.clock.now()),
            ledger=self.ledger,
            gate=gate,
            trigger=trigger,
            clock=self.clock,
            deadline=deadline,
            shelter=shelter,
            exemptions=self.ledger.exemptions(control.id),
        )


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds a deployed function: time, the way to AWS, and where its log goes."""

    clock: Clock
    endpoint_url: str | None = None
    session: Session | None = None
    out: TextIO | None = None


def ledger_table(stack: str) -> str:
    """The name of a stack's ledger table."""
    return f"{stack}-ledger"


def function_name(stack: str, control: Control[Any, Any]) -> str:
    """The name of the function that runs a control in a stack."""
    return f"{stack}-{function_of(control)}"


def connected(function_arn: str, environment: Mapping[str, str], world: World) -> Api:
    """The way to AWS of a deployed function, from its ARN and its environment. Raises BadPolicy."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    return Api(
        clock=world.clock,
        pacer=Pacer(world.clock, *shares_of(environment.get("STEWARD_PACE", "{}"))),
        region=region,
        identity=Identity(account, region, partition),
        endpoint_url=world.endpoint_url,
        session=world.session,
    )


def deployed(
    function_arn: str,
    controls: Sequence[str],
    environment: Mapping[str, str] = os.environ,
    world: World | None = None,
) -> Account:
    """The account of a deployed function, from its ARN and its environment. Raises BadPolicy."""
    world = world or World(SystemClock())
    stack, clock = environment["STEWARD_STACK"], world.clock
    aws = connected(function_arn, environment, world)
    ceilings = {**dict.fromkeys(controls, Mode.AUDIT), **ceilings_of(environment)}
    policies = StackPolicies(aws, stack, clock, controls, ceilings, allowed_of(environment))
    telemetry = LambdaTelemetry(clock, service=stack, out=world.out)
    audit = audit_of(aws, environment.get("STEWARD_AUDIT", ""), function_arn, clock, telemetry)
    table = environment.get("STEWARD_LEDGER", ledger_table(stack))
    return Account(
        aws=aws,
        ledger=DynamoDBLedger(aws, table, clock, audit.remember),
        clock=clock,
        telemetry=telemetry,
        policy=policies.policy,
        stopped=policies.stopped,
        plan_only=environment.get("STEWARD_ALLOW_WRITES") != "true",
        irreversible=environment.get("STEWARD_ALLOW_IRREVERSIBLE") == "true",
        plans_first=True,
        forget=policies.forget,
        heeding=policies.heeding,
        changed=_teller(aws, environment.get("STEWARD_CONFIG_INBOX", "")),
        audit=audit.write,
        in_full=environment.get("STEWARD_METRICS") == "full",
    )


def _teller(aws: Api, queue: str) -> Callable[[str], None]:
    def tell(control: str) -> None:
        if queue:
            body = json.dumps({"control": control})
            aws.ask("sqs", "SendMessage", QueueUrl=queue, MessageBody=body)

    return tell


def ceilings_of(environment: Mapping[str, str]) -> Mapping[str, Mode]:
    """STEWARD_CEILINGS: the highest mode of each control that it names. Raises BadPolicy."""
    text = environment.get("STEWARD_CEILINGS", "{}")
    try:
        return {control: Mode(mode) for control, mode in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise BadPolicy(f"STEWARD_CEILINGS: is {text[:80]!r}: {error}") from error


def allowed_of(environment: Mapping[str, str]) -> Allowed:
    """STEWARD_ALLOWED: what fields of policies may have, by control. Raises BadPolicy."""
    text = environment.get("STEWARD_ALLOWED", "{}")
    try:
        told = json.loads(text)
        return {control: {**fields} for control, fields in told.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise BadPolicy(f"STEWARD_ALLOWED: is {text[:80]!r}: {error}") from error


def shares_of(text: str) -> tuple[float, Mapping[str, float]]:
    """STEWARD_PACE: every service's share, and those of services that have another.

    Raises BadPolicy.
    """
    try:
        told = json.loads(text)
        shares = {name: float(share) for name, share in told.items()} if text[:1] == "{" else {}
        share = REST if text[:1] == "{" else float(told)
    except (ValueError, TypeError) as error:
        raise BadPolicy(f"STEWARD_PACE: is {text[:80]!r}: {error}") from error
    wrong = [number for number in (share, *shares.values()) if not 0 < number <= 1]
    if wrong:
        raise BadPolicy(f"STEWARD_PACE: is {wrong[0]}, allowed: above 0 and up to 1")
    return share, shares
