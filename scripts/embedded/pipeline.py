"""The log pipeline of an embedded account: what reads its streams, and what its functions log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from embedded.authorization import Gate, Policy, decide
from embedded.deployment import FUNCTION, MAPPING, Deployment
from embedded.function_logs import FunctionLogs, Settings
from embedded.granting import policies_of
from embedded.hosting import Host
from embedded.poller import Poller, Source
from embedded.queues import Queues
from embedded.requirements import Requirement
from embedded.shards import StreamSource
from embedded.stream_poller import StreamPoller
from embedded.streams import Streams

_VIA = {"kms:Decrypt": "kinesis", "kms:GenerateDataKey": "s3"}
"""The service that asks for a key's use: to read a stream, to write an object."""

_ABSENT = ("aws:SourceArn", "aws:CalledVia", "aws:TagKeys", "cloudwatch:namespace")


class Grants:
    """What AWS itself may do with the roles of the stack's functions; what it asks is recorded."""

    def __init__(self, deployment: Deployment, gate: Gate, region: str) -> None:
        self._deployment = deployment
        self._gate = gate
        self._region = region
        self._policies: dict[str, Sequence[Policy]] = {}

    def refusal(self, role: str, action: str, resource: str) -> str:
        """Why a role, by its ARN, may not do something; '' where it may."""
        if role not in self._policies:
            self._policies[role] = policies_of(self._deployment, role)
        via = (f"{_VIA[action]}.{self._region}.amazonaws.com",) if action in _VIA else ()
        facts = (
            ("aws:RequestedRegion", (self._region,)),
            ("kms:ViaService", via),
            *((key, ()) for key in _ABSENT),
        )
        asked = Requirement(action, (resource,), facts)
        self._gate.record(role.rpartition("/")[2], asked)
        decision = decide(self._policies[role], asked)
        return "" if decision.allowed else decision.reason


def function_logs(
    deployment: Deployment, account: str, region: str, grants: Grants
) -> FunctionLogs:
    """What writes the functions' own log groups."""
    settings = {
        one.physical_id: Settings.read(one.properties, one.physical_id)
        for one in deployment.of_type(FUNCTION)
    }

    def may(role: str, action: str, resource: str) -> bool:
        return not grants.refusal(role, action, resource)

    return FunctionLogs(account, region, settings, may)


def pollers(
    deployment: Deployment, queues: Queues, streams: Streams, host: Host, grants: Grants
) -> Iterator[Poller | StreamPoller]:
    """What reads each event source mapping's queue or stream. Raises CannotReadError."""
    for one in deployment.of_type(MAPPING):
        if one.properties["EventSourceArn"].split(":")[2] == "kinesis":
            source = StreamSource.read(one.properties, one.physical_id)
            function = host.functions[source.function]
            may = _as(grants, function.role)
            yield StreamPoller(source, function, streams, queues, host.invoke, may)
        else:
            queued = Source.read(one.properties)
            yield Poller(queued, queues[queued.queue], host.invoke, streams.clock)


def _as(grants: Grants, role: str) -> Callable[[str, str], str]:
    return lambda action, resource: grants.refusal(role, action, resource)
