"""The shipper's benchmark ships real log events, checks what arrives, and compares rightly."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import urllib3
from rich.console import Console

from benchmark.log_events import RECORDS, Workload, event_id, workload
from benchmark.shipping_checking import arrived, problem
from benchmark.shipping_least import Point, written
from benchmark.shipping_ours import FULL, shipper
from benchmark.shipping_racing import ENCODERS, Contender, Result, Way, contenders, race
from benchmark.shipping_report import shipper_document, shipper_tables
from benchmark.shipping_scoring import GOALS, Goals, Score, score
from benchmark.shipping_talking import Talking
from steward.shipping import accel
from steward.shipping.accel import Codec
from steward.shipping.decode import Events, records
from steward.shipping.encoders.ndjson import Ndjson

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "scripts")])
ENVIRONMENT = {**os.environ, "PYTHONPATH": PATH}

CREATED = [{"create": {"status": 201}}] * 2
WANTED = {"1": "one\n", "2": "two of ann@example.com", "3": "three"}
BODIES: Mapping[str, str] = {
    "plain": '{"id":"1","message":"a\\nb"}\n{"id":"2","message":"c"}\n',
    "ndjson": '{"id":"1","message":"a\\nb"}\n{"id":"2","message":"c"}\n',
    "es_bulk": '{"create":{"_id":"1"}}\n{"message":"a\\nb"}\n'
    '{"create":{"_id":"2"}}\n{"message":"c"}\n',
    "otlp": json.dumps(
        {
            "resourceLogs": [
                {
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {
                                    "body": {"stringValue": text},
                                    "attributes": [
                                        {"key": "log.record.uid", "value": {"stringValue": id}}
                                    ],
                                }
                            ]
                        }
                    ]
                }
                for id, text in (("1", "a\nb"), ("2", "c"))
            ]
        }
    ),
    "splunk_hec": '{"event":"a\\nb","fields":{"id":"1"}}\n{"event":"c","fields":{"id":"2"}}',
    "datadog": '[{"id":"1","message":"a\\nb"},{"id":"2","message":"c"}]',
    "loki": '{"streams":[{"values":[["0","a\\nb",{"id":"1"}],["0","c",{"id":"2"}]]}]}',
}


def documents(load: Workload) -> list[Any]:
    """The records' JSON values."""
    data = [b64decode(record["kinesis"]["data"]) for record in load.event["Records"]]
    return [json.loads(zlib.decompress(each, 31)) for each in data]


def gzipped(text: str) -> bytes:
    deflater = zlib.compressobj(wbits=31)
    return deflater.compress(text.encode()) + deflater.flush()


def shipped(load: Workload, codec: Codec) -> Iterator[tuple[list[str], list[float]]]:
    """Of each record, the lines that Steward ships as ndjson, and the values of its metrics."""
    steward = shipper("ndjson", "http://127.0.0.1", codec, FULL)
    for record in records(load.event):
        events = steward.reader.read(record)
        assert isinstance(events, Events)
        prepared = steward.prepare(events)
        assert prepared.block
        values = sorted(value for points in prepared.points for value in points.values)
        yield Ndjson(codec).encode(prepared.block).decode().split("\n"), values


def result(way: Way, cpu: Sequence[float], **more: Any) -> Result:
    told: dict[str, Any] = {"wall": [0.9, 0.3], "requests": 6, "growth": 7.0, **more}
    return Result(Contender(way, "ndjson", accelerated=True), list(cpu), **told)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed gives others."""
    first, again, other = (json.dumps(workload(seed, 20).event) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_an_invocation_is_as_large_as_lambda_allows() -> None:
    """6 MB, which are 6,291,456 bytes, of which base64 takes at most 6,000,000."""
    load = workload(7)
    assert len(load.event["Records"]) == RECORDS
    assert 37_000 < len(load.messages) < 39_000
    assert 19e6 < load.raw < 20e6
    assert 5.7e6 < load.base64 <= 6e6
    assert len(json.dumps(load.event)) <= 6 * 1024 * 1024


def test_records_are_what_cloudwatch_logs_sends() -> None:
    """Gzip members of DATA_MESSAGEs, whose sequence numbers rise."""
    load = workload(5, 30)
    events = [event for document in documents(load) for event in document["logEvents"]]
    assert {event["id"]: event["message"] for event in events} == load.messages
    assert {document["messageType"] for document in documents(load)} == {"DATA_MESSAGE"}
    positions = [int(record["kinesis"]["sequenceNumber"]) for record in load.event["Records"]]
    assert positions == sorted(set(positions))


@pytest.mark.parametrize(
    "piece",
    [
        "START RequestId: ",
        "REPORT RequestId: ",
        "INIT_START ",
        "MONITORING|",
        "Traceback (most recent call last):\n",
        '"type": "platform.report"',
        '},"xray_trace_id":"1-',
        "@example.com",
        '"requestTimeEpoch"',
        " ACCEPT OK",
        "\tINFO\t{",
        "[ERROR]\t",
    ],
)
def test_all_kinds_of_lines_are_in_the_mix(piece: str) -> None:
    """So that no feature of the shipper is idle."""
    assert any(piece in message for message in workload(1, 100).messages.values())


def test_an_events_id_tells_when_it_was_written_and_taken_in() -> None:
    """This id, and this time of its event, are in the documentation of CloudWatch Logs."""
    found = event_id(1432826855000, 1432827365364, 7375665077704597889, 0)
    assert found == "31953106606966983378809025079804211143289615424298221568"
    for document in documents(workload(2, 10)):
        for event in document["logEvents"]:
            taken = int(event["id"]) >> 80 & 0xFFFFFFFFFFFFFFFF
            assert int(event["id"]) >> 144 == event["timestamp"]
            assert 0 < taken - event["timestamp"] < 3_600_000


@pytest.mark.parametrize(
    ("found", "redacted", "expected"),
    [
        (WANTED, False, ""),
        ({**WANTED, "2": "two of ***"}, True, ""),
        ({"1": "one\n", "2": WANTED["2"]}, False, "1 events did not arrive"),
        ({}, False, "3 events did not arrive"),
        ({**WANTED, "4": "four"}, False, "1 events were never sent"),
        ({**WANTED, "1": "one"}, False, "1 events are not as they were"),
        (WANTED, True, "1 events tell an e-mail address"),
    ],
    ids=["right", "redacted", "lost", "all lost", "strange", "altered", "told"],
)
def test_what_arrives_is_checked(
    found: Mapping[str, str],
    redacted: bool,  # noqa: FBT001  # a case's column
    expected: str,
) -> None:
    """Each event once, and its message whole, or without addresses."""
    assert problem(iter(found.items()), WANTED, redacted=redacted) == expected


def test_an_event_that_arrives_twice_is_found() -> None:
    """Although nothing is missing."""
    twice = [*WANTED.items(), ("3", "three")]
    assert problem(iter(twice), WANTED, redacted=False) == "1 events arrived more than once"


@pytest.mark.parametrize("encoder", list(BODIES))
def test_each_format_is_read(encoder: str, tmp_path: Path) -> None:
    """As its service reads it, from all bodies that were kept."""
    (tmp_path / "1").write_bytes(gzipped(BODIES[encoder]))
    (tmp_path / "2").write_bytes(gzipped(BODIES[encoder]))
    assert list(arrived(tmp_path, encoder)) == [("1", "a\nb"), ("2", "c")] * 2


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("/logs/_bulk?filter_path=errors", 200, {"errors": False, "items": CREATED}),
        ("/v1/logs", 200, {}),
        ("/services/collector/event", 200, {"text": "Success", "code": 0}),
        ("/api/v2/logs", 202, {}),
        ("/loki/api/v1/push", 204, None),
        ("/", 200, {}),
    ],
)
def test_the_sink_answers_as_each_service_does(path: str, status: int, answer: Any) -> None:
    """When it took everything."""
    with Talking("benchmark.shipping_sink", [], ENVIRONMENT) as sink, urllib3.PoolManager() as pool:
        found = pool.request("POST", sink.greeting["url"] + path, body=gzipped(BODIES["es_bulk"]))
        assert found.status == status
        assert (found.json() if found.data else None) == answer


def test_the_sink_counts_and_keeps_what_it_is_sent(tmp_path: Path) -> None:
    """Bodies only while it is asked to keep them."""
    with Talking("benchmark.shipping_sink", [], ENVIRONMENT) as sink, urllib3.PoolManager() as pool:
        url = sink.greeting["url"]
        sink.ask(delay=0, folder=str(tmp_path))
        pool.request("POST", url, body=b"one")
        pool.request("POST", url, body=b"three")
        assert sink.ask(delay=0, folder="") == {"requests": 2, "bytes": 8}
        pool.request("POST", url, body=b"nobody")
        assert sink.ask(delay=0, folder="") == {"requests": 1, "bytes": 6}
    assert sorted(kept.read_bytes() for kept in tmp_path.iterdir()) == [b"one", b"three"]


def test_ratios_are_of_the_best_rounds() -> None:
    """30 MB in 0.2 s of CPU time are 150 MB/s, four times plain Python's, half the floor's, four
    fifths of the least's."""
    plain, floor = result(Way.PLAIN, [0.9, 0.8]), result(Way.FLOOR, [0.1, 0.2])
    least, ours = result(Way.LEAST, [0.16, 0.3]), result(Way.FULL, [0.25, 0.2, 0.3])
    found = score(ours, [plain, floor, least, ours], raw=30_000_000)
    shown = [found.speed, found.plain, found.floor, found.least, found.requests]
    assert [*shown, found.wall, found.wall_to_cpu] == pytest.approx([150, 4, 0.5, 0.8, 6, 0.3, 1.5])
    assert score(floor, [plain, floor], raw=30_000_000).requests is None


@pytest.mark.parametrize("codec", [accel.best({}), accel.standard()], ids=["best", "standard"])
def test_the_least_writes_what_steward_writes(codec: Codec) -> None:
    """Each line of each record in every byte, and the values of the same metric lines: so it
    leaves out no feature."""
    load = workload(1, 40)  # some of each kind of line
    for record, (lines, values) in zip(load.event["Records"], shipped(load, codec), strict=True):
        points: list[Point] = []
        assert written(record, codec, points).removesuffix("\n").split("\n") == lines
        assert sorted(value for value, _, _ in points) == values


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        "Authorization: Bearer zu",
        "AUTHORIZATION: Basic ZH",
        "eyJhbGciOiJIUzI1NiJ9",
        "ASIAIOSFODNN7EXAMPLE",
    ],
)
def test_the_least_looks_for_credentials(text: str) -> None:
    """It finds none in the workload, and would not know how to redact one."""
    document = {"logEvents": [{"id": "1", "timestamp": 1, "message": text}]}
    data = b64encode(gzipped(json.dumps(document))).decode()
    with pytest.raises(ValueError, match="a credential"):
        written({"kinesis": {"data": data}}, accel.standard(), [])


def test_nothing_is_compared_with_a_wrong_result() -> None:
    """Nor does it reach a goal then."""
    ours, plain = result(Way.FULL, [0.2]), result(Way.PLAIN, [0.8], problem="lost events")
    found = score(ours, [plain, ours], raw=20_000_000)
    assert (found.plain, found.floor) == (None, None)
    assert not found.met(GOALS[True], 20_000_000)["plain"]


@pytest.mark.parametrize(
    ("changed", "raw", "missed"),
    [
        ({}, 20_000_000, set()),
        ({"plain": 3.4}, 20_000_000, {"plain"}),
        ({"floor": 0.34}, 20_000_000, {"floor"}),
        ({"growth": 16.5}, 20_000_000, {"growth"}),
        ({"requests": 9}, 20_000_000, {"requests"}),
        ({"requests": 9}, 22_500_000, set()),
        ({"requests": 39, "encoder": "datadog"}, 20_000_000, set()),
        ({"wall_to_cpu": 2.1}, 20_000_000, {"wall_to_cpu"}),
    ],
    ids=[
        "all met",
        "slow",
        "far from the floor",
        "large",
        "chatty",
        "more to send",
        "limited by the service",
        "waiting",
    ],
)
def test_goals_are_reached_at_their_bounds(
    changed: Mapping[str, Any], raw: int, missed: set[str]
) -> None:
    """Speed at least, everything else at most; requests by what there is to send, and never more
    than the service takes at once."""
    bounds: dict[str, Any] = {
        "plain": 3.5,
        "floor": 0.35,
        "least": 0.7,
        "growth": 16.0,
        "requests": 8,
    }
    found = Score(
        **{
            "encoder": "ndjson",
            "speed": 100.0,
            "wall": 0.4,
            "wall_to_cpu": 2.0,
            **bounds,
            **changed,
        }
    )
    met = found.met(Goals(plain=3.5, floor=0.35), raw)
    assert {name for name, reached in met.items() if not reached} == missed


def test_a_contender_that_fails_gets_no_number() -> None:
    """Neither in the table nor in the JSON; the others are measured."""
    plain = Contender(Way.PLAIN, "plain", accelerated=False)
    broken = Contender(Way.FULL, "nonsense", accelerated=False)
    load = workload(1, 2)
    results = race([plain, broken], load, 1, lambda: None)
    assert (results[0].problem, results[0].requests) == ("", 1)
    assert re.match("exit code 1: .*nonsense", results[1].problem)
    entries = json.loads(shipper_document(results, load, seed=1, judged=True))["results"]
    assert [entry.get("problem") for entry in entries] == [None, results[1].problem]
    assert "mb_per_cpu_second" not in entries[1]
    console = Console(width=120, record=True, file=StringIO())
    console.print(shipper_tables(results, load, judged=True))
    [row] = [line for line in console.export_text().splitlines() if "nonsense" in line]
    assert row.split() == ["Steward,", "nonsense", "wrong"]


def test_the_shipper_is_measured_end_to_end() -> None:
    """Every contender ships each event once, in every format, with accelerators and without."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmark", "shipper", "--quick", "--json"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr.count("bench:")) == (0, 0), ran.stderr
    results = json.loads(ran.stdout)["results"]
    fast = [entry for entry in results if entry["accelerated"]]
    own = [entry["encoder"] for entry in fast if entry["way"] == "full"]
    assert own == list(ENCODERS)
    assert len({(entry["contender"], entry["accelerated"]) for entry in results}) == len(
        contenders(accelerated=True)
    )
    for entry in results:
        assert entry["mb_per_cpu_second"] > 0
        assert entry["growth_mib"] >= 0
