"""What is to stay in the account is replaced, wherever it stands, and nothing else is."""

from __future__ import annotations

import gzip
import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping import accel
from steward.shipping.decode import Events, Reader, Record
from steward.shipping.own_rules import own, problems, redactor
from steward.shipping.redaction import Anchor, Haystack, Redactor, Rule
from steward.shipping.redaction_rules import DEFAULTS, RULES
from steward.shipping.texts import DELETE

KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SESSION = "ASIA" + "Q2W3E4R5T6Y7U8I9"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIE\nAB+/=\n-----END {0}PRIVATE KEY-----"
CARD = "4111111111111111"


def by(*names: str) -> Redactor:
    return Redactor([RULES[name] for name in names])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("aws-access-key", f"key={KEY};", "key=#;"),
        ("aws-access-key", f'{{"id":"{SESSION}"}}', '{"id":"#"}'),
        (
            "aws-access-key",
            f"{{\\u0022k\\u0022:\\u0022{KEY}\\u0022}}",
            r"{\u0022k\u0022:\u0022#\u0022}",
        ),
        ("aws-access-key", f"x?key%3D{KEY}&a=%20{KEY}", "x?key%3D#&a=%20#"),
        ("aws-access-key", f"\\x1B{KEY}", r"\x1B#"),
        ("aws-access-key", f"X{KEY} {KEY}7 AKIA ASIA", f"X{KEY} {KEY}7 AKIA ASIA"),
        ("jwt", f"got {JWT}, sent {JWT}", "got #, sent #"),
        ("jwt", f'\\n{JWT}"', '\\n#"'),
        ("jwt", "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "#"),
        ("jwt", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "#"),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9 eyJ. eyJx.y eyJhbGciOiJub25l.x", None),
        ("private-key", "a " + PEM.format("") + " b", "a # b"),
        ("private-key", PEM.format("RSA ") + PEM.format("EC "), "##"),
        ("private-key", json.dumps({"key": PEM.format("")}), '{"key": "#"}'),
        ("private-key", "-----BEGIN PRIVATE KEY-----\nMIIE cut", "#"),
        ("private-key", "-----BEGIN PUBLIC KEY-----\nMIIE\n no PRIVATE KEY", None),
        ("authorization", "Authorization: Bearer abc.def-12", "Authorization: Bearer #"),
        (
            "authorization",
            '{"authorization": "Basic dXNlcjpwYXNz=="}',
            '{"authorization": "Basic #"}',
        ),
        (
            "authorization",
            '\\"Authorization\\":[\\"Bearer x_y.z\\"]',
            '\\"Authorization\\":[\\"Bearer #\\"]',
        ),
        (
            "authorization",
            "(b'authorization', b'Bearer abcdef1')",
            "(b'authorization', b'Bearer #')",
        ),
        ("authorization", '"Authorization"=>"Bearer abcdef1"', '"Authorization"=>"Bearer #"'),
        (
            "authorization",
            r"\u0022Authorization\u0022:\u0022Bearer abc123\u0022",
            r"\u0022Authorization\u0022:\u0022Bearer #\u0022",
        ),
        (
            "authorization",
            "Authorization%3A%20Bearer%20abc%2B123",
            "Authorization%3A%20Bearer%20#",
        ),
        ("authorization", "Authorization:\tBearer\tabc123", "Authorization:\tBearer\t#"),
        ("secret", '"password"=>"hunter2pass"', '"password"=>"#"'),
        ("authorization", "HTTP_AUTHORIZATION=Bearer abcdef", "HTTP_AUTHORIZATION=Bearer #"),
        ("authorization", "Basic authentication needs authorization by Bearer", None),
        ("email", "from <a.b+c@example.co.uk>, x@y", "from <#>, x@y"),
        ("email", "@@a@b.cd@e.fg", "@@#@e.fg"),
        ("ipv4", "10.0.0.1:443 (255.255.255.255).", "#:443 (#)."),
        ("ipv4", "256.1.1.1 1.2.3 1.2.3.4.5 1.2.3.256", None),
        ("card", f"{CARD} 4111 1111 1111 1111 3782-822463-10005", "# # #"),
        ("card", f'{{"pan":{CARD},"as":"{CARD}"}}', '{"pan":"#","as":"#"}'),
        ("card", f'{{\\"pan\\": {CARD}}}', '{\\"pan\\": \\"#\\"}'),
        ("card", f"\\n{CARD}\\t", "\\n#\\t"),
        ("card", "4111111111111112 1794470400013 0.4111111111111111 a4111111111111111", None),
        ("card", "443 6 4 41575 1794470340 1794470400", None),
        ("secret", "password=hunter2&x=1", "password=#&x=1"),
        ("secret", '{"db_password": "hun\\"ter", "x": "y"}', '{"db_password": "#", "x": "y"}'),
        ("secret", '{\\"apiKey\\":\\"a\\\\\\"b\\",\\"x\\":1}', '{\\"apiKey\\":\\"#\\",\\"x\\":1}'),
        ("secret", '{"token": 12345, "secret": null}', '{"token": "#", "secret": null}'),
        ("secret", "SECRET_ACCESS_KEY: 'a b'", "SECRET_ACCESS_KEY: '#'"),
        ("secret", 'passphrase = "not closed', 'passphrase = "#'),
        ("secret", "é İ API-Key: x", "é İ API-Key: #"),
        ("secret", "a token of key: x", None),
        ("secret", 'token="[REDACTED:jwt]" password=[REDACTED:secret]', None),
    ],
)
def test_a_built_in_rule_replaces_what_it_is_for(
    name: str, text: str, expected: str | None
) -> None:
    """And says how often; None stands for a text that is none of its business."""
    sign = f"[REDACTED:{name}]"
    wanted = text if expected is None else expected.replace("#", sign)
    messages = ["before", text]
    found, counts = by(name).apply(messages)
    assert found == ["before", wanted]
    assert counts == ({name: wanted.count(sign)} if wanted != text else {})
    assert (found is messages) == (wanted == text)
    assert by(name).text(text) == wanted
    assert by(name).text(wanted) == wanted


def test_credentials_are_redacted_by_default_and_personal_data_by_choice() -> None:
    """The default costs little and is always right to hide."""
    text = f"{KEY} {JWT} Authorization: Bearer abcd a@example.com 10.0.0.1"
    found = by(*DEFAULTS).text(text)
    assert found.count("REDACTED") == 3
    assert found.endswith(" a@example.com 10.0.0.1")


PIECES = st.sampled_from(
    [
        KEY, JWT, CARD, PEM.format(""), "a@example.com", "10.0.0.1", "password", "token", '\\"',
        ": ", "=", "@", ".", "-", " ", "\\", "eyJ", "AKIA", "PRIVATE KEY", "authorization",
        "Bearer ", '"', "x", "é", "😀", "0", "[REDACTED:secret]", "\n", "null", ",", "{", "}",
        DELETE,
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join)
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = re.compile(rf"(?<![0-9])(?<![0-9]\.)(?:{OCTET}\.){{3}}{OCTET}(?![0-9]|\.[0-9])")


@given(
    st.sampled_from([("email", EMAIL), ("ipv4", IPV4)]),
    st.text("a.@-%_+é 0125\n", max_size=40) | TEXTS | st.text(),
)
def test_looking_from_the_rare_character_finds_what_the_pattern_finds(
    rule: tuple[str, re.Pattern[str]], text: str
) -> None:
    """The faster way makes no difference."""
    name, pattern = rule
    assert by(name).text(text) == pattern.sub(f"[REDACTED:{name}]", text)


def test_a_long_local_part_is_found_as_a_whole() -> None:
    """However far one has to go back for it."""
    assert by("email").text(f"<{'a' * 5000}@b.cd>") == "<[REDACTED:email]>"


@given(st.lists(TEXTS | st.text(), max_size=5))
def test_messages_are_redacted_as_if_each_were_alone(texts: list[str]) -> None:
    """The look at a whole record hides nothing."""
    redactor = by(*RULES)
    found, counts = redactor.apply(texts)
    assert found == [redactor.text(text) for text in texts]
    assert (found is texts) == (not counts)


@pytest.mark.parametrize("name", RULES)
def test_no_text_makes_a_built_in_rule_slow(name: str) -> None:
    """What costs time in proportion to the square of the length would take minutes here."""
    size = 200_000
    for piece in (
        "eyJ", "eyJaaaaaaaaa.", "-----BEGIN ", PEM[:28], "a.a@", "@a.", "1.", "4", "4111-", "token",
        "token=", 'token:"', '\\"secret\\":\\"', "Authorization: ", "Authorization:Bearer ", "AKIA",
        "passphrase =", "a@a", "1.1.1.1",
    ):  # fmt: skip
        text = piece * (size // len(piece))
        begun = time.process_time()
        by(name).text(text)
        spent = time.process_time() - begun
        assert spent < 2, piece


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(json.dumps, id="as usual"),
        pytest.param(
            lambda text: '"' + "".join(f"\\u{ord(one):04x}" for one in text) + '"', id="\\u0041"
        ),
        pytest.param(lambda text: json.dumps(text).replace("/", "\\/"), id="\\/"),
    ],
)
def test_no_way_to_escape_hides_anything(written: Callable[[str], str]) -> None:
    """The same text is found in every JSON that may say it: quotes, backslashes, é, line breaks."""
    rule = own({"name": "path", "anchor": '/é"\\\n', "pattern": '/é"\\\\\\n[0-9]'})
    text = f'{KEY} a/é"\\\n7'
    event = f'{{"id":"1","timestamp":1,"message":{written(text)}}}'
    data = (
        '{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s",'
        f'"subscriptionFilters":[],"logEvents":[{event}]}}'
    )
    packed = b64encode(gzip.compress(data.encode())).decode()
    events = Reader(accel.standard(), "2").read(Record("1", packed))
    assert isinstance(events, Events)
    found, _ = Redactor([RULES["aws-access-key"], rule]).apply(events.messages)
    assert found == ["[REDACTED:aws-access-key] a[REDACTED:path]"]


@given(st.text(min_size=1, max_size=6), st.lists(st.text(max_size=8), min_size=1))
def test_an_anchor_is_found_wherever_it_stands(anchor: str, messages: list[str]) -> None:
    """Looking for its characters first makes no difference."""
    haystack = Haystack(messages)
    assert Anchor(anchor).stands_in(haystack) == (anchor in DELETE.join(messages))
    assert Anchor(anchor).stands_in(Haystack([*messages, f"x{anchor}y"]))
    assert not Anchor("ab").stands_in(Haystack(["ba", "a b"]))


OWN = {"name": "customer", "anchor": "cust-", "pattern": "cust-[0-9]{1,12}"}


def test_an_own_rule_replaces_with_its_own_text() -> None:
    """Literally: nothing in it is a reference."""
    redactor = Redactor([own({**OWN, "replacement": r"<\1\g<0>>"}), own({**OWN, "name": "again"})])
    found, counts = redactor.apply(["cust-12, cust-x, cust-3", "Cust-4"])
    assert found == [r"<\1\g<0>>, cust-x, <\1\g<0>>", "Cust-4"]
    assert counts == {"customer": 2}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "Customer"}, "is not of letters"),
        ({"name": "email"}, "built-in"),
        ({"replacement": "x" * 257}, "longer than 256"),
        ({"pattern": "cust-("}, "no regular expression"),
        ({"pattern": "cust-.*"}, "without an upper bound"),
        ({"pattern": "cust-[0-9]+"}, "without an upper bound"),
        ({"pattern": "cust-(?:a{1,9}){1,9}"}, "ways"),
        ({"pattern": "cust-(?:a|aa){1,40}"}, "ways"),
        ({"pattern": "cust-.{0,99}.{0,99}"}, "ways"),
        ({"pattern": "cust-(?=.{0,99}.{0,99}x)"}, "ways"),
        ({"pattern": "(cust-)\\1"}, "refers back"),
        ({"pattern": "(c)?cust-(?(1)a|b)"}, "refers back"),
        ({"pattern": "(?i)cust-1"}, "flag i"),
        ({"pattern": "(?i:cust-)1"}, "flag i"),
        ({"pattern": "cust-[a-z]{4000}[a-z]{200}"}, "more than 4096"),
        ({"pattern": "[c]ust_"}, "does not contain the anchor"),
        ({"pattern": "(?:cust-)?1"}, "does not contain the anchor"),
        ({"pattern": "(?:cust-){0,3}1"}, "does not contain the anchor"),
        ({"pattern": "cust-1|x"}, "does not contain the anchor"),
        ({"pattern": "(?=cust-)c"}, "does not contain the anchor"),
        ({"pattern": "(?!cust-)c"}, "does not contain the anchor"),
        ({"pattern": "cu.t-1"}, "does not contain the anchor"),
        ({"anchor": "c"}, "fewer than 3"),
        ({"anchor": ""}, "fewer than 3"),
    ],
)
def test_an_own_rule_that_may_be_slow_or_blind_is_refused(
    change: Mapping[str, str], problem: str
) -> None:
    """When it is configured, by a sentence that says why."""
    with pytest.raises(ValueError, match=problem):
        own({**OWN, **change})


@pytest.mark.parametrize(
    "pattern",
    [
        "cust-",
        r"\bcust-[0-9]{1,9}\b",
        "(?:cust)-(?P<n>[0-9]{3})",
        "(?:cust-a|new cust-[bc])",
        "(?:cust-){2}x",
        "(?>cust-[0-9]{1,9})",
        "cust-[a-z]{1,50}-[0-9]{1,20}",
        "(?x) cust- # a comment",
    ],
)
def test_an_own_rule_whose_matches_have_its_anchor_is_taken(pattern: str) -> None:
    """Literals count through groups, alternatives and repetitions."""
    assert isinstance(own({**OWN, "pattern": pattern}), Rule)


def test_no_text_makes_an_own_rule_slow() -> None:
    """With as many ways to match as allowed it is still a matter of seconds for a whole MB."""
    rule = own({**OWN, "pattern": ".{0,30}.{0,30}cust-"})
    begun = time.process_time()
    found = Redactor([rule]).text("c" * 20_000 + "\ncust-")
    assert found.endswith("\n[REDACTED:customer]")
    assert time.process_time() - begun < 5


def test_a_redactor_applies_what_is_chosen_in_a_fixed_order() -> None:
    """Built-in rules come first, in whatever order they were named."""
    found, counts = redactor(["ipv4", "jwt"], [OWN]).apply([f"{JWT} 10.0.0.1 cust-1 a@example.com"])
    assert found == ["[REDACTED:jwt] [REDACTED:ipv4] [REDACTED:customer] a@example.com"]
    assert list(counts) == ["jwt", "ipv4", "customer"]


@pytest.mark.parametrize(
    ("names", "definitions", "problem"),
    [
        (["mail"], [], "no built-in rule 'mail': there are private-key"),
        ([], [OWN, OWN], "two rules customer"),
        ([], [{**OWN, "pattern": "x"}], "the pattern of customer can match"),
        (
            [],
            [{**OWN, "pattern": "(?:(?=[a-z]{4000})a){900}cust-"}],
            "the pattern of customer looks ahead or back within a repetition",
        ),
    ],
)
def test_a_choice_that_cannot_be_applied_is_refused(
    names: list[str], definitions: list[Mapping[str, str]], problem: str
) -> None:
    """With the name that is wrong."""
    with pytest.raises(ValueError, match=problem):
        redactor(names, definitions)


PATTERNS = st.recursive(
    st.sampled_from(["cust-", "a", ".", "[ab]", r"\b", "c", "ust-"]),
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})")
        | inner.map(lambda one: f"(?:{one}){{0,2}}")
        | inner.map(lambda one: f"(?:{one}){{1,2}}")
    ),
    max_leaves=6,
)


@given(PATTERNS, st.lists(st.sampled_from(["cust-", "a", "b", "c", "ust-", " "])).map("".join))
def test_whatever_an_own_rule_matches_contains_its_anchor(pattern: str, text: str) -> None:
    """Otherwise the look for the anchor would hide something."""
    taken = not list(problems(pattern, "cust-"))
    assert not taken or all("cust-" in match[0] for match in re.finditer(pattern, text))
