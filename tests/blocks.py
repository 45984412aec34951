"""Blocks of log events that no format may spoil, and both ways to write JSON."""

from __future__ import annotations

from hypothesis import strategies as st

from steward.shipping.accel import Codec, accelerated, standard
from steward.shipping.block import LEVELS, Block, Origin
from steward.shipping.encoders import ENCODERS, build
from steward.shipping.encoders.base import Encoder, Options

CODECS = {"standard": standard(), "accelerated": accelerated()}

ORIGIN = Origin(
    owner="111122223333",
    region="eu-west-1",
    group="/aws/lambda/checkout",
    stream="2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef",
    function="checkout",
    version="$LATEST",
)
NOWHERE = Origin(owner="", region="", group="", stream="")

REQUEST = "af9d5aa4-a685-4c5f-a22b-444f80b3cc28"
TRACE = "5759e988bd862e3fe1be46a994272793"
UID = "39954026364612908131237482369124157128470195430042476544"

OPTIONS = Options(index="logs-app", attributes={"team": "payments", "env": "prod"})

PAIR = Block(
    origin=ORIGIN,
    ids=[UID, "e2"],
    times=[1794470400063, 1794470401000],
    messages=['a "quoted" \\ line\n', "second"],
    levels=[17, 0],
    requests=[REQUEST, ""],
    traces=[TRACE, ""],
    cut=frozenset({1}),
)
"""An event that tells all, and one that tells only that its message was cut."""

# What a message may end or begin with that breaks a text apart, beside anything else.
_NASTY = [
    '",',
    '","',
    "\\",
    '\\"',
    '"',
    ",",
    "",
    "\n",
    "\r",
    "\x00",
    "\x7f",
    "\u2028",
    "\U0001f600",
]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
MESSAGES = st.lists(st.sampled_from(_NASTY) | TEXTS, max_size=4).map("".join)
NAMES = st.text(st.characters(codec="utf-8"), max_size=12)
ORIGINS = st.builds(Origin, NAMES, NAMES, NAMES, NAMES, NAMES, NAMES)
Event = tuple[str, int, str, int, str, str, bool]
EVENTS = st.tuples(
    st.integers(0, 10**56).map(str),
    st.integers(0, 4102444800000),
    MESSAGES,
    st.sampled_from([0, *LEVELS]),
    st.sampled_from(["", REQUEST]),
    st.sampled_from(["", TRACE]),
    st.booleans(),
)


def block(origin: Origin, events: list[Event]) -> Block:
    """A block of these events, each with whether its message was cut."""
    return Block(
        origin=origin,
        ids=[event[0] for event in events],
        times=[event[1] for event in events],
        messages=[event[2] for event in events],
        levels=[event[3] for event in events],
        requests=[event[4] for event in events],
        traces=[event[5] for event in events],
        cut=frozenset(place for place, event in enumerate(events) if event[6]),
    )


BLOCKS = st.builds(block, ORIGINS, st.lists(EVENTS, min_size=1, max_size=5))


def encoder(name: str, codec: Codec = CODECS["standard"], options: Options = OPTIONS) -> Encoder:
    """The format of that name."""
    return build(name, codec, options)


def encoders() -> list[Encoder]:
    """All formats, with the standard library's codec."""
    return [encoder(name) for name in ENCODERS]


def framed(by: Encoder, *blocks: Block) -> bytes:
    """A body of these blocks, as a batch makes it."""
    frame = by.frame
    return frame.head + frame.separator.join(map(by.encode, blocks)) + frame.tail
