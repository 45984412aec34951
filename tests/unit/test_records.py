"""What replay gets is read however it was kept, and what is no event is told with its place."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.records import NotAnEvent, envelope, read
from steward.errors import Invalid

RECORD: dict[str, Any] = {
    "eventVersion": "1.11",
    "userIdentity": {"type": "IAMUser", "accountId": "123456789012"},
    "eventTime": "2026-11-20T10:00:00Z",
    "eventSource": "logs.amazonaws.com",
    "eventName": "CreateLogGroup",
    "awsRegion": "eu-west-1",
    "eventID": "5b6a",
    "eventType": "AwsApiCall",
    "recipientAccountId": "111122223333",
    "requestParameters": {"logGroupName": "/a/é"},
}
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "5b6a",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.logs",
    "account": "111122223333",
    "time": "2026-11-20T10:00:00Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": RECORD,
}
SCHEDULED = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
CONFIG_RULE = {"invokingEvent": "{}", "resultToken": "x", "version": "1.0"}
DIGEST = {"awsAccountId": "111122223333", "digestS3Object": "AWSLogs/x", "logFiles": []}
INSIGHT = {"eventVersion": "1.07", "eventType": "AwsCloudTrailInsight", "insightDetails": {}}
S3_NOTE = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
SCALAR = "is a number"
NEITHER = "is neither a CloudTrail record"
CUT = "ends in the middle of a value"


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def numbered(count: int) -> list[dict[str, Any]]:
    return [{**RECORD, "eventID": str(number)} for number in range(count)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def told(file: Path) -> list[str | tuple[str, str]]:
    """The ids of the events, and of what is none the place in the file and the reason."""
    return [
        (found.source.removeprefix(str(file)), found.reason)
        if isinstance(found, NotAnEvent)
        else found["id"]
        for found in read(file)
    ]


def agree(
    found: Sequence[str | tuple[str, str]], expected: Sequence[str | tuple[str, str]]
) -> bool:
    """Whether these were found; of a text, and of a reason, the beginning counts."""
    return len(found) == len(expected) and all(
        one[:-1] == other[:-1] and one[-1].startswith(other[-1])
        for one, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(RECORD), [EVENT]),
        (json.dumps(EVENT), [EVENT]),
        (json.dumps(SCHEDULED), [SCHEDULED]),
        (json.dumps({"Records": [RECORD, RECORD]}), [EVENT, EVENT]),
        (json.dumps({"Records": [RECORD], "more": 1}), [EVENT]),
        (json.dumps({"Records": []}), []),
        (json.dumps({"_provenance": {"kind": "doc"}, "event": RECORD}), [EVENT]),
        (json.dumps({"event": {"event": [EVENT, {"Records": [RECORD]}]}}), [EVENT, EVENT]),
        (json.dumps([RECORD, {"event": EVENT}, [SCHEDULED]]), [EVENT, EVENT, SCHEDULED]),
        (json.dumps([RECORD, EVENT], indent=1, ensure_ascii=False), [EVENT, EVENT]),
        ("[]", []),
        (lines(RECORD, EVENT, {"event": RECORD}, [SCHEDULED]), [EVENT, EVENT, EVENT, SCHEDULED]),
        (lines(RECORD, SCHEDULED).replace("\n", "\r\n\r\n"), [EVENT, SCHEDULED]),
        (json.dumps(RECORD, indent=2) + json.dumps(SCHEDULED, indent=2), [EVENT, SCHEDULED]),
        ("\ufeff" + lines(RECORD) + "\ufeff" + lines(SCHEDULED), [EVENT, SCHEDULED]),
        ("\n \n" + lines(RECORD), [EVENT]),
    ],
    ids=[
        "a record",
        "an event",
        "an event of another kind",
        "a log file",
        "a log file with something more",
        "a log file without records",
        "a wrapper",
        "wrappers in wrappers",
        "a list of all kinds",
        "a pretty list, not escaped",
        "an empty list",
        "lines",
        "lines from Windows, blank ones between",
        "pretty values one after the other",
        "byte order marks",
        "blank lines first",
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_events_are_found_in(
    file: Path,
    text: str,
    expected: list[dict[str, Any]],
    packed: bool,  # noqa: FBT001  # a case
) -> None:
    """All of them, in order, as EventBridge would deliver them."""
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert list(read(file)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", "is empty")]),
        ("\n\n", [("", "is empty")]),
        ("5", [(":1", SCALAR)]),
        ("null", [(":1", "is null")]),
        ("{}", [(":1", NEITHER)]),
        (lines(RECORD, "x", RECORD), ["5b6a", (":2", "is a string"), "5b6a"]),
        (lines(RECORD) + "\n\n{}\n" + lines(RECORD), ["5b6a", (":4", NEITHER), "5b6a"]),
        (lines(RECORD) + "\n" * 300_000 + "5", ["5b6a", (":300002", SCALAR)]),
        (lines([RECORD, 1.5, True]), ["5b6a", ("[1]", SCALAR), ("[2]", "is true or false")]),
        (lines({"Records": [RECORD, RECORD, None]}), ["5b6a", "5b6a", ("[2]", "is null")]),
        (lines(RECORD, [RECORD, [5]]), ["5b6a", "5b6a", (":2[1][0]", SCALAR)]),
        (lines({"event": 7}), [(":1", SCALAR)]),
        (lines({"event": CONFIG_RULE}), [(":1", NEITHER)]),
        (lines({"Records": "x"}), [(":1", NEITHER)]),
        (lines({"Records": [S3_NOTE]}), [("[0]", NEITHER)]),
        (lines({**EVENT, "detail": "x"}), [(":1", NEITHER)]),
        (lines({**RECORD, "eventName": None}), [(":1", NEITHER)]),
        (lines(DIGEST), [(":1", "is a CloudTrail digest")]),
        (lines({"Records": [INSIGHT]}), [("[0]", "is a CloudTrail insight")]),
    ],
    ids=[
        "nothing",
        "blank lines",
        "a number",
        "null",
        "an empty object",
        "a string between lines",
        "an empty object after blank lines",
        "a number after blocks of blank lines",
        "scalars in a list",
        "null in a log file",
        "a number in a list in a list on a line",
        "a number in a wrapper",
        "an invocation of a Config rule",
        "records that are no list",
        "a notification of S3",
        "an event without a detail",
        "a record without a name",
        "a digest",
        "an insight",
    ],
)
def test_what_is_no_event_is_told(
    file: Path, text: str, expected: list[str | tuple[str, str]]
) -> None:
    """With its line, or its index where it stands in a list, and what it is."""
    file.write_text(text)
    found = told(file)
    assert [one[:1] if isinstance(one, tuple) else one for one in found] == [
        one[:1] if isinstance(one, tuple) else one for one in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one[-1].startswith(other[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lines(*numbered(2)) + '{"eventName": "Cre', ["0", "1", (":3", CUT)]),
        (lines(*numbered(2)) + '{"eventName": ', ["0", "1", (":3", CUT)]),
        (json.dumps(numbered(2))[:-1], ["0", "1", (":1", CUT)]),
        (json.dumps({"Records": numbered(3)})[:-9], ["0", "1", ("[2]", CUT)]),
        (json.dumps({"Records": numbered(3)}, indent=1)[:-40], ["0", "1", ("[2]", CUT)]),
        (
            lines(*numbered(1)) + '{"a": "b\n' + lines(*numbered(2)),
            ["0", (":2", "is not JSON: Invalid control character at"), "0", "1"],
        ),
        (
            lines(*numbered(1)) + '{"a":\n' + lines(*numbered(2)),
            ["0", (":2", "is not JSON: Expecting ',' delimiter"), "0", "1"],
        ),
        (
            '{\n "a": 1\n "b": 2\n}\n' + json.dumps(RECORD, indent=1),
            [(":1", "is not JSON: Expecting ',' delimiter"), "5b6a"],
        ),
        (
            "[" + ",\n".join(json.dumps(r) for r in numbered(2)) + ",\nnope,\n{}]",
            ["0", "1", ("[2]", "is not JSON: Expecting value"), (":4", NEITHER)],
        ),
        ("[[5], nope]", [("[0][0]", SCALAR), ("[1]", "is not JSON: Expecting value")]),
        ("[1 2]", [("[0]", SCALAR), ("[1]", SCALAR), (":1", "is not JSON: Expecting ',' del")]),
        ("nope", [(":1", "is not JSON: Expecting value")]),
        ("\x00" * 100_000, [(":1", "is not JSON: Expecting value")]),
        ("1" * 5000, [(":1", "is not JSON: Exceeds the limit")]),
        (lines(*numbered(1)) + '{"a":' * 100_000, ["0", (":2", "is nested too deeply")]),
        ("[" * 100_000, [("[0]", "is nested too deeply")]),
        (
            json.dumps(RECORD)[:-1] + ', "x": ' + "[" * 200 + "]" * 200 + "}\n" + lines(EVENT),
            [(":1", "is nested too deeply"), "5b6a"],
        ),
        ("[" * 400 + "]" * 400 + lines(RECORD), ["5b6a"]),
    ],
    ids=[
        "last line in a string",
        "last line between tokens",
        "list before its end",
        "log file",
        "pretty log file",
        "line in a string",
        "line between tokens",
        "pretty value",
        "member of a list",
        "list in a list",
        "comma",
        "no JSON at all",
        "zeros",
        "number too long for Python",
        "objects too deep for Python",
        "lists too deep for Python",
        "record too deep for what comes after",
        "lists deep, but empty",
    ],
)
def test_damage_is_told_once_and_the_rest_is_read(
    file: Path, text: str, expected: list[str | tuple[str, str]]
) -> None:
    """Nothing before a cut is lost, and after a bad line comes the next one."""
    file.write_text(text)
    found = told(file)
    assert agree(found, expected), found


@pytest.mark.parametrize("indent", [None, 1], ids=["on one line", "pretty"])
@pytest.mark.parametrize("kind", ["lines", "list", "log file"])
def test_wherever_a_file_is_cut_off_what_came_before_is_read(
    file: Path, kind: str, indent: int | None
) -> None:
    """Every record that ended before the cut, in order, and then at most one thing more."""
    records = [{"eventSource": "x.amazonaws.com", "eventName": "Y", "eventID": i} for i in "012"]
    shapes: dict[str, list[Any]] = {
        "lines": records,
        "list": [records],
        "log file": [{"Records": records}],
    }
    text = "\n".join(json.dumps(value, indent=indent) for value in shapes[kind])
    ends = [at for at, sign in enumerate(text, 1) if sign == "}"][:3]
    for cut in range(1, len(text)):
        file.write_text(text[:cut])
        found = told(file)
        whole = [i for i, end in zip("012", ends, strict=True) if end <= cut]
        assert found[: len(whole)] == whole
        torn = kind != "lines" or text[:cut].rstrip()[-1] != "}"
        assert [type(one) for one in found[len(whole) :]] == [tuple] * torn


@given(st.binary(max_size=200), st.booleans())
def test_no_file_is_too_odd(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    packed: bool,  # noqa: FBT001  # a case
) -> None:
    """Any bytes after a record leave the record, and end in no error."""
    whole = json.dumps(RECORD).encode() + b"\n" + content
    file = tmp_path_factory.getbasetemp() / "odd.json"
    file.write_bytes(gzip.compress(whole) if packed else whole)
    assert told(file)[0] == "5b6a"
    file.write_bytes(content)
    told(file)


@pytest.mark.parametrize(
    "text",
    [lines(*numbered(5000)), json.dumps({"Records": numbered(5000)})],
    ids=["lines", "log file"],
)
def test_a_gzip_that_is_cut_off_gives_what_came_before(file: Path, text: str) -> None:
    """All whole records that can be inflated, in order, and then what happened."""
    packed = gzip.compress(text.encode(), compresslevel=1)
    file.write_bytes(packed[: len(packed) // 2])
    *events, last = told(file)
    assert len(events) > 1000
    assert events == [str(number) for number in range(len(events))]
    assert last[-1] == "the gzip data are cut off"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (bytes(range(255, 0, -1)) * 999, [(":1", "is not UTF-8 from here on")]),
        (b"PK\x03\x04\x14\x00\x08\xff\n{\xfe", [(":1", "is not UTF-8 from here on")]),
        (b"\x1f\x8b" + b"\x00\xff" * 999, [(":1", "the gzip data are damaged")]),
        (b"\x1f\x8b\x08", [(":1", "the gzip data are cut off")]),
        (json.dumps(RECORD).encode("utf-16"), [(":1", "is not UTF-8 from here on")]),
        (
            lines(*numbered(2)).encode() + b'{"a": "\xe9"}\n',
            ["0", "1", (":3", "is not UTF-8 from here on")],
        ),
        (lines(*numbered(2)).encode() + b"\xc3", ["0", "1", (":3", "is not UTF-8 from here on")]),
        (
            gzip.compress(lines(*numbered(2)).encode()) + b"x",
            ["0", "1", (":3", "the gzip data are damaged: Not a gzipped file")],
        ),
    ],
    ids=[
        "bytes",
        "a zip archive",
        "no gzip after all",
        "three bytes of gzip",
        "UTF-16",
        "Latin-1 in the third line",
        "half a character",
        "something after the gzip",
    ],
)
def test_what_is_no_text_is_told_once(
    file: Path, content: bytes, expected: list[str | tuple[str, str]]
) -> None:
    """Whatever bytes there are, what could be read before them stays."""
    file.write_bytes(content)
    found = told(file)
    assert agree(found, expected), found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (123456, "is a number"),
        ("é\U0001f600\n", "is a string"),
        ([[], {}], NEITHER),
        ({**RECORD, "eventID": "é\U0001f600\n"}, "é\U0001f600\n"),
    ],
    ids=["number", "string", "list", "record"],
)
@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
def test_nothing_is_torn_where_two_blocks_meet(
    file: Path,
    value: Any,
    expected: str,
    escaped: bool,  # noqa: FBT001  # a case
) -> None:
    """Values, characters and escapes may go on in the next block."""
    line = json.dumps(value, ensure_ascii=escaped)
    ends = 1 + len(line.encode()) % 2  # makes the length odd, which no block's is
    count = 300_000 // len(line)
    file.write_text((line + "\n" * ends) * count)
    found = told(file)
    assert len(found) == count
    for number, one in enumerate(found):
        assert isinstance(one, str) or one[0].split("[")[0] in ("", f":{number * ends + 1}")
    assert {one if isinstance(one, str) else one[1][: len(NEITHER)] for one in found} == {expected}


def test_lines_are_not_held_whole(file: Path) -> None:
    """Four megabytes of lines, a bad one and one without an end among them, take less than one."""
    half = lines(*numbered(4_000))
    file.write_text(half + '{"a": "b\n' + half + "x" * 2_000_000 + "\n" + lines(RECORD))
    size = file.stat().st_size
    tracemalloc.start()
    try:
        kinds = [isinstance(found, NotAnEvent) for found in read(file)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (kinds.count(False), kinds.count(True)) == (8_001, 2)
    assert size > 4_000_000
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"eventSource": "monitoring.amazonaws.com"}, {"source": "aws.monitoring"}),
        ({"eventSource": "access-analyzer.amazonaws.com"}, {"source": "aws.access-analyzer"}),
        ({"eventSource": "s3.amazonaws.com.cn"}, {"source": "aws.s3"}),
        ({"recipientAccountId": None}, {"account": "123456789012"}),
        ({"recipientAccountId": None, "userIdentity": None}, {"account": ""}),
        ({"recipientAccountId": None, "userIdentity": {"type": "AWSService"}}, {"account": ""}),
        ({"recipientAccountId": None, "userIdentity": "x"}, {"account": ""}),
        ({"eventID": None, "eventTime": None, "awsRegion": None}, {"id": "", "time": ""}),
        ({"eventType": None}, {"detail-type": "AWS API Call via CloudTrail"}),
        ({"eventType": "AwsServiceEvent"}, {"detail-type": "AWS Service Event via CloudTrail"}),
        ({"eventType": "AwsConsoleAction"}, {"detail-type": "AWS Console Action via CloudTrail"}),
        ({"eventType": "AwsConsoleSignIn"}, {"detail-type": "AWS Console Sign In via CloudTrail"}),
    ],
    ids=[
        "CloudWatch",
        "a name with a hyphen",
        "China",
        "the caller's account",
        "no account",
        "a service without an account",
        "an identity of another kind",
        "no id, no time, no Region",
        "no type",
        "what a service did by itself",
        "the console",
        "a sign-in",
    ],
)
def test_an_envelope_says_what_eventbridge_would(
    record: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Source, account and detail type come from the record, which stays as it is."""
    whole = {**RECORD, **record}
    made = envelope(whole)
    assert made["detail"] is whole
    assert {name: made[name] for name in expected} == expected
    assert made.keys() == EVENT.keys()


GOOD = lines(*numbered(2)).encode()


@pytest.mark.parametrize(
    ("content", "damaged"),
    [
        (b"", True),
        (gzip.compress(b" \n"), True),
        (GOOD + b'{"eventName": "Cre', True),
        (json.dumps({"Records": numbered(2)}).encode()[:-1], True),
        (GOOD + b"nope", True),
        (bytes(range(255, 0, -1)), True),
        (gzip.compress(GOOD) + b"x", True),
        (gzip.compress(GOOD)[:-4], True),
        (b"[" * 100_000, True),
        (json.dumps({**RECORD, "x": json.loads("[" * 200 + "]" * 200)}).encode(), True),
        (b"5", False),
        (b"{}", False),
        (lines(RECORD, "x").encode(), False),
        (lines(DIGEST).encode(), False),
        (lines({"Records": [INSIGHT]}).encode(), False),
        (lines({"Records": [S3_NOTE]}).encode(), False),
    ],
    ids=[
        "nothing",
        "blank gzip",
        "cut off",
        "log file cut off",
        "no JSON",
        "not UTF-8",
        "something after the gzip",
        "gzip cut off",
        "too deep",
        "record too deep",
        "a number",
        "an empty object",
        "a string",
        "a digest",
        "an insight",
        "a notification of S3",
    ],
)
def test_what_could_not_be_read_is_told_from_what_is_no_event(
    file: Path,
    content: bytes,
    damaged: bool,  # noqa: FBT001  # a case
) -> None:
    """In what is damaged there may have been an event; in a readable document there is none."""
    file.write_bytes(content)
    found = [one.damaged for one in read(file) if isinstance(one, NotAnEvent)]
    assert found == [damaged]


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    """So is one that cannot be read."""
    with pytest.raises(Invalid, match=r"gone\.json: No such file or directory"):
        list(read(tmp_path / "gone.json"))
    with pytest.raises(Invalid, match=rf"{tmp_path}: Is a directory"):
        list(read(tmp_path))
