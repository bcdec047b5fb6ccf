"""What a split that cuts through questions pretends: the leak of the reference's validation, shown on any log.

All rows of a question share its outcome. Split by rows, each question is on both sides, and a dictionary of questions
foretells everything; so does any model that can remember a question, even where the outcomes are noise. Split by
questions, what is left is what was learned. Axes: P rows (a task and one served case each).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.reference_head import Pairs, pairs_of, trained_heads
from memento.memory.estimators.port import Example
from memento.memory.offpolicy.controls import shuffled
from memento.memory.offpolicy.metrics import auc_within
from memento.memory.offpolicy.splits import Split, grouped_folds
from memento.memory.stats import Interval, statistic_interval

EPOCHS = (3, 20)
"""The reference's default, and enough to remember every question."""

P = NDArray[np.float64]
Model = Callable[[Pairs, Pairs], Sequence[P]]
"""Training rows and tested ones to the tested ones' scores, one array for each name of the model."""

_LOOKUP = ("question lookup",)
_HEAD = tuple(f"reference head, {n} epochs" for n in EPOCHS)
_QUESTION_HEAD = (f"reference head without the case, {EPOCHS[-1]} epochs",)


class LeakRow(NamedTuple):
    """One model under both splits."""

    model: str
    outcomes: str
    """`recorded`, or `permuted`: those of other questions, so that there is nothing to learn."""
    by_rows: Interval
    """AUC when rows of the same question are on both sides."""
    by_questions: Interval
    """AUC when no question is on both sides; pairs of the same fold are compared."""


def leak_table(
    examples: Sequence[Example], *, seed: int = 0, n_folds: int = 5, tick: Callable[[], None] = lambda: None
) -> list[LeakRow]:
    """The demonstration; about half a minute for 700 questions with eight cases each.

    Args:
        examples: with the view `text` of their cases; of at least `n_folds` questions.
        seed: of splits, permutation, weights and intervals.
        n_folds: of the split by questions.
        tick: called after every pass over training rows; whatever it raises ends the work.
    """
    recorded, permuted = pairs_of(examples), pairs_of(shuffled(examples, seed=seed))

    def head(train: Pairs, asked: Pairs) -> Sequence[P]:
        heads = trained_heads(train, epochs=EPOCHS, seed=seed, tick=tick)
        return [head.predict(asked.state_PD, asked.case_PD) for head in heads]

    def question_head(train: Pairs, asked: Pairs) -> Sequence[P]:
        (head,) = trained_heads(train, epochs=EPOCHS[-1:], seed=seed, sees_cases=False, tick=tick)
        return [head.predict(asked.state_PD, asked.case_PD)]

    splits = [leaky_row_split(len(recorded.reward_P), seed=seed)]
    folds = grouped_folds(recorded.question_P, n_folds=n_folds, seed=seed)
    rows: list[LeakRow] = []
    for outcomes, pairs, models in (
        ("recorded", recorded, ((_LOOKUP, lookup), (_QUESTION_HEAD, question_head), (_HEAD, head))),
        ("permuted", permuted, ((_LOOKUP, lookup), (_HEAD, head))),
    ):
        for names, model in models:
            by_rows, by_questions = _figures(model, pairs, splits, seed), _figures(model, pairs, folds, seed)
            rows += [LeakRow(name, outcomes, *both) for name, *both in zip(names, by_rows, by_questions, strict=True)]
    return rows


def lookup(train: Pairs, asked: Pairs) -> Sequence[P]:
    """What the same question earned in training; their mean for a question that is not there."""
    questions, place_P = np.unique(train.question_P, return_inverse=True)
    mean_Q = np.bincount(place_P, weights=train.reward_P) / np.bincount(place_P)
    known = dict(zip(questions, mean_Q, strict=True))
    base = float(train.reward_P.mean())
    return [np.array([known.get(question, base) for question in asked.question_P])]


def held_out(model: Model, pairs: Pairs, splits: Sequence[Split]) -> tuple[list[P], NDArray[np.intp]]:
    """Scores of the tested rows by models that were trained on each split's other rows.

    Returns:
        One array of shape (P,) for each name of the model, nan where no split tests; and which split tested each row,
        -1 for none.
    """
    split_P = np.full(len(pairs.reward_P), -1, np.intp)
    scores: list[P] = []
    for number, (train, test) in enumerate(splits):
        split_P[test] = number
        for place, score in enumerate(model(pairs.take(train), pairs.take(test))):
            if len(scores) <= place:
                scores.append(np.full(len(pairs.reward_P), np.nan))
            scores[place][test] = score
    return scores, split_P


def _figures(model: Model, pairs: Pairs, splits: Sequence[Split], seed: int) -> list[Interval]:
    scores, split_P = held_out(model, pairs, splits)
    tested = split_P >= 0
    columns = pairs.question_P[tested], pairs.reward_P[tested]
    return [
        statistic_interval(auc_within, *columns, score[tested], split_P[tested], n=300, seed=seed) for score in scores
    ]


def leaky_row_split(n_rows: int, *, test_share: float = 0.1, seed: int = 0) -> Split:
    """The reference's split, which cuts through questions. Only to demonstrate the leak; judge nothing by it."""
    row_N = np.random.default_rng(seed).permutation(n_rows)
    n_test = round(test_share * n_rows)
    return Split(np.sort(row_N[n_test:]), np.sort(row_N[:n_test]))
