"""What AWS Config is told of findings, and of that only what it does not hold already."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.evaluate import evaluate, exempt_until
from steward.evaluations import GONE, Evaluation, Key, difference, evaluation, together
from steward.model import Finding, Ref, Verdict
from tests import toy
from tests.fakes import ACCOUNT, FakeAws

GROUP = "AWS::Logs::LogGroup"
POLICY = "AWS::Logs::AccountPolicy"


def finding(
    verdict: Verdict, reason: str = "because", *, id: str = "/a", kind: str = GROUP
) -> Finding:
    return Finding(Ref(kind, id), verdict, "CODE", reason)


@pytest.mark.parametrize(
    ("found", "compliance", "annotation"),
    [
        pytest.param(finding(Verdict.COMPLIANT), "COMPLIANT", "[CODE] because", id="in order"),
        pytest.param(
            finding(Verdict.NON_COMPLIANT), "NON_COMPLIANT", "[CODE] because", id="out of order"
        ),
        pytest.param(
            finding(Verdict.EXEMPT, "exempt until 2027-06-30 (team: waits); kept for ever"),
            "NON_COMPLIANT",
            "[EXEMPT until 2027-06-30] (team: waits); kept for ever",
            id="exempt",
        ),
        pytest.param(
            finding(Verdict.NON_COMPLIANT, "two\nlines  and blanks "),
            "NON_COMPLIANT",
            "[CODE] two lines and blanks",
            id="on one line",
        ),
        pytest.param(finding(Verdict.NON_COMPLIANT, ""), "NON_COMPLIANT", "[CODE]", id="no reason"),
        pytest.param(
            finding(Verdict.NON_COMPLIANT, "\u20ac" * 300),
            "NON_COMPLIANT",
            "[CODE] " + "\u20ac" * 246 + "...",
            id="256 characters at most",
        ),
    ],
)
def test_a_finding_is_told_in_configs_words(
    found: Finding, compliance: str, annotation: str
) -> None:
    """Config has no verdict for what is exempt: it stays a violation, and says until when."""
    assert evaluation(found, FakeAws()) == Evaluation(GROUP, "/a", Verdict(compliance), annotation)
    assert 1 <= len(evaluation(found, FakeAws()).annotation) <= 256


def test_the_day_of_an_exemption_is_found_in_the_sentence_that_judging_makes(
    tmp_path: Path,
) -> None:
    """The ledger keeps the sentence, and Config is told the day from it."""
    loaded = toy.policy(exemptions=(toy.exemption("a", date(2027, 6, 30)),))
    with closing(toy.ledger(tmp_path)) as book:
        run = toy.run(toy.World({"a": 1}), book, loaded=loaded)
        [state] = run.control.observe(run.sight, toy.refs("a"))
        found = evaluate(run, state)
    assert found.verdict is Verdict.EXEMPT
    assert exempt_until(found.reason) == ("2027-06-30", "(somebody: because); is 1, should be 10")


def test_a_role_that_is_remembered_by_its_id_is_told_by_it() -> None:
    """So that a change, whose item has the id, and the clock report on one resource."""
    unique = "AROA" + "A1" * 8
    found = Finding(Ref("AWS::IAM::Role", "a"), Verdict.COMPLIANT, "CODE", "why", memory=unique)
    assert [*together([found], FakeAws())] == [("AWS::IAM::Role", unique)]


def test_of_several_findings_on_the_account_the_worst_is_told() -> None:
    """It stands in for what Config takes no evaluation of, and the annotation says for what."""
    several = [
        finding(Verdict.COMPLIANT, "fine", id="one", kind=POLICY),
        finding(Verdict.NON_COMPLIANT, "b is wrong", id="two", kind=POLICY),
        finding(Verdict.NON_COMPLIANT, "a is wrong", id="three", kind=POLICY),
    ]
    told = together(several, FakeAws())
    key = ("AWS::::Account", ACCOUNT)
    assert told == {
        key: Evaluation(*key, Verdict.NON_COMPLIANT, f"[CODE] {POLICY} three: a is wrong")
    }
    assert told == together(reversed(several), FakeAws())


def of(id: str, compliance: Verdict, annotation: str = "", kind: str = GROUP) -> Evaluation:
    return Evaluation(kind, id, compliance, annotation)


def by_key(*several: Evaluation) -> dict[Key, Evaluation]:
    return {one.key: one for one in several}


RED, GREEN = Verdict.NON_COMPLIANT, Verdict.COMPLIANT
OUT, UNREAD = Verdict.NOT_APPLICABLE, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("wanted", "held", "sent"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param([of("/a", RED)], [], [of("/a", RED)], id="new"),
        pytest.param([of("/a", RED)], [of("/a", RED)], [], id="unchanged"),
        pytest.param([of("/a", GREEN)], [of("/a", RED)], [of("/a", GREEN)], id="put right"),
        pytest.param(
            [of("/a", RED, "[B]")], [of("/a", RED, "[A]")], [of("/a", RED, "[B]")], id="why"
        ),
        pytest.param([], [of("/a", RED)], [of("/a", OUT, GONE)], id="gone"),
        pytest.param([of("/a", OUT)], [of("/a", RED)], [of("/a", OUT)], id="excluded"),
        pytest.param([of("/a", OUT)], [], [], id="never told of"),
        pytest.param([of("/a", UNREAD)], [of("/a", RED)], [], id="unread, and held"),
        pytest.param([of("/a", UNREAD)], [], [], id="unread, and not held"),
        pytest.param(
            [of("a", RED, kind="K")],
            [of("a", RED, kind="L")],
            [of("a", RED, kind="K"), of("a", OUT, GONE, kind="L")],
            id="the same id of another type",
        ),
    ],
)
def test_only_what_config_does_not_hold_is_sent(
    wanted: list[Evaluation], held: list[Evaluation], sent: list[Evaluation]
) -> None:
    """What vanished is told under the type that it is held under; what was not read, not at all."""
    assert difference(by_key(*wanted), by_key(*held)) == sent


EVALUATIONS = st.builds(
    Evaluation,
    kind=st.sampled_from(["K", "L"]),
    id=st.sampled_from("abcdef"),
    compliance=st.sampled_from([RED, GREEN, OUT, UNREAD]),
    annotation=st.sampled_from(["", "[A]", "[B]"]),
)
REPORTS = st.lists(EVALUATIONS).map(lambda several: by_key(*several))
HELD = REPORTS.map(lambda told: applied({}, [*told.values()]))


def applied(held: dict[Key, Evaluation], sent: list[Evaluation]) -> dict[Key, Evaluation]:
    """What Config holds afterwards."""
    after = {**held, **by_key(*sent)}
    return {key: one for key, one in after.items() if one.compliance in (RED, GREEN)}


@given(REPORTS, HELD)
def test_afterwards_config_holds_what_is_wanted(
    wanted: dict[Key, Evaluation], held: dict[Key, Evaluation]
) -> None:
    """Of what was read exactly that, of what was not what it held before; a second time nothing."""
    sent = difference(wanted, held)
    after = applied(held, sent)
    unread = {key for key, one in wanted.items() if one.compliance is UNREAD}
    told = {key: one for key, one in wanted.items() if one.compliance in (RED, GREEN)}
    assert after == {**told, **{key: held[key] for key in unread & held.keys()}}
    assert difference(wanted, after) == []
    assert len({one.key for one in sent}) == len(sent)
    assert sent == sorted(sent)


@given(REPORTS, HELD)
def test_nothing_is_sent_that_config_holds_already(
    wanted: dict[Key, Evaluation], held: dict[Key, Evaluation]
) -> None:
    """Each row changes something."""
    assert [one for one in difference(wanted, held) if held.get(one.key) == one] == []
    assert all(
        one.key in held or one.compliance in (RED, GREEN) for one in difference(wanted, held)
    )
