"""Made-up log lines in the formats that Lambda functions and AWS's own services write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

REGION = "us-east-1"
ACCOUNT = "111122223333"

Lines = Iterator[tuple[int, str]]
"""When each was written, in milliseconds, and what it says."""

_WORDS = (
    "ferry berth harbour voyage deck cabin fare seat ticket boarding manifest crew captain tide "
    "gangway cargo parcel customs voucher passenger booking refund payment timetable delay quay "
    "reserved cancelled released confirmed loaded skipped retried stored expired matched refused "
    "before after while without because again from into within"
)
_VOCABULARY = tuple(_WORDS.split())
_LEVELS = ("DEBUG",) * 3 + ("INFO",) * 14 + ("WARNING",) * 2 + ("ERROR",)
_FILES = ("fares", "berths", "manifest", "storage", "boarding", "handler")
_ROUTES = ("/voyages/{id}/fares", "/voyages", "/bookings/{id}", "/parcels/{id}/label")
_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "curl/8.14.1",
)


class Dice(Random):
    """Random pieces of log lines; the same seed throws the same."""

    def hexadecimal(self, digits: int) -> str:
        return f"{self.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        return "-".join(map(self.hexadecimal, (8, 4, 4, 4, 12)))

    def words(self, least: int, most: int) -> str:
        return " ".join(self.choices(_VOCABULARY, k=self.randint(least, most)))

    def ip(self) -> str:
        return ".".join(str(self.randint(1, 254)) for _ in range(4))

    def email(self) -> str:
        return f"{self.choice(_VOCABULARY)}.{self.randint(1, 99999)}@example.com"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What all lines of one invocation share."""

    function: str
    request: str
    correlation: str
    trace: str
    start: int  # milliseconds
    milliseconds: float
    memory: int  # MB
    used: int  # MB
    init: float
    """Milliseconds that the initialization took, 0 where the environment was warm."""

    @property
    def end(self) -> int:
        return self.start + int(self.milliseconds)


@dataclass(frozen=True, slots=True)
class Style:
    """How a function logs: the platform's first lines, its own ones, the platform's last ones."""

    opening: Callable[[Dice, Invocation], list[str]]
    line: Callable[[Dice, Invocation, int], str]
    closing: Callable[[Dice, Invocation], list[str]]

    def lines(self, dice: Dice, function: str, now: int) -> Lines:
        """One invocation after another, without end."""
        while True:
            here = _invocation(dice, function, now)
            yield from ((here.start, text) for text in self.opening(dice, here))
            for _ in range(dice.randint(2, 9)):
                now += dice.randint(0, 30)
                yield now, self.line(dice, here, now)
            yield from ((here.end, text) for text in self.closing(dice, here))
            now = max(now, here.end) + dice.randint(20, 3000)


def access_log(dice: Dice, now: int) -> Lines:
    """An API Gateway stage's access log, in JSON."""
    while True:
        now += dice.randint(0, 80)
        entry = {
            "requestId": dice.uuid(),
            "requestTimeEpoch": now,
            "requestTime": _instant(now).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "ip": dice.ip(),
            "httpMethod": dice.choice(("GET", "GET", "POST", "DELETE")),
            "resourcePath": dice.choice(_ROUTES),
            "path": f"/bookings/{dice.uuid()}",
            "status": dice.choice(("200",) * 12 + ("202", "404", "429", "502")),
            "responseLength": dice.randint(2, 20_000),
            "responseLatency": dice.randint(2, 1500),
            "protocol": "HTTP/2.0",
            "userAgent": dice.choice(_AGENTS),
        }
        yield now, json.dumps(entry)


def flow_log(dice: Dice, now: int) -> Lines:
    """A VPC's flow log in the default format, version 2."""
    interface = f"eni-{dice.hexadecimal(17)}"
    while True:
        now += dice.randint(0, 400)
        ends = f"{dice.ip()} {dice.ip()} {dice.randint(1024, 65535)} {dice.choice((22, 53, 443))}"
        size = f"{dice.randint(1, 60)} {dice.randint(52, 80_000)}"
        when = f"{now // 1000 - 60} {now // 1000}"
        action = dice.choice(("ACCEPT",) * 8 + ("REJECT",))
        yield now, f"2 {ACCOUNT} {interface} {ends} 6 {size} {when} {action} OK"


def _invocation(dice: Dice, function: str, now: int) -> Invocation:
    memory = dice.choice((128, 256, 512, 1769))
    return Invocation(
        function=function,
        request=dice.uuid(),
        correlation=dice.uuid(),
        trace=f"1-{dice.hexadecimal(8)}-{dice.hexadecimal(24)}",
        start=now,
        milliseconds=round(dice.lognormvariate(4.2, 1.0), 2),
        memory=memory,
        used=int(memory * dice.uniform(0.3, 0.98)),
        init=round(dice.uniform(120, 1400), 2) if dice.random() < 0.04 else 0,
    )


def _text_opening(dice: Dice, here: Invocation) -> list[str]:
    start = f"START RequestId: {here.request} Version: $LATEST\n"
    if not here.init:
        return [start]
    runtime = f"arn:aws:lambda:{REGION}::runtime:{dice.hexadecimal(64)}"
    version = "Runtime Version: python:3.14.v12"
    return [f"INIT_START {version}\tRuntime Version ARN: {runtime}\n", start]


def _text_closing(dice: Dice, here: Invocation) -> list[str]:
    facts = [
        f"REPORT RequestId: {here.request}",
        f"Duration: {here.milliseconds} ms",
        f"Billed Duration: {int(here.milliseconds + here.init) + 1} ms",
        f"Memory Size: {here.memory} MB",
        f"Max Memory Used: {here.used} MB",
        *([f"Init Duration: {here.init} ms"] if here.init else []),
    ]
    traced = f"XRAY TraceId: {here.trace}\tSegmentId: {dice.hexadecimal(16)}\tSampled: true\t\n"
    return [f"END RequestId: {here.request}\n", "\t".join(facts) + "\t\n" + traced]


def _json_opening(dice: Dice, here: Invocation) -> list[str]:
    start = {"requestId": here.request, "version": "$LATEST"}
    if not here.init:
        return [_platform("start", here.start, start)]
    began = {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": "python:3.14.v12",
        "runtimeVersionArn": f"arn:aws:lambda:{REGION}::runtime:{dice.hexadecimal(64)}",
    }
    return [_platform("initStart", here.start, began), _platform("start", here.start, start)]


def _json_closing(dice: Dice, here: Invocation) -> list[str]:
    metrics = {
        "durationMs": here.milliseconds,
        "billedDurationMs": int(here.milliseconds + here.init) + 1,
        "memorySizeMB": here.memory,
        "maxMemoryUsedMB": here.used,
        **({"initDurationMs": here.init} if here.init else {}),
    }
    header = f"Root={here.trace};Parent={dice.hexadecimal(16)};Sampled=1"
    tracing = {"spanId": dice.hexadecimal(16), "type": "X-Amzn-Trace-Id", "value": header}
    told = {"requestId": here.request, "metrics": metrics, "tracing": tracing, "status": "success"}
    return [_platform("report", here.end, told)]


def _platform(kind: str, now: int, record: object) -> str:
    return json.dumps({"time": _stamp(now), "type": f"platform.{kind}", "record": record})


def _python_line(dice: Dice, here: Invocation, now: int) -> str:
    level = dice.choice(_LEVELS)
    head = f"[{level}]\t{_stamp(now)}\t{here.request}\t{dice.words(4, 14)}"
    if level == "ERROR" and dice.random() < 0.5:
        return f"{head}\n{_traceback(dice)}\n"
    if dice.random() < 0.08:
        return _metric(dice, here, "Milliseconds", dice.randint(1, 50_000) / 10) + "\n"
    facts = f"voyage={dice.uuid()} passenger={dice.randint(10**6, 10**8)} from={dice.ip()}"
    return f"{head} {facts} after={dice.randint(1, 9999) / 10}ms\n"


def _node_line(dice: Dice, here: Invocation, now: int) -> str:
    head = f"{_stamp(now)}\t{here.request}"
    if dice.random() < 0.08:
        return f"{head}\tINFO\t{_metric(dice, here, 'Count', 1)}\n"
    level = dice.choice(_LEVELS).replace("WARNING", "WARN")
    seats = [
        {"deck": dice.hexadecimal(10), "row": dice.randint(1, 60), "fare": dice.randint(1, 99999)}
        for _ in range(dice.randint(0, 4))
    ]
    told = {
        "message": dice.words(4, 14),
        "functionName": here.function,
        "correlationId": dice.uuid(),
        "bookingId": dice.uuid(),
        "attempt": dice.randint(1, 5),
        "seats": seats,
    }
    return f"{head}\t{level}\t{json.dumps(told)}\n"


def _structured_line(dice: Dice, here: Invocation, now: int) -> str:
    """As Powertools' Logger writes it: what a call adds stands before the trace id."""
    level = dice.choice(_LEVELS)
    told = {
        "level": level,
        "location": f"{dice.choice(_FILES)}:{dice.randint(8, 300)}",
        "message": dice.words(4, 14),
        "timestamp": f"{_instant(now):%Y-%m-%d %H:%M:%S},{now % 1000:03}+0000",
        "service": here.function.partition("-")[0],
        "cold_start": bool(here.init),
        "function_name": here.function,
        "function_memory_size": here.memory,
        "function_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{here.function}",
        "function_request_id": here.request,
        "correlation_id": here.correlation,
        "passenger": {"id": dice.uuid(), "email": dice.email(), "ip": dice.ip()},
        **(_exception(dice) if level == "ERROR" else {}),
        "xray_trace_id": here.trace,
    }
    return json.dumps(told, separators=(",", ":"))


def _exception(dice: Dice) -> dict[str, object]:
    name = "ConditionalCheckFailedException"
    frames = [
        {"file": f"/var/task/ferries/{file}.py", "line": dice.randint(8, 300), "function": "save"}
        for file in _FILES[:2]
    ]
    stack = {"type": name, "module": "botocore.errorfactory", "frames": frames}
    return {"exception": _traceback(dice), "exception_name": name, "stack_trace": stack}


def _metric(dice: Dice, here: Invocation, unit: str, value: float) -> str:
    name = f"{dice.choice(_VOCABULARY)}_{unit.lower()}"
    return f"MONITORING|{value}|{unit}|{name}|Ferries|function={here.function},region={REGION}"


def _traceback(dice: Dice) -> str:
    calls = [
        f'  File "/var/task/ferries/{file}.py", line {dice.randint(8, 300)}, in {verb}\n'
        f"    return self.{dice.choice(_VOCABULARY)}.{verb}({dice.choice(_VOCABULARY)})"
        for file, verb in zip(dice.sample(_FILES, 3), ("accept", "check", "save"), strict=True)
    ]
    error = (
        "botocore.errorfactory.ConditionalCheckFailedException: An error occurred "
        "(ConditionalCheckFailedException) when calling the PutItem operation: "
        f"The conditional request failed, {dice.words(4, 14)}"
    )
    return "\n".join(["Traceback (most recent call last):", *calls, error])


def _instant(now: int) -> datetime:
    return datetime.fromtimestamp(now // 1000, UTC)


def _stamp(now: int) -> str:
    return f"{_instant(now):%Y-%m-%dT%H:%M:%S}.{now % 1000:03}Z"


PYTHON = Style(_text_opening, _python_line, _text_closing)
NODE = Style(_text_opening, _node_line, _text_closing)
STRUCTURED = Style(_text_opening, _structured_line, _text_closing)
JSON_PLATFORM = Style(_json_opening, _structured_line, _json_closing)
