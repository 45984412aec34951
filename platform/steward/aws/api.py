"""The only way to AWS: paced, counted, repeated while it is worth it, and of one language."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, InvalidRegionError
from botocore.paginate import PaginatorModel
from botocore.parsers import ResponseParserError

from steward.aws.pacing import Pacer
from steward.aws.parts import completed
from steward.aws.quotas import group_of
from steward.aws.translate import READS, translated
from steward.errors import BadRegion, NotConnected, OutOfTime, Refused, Throttled, TryAgain
from steward.model import Clock, Deadline

Session: TypeAlias = botocore.session.Session
"""Holds credentials, and knows the services."""

T = TypeVar("T")
R = TypeVar("R")

WHOLE = {"apigateway.GetExport": "body"}
"""Answers that come as a stream, with the member that is read whole at once."""

IN_FLIGHT = 8
ATTEMPTS = 10
FIRST_ANSWER = 15.0  # seconds that STS may take to say who we are, repetitions included
FIRST_BACKOFF = 0.2  # seconds; doubles with each attempt, of which a quarter to all is waited
LONGEST_BACKOFF = 20.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Where we are: the caller's account, Region and partition, and who the caller is."""

    account: str
    region: str
    partition: str
    arn: str = ""


class Api:
    """Sends requests through boto3 clients and raises nothing but StewardError.

    ``read_only`` refuses every operation that is not a read, whoever asks for it. Credentials are
    those of ``session``; without one botocore looks for them in its usual places.
    """

    def __init__(  # noqa: PLR0913  # each is one setting of the connection, given by name
        self,
        *,
        clock: Clock,
        pacer: Pacer,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        read_only: bool = False,
        identity: Identity | None = None,
        session: Session | None = None,
    ) -> None:
        self.deadline = Deadline(clock)
        """By when the present run must be over; set anew for each invocation."""
        self.calls: Counter[str] = Counter()
        """Requests sent, by ``service.Operation``; each attempt counts."""
        self.throttled: Counter[str] = Counter()
        self._clock = clock
        self._pacer = pacer
        self._read_only = read_only
        self._endpoint_url = endpoint_url
        self._region = region
        self._profile = profile
        self._identity = identity
        self._models = session or Session()
        self._session: Any = None
        self._tokens: dict[tuple[str, str], tuple[str, str]] = {}
        self._clients: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def identity(self) -> Identity:
        """Who and where we are, from STS where nobody said so. Raises NotConnected."""
        if self._identity is None:
            answer = self._who()
            arn = str(answer["Arn"])
            region = self._client("sts").meta.region_name
            self._identity = Identity(str(answer["Account"]), region, arn.split(":")[1], arn)
        return self._identity

    def _who(self) -> Mapping[str, Any]:
        """Ask STS, but not for long: where nobody answers this, nobody answers anything."""
        before, self.deadline = self.deadline, Deadline(self._clock, FIRST_ANSWER)
        try:
            return self.ask("sts", "GetCallerIdentity")
        except TryAgain as error:
            raise NotConnected(str(error)) from error
        finally:
            self.deadline = before

    @property
    def account(self) -> str:
        return self.identity.account

    @property
    def region(self) -> str:
        return self.identity.region

    @property
    def partition(self) -> str:
        return self.identity.partition

    def ask(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        """Send one request; while AWS is busy, repeat it until attempts or time run out.

        Raises Partly where AWS did it for some of the resources that it names.
        """
        name, ask = f"{service}.{operation}", partial(self._repeated, service, operation)
        return completed(ask, name, params, partial(self._rested, group_of(service, operation)))

    def _repeated(self, service: str, operation: str, /, **params: Any) -> Mapping[str, Any]:
        self._check(service, operation, params)
        group = group_of(service, operation)
        self._pacer.wait(group, self.deadline)
        for attempt in range(ATTEMPTS):
            try:
                answer = self._send(service, operation, params)
            except TryAgain as error:
                if isinstance(error, Throttled):
                    self._count(self.throttled, service, operation)
                    self._pacer.throttled(group)
                if attempt + 1 == ATTEMPTS or not self._rested(group, attempt):
                    raise
            else:
                self._pacer.passed(group)
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")

    def pages(
        self, service: str, operation: str, start: str | None = None, /, **params: Any
    ) -> Iterator[tuple[Mapping[str, Any], str | None]]:
        """Yield each answer with the token of the next one, from the token ``start``."""
        key = service, operation
        if key not in self._tokens:
            self._tokens[key] = _paging(self._models, *key)
        asks, tells = self._tokens[key]
        token = start
        while True:
            extra = {asks: token} if token else {}
            answer = self.ask(service, operation, **params, **extra)
            token = answer.get(tells) or None
            yield answer, token
            if token is None:
                return

    def together(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Apply ``act`` to all items, up to eight at once; results in the order of items."""
        if len(items) == 1:
            return [act(items[0])]
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="aws")
        return list(self._pool.map(act, items))

    def close(self) -> None:
        """End the threads; the next requests in flight together start new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _rested(self, group: str, attempt: int) -> bool:
        """Wait until the request may be repeated; False where the deadline would come first."""
        pause = _backoff(attempt)
        if pause >= self.deadline.left():
            return False
        self._clock.sleep(pause)
        try:
            self._pacer.wait(group, self.deadline)
        except OutOfTime:  # of a request that was sent once, this would not be the truth
            return False
        return True

    def _check(self, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Refuse what must never be sent, before anything is counted."""
        if self._read_only and not operation.startswith(READS):
            raise Refused(f"{operation}: this run may only read")
        if service == "lambda" and xform_name(operation) == "delete_function":
            version = params.get("Qualifier")
            if not (isinstance(version, str) and version.isascii() and version.isdecimal()):
                raise Refused(f"{operation}: without a numeric Qualifier it deletes the function")

    def _send(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            client = self._client(service)
            self._count(self.calls, service, operation)
            answer: Mapping[str, Any] = getattr(client, xform_name(operation))(**params)
            if member := WHOLE.get(f"{service}.{operation}"):
                answer = {**answer, member: answer[member].read()}
        except (ClientError, BotoCoreError) as error:
            raise translated(error, operation) from error
        except (ResponseParserError, KeyError) as error:  # KeyError: a page where XML should be
            raise NotConnected(f"{operation}: what answers there is not AWS") from error
        return answer

    def _count(self, counter: Counter[str], service: str, operation: str) -> None:
        with self._lock:
            counter[f"{service}.{operation}"] += 1

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        """A client that leaves repeating to us, so that every attempt is paced and counted."""
        if self._session is None:
            self._session = boto3.Session(
                profile_name=self._profile,
                region_name=self._region,
                botocore_session=self._models,
            )
        config = Config(
            max_pool_connections=IN_FLIGHT,
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=10 if service == "sts" else 30,
        )
        try:
            return self._session.client(service, endpoint_url=self._endpoint_url, config=config)
        except InvalidRegionError as error:  # a ValueError, too
            region = self._session.region_name
            raise BadRegion(f"region: is {region!r}, allowed: a Region's, as eu-west-1") from error
        except ValueError as error:  # botocore's only word on a malformed endpoint
            raise NotConnected(f"endpoint {self._endpoint_url!r}: {error}") from error


def _backoff(attempt: int) -> float:
    longest = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**attempt)
    return random.uniform(longest / 4, longest)  # noqa: S311  # spreads load, guards nothing


def _paging(models: Any, service: str, operation: str) -> tuple[str, str]:
    """The names of an operation's token, asked and told, from botocore's own paginators."""
    try:
        model: PaginatorModel = models.get_paginator_model(service)
        config = model.get_paginator(operation)
    except (ValueError, BotoCoreError) as error:
        raise Refused(f"{operation}: botocore knows no pages of it") from error
    asks, tells = config["input_token"], config["output_token"]
    names = [name for name in (asks, tells) if isinstance(name, str) and name.isidentifier()]
    if len(names) != 2:
        raise Refused(f"{operation}: pages in a way that is not supported, by {asks!r}")
    return asks, tells
