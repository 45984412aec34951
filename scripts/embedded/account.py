"""The embedded account: the whole template on moto, in one process, on a clock of its own.

What people and functions call is answered by a faithful moto, judged by the template's roles, and
told by CloudTrail; events go by the template's rules to queues, and from there to the functions.
Nothing moves by itself: ``settle`` lets everything happen that was set off, ``advance`` lets time
pass. A process holds one embedded account at a time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.request import Request, urlopen

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID

from embedded import kept_mappings, kept_queues, stack_alarms
from embedded.alarms import in_alarm
from embedded.asynchronous import Asynchronous
from embedded.bus import Bus
from embedded.clock import EmbeddedClock
from embedded.config.exceptions import Exceptions
from embedded.config.service import Config
from embedded.counting import CountingServer
from embedded.course import LONGEST, Course, Journal, Timer
from embedded.delivery import Delivery, delivered_by
from embedded.deployment import FUNCTION, QUEUE, STATE_MACHINE, Deployment, deploy
from embedded.function_configs import keep_all
from embedded.function_logs import Settings
from embedded.granting import policies_of
from embedded.hosting import Function, Host, lambda_runs_on
from embedded.iam_roles import attach_managed
from embedded.logs import arns_with_streams
from embedded.overlays import witnessed
from embedded.pipeline import Grants, function_logs, pollers
from embedded.queues import Queue, Queues
from embedded.quick import quickened
from embedded.stamping import logs_stamped_by, metrics_stamped_by
from embedded.state_machines import Execution, StateMachines, executing
from embedded.stream_poller import StreamPoller
from embedded.streams import Streams, streams_kept_by
from embedded.template import Template, load
from embedded.trail import Caller, Made
from embedded.watching import Role, Watch

STACK = "steward"
REGION = "eu-west-1"


class EmbeddedAccount:
    """An account in which the stack is deployed, for as long as it is entered."""

    deployment: Deployment
    server: CountingServer
    """Its endpoint; counts requests, and takes latency, quotas and faults."""
    host: Host
    """Its functions, with what they did, logged and measured."""
    queues: Queues
    streams: Streams
    """Its Kinesis streams, with the records that they hold."""
    delivery: Delivery
    """Its subscription filters at work, with what they lost."""
    consumers: Sequence[StreamPoller]
    """The event source mappings of its streams."""
    config: Config
    """Its AWS Config: the stack's rules, what they found, and what is recorded."""
    exceptions: Exceptions
    """What AWS Config's own remediation leaves alone."""
    watch: Watch
    """Every request that was made, by whom, and what roles were granted for it."""

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        stack: str = STACK,
        region: str = REGION,
        start: datetime | None = None,
        template: Template | None = None,
        before: Callable[[Self], object] = lambda _: None,
    ) -> None:
        """``parameters`` are the template's; ``start`` is the account's time at first, else now.

        ``before`` makes what is there before the stack is.
        """
        self.stack = stack
        self.region = region
        self.account = os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)
        self.clock = EmbeddedClock(start or datetime.now(UTC))
        self.template = template or load()
        self._parameters = parameters or {}
        self._before = before
        self._open = ExitStack()
        self._people: dict[str, str] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self.deployment = Deployment(self.stack, {})
            self.queues = Queues(self.clock)
            self.streams = Streams(self.account, self.region, self.clock)
            self._asynchronous = Asynchronous(self.clock)
            self.delivery = Delivery(
                self.account, self.region, self.streams, self._asynchronous.send
            )
            self.config = Config(self.account, self.region, self.clock, self._asynchronous.send)
            self.exceptions = Exceptions(self.clock, self.config.violates)
            overlays = {
                **self.queues.overlays(),
                **kept_queues.overlays(self.queues),
                **kept_mappings.overlays(lambda: self.deployment),
                **self.config.overlays(),
                **self.exceptions.overlays(),
                **stack_alarms.overlays(self),
            }
            self.watch = Watch(self.clock, self._people, overlays, paused=True)
            opened.enter_context(witnessed(self.watch))  # before anything of another is forgotten
            self.server = opened.enter_context(CountingServer())
            self._forget_everything()
            opened.enter_context(logs_stamped_by(self.clock))
            opened.enter_context(metrics_stamped_by(self.clock))
            opened.enter_context(arns_with_streams())
            opened.enter_context(streams_kept_by(self.clock))
            opened.enter_context(delivered_by(self.delivery))
            opened.enter_context(quickened())
            self._before(self)
            self._deploy()
            opened.enter_context(lambda_runs_on(self.host))
            opened.enter_context(executing(self._course.waited, port=self.server.port))
            self.watch.roles = self._roles()
            self.watch.paused = False
            self._open = opened.pop_all()
        self.watch.calls.extend(self._parameters_put())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def journal(self) -> Journal:
        """Events, the rules they matched, and executions of the state machine."""
        return self._course.journal

    def client(self, service: str, user: str = "developer") -> Any:
        """A boto3 client of a person, who may do everything; always the same."""
        keys = {name: key for key, name in self._people.items()}
        key = keys.get(user, f"AKIA{len(keys):016d}")
        self._people[key] = user
        if (service, key) not in self._clients:
            self._clients[service, key] = boto3.client(
                service,
                endpoint_url=self.server.url,
                region_name=self.region,
                aws_access_key_id=key,
                aws_secret_access_key="secret",  # noqa: S106  # of nobody
            )
        return self._clients[service, key]

    def queue(self, name: str) -> Queue:
        """A queue of the stack, by its name without the stack's."""
        return self.queues[f"{self.stack}-{name}"]

    def invoke(self, function: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """A function's answer, by its name without the stack's. Raises FunctionError."""
        answer: Mapping[str, Any] = self.host.invoke(f"{self.stack}-{function}", event)
        return answer

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Let an event arrive at the bus, as if AWS had sent it."""
        self._course.put_event(event)

    def sweep(self) -> Execution:
        """Run the state machine to its end."""
        [machine] = self.deployment.of_type(STATE_MACHINE)
        return self._course.start(machine.arn, '{"trigger": "operator"}')

    def advance(self, **duration: float) -> None:
        """Let time pass, such as ``hours=12``, with everything that is due in it."""
        self._course.advance(timedelta(**duration))

    def settle(self, longest: timedelta = LONGEST) -> None:
        """Let everything happen that was set off, schedules left out, however late it is due.

        Raises UnsettledError where it does not come to an end in ``longest``.
        """
        self._course.settle(longest)

    def alarms(self) -> set[str]:
        """The stack's alarms that ring now, without the stack's name before theirs."""
        return in_alarm(self)

    def _forget_everything(self) -> None:
        """Empty moto, which keeps accounts for as long as the process lives."""
        reset = Request(f"{self.server.url}/moto-api/reset", method="POST")  # noqa: S310  # our own
        urlopen(reset).close()  # noqa: S310

    def _deploy(self) -> None:
        self.deployment = deploy(
            self.template,
            self.client,
            self.stack,
            self._parameters,
            account=self.account,
            region=self.region,
        )
        keep_all(self.deployment, self.account, self.region)
        attach_managed(self.deployment, self.account, self.region)
        for one in self.deployment.of_type(QUEUE):
            self.queues.make(one.arn.rpartition(":")[2], one.arn, one.physical_id, one.properties)
        self.host = Host(list(self._functions()), self.clock, self.server.url)
        self._asynchronous.invoke = self.host.invoke
        self._asynchronous.given_up = self._given_up
        grants = Grants(self.deployment, self.watch.gate, self.region)
        self.host.wrote = function_logs(self.deployment, self.account, self.region, grants).write
        readers = [*pollers(self.deployment, self.queues, self.streams, self.host, grants)]
        self.consumers = [one for one in readers if isinstance(one, StreamPoller)]
        machines = StateMachines(self.account, self.region)
        starts: list[tuple[str, str]] = []
        made = {
            one.arn: machines.make(one.arn.rpartition(":")[2], one.properties)
            for one in self.deployment.of_type(STATE_MACHINE)
        }
        self._course = Course(
            self.clock,
            self.watch,
            Bus(self.deployment, self.queues, lambda arn, text: starts.append((arn, text))),
            [*readers, self._asynchronous, self.config],
            [*self._timers(), *self.config.deploy(self.deployment)],
            lambda arn, event: machines.execute(made[arn], event),
            lambda: self.host.is_idle,
            starts,
            self._asynchronous.send,
            heard=self.config.heard,
            region=self.region,
        )
        self.config.tell = self._course.put_event

    def _given_up(self, function: str, event: Mapping[str, Any]) -> None:
        """What a function failed at goes to its destination on failure, a queue of ours."""
        name = function.rpartition(":")[2]
        for one in self.deployment.of_type("AWS::Lambda::EventInvokeConfig"):
            arn = one.properties["DestinationConfig"]["OnFailure"]["Destination"]
            if one.properties["FunctionName"] == name:
                self.queues[arn.rpartition(":")[2]].send(json.dumps({"requestPayload": event}))

    def _functions(self) -> Iterator[Function]:
        folders = self.template.folders()
        for number, one in enumerate(self.deployment.of_type(FUNCTION)):
            variables = one.properties["Environment"]["Variables"]
            yield Function(
                name=one.physical_id,
                arn=one.arn,
                role=one.properties["Role"],
                folder=folders[one.id],
                timeout=float(one.properties["Timeout"]),
                environment={name: str(value) for name, value in variables.items()},
                access_key=f"ASIA{number:016d}",
                log_group=Settings.read(one.properties, one.physical_id).group,
            )

    def _roles(self) -> Mapping[str, Role]:
        return {
            one.access_key: Role(
                one.role.rpartition("/")[2], one.name, policies_of(self.deployment, one.role)
            )
            for one in self.host.functions.values()
        }

    def _timers(self) -> Iterator[Timer]:
        for one in self.deployment.of_type("AWS::Scheduler::Schedule"):
            yield Timer.set(one.properties, self.clock.now())

    def _parameters_put(self) -> Iterator[Made]:
        """CloudFormation made the stack's parameters through the API, as everybody can see.

        What DependsOn another resource is made after all that do not.
        """
        caller = Caller(
            account=self.account, name="deployer", invoked_by="cloudformation.amazonaws.com"
        )
        written = self.template.of_type("AWS::SSM::Parameter")
        made = self.deployment.of_type("AWS::SSM::Parameter")
        for one in sorted(made, key=lambda one: "DependsOn" in written[one.id]):
            yield Made(
                service="ssm",
                operation="PutParameter",
                params={key: one.properties[key] for key in ("Name", "Type", "Value")},
                account=self.account,
                region=self.region,
                time=self.clock.now(),
                caller=caller,
                answer={"Version": 1, "Tier": "Standard"},
            )
