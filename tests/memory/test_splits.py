"""Splits that no question crosses, and the one that all cross."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.leak import leaky_row_split
from memento.memory.offpolicy.splits import grouped_folds, temporal_splits

QUESTIONS = st.lists(st.integers(0, 30), min_size=12, max_size=80).filter(lambda rows: len(set(rows)) >= 8)


@given(QUESTIONS, st.integers(2, 8), st.integers(0, 5))
def test_no_question_is_on_both_sides_and_every_row_is_tested_once(rows: list[int], n_folds: int, seed: int) -> None:
    question = np.array(rows)
    folds = grouped_folds(question, n_folds=n_folds, seed=seed)
    assert len(folds) == n_folds
    for train, test in folds:
        assert not set(question[train]) & set(question[test])
        assert len(train) + len(test) == len(rows)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(rows)))


@given(QUESTIONS, st.integers(2, 8))
def test_folds_are_balanced(rows: list[int], n_folds: int) -> None:
    sizes = [len(test) for _, test in grouped_folds(rows, n_folds=n_folds)]
    assert max(sizes) - min(sizes) <= max(rows.count(question) for question in rows)


def test_folds_depend_on_seed_and_questions_not_on_the_order_of_rows() -> None:
    question = np.repeat([f"q{number}" for number in range(40)], 3)
    shuffled = question[np.random.default_rng(0).permutation(len(question))]

    def tested(rows: np.ndarray[tuple[int], np.dtype[np.str_]], seed: int) -> list[set[str]]:
        return [set(rows[test]) for _, test in grouped_folds(rows, seed=seed)]

    assert tested(question, 1) == tested(shuffled, 1)
    assert tested(question, 1) != tested(question, 2)


def test_folds_are_refused_when_there_are_too_few_questions() -> None:
    with pytest.raises(ValueError, match="5 folds of 2 questions"):
        grouped_folds(["a", "b"])


@given(QUESTIONS, st.integers(1, 6))
def test_blocks_are_tested_by_their_past_on_questions_that_are_new(rows: list[int], n_blocks: int) -> None:
    question, offset = np.array(rows), np.arange(len(rows)) * 3
    tested: list[int] = []
    for train, test in temporal_splits(question, offset, n_blocks=n_blocks):
        assert offset[train].max() < offset[test].min()
        assert not set(question[train]) & set(question[test])
        tested += test.tolist()
    assert len(tested) == len(set(tested))
    n_first = int(np.ceil(0.2 * len(rows)))
    new = [row for row in range(n_first, len(rows)) if rows[row] not in rows[:row]]
    assert set(new) <= set(tested)


def test_rows_of_one_moment_stay_together() -> None:
    offset = np.repeat(np.arange(10), 4)
    for train, test in temporal_splits(np.arange(40), offset, n_blocks=4):
        assert not set(offset[train]) & set(offset[test])


def test_blocks_are_refused_when_there_are_too_few_moments() -> None:
    with pytest.raises(ValueError, match="8 blocks of 2 moments"):
        list(temporal_splits([1, 2], [1, 2], first_share=0))


def test_row_split_cuts_through_questions() -> None:
    question = np.repeat(np.arange(100), 8)
    train, test = leaky_row_split(len(question), seed=1)
    assert len(test) == 80
    assert sorted([*train, *test]) == list(range(800))
    assert np.isin(question[test], question[train]).all()
