"""The least that the shipper's features cost in Python: a loop for this workload alone.

It writes what Steward writes of these log events as ndjson, in each byte: the same fields, levels,
request and trace ids, e-mail addresses redacted, credentials looked for, metric lines read. It is
right for no other: it knows where the lines of log_lines.py have what it takes, that none of them
holds a credential or a DELETE, and that an id or a name needs no escaping. It proves and counts
nothing, packs no call of CloudWatch's, remembers nothing and has no answer to any fault. Whoever
checks as well takes longer.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_letters, digits
from typing import Any, TypeAlias

from benchmark.log_lines import REGION
from benchmark.shipping_plain import LARGEST, Ship, posting
from steward.shipping.accel import Codec
from steward.shipping.texts import DELETE, Texts

Point: TypeAlias = tuple[float, str, int]
"""A metric line's value, what follows it, and its milliseconds."""

_KEY = re.compile("A[KS]IA")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_LOCAL = ascii_letters + digits + "._%+-"
_LONGEST = 32  # characters of an address before its @
_MARK = "MONITORING|"
_METRIC = re.compile(r"MONITORING\|([^|\r\n]*)\|?([^\r\n\x7f]*)")

_INFO = ',"level":"INFO"'
_LEVELS = {"D": ',"level":"DEBUG"', "I": _INFO, "W": ',"level":"WARN"', "E": ',"level":"ERROR"'}
"""By a level's first letter."""

_FUNCTION_REQUEST = '"function_request_id":"'
_TRACE_END = -len(',"xray_trace_id":"1-01234567-0123456789abcdef01234567"}')
_PLATFORM_REQUEST = '"requestId": "'
_ROOT = "Root="
_XRAY = "XRAY TraceId: "


def least(codec: Codec, url: str) -> Ship:
    """Bodies as large as Steward's, one request after another."""
    post = posting(url)

    def ship(event: Mapping[str, Any]) -> None:
        points: list[Point] = []
        for body in _bodies(event, codec, points):
            post(body)

    return ship


def _bodies(event: Mapping[str, Any], codec: Codec, points: list[Point]) -> Iterator[bytes]:
    deflater, pieces, size = codec.deflater(), list[bytes](), 0
    for record in event["Records"]:
        text = written(record, codec, points).encode()
        size += len(text)
        if size > LARGEST:
            yield b"".join([*pieces, deflater.flush()])
            deflater, pieces, size = codec.deflater(), [], len(text)
        pieces.append(deflater.compress(text))
    yield b"".join([*pieces, deflater.flush()])


def written(record: Mapping[str, Any], codec: Codec, points: list[Point]) -> str:
    """A record's lines, each with its line feed; the points of its metric lines are added."""
    packed = a2b_base64(record["kinesis"]["data"])
    document = codec.loads_as_is(codec.inflater().decompress(packed))
    uids, times, messages = _columns(document)
    whole = DELETE.join(messages)
    if _credentials(whole):
        raise ValueError("a credential, of which the workload has none")
    if "@" in whole:
        whole = _without_addresses(whole)
        messages = whole.split(DELETE)
    points += _points(whole, times)
    ids, levels = _told(messages)
    origin = _origin(document, codec)
    texts = codec.strings(Texts(messages, whole))
    return "".join(
        [
            f'{{"timestamp":{time},"message":"{text}","id":"{uid}"{id}{level}{origin}'
            for time, text, uid, id, level in zip(times, texts, uids, ids, levels, strict=True)
        ]
    )


def _columns(document: Mapping[str, Any]) -> tuple[list[str], list[int], list[str]]:
    """Ids, milliseconds and messages, read in one go while an event is in the processor's cache."""
    uids, times, messages = list[str](), list[int](), list[str]()
    for event in document["logEvents"]:
        uids.append(event["id"])
        times.append(event["timestamp"])
        messages.append(event["message"])
    return uids, times, messages


def _credentials(whole: str) -> bool:
    """Whether there may be any: one rare character is found faster than a literal."""
    return (
        ("K" in whole and "PRIVATE KEY" in whole)
        or ("z" in whole and "uthorization" in whole)
        or ("Z" in whole and "H" in whole and "UTHORIZATION" in whole)
        or ("J" in whole and "eyJ" in whole)
        or _KEY.search(whole) is not None
    )


def _without_addresses(whole: str) -> str:
    pieces, done = [], 0
    at = whole.find("@")
    while at >= 0:
        if domain := _DOMAIN.match(whole, at + 1):
            start = at - _LONGEST if at - _LONGEST > done else done  # max() takes twice as long
            pieces.append(whole[done : start + len(whole[start:at].rstrip(_LOCAL))])
            done = domain.end()
        at = whole.find("@", at + 1)
    return "[REDACTED:email]".join([*pieces, whole[done:]])


def _points(whole: str, times: Sequence[int]) -> Iterator[Point]:
    at, before, place = whole.find(_MARK), 0, 0
    while at >= 0:
        place += whole.count(DELETE, before, at)
        if found := _METRIC.match(whole, at):
            yield float(found[1]), found[2], times[place]
        before, at = at, whole.find(_MARK, at + len(_MARK))


def _origin(document: Mapping[str, Any], codec: Codec) -> str:
    """How each of a record's lines ends."""
    group, stream = document["logGroup"], document["logStream"]
    told = {
        "account": document["owner"],
        "region": REGION,
        "log_group": group,
        "log_stream": stream,
    }
    if group.startswith("/aws/lambda/"):
        told |= {"function": group[len("/aws/lambda/") :], "function_version": "$LATEST"}
    return f",{codec.dumps(told).decode()[1:]}\n"


def _told(messages: Sequence[str]) -> tuple[list[str], list[str]]:  # noqa: C901  # a call for each line takes longer
    """Each line's members with ids, and that with its level, by the kind of line."""
    ids, levels = list[str](), list[str]()
    end, same = DELETE, ""  # of one invocation's JSON lines: how they end, and their ids
    for text in messages:
        first, id, level = text[0], "", _INFO
        if first == "{":
            kind = text[2]
            if kind == "l":  # of a function
                if not text.endswith(end):
                    end, same = text[_TRACE_END:], _function_ids(text)
                id, level = same, _LEVELS[text[10]]
            elif kind == "t":
                id = _platform_ids(text)
            else:  # of an API
                id, level = f',"request_id":"{text[15:51]}"', ""
        elif first == "[":  # of Python
            at = text.find("\t", 11) + 1
            id, level = f',"request_id":"{text[at : at + 36]}"', _LEVELS[text[1]]
        elif first == "2" and text[23] == "Z":  # of Node
            id, level = f',"request_id":"{text[25:61]}"', _LEVELS[text[62]]
        elif first == "S":  # START
            id = f',"request_id":"{text[17:53]}"'
        elif first == "E":  # END
            id = f',"request_id":"{text[15:51]}"'
        elif first == "R":  # REPORT
            id = f',"request_id":"{text[18:54]}"{_trace(text, text.find(_XRAY, 60) + len(_XRAY))}'
        elif first != "I":  # of a network, or a metric; not INIT_START
            level = ""
        ids.append(id)
        levels.append(level)
    return ids, levels


def _function_ids(text: str) -> str:
    at = text.find(_FUNCTION_REQUEST, 200) + len(_FUNCTION_REQUEST)
    return f',"request_id":"{text[at : at + 36]}"{_trace(text, len(text) - 37)}'


def _platform_ids(text: str) -> str:
    at, root = text.find(_PLATFORM_REQUEST, 40), text.find(_ROOT, 200)
    if at < 0:  # an environment's start
        return ""
    at += len(_PLATFORM_REQUEST)
    trace = _trace(text, root + len(_ROOT)) if root > 0 else ""
    return f',"request_id":"{text[at : at + 36]}"{trace}'


def _trace(text: str, at: int) -> str:
    """The member with the trace id that is there as X-Ray writes it."""
    return f',"trace_id":"{text[at + 2 : at + 10]}{text[at + 11 : at + 35]}"'
