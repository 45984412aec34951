"""What lines tell is read from them, and the lines stay as they are."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping import accel
from steward.shipping.accel import Codec
from steward.shipping.block import Block, Origin
from steward.shipping.lines import Lines, Platform, cut, picked, shortened

ORIGIN = Origin("111122223333", "eu-west-1", "/aws/lambda/f", "2026/11/20/[1]ab")
REQUEST = "6406f458-327b-cda3-a4fc-86215d20c6a6"
OTHER = "e211bc13-cb60-a791-6433-5c552ed92595"
TIME = "2026-11-12T08:00:00.094Z"
XRAY = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = "5759e988bd862e3fe1be46a994272793"

CODECS = pytest.mark.parametrize(
    "codec", [accel.standard(), accel.accelerated()], ids=lambda codec: codec.name
)


def read(*messages: str, codec: Codec | None = None, platform: Platform = Platform.KEEP) -> Block:
    """The block of these messages, of which at least one is kept."""
    ids = [str(10**20 + number) for number in range(len(messages))]
    lines = Lines(codec or accel.standard(), platform)
    block = lines.block(ORIGIN, ids, list(range(len(messages))), list(messages))
    assert block is not None
    return block


def told(block: Block) -> list[tuple[int, str, str]]:
    return list(zip(block.levels, block.requests, block.traces, strict=True))


def platform(kind: str, **record: object) -> str:
    return json.dumps({"time": TIME, "type": f"platform.{kind}", "record": record})


START = f"START RequestId: {REQUEST} Version: $LATEST\n"
END = f"END RequestId: {REQUEST}\n"
REPORT = f"REPORT RequestId: {REQUEST}\tDuration: 2.42 ms\tBilled Duration: 3 ms\t"
TRACING = {"type": "X-Amzn-Trace-Id", "value": f"Root={XRAY};Parent=ab;Sampled=1"}

LINES = [
    pytest.param(f"{TIME}\t{REQUEST}\ttext", 0, REQUEST, "", id="SHIP-2"),
    pytest.param(
        f'{TIME}\t{REQUEST}\t{{"level":"INFO","message":"hi","a":1}}', 9, REQUEST, "", id="SHIP-3"
    ),
    pytest.param(f"{TIME}\t{REQUEST}\tINFO\thello", 9, REQUEST, "", id="SHIP-5"),
    pytest.param(
        f'{TIME}\t{REQUEST}\tINFO\t{{"level": "error", "a": 1}}\n', 17, REQUEST, "", id="SHIP-6"
    ),
    pytest.param(
        f'{TIME}\t{REQUEST}\tWARN\t{{"sLevel": "INFO"}}\n', 13, REQUEST, "", id="own level only"
    ),
    pytest.param(f"[INFO]\t{TIME}\t{REQUEST}\thello", 9, REQUEST, "", id="SHIP-7"),
    pytest.param(
        f"[WARNING]\t2026-11-12T08:00:00.9Z\t{REQUEST}\tx", 13, REQUEST, "", id="short time"
    ),
    pytest.param(f"[WARNIXX]\t{TIME}\t{REQUEST}\thello", 0, "", "", id="like WARNING"),
    pytest.param("[ERROR] KeyError: 'a'\nTraceback ...", 17, "", "", id="uncaught in Python"),
    pytest.param(f"[INFO]\t{TIME}\t\thello", 9, "", "", id="outside of an invocation"),
    pytest.param(f"{TIME}\tundefined\tINFO\thello", 9, "", "", id="outside, Node.js"),
    pytest.param(f"{TIME}\t{REQUEST}\tinfo\thello", 9, REQUEST, "", id=".NET"),
    pytest.param(
        f'{{"timestamp":"{TIME}","level":"WARN","message":"x","requestId":"{REQUEST}"}}',
        13,
        REQUEST,
        "",
        id="SHIP-8",
    ),
    pytest.param(
        json.dumps({"level": "INFO", "function_request_id": REQUEST, "xray_trace_id": XRAY}),
        9,
        REQUEST,
        TRACE,
        id="Powertools",
    ),
    pytest.param(f"{TIME}\t{REQUEST}\tERROR\ta\tb\tc", 17, REQUEST, "", id="SHIP-9"),
    pytest.param('{"level":30,"time":1794470400063,"msg":"x"}', 9, "", "", id="SHIP-10"),
    pytest.param('{"level": 60}', 21, "", "", id="SHIP-10, last"),
    pytest.param('{"level":7}', 0, "", "", id="no number of pino"),
    pytest.param('"level"', 0, "", "", id="SHIP-11"),
    pytest.param("[1, 2]", 0, "", "", id="SHIP-11, array"),
    pytest.param('{"severity":"CRITICAL"}', 21, "", "", id="severity"),
    pytest.param('{"extra":{"a":{"b":1}},"level":"ERROR"}', 17, "", "", id="behind what is nested"),
    pytest.param('{"a":{"b":1},"c":{"level":"ERROR"}}', 0, "", "", id="nested at the end"),
    pytest.param('{"level":' + "9" * 5000 + "}", 0, "", "", id="a number without end"),
    pytest.param('{"level":"' + "9" * 5000 + '"}', 0, "", "", id="digits without end"),
    pytest.param('{"log.level":"debug","trace_id":"' + TRACE + '"}', 5, "", TRACE, id="ECS"),
    pytest.param('{"log":{"level":"debug"}}', 5, "", "", id="ECS, nested"),
    pytest.param('{"levelname":"TRACE"}', 1, "", "", id="levelname"),
    pytest.param('{"severity":"ERROR","level":"INFO"}', 9, "", "", id="level before severity"),
    pytest.param(
        f'{{"message":{{"level":"ERROR","requestId":"{OTHER}"}},"level":"INFO"}}',
        9,
        "",
        "",
        id="nested before",
    ),
    pytest.param('{"user":{"level":"ERROR"}}', 0, "", "", id="nested only"),
    pytest.param('{"message":"{","level":"INFO"}', 9, "", "", id="brace in a text"),
    pytest.param('{"message":"\\"level\\":\\"ERROR\\""}', 0, "", "", id="key in a text"),
    pytest.param('{"message":{"level":"ERR', 0, "", "", id="cut JSON"),
    pytest.param('{"level":"INFO', 0, "", "", id="cut value"),
    pytest.param(f'{{"requestId":"{REQUEST}-more"}}', 0, "", "", id="longer than an id"),
    pytest.param(f'{{"requestId":"{REQUEST[:-2]}\\n"}}', 0, "", "", id="escape in an id"),
    pytest.param(
        '{"requestId":"6406f458-327bcda3a4fc-6215d20c6a6abc"}', 0, "", "", id="dashes elsewhere"
    ),
    pytest.param('{"trace_id":"4bf92f35"}', 0, "", "", id="short trace id"),
    pytest.param(START, 9, REQUEST, "", id="SHIP-12 START"),
    pytest.param(END, 9, REQUEST, "", id="SHIP-12 END"),
    pytest.param(REPORT + f"\nXRAY TraceId: {XRAY}\tX\n", 9, REQUEST, TRACE, id="SHIP-12 REPORT"),
    pytest.param(REPORT + "Status: timeout", 17, REQUEST, "", id="report of a time-out"),
    pytest.param("INIT_START Runtime Version: python:3.13.v51\t", 9, "", "", id="SHIP-12 INIT"),
    pytest.param("INIT_REPORT Init Duration: 9 ms\tStatus: error", 17, "", "", id="failed start"),
    pytest.param("RESTORE_START Runtime Version: java:21.v9\t", 9, "", "", id="SHIP-12 RESTORE"),
    pytest.param(
        f"{TIME} {REQUEST} Task timed out after 3.00 seconds\n\n", 17, REQUEST, "", id="time-out"
    ),
    pytest.param(
        f"RequestId: {REQUEST} Error: Runtime exited with error: exit status 1",
        17,
        REQUEST,
        "",
        id="exit",
    ),
    pytest.param(platform("start", requestId=REQUEST), 9, REQUEST, "", id="SHIP-8 start"),
    pytest.param(
        platform("report", requestId=REQUEST, tracing=TRACING, status="success"),
        9,
        REQUEST,
        TRACE,
        id="SHIP-8 report",
    ),
    pytest.param(platform("report", status="timeout"), 17, "", "", id="platform time-out"),
    pytest.param(platform("runtimeDone", status="failure"), 17, "", "", id="platform failure"),
    pytest.param(platform("logsDropped", droppedBytes=1), 13, "", "", id="dropped logs"),
    pytest.param(platform("fault"), 17, "", "", id="fault"),
    pytest.param('{"time":"x","level":"INFO"}', 9, "", "", id="slog"),
    pytest.param("2 123456789012 eni-0 10.0.0.1 ACCEPT OK", 0, "", "", id="SHIP-13"),
    pytest.param("MONITORING|1|Count|x|y|", 0, "", "", id="metric"),
    pytest.param("", 0, "", "", id="empty"),
    pytest.param("{", 0, "", "", id="a brace"),
    pytest.param("STARTING RequestId: x", 0, "", "", id="like START"),
]


@CODECS
@pytest.mark.parametrize(("text", "level", "request_id", "trace"), LINES)
def test_a_line_tells_severity_and_ids(
    codec: Codec, text: str, level: int, request_id: str, trace: str
) -> None:
    """Each format is read; what a line does not tell is 0 and empty; the text stays."""
    block = read(text, codec=codec)
    assert told(block) == [(level, request_id, trace)]
    assert block.messages == [text]


@given(st.lists(st.sampled_from([case.values for case in LINES]), min_size=1, max_size=12))
def test_a_line_tells_the_same_among_others(cases: list[tuple[str, int, str, str]]) -> None:
    """What is remembered of one line makes no difference to another."""
    expected = [tuple(rest) for _, *rest in cases]
    assert told(read(*(text for text, *_ in cases))) == expected


def test_a_cut_line_is_not_taken_for_the_next() -> None:
    """Of a value without an end nothing is remembered."""
    whole = [
        json.dumps({"level": "INFO", "function_request_id": one, "xray_trace_id": XRAY})
        for one in (REQUEST, OTHER)
    ]
    block = read(whole[0], whole[0][:60], whole[1])
    assert told(block) == [(9, REQUEST, TRACE), (9, "", ""), (9, OTHER, TRACE)]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_no_cut_changes_what_the_next_lines_tell(separators: tuple[str, str]) -> None:
    """Wherever a line is cut, also first of all; nor does an id of another form."""
    whole = [
        json.dumps(
            {"level": "INFO", "function_request_id": one, "xray_trace_id": trace},
            separators=separators,
        )
        for one, trace in ((REQUEST, XRAY), (OTHER, XRAY), ("x", "1-abcde-" + "0" * 27))
    ]
    expected = [(9, OTHER, TRACE), (9, "", ""), (9, REQUEST, TRACE)]
    for end in range(len(whole[0])):
        assert told(read(whole[0][:end], whole[1], whole[2], whole[0]))[1:] == expected
        assert told(read(whole[2], whole[0][:end], whole[1], whole[2], whole[0]))[2:] == expected


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 70)
    | st.sampled_from(["info", "ERROR", '{"', REQUEST]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["level", "severity", "requestId", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["level", "requestId", "x"]), VALUES), min_size=1))
def test_json_lines_tell_what_stands_at_their_top(documents: list[dict[str, object]]) -> None:
    """Finding keys in the text is reading the JSON: nothing nested is mistaken for the line's."""
    words = {"info": 9, "ERROR": 17}
    for separators in ((",", ":"), (", ", ": ")):
        block = read(*(json.dumps(document, separators=separators) for document in documents))
        for document, level, request_id in zip(
            documents, block.levels, block.requests, strict=True
        ):
            own = document.get("level")
            if isinstance(own, str):
                assert level == words.get(own, 0)
            elif isinstance(own, int) and not isinstance(own, bool):
                assert level == (own // 10 * 4 - 3 if 10 <= own < 70 else 0)
            else:
                assert level == 0
            assert request_id == (REQUEST if document.get("requestId") == REQUEST else "")


def test_lambdas_own_lines_are_known_after_others_that_begin_with_a_time() -> None:
    """Their first key does not tell whose they are."""
    other = json.dumps({"time": TIME, "requestId": OTHER})
    block = read(other, platform("start", requestId=REQUEST), other)
    assert told(block) == [(0, OTHER, ""), (9, REQUEST, ""), (0, OTHER, "")]


WORDS = {"INFO": 9, "ERROR": 17, "WARNING": 13, "informational": 9, "informationale": 0, "x": 0}
IDS = {REQUEST: REQUEST, OTHER: OTHER, f"{OTHER}a": "", "x": "", "": ""}
TRACES = {
    XRAY: TRACE,
    TRACE: TRACE,
    OTHER.replace("-", ""): OTHER.replace("-", ""),
    TRACE[:20]: "",
    f"1-abcde-{TRACE[:27]}": "",
}
FAMILIES = (
    (("level", "severity", "log.level"), WORDS, 0),
    (("function_request_id", "requestId"), IDS, ""),
    (("xray_trace_id", "trace_id"), TRACES, ""),
)
OTHERS = {"time": st.just(TIME), "message": st.sampled_from(["", "m" * 30, "{", {"level": "x"}])}
SHAPES = st.permutations(
    [*OTHERS, *(name for names, *_ in FAMILIES for name in names), "nested"]
).flatmap(lambda names: st.integers(1, len(names)).map(lambda count: names[:count]))


def shaped(names: list[str]) -> st.SearchStrategy[dict[str, object]]:
    """JSON lines with these keys in this order, some of them with a value that is unusual."""
    values: dict[str, st.SearchStrategy[object]] = {
        **OTHERS,
        **{name: st.sampled_from([*known]) for of, known, _ in FAMILIES for name in of},
        "nested": st.sampled_from([7, dict.fromkeys(names, "INFO")]),
    }
    return st.fixed_dictionaries({name: values[name] for name in names})


LIKE_OTHERS = st.lists(SHAPES, min_size=1, max_size=3).flatmap(
    lambda shapes: st.lists(st.one_of([shaped(names) for names in shapes]), min_size=2, max_size=9)
)


@given(LIKE_OTHERS, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_lines_like_those_before_are_read_as_if_alone(
    documents: list[dict[str, object]], separators: tuple[str, str]
) -> None:
    """Of each family of names the first one that a line has counts, and only a value of its form;
    what lines before had at the same place makes no difference."""
    block = read(*(json.dumps(document, separators=separators) for document in documents))
    alone = [
        tuple(
            next((known[str(document[name])] for name in names if name in document), nothing)
            for names, known, nothing in FAMILIES
        )
        for document in documents
    ]
    assert told(block) == alone


# Members of JSON lines as they are written, of which none is twice in a line.
_REQUESTS = [f'"function_request_id":"{one}"' for one in (REQUEST, OTHER, f"{OTHER}a", "")]
_TRACES = [
    f'"xray_trace_id":"{one}"' for one in (XRAY, f"{XRAY[:-2]}00", TRACE, f"1-abcde-{TRACE[:27]}")
]
_LEVELS = [f'"level":{one}' for one in ('"INFO"', '"ERROR"', '"notice"', "30", "null", '"\\u0049"')]
_REST = [
    '"a":1',
    '"message":"plain"',
    '"message":"{ \\"level\\":\\"ERROR\\" }"',
    '"message":"\\ud800 \\n ü 😀"',
    '"nested":{"id":"x"}',
    f'"nested":{{{_TRACES[1]},{_REQUESTS[1]}}}',
    '"nested":{"level":"FATAL","deeper":{"}":"{"}}',
    f'"big":{"9" * 40}',
]
MEMBERS = st.tuples(
    st.sampled_from(_LEVELS),
    st.lists(st.sampled_from(_REST[:4]), max_size=1),
    st.sampled_from(_REQUESTS[:3]) | st.sampled_from(_REQUESTS),
    st.lists(st.sampled_from(_REST[4:]), max_size=2),
    st.sampled_from(_TRACES[:3]) | st.sampled_from(_TRACES),
    st.lists(st.sampled_from(_REST[4:]), max_size=1),
).map(lambda told: [told[0], *told[1], told[2], *told[3], told[4], *told[5]])
ENDS = st.sampled_from(["}", "}\n", " }", " } \t"])
ONE_AFTER_ANOTHER = st.lists(
    st.tuples(st.one_of(MEMBERS, MEMBERS.flatmap(st.permutations)), ENDS)
    | st.sampled_from([(START, None), (REPORT, None), (f"{TIME}\t{REQUEST}\tINFO\tx", None)]),
    min_size=2,
    max_size=12,
)


@CODECS
@given(lines=ONE_AFTER_ANOTHER, by=st.sampled_from([",", ", "]))
def test_lines_of_an_invocation_are_read_as_if_alone(
    codec: Codec, lines: list[tuple[str | list[str], str | None]], by: str
) -> None:
    """However a line repeats the ids of the one before, in whichever order, with whatever nested
    before, between and behind them."""
    texts = [one if isinstance(one, str) else f"{{{by.join(one)}{end}" for one, end in lines]
    alone = [told(read(text, codec=codec))[0] for text in texts]
    assert told(read(*texts, codec=codec)) == alone


PLATFORM_LINES = {
    START: True,
    END: True,
    platform("start", requestId=REQUEST): True,
    platform("runtimeDone", status="success"): True,
    platform("initRuntimeDone", status="success"): True,
    platform("runtimeDone", status="error"): None,
    platform("initStart", phase="init"): False,
    platform("report", status="success"): False,
    platform("report", status="timeout"): None,
    platform("logsDropped"): None,
    "INIT_START Runtime Version: x": False,
    REPORT: False,
    REPORT + "Status: error": None,
    f"{TIME} {REQUEST} Task timed out after 3.00 seconds": None,
}
"""True: of START's and END's kind; False: others; None: they tell that something is wrong."""


@pytest.mark.parametrize(
    ("choice", "kept"),
    [
        (Platform.KEEP, (True, False, None)),
        (Platform.DROP_START_END, (False, None)),
        (Platform.DROP, (None,)),
    ],
)
def test_lambdas_own_lines_are_left_out_as_chosen(
    choice: Platform, kept: tuple[bool | None, ...]
) -> None:
    """SHIP-1: what tells of a failure is shipped in any case, and so is everybody else's line."""
    others = [
        f"START RequestId: {REQUEST} of ours",
        f"{END} by us",
        '{"type":"platform.start"}',
        "MONITORING|1|Count|a|b|",
    ]
    expected = [text for text, kind in PLATFORM_LINES.items() if kind in kept]
    block = read(*PLATFORM_LINES, *others, platform=choice)
    assert block.messages == expected + others
    everything = read(*PLATFORM_LINES, *others)
    rows = dict(zip(everything.ids, everything.messages, strict=True))
    assert [rows[one] for one in block.ids] == block.messages


def test_a_record_of_nothing_but_start_and_end_is_no_block() -> None:
    """A block has at least one event."""
    lines = Lines(accel.standard(), Platform.DROP_START_END)
    assert lines.block(ORIGIN, ["1", "2"], [1, 2], [START, END]) is None
    assert lines.block(ORIGIN, [], [], []) is None


def test_events_are_picked_with_their_marks() -> None:
    """The indexes of cut messages move along."""
    nothing = [""] * 3
    ids, times, texts, levels = ["1", "2", "3"], [1, 2, 3], list("abc"), [0, 9, 17]
    marked = Block(ORIGIN, ids, times, texts, levels, nothing, nothing, frozenset({0, 2}))
    found = picked(marked, [1, 2])
    assert found is not None
    assert (found.ids, found.messages, found.cut) == (["2", "3"], ["b", "c"], frozenset({1}))
    assert picked(marked, range(3)) is marked


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS), st.integers(0, 60))
def test_no_message_is_longer_than_the_limit(messages: list[str], limit: int) -> None:
    """In bytes of UTF-8, mark included; a cut message begins as before and says what is gone."""
    found, indexes = cut(messages, limit)
    assert len(found) == len(messages)
    for index, (before, after) in enumerate(zip(messages, found, strict=True)):
        size = len(before.encode())
        assert (index in indexes) == (size > limit)
        assert len(after.encode()) <= limit or size <= limit
        if size <= limit:
            assert after == before
        elif marked := re.fullmatch(r"(.*)\.\.\.\[truncated (\d+) bytes\]", after, re.DOTALL):
            assert before.startswith(marked[1])
            assert len(marked[1].encode()) + int(marked[2]) == size
        else:
            assert before.startswith(after)


def test_messages_within_the_limit_are_not_copied() -> None:
    """Neither the list nor a text."""
    messages = ["ä" * 10, "b" * 20]
    assert cut(messages, 20)[0] is messages
    assert shortened("b" * 20, 20) == "b" * 20


def test_a_message_is_cut_between_characters() -> None:
    """Half a character is none."""
    assert shortened("é" * 40, 32) == "éééé...[truncated 72 bytes]"
