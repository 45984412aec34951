"""Texts as a list and as one text are the same texts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.shipping.texts import DELETE, Texts, each

LISTS = st.lists(st.text(st.sampled_from([*'ab"\\\n', "é", DELETE]), max_size=5), max_size=5)


@given(texts=LISTS)
def test_texts_are_the_list_they_were_made_of(texts: list[str]) -> None:
    """In length, order, parts and equality, also where one has the separator itself."""
    made = Texts(texts)
    assert (list(made), len(made)) == (texts, len(texts))
    assert made == texts
    assert made == Texts.of(texts)
    assert made != [*texts, ""]
    assert [made[place] for place in range(len(made))] == texts
    assert made[1:] == texts[1:]
    assert Texts.of(made) is made


@given(texts=LISTS.filter(bool))
def test_one_text_stands_for_all_only_if_it_can_be_parted(texts: list[str]) -> None:
    """Then what is changed in it is changed in the texts, and nothing runs together."""
    made = Texts(texts)
    assert made.together() == (DELETE not in "".join(texts))
    if made.together():
        assert made.changed(made.whole.replace("a", "xx")) == [
            text.replace("a", "xx") for text in texts
        ]


@given(texts=LISTS)
def test_each_text_is_written_for_itself(texts: list[str]) -> None:
    """However many are written at once; what stands around them is left out."""
    assert each(texts, json.dumps) == [json.dumps(text)[1:-1] for text in texts]


def test_texts_are_no_keys() -> None:
    """As lists are none."""
    with pytest.raises(TypeError) as raised:
        hash(Texts(["a"]))
    assert "unhashable" in str(raised.value)
