"""AWS Config as a service of the embedded account: it records, invokes rules, and keeps results."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.config.models import config_backends

from embedded.config import limits
from embedded.config.recording import (
    FUNCTION,
    ROLE,
    Item,
    functions_there,
    items_of,
    role_of,
    roles_there,
    utc,
)
from embedded.config.results import KEPT, Key, Result, compliance_change
from embedded.config.rules import ConfigRule, arn, invocation
from embedded.course import Timer
from embedded.deployment import Deployment
from embedded.overlays import Overlay
from embedded.paging import BadTokenError, page
from embedded.request import Refusal, Request
from steward.model import Clock

RULE = "AWS::Config::ConfigRule"

FIRST = timedelta(minutes=10)
"""Until a rule that was just made is evaluated for the first time."""

RECORDING = timedelta(minutes=2)
"""From a change to the item of it."""

PAUSE = timedelta(minutes=1)
"""Between two evaluations of a rule that somebody asked for (StartConfigRulesEvaluation)."""

Event = Mapping[str, Any]


class NoRecorderError(RuntimeError):
    """CloudFormation makes no rule where there is no recorder, and takes the stack back."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A rule that is to be invoked: by an item, or by the clock."""

    at: datetime
    rule: ConfigRule
    item: Item | None = None


class Config:
    """Rules with their results; answered from several threads, moved by one."""

    def __init__(
        self,
        account: str,
        region: str,
        clock: Clock,
        invoke: Callable[[str, Event], None],
    ) -> None:
        """``invoke`` sends an event to a function, by its ARN, asynchronously."""
        self.rules: dict[str, ConfigRule] = {}
        self.items: dict[Key, list[Item]] = defaultdict(list)
        """What was recorded of each resource, oldest first."""
        self.sent: list[Mapping[str, Any]] = []
        """Every row of every PutEvaluations that was taken."""
        self.evaluated: dict[str, datetime] = {}
        """When each rule last put evaluations, be it none."""
        self.fails: Callable[[Mapping[str, Any]], bool] = lambda _: False
        """Whether Config does not take a row of a request; the answer tells it."""
        self.is_oversized: Callable[[Item], bool] = lambda _: False
        """Whether an item is too large for a notification."""
        self.tell: Callable[[Event], None] = lambda _: None
        """Lets an event arrive at the bus."""
        self._place = account, region
        self._clock = clock
        self._invoke = invoke
        self._results: dict[str, dict[Key, Result]] = defaultdict(dict)
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._asked: dict[str, datetime] = {}
        self._due: list[_Due] = []
        self._roles: dict[str, Item] = {}
        self._events: deque[Event] = deque()
        self._lock = threading.RLock()
        self._numbers = count(1)

    def deploy(self, deployment: Deployment) -> Iterator[Timer]:
        """Take over the stack's rules; the timers of those that the clock invokes.

        Raises NoRecorderError, and LookupError for a function that Config may not invoke.
        """
        made = [ConfigRule.read(one, next(self._numbers)) for one in deployment.of_type(RULE)]
        account, region = self._place
        if made and not config_backends[account][region].describe_configuration_recorders(None):
            raise NoRecorderError("NoAvailableConfigurationRecorder")
        for rule in made:
            self._check(rule)
            self.rules[rule.name] = rule
            if rule.rate:
                self._add(FIRST, [(rule, None)])
                timed = {"ScheduleExpression": rule.rate}
                yield Timer.set(timed, self._clock.now(), fires=self._by_clock(rule))
        if any(FUNCTION in rule.kinds for rule in made):
            for item in functions_there(account, region, self._clock.now()):
                self._record(item, FIRST)
        if any(ROLE in rule.kinds for rule in made):
            for item in roles_there(account, self._clock.now()):
                self._roles[item.name] = item
                self._record(item, FIRST)

    def report(self, rule: str) -> dict[str, tuple[str, str]]:
        """By id: compliance and annotation of what a rule has found."""
        held = self._results[rule].items()
        return {id: (one.compliance, one.annotation) for (_, id), one in held}

    def violates(self, rule: str, key: Key) -> bool:
        """Whether a rule holds a resource as NON_COMPLIANT."""
        held = self._results[rule].get(key)
        return held is not None and held.compliance == "NON_COMPLIANT"

    def find(self, rule: str, key: Key, compliance: str, annotation: str = "") -> None:
        """A rule that is none of the stack's, such as one that AWS manages, has a result."""
        now = self._clock.now()
        self._keep(rule, key, Result(compliance, annotation, now, now, now))

    def event(self, rule: ConfigRule, item: Item | None = None) -> dict[str, Any]:
        """What a rule's function is invoked with, by an item or by the clock."""
        now, token = self._clock.now(), uuid.uuid4().hex
        self._tokens[token] = rule.name, now
        oversized = item is not None and self.is_oversized(item)
        return invocation(rule, token, now, self._place, item, oversized=oversized)

    def heard(self, event: Event) -> None:
        """CloudTrail tells of a call: the recorder looks at what it changed."""
        if event.get("detail-type") == "AWS API Call via CloudTrail":
            for item in items_of(event, self._clock.now()):
                self._record(item, RECORDING)
            if (role := role_of(event, self._roles, self._clock.now())) is not None:
                self._roles[role.name] = role
                self._record(role, RECORDING)

    def due(self) -> datetime | None:
        """See ``embedded.course.Mover``."""
        if self._events:
            return self._clock.now()
        return min((one.at for one in self._due), default=None)

    def poll(self) -> int:
        """See ``embedded.course.Mover``."""
        with self._lock:
            now = self._clock.now()
            ready = [one for one in self._due if one.at <= now]
            self._due = [one for one in self._due if one.at > now]
            told = [*self._events]
            self._events.clear()
        for event in told:
            self.tell(event)
        for one in ready:
            self._invoke(one.rule.function, self.event(one.rule, one.item))
        return len(ready) + len(told)

    def overlays(self) -> Mapping[tuple[str, str], Overlay]:
        """What answers in moto's place."""
        answers: Mapping[str, Overlay] = {
            "GetComplianceDetailsByConfigRule": self._details,
            "GetResourceConfigHistory": self._history,
            "PutEvaluations": self._put,
            "StartConfigRulesEvaluation": self._start,
        }
        return {("config", operation): answer for operation, answer in answers.items()}

    def _check(self, rule: ConfigRule) -> None:
        account, region = self._place
        if not rule.function:
            return
        found = lambda_backends[account][region].get_function(rule.function)
        told = [one for one in found.policy.statements if _lets(one, account)]
        if not told:
            raise LookupError(f"{rule.name}: Config may not invoke {rule.function}")

    def _by_clock(self, rule: ConfigRule) -> Callable[[], None]:
        return lambda: self._add(timedelta(), [(rule, None)])

    def _add(self, after: timedelta, wanted: Iterable[tuple[ConfigRule, Item | None]]) -> None:
        at = self._clock.now() + after
        with self._lock:
            self._due += [_Due(at, rule, item) for rule, item in wanted]

    def _record(self, item: Item, after: timedelta) -> None:
        self.items[item.kind, item.id].append(item)
        about = [(rule, item) for rule in self.rules.values() if rule.is_about(item)]
        self._add(after, about)

    def _keep(self, rule: str, key: Key, new: Result) -> None:
        """An older result than the one that is held loses; a change of state is told."""
        with self._lock:
            held = self._results[rule]
            old = held.get(key)
            if old is not None and new.ordering < old.ordering:
                return
            if new.compliance not in KEPT:
                held.pop(key, None)
                return
            held[key] = new
            if old is None or old.compliance != new.compliance:
                known = self.rules.get(rule)
                named = arn(known, *self._place) if known else ""
                told = compliance_change(rule, key, new, old, self._place, named)
                self._events.append({**told, "id": str(uuid.uuid4())})

    def _put(self, request: Request) -> Mapping[str, Any]:
        rows = request.params.get("Evaluations", [])
        token = request.params.get("ResultToken", "")
        if token not in self._tokens:
            raise Refusal("InvalidResultTokenException", "The specified ResultToken is invalid.")
        limits.check(rows)
        rule, invoked = self._tokens[token]
        failed = [row for row in rows if self.fails(row)]
        for row in rows:
            if row not in failed:
                self.sent.append(row)
                key = row["ComplianceResourceType"], row["ComplianceResourceId"]
                compliance, annotation = row["ComplianceType"], row.get("Annotation", "")
                ordering, now = utc(row["OrderingTimestamp"]), self._clock.now()
                self._keep(rule, key, Result(compliance, annotation, ordering, now, invoked))
        self.evaluated[rule] = self._clock.now()
        return {"FailedEvaluations": failed}

    def _details(self, request: Request) -> Mapping[str, Any]:
        asked = request.params
        rule = self._known(asked["ConfigRuleName"])
        size = asked.get("Limit") or 10
        if not 1 <= size <= limits.BATCH:
            raise Refusal("InvalidParameterValueException", f"limit: is {size}, allowed: 0 to 100")
        wanted = asked.get("ComplianceTypes") or KEPT
        with self._lock:
            held = sorted(self._results[rule.name].items())
        found = [(key, one) for key, one in held if one.compliance in wanted]
        query = {"rule": rule.name, "types": sorted(wanted)}
        try:
            some, token = page(found, _text, size, asked.get("NextToken"), query)
        except BadTokenError as error:
            raise Refusal("InvalidNextTokenException", "The NextToken is invalid.") from error
        told = [one.told(rule.name, key) for key, one in some]
        return {"EvaluationResults": told, **({"NextToken": token} if token else {})}

    def _start(self, request: Request) -> Mapping[str, Any]:
        names = request.params["ConfigRuleNames"]
        if not 1 <= len(names) <= 25:
            raise Refusal("InvalidParameterValueException", "configRuleNames: allowed: 1 to 25")
        rules, now = [self._known(name) for name in names], self._clock.now()
        if any(now < self._asked.get(rule.name, now - PAUSE) + PAUSE for rule in rules):
            raise Refusal("LimitExceededException", "An evaluation is already in progress.")
        for rule in rules:
            self._asked[rule.name] = now
            last = [some[-1] for some in self.items.values() if rule.is_about(some[-1])]
            self._add(timedelta(), [(rule, item) for item in last])
            if rule.rate:
                self._add(timedelta(), [(rule, None)])
        return {}

    def _history(self, request: Request) -> Mapping[str, Any]:
        """Newest first, of what was captured until ``laterTime``."""
        asked, (account, region) = request.params, self._place
        known = self.items.get((asked["resourceType"], asked["resourceId"]))
        if not known:
            raise Refusal("ResourceNotDiscoveredException", "The resource is not discovered.")
        until = utc(asked.get("laterTime") or self._clock.now())
        found = [
            one for one in reversed(known) if one.captured <= until + timedelta(milliseconds=1)
        ]
        told = [
            {
                "version": "1.3",
                "accountId": account,
                "awsRegion": region,
                "arn": one.arn,
                "resourceType": one.kind,
                "resourceId": one.id,
                "resourceName": one.name,
                "configurationItemStatus": one.status,
                "configurationItemCaptureTime": one.captured,
                "configuration": "{}",
            }
            for one in found[: asked.get("limit") or 10]
        ]
        return {"configurationItems": told}

    def _known(self, name: str) -> ConfigRule:
        if name not in self.rules:
            raise Refusal("NoSuchConfigRuleException", f"The ConfigRule '{name}' does not exist.")
        return self.rules[name]


def _lets(statement: Mapping[str, Any], account: str) -> bool:
    """Whether it lets Config invoke the function, for rules of this account alone."""
    only = {"StringEquals": {"AWS:SourceAccount": account}}
    principal = {"Service": "config.amazonaws.com"}
    told = statement["Effect"], statement["Principal"], statement.get("Condition")
    return bool(told == ("Allow", principal, only))


def _text(one: tuple[Key, Result]) -> str:
    (kind, id), _ = one
    return f"{kind} {id}"
