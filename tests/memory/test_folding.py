"""Folding: what says the same is one, what says something else stays apart; for scorers and for the key of a task."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.memory.case import former_question_hash, question_hash
from memento.memory.folding import folded
from memento.nodes.scoring import exact_match, gaia_match, token_f1
from tests.folding_pairs import APART, ONE, STANDARD

MADE_BEFORE = {
    "What is 2\u2078?": "2425579817025890eb5b894e1bb13d08",
    "What is 28?": "2425579817025890eb5b894e1bb13d08",
    "1,234 \u2013 \u201cx\u00bd\u201d": "c87cf729bdb7b0c7b53e7f9acbe5e340",
    " Who  wrote\nDUNE ?!": "1b2aea53051de65865151cad1e174a61",
}


def compared(one: str, other: str) -> dict[str, bool]:
    """What takes the two for one."""
    return {
        "key": question_hash(one) == question_hash(other),
        "exact match": exact_match(one, [other]),
        "exact match, exchanged": exact_match(other, [one]),
        "token F1": token_f1(one, [other]) == 1.0,
        "token F1, exchanged": token_f1(other, [one]) == 1.0,
    }


def test_texts_stay_apart_when_they_say_something_else() -> None:
    found = [(pair, compared(*pair)) for pair in APART]
    assert [(pair, same) for pair, same in found if any(same.values())] == []


def test_texts_are_one_when_only_their_form_differs() -> None:
    found = [(pair, compared(*pair)) for pair in ONE]
    assert [(pair, same) for pair, same in found if not all(same.values())] == []


def test_answers_are_one_and_tasks_are_two_when_the_standard_is_kind() -> None:
    found = [(pair, compared(*pair)) for pair in STANDARD]
    expected = {"key": False, "exact match": True, "exact match, exchanged": True}
    assert [(pair, same) for pair, same in found if not same.items() >= expected.items()] == []


def test_there_are_enough_pairs_of_each_kind() -> None:
    print(f"{len(APART)} pairs apart, {len(ONE)} that are one, {len(STANDARD)} by the standard")  # noqa: T201
    pairs = [frozenset(pair) for pair in (*APART, *ONE, *STANDARD) if len(set(pair)) == 2]
    assert len(set(pairs)) == len(pairs)
    assert min(len(APART), len(ONE)) >= 100


@pytest.mark.parametrize(
    ("answer", "reference", "is_right"),
    [
        ("3,14", "314", True),  # GAIA takes out every comma of an answer, where the reference is a number
        ("10\u00b2", "102", False),
        ("10\u00b2", "10\u00b2", True),
        ("\u00bd", "0.5", False),
        ("\u20ac5", "$5", False),
        ("5%", "5", True),
        ("\u22125", "-5", False),
    ],
)
def test_gaias_own_convention_is_kept(answer: str, reference: str, is_right: bool) -> None:
    assert gaia_match(answer, reference) is is_right


@pytest.mark.parametrize(("text", "key"), MADE_BEFORE.items())
def test_former_key_is_the_one_that_old_ledgers_hold(text: str, key: str) -> None:
    assert former_question_hash(text) == key


@given(st.text(st.sampled_from("abc DEF.?! \t\n:;\u00e9\u0416\u6771\uff21"), max_size=40))
def test_key_is_what_it_was_when_nothing_was_lost(text: str) -> None:
    assert question_hash(text) == former_question_hash(text)


SIGNS = (
    "0123,.^_{}()abX-+*/ <>=!'$%\u00b2\u00b3\u207f\u2081\u2082\u2099\u00bd\u2460\u33a1\u207b\u207a"
    "\u20ac\ufb01\u2212\u0663\u2019\u00a0\u2044\u215f\u1d57\u02b0"
)


@given(st.text(st.sampled_from(SIGNS) | st.characters(), max_size=20))
def test_folding_again_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert exact_match(text, [text])
    assert token_f1(text, [text]) == 1.0
    assert exact_match(unicodedata.normalize("NFD", text), [text])


@pytest.mark.parametrize(
    "piece", ["9", "1,234,", "^{", "x^(", "_1", "\u00b2\u2082", "\u00bd\u2460", "<sup>", " ^ ", "a**"]
)
def test_long_texts_are_folded_when_every_sign_counts(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    assert exact_match(text, [text])
    assert len(question_hash(text)) == 32
