"""Long texts cut to a question."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.tools.web.passage_selection import GAP, beginning, compressed

FILLER = "The committee measured the old mill in the spring, and nobody objected to that."
ANSWER = "The county seat of Columbia is St. Helens."


def page(n_paragraphs: int = 60, *, at: int = 40, answer: str = ANSWER) -> str:
    paragraphs = [f"Paragraph {number}. {FILLER}" for number in range(n_paragraphs)]
    paragraphs.insert(at, answer)
    return "\n\n".join(paragraphs)


def test_a_text_is_whole_when_it_is_short_enough() -> None:
    assert compressed(page(5, at=2), "county seat", 10_000) == page(5, at=2)


def test_the_answer_and_the_first_lines_stay_when_a_text_is_long() -> None:
    short = compressed(page(), "What is the county seat of Columbia?", 1_000)
    assert ANSWER in short
    assert short.startswith("Paragraph 0.")
    assert GAP in short
    assert len(short) <= 1_000


def test_passages_keep_their_order_when_the_later_one_matches_better() -> None:
    text = page(at=10, answer="A county is mentioned.") + "\n\n" + page(at=30)
    short = compressed(text, "county seat of Columbia", 900)
    assert short.index("A county is mentioned") < short.index(ANSWER)


def test_any_form_of_a_word_matches() -> None:
    assert "bridges were flooded" in compressed(page(answer="Two bridges were flooded."), "bridge flooding", 800)


def test_the_answer_is_found_when_there_are_no_spaces_between_words() -> None:
    text = "\n\n".join(
        ["港口在大风暴之后被完全重建。" * 8] * 40 + ["图书馆收藏了几百封从未发表的信件。"] + ["桥" * 300] * 10
    )
    short = compressed(text, "图书馆有多少信件", 900)
    assert "图书馆收藏了几百封从未发表的信件。" in short
    assert "\u200b" not in short


@pytest.mark.parametrize("query", ["", "?!", "zxcvb"])
def test_the_beginning_stays_when_nothing_matches(query: str) -> None:
    assert compressed(page(), query, 500) == beginning(page(), 500)


def test_no_query_is_read_as_syntax() -> None:
    assert ANSWER in compressed(page(), 'county" OR * NEAR( : seat', 800)


def test_a_text_is_cut_at_a_word_when_there_is_one_near() -> None:
    assert beginning("one two three", 9) == "one two"
    assert beginning("x" * 50, 10) == "x" * 10
    assert beginning("short", 10) == "short"


@given(st.integers(0, 2**32), st.integers(1, 3_000), st.text(max_size=40))
def test_the_budget_is_kept_and_nothing_is_made_up(seed: int, budget: int, query: str) -> None:
    chance = random.Random(seed)
    words = ["county", "seat", "bridge", "桥", "港口", "river.", "\n", "\n\n", "x" * 60]
    text = " ".join(chance.choices(words, k=600))
    short = compressed(text, query or "county", budget)
    assert len(short) <= budget
    for part in short.split(GAP.strip()):
        assert "".join(part.split()) in "".join(text.split())
