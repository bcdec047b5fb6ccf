"""How answers are compared. Many more pairs: test_scorer_conformance.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.nodes.scoring import exact_match, normalized, token_f1


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
    assert token_f1(text, [text]) == 1.0
    assert normalized(normalized(text)) == normalized(text) or not text.isascii()


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


@given(st.text(), st.text())
def test_an_exact_match_has_every_word_in_common(answer: str, reference: str) -> None:
    f1 = token_f1(answer, [reference])
    assert 0 <= f1 <= 1
    assert f1 == 1.0 or not exact_match(answer, [reference])


@pytest.mark.parametrize(
    "text", ["9" * 5_000, "1e9999", "1e99999999", "-" * 50_000, "1." * 50_000, "nan", "inf", "1e", "$", "-"]
)
def test_odd_numbers_are_compared_without_trouble(text: str) -> None:
    assert exact_match(text, [text])
    assert not exact_match(text, ["7"])
