"""How answers are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.nodes.scoring import exact_match, normalized
from memento.nodes.scoring.judge import Verdict, judged


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("Paris", "paris"),
        ("The  Paris.", "Paris"),
        ("\uff30aris", "Paris"),
        ("STRASSE", "stra\u00dfe"),
        ("Forty-Two!", "fortytwo"),
        ("The", "the"),
        (" !!! ", "!!!"),
        ("A", "a"),
    ],
)
def test_match_when_only_form_differs(answer: str, reference: str) -> None:
    assert exact_match(answer, ["other", reference])


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("London", "Paris"),
        ("", "Paris"),
        ("", "The"),
        ("an", "The"),
        ("???", "!!!"),
        ("no idea", "!!!"),
        ("Paris, France", "Paris"),
    ],
)
def test_no_match_when_content_differs(answer: str, reference: str) -> None:
    assert not exact_match(answer, [reference])


def test_no_match_when_there_is_no_reference() -> None:
    assert not exact_match("", [])


@given(st.text())
def test_every_text_matches_itself(text: str) -> None:
    assert exact_match(text, [text])
    assert normalized(normalized(text)) == normalized(text) or not text.isascii()


@pytest.mark.parametrize(("word", "reward"), [("yes", 1.0), ("no", 0.0), ("unsure", None)])
def test_reward_follows_the_verdict(word: str, reward: float | None) -> None:
    evaluation = judged(Verdict.model_validate({"correct": word, "reason": "because"}))
    assert (evaluation.reward, evaluation.evaluator, evaluation.reason) == (reward, "judge", "because")


@pytest.mark.parametrize(
    ("answer", "reference", "is_same"),
    [
        ("35", "3.5", False),
        ("5", "-5", False),
        ("3.50", "3.5", True),
        ("1,234", "1234", True),
        ("$17", "17", True),
        ("17 apples", "17", False),
        ("\u22125", "-5", True),
    ],
)
def test_numbers_are_compared_as_numbers_when_both_are_nothing_else(answer: str, reference: str, is_same: bool) -> None:
    assert exact_match(answer, [reference]) is is_same
