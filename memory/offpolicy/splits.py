"""Train/test splits by question: no question is on both sides.

All rows of a question share its outcome. A split that cuts through questions tests whether the question is remembered,
which a dictionary does best (shown by `benchmarks.leak`). Axes: N rows.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Split(NamedTuple):
    """Row numbers, in order."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def grouped_folds(question_N: ArrayLike, *, n_folds: int = 5, seed: int = 0) -> list[Split]:
    """Folds of whole questions: every row is tested once, by a model that never saw its question.

    Args:
        question_N: which question each row is of.
        n_folds: how many; their row counts differ by at most one question's.
        seed: the same seed gives the same folds, whatever order the rows are in.

    Raises:
        ValueError: fewer questions than folds.
    """
    names_Q, place_N, count_Q = np.unique(np.asarray(question_N), return_inverse=True, return_counts=True)
    if not 2 <= n_folds <= len(names_Q):
        raise ValueError(f"{n_folds} folds of {len(names_Q)} questions")
    shuffled_Q = np.random.default_rng(seed).permutation(len(names_Q))
    largest_first = shuffled_Q[np.argsort(-count_Q[shuffled_Q], kind="stable")]
    fold_Q, size_F = np.empty(len(names_Q), np.intp), np.zeros(n_folds, np.intp)
    for question in largest_first:
        smallest = int(np.argmin(size_F))
        fold_Q[question] = smallest
        size_F[smallest] += count_Q[question]
    fold_N = fold_Q[place_N]
    return [Split(np.flatnonzero(fold_N != fold), np.flatnonzero(fold_N == fold)) for fold in range(n_folds)]


def temporal_splits(
    question_N: ArrayLike, offset_N: ArrayLike, *, n_blocks: int = 8, first_share: float = 0.2
) -> Iterator[Split]:
    """Prequential blocks: each is tested by what was learned from everything before it.

    Rows of a question that was asked before their block are not tested: they would test memory of that question.
    A block that is left with no row is passed over.

    Args:
        question_N: which question each row is of.
        offset_N: when each row's outcome came, such as its ledger offset; rows of one offset stay together.
        n_blocks: of equally many offsets each, in order of time.
        first_share: of the offsets is learned from before the first block.

    Raises:
        ValueError: fewer offsets left than blocks.
    """
    question_N, offset_N = np.asarray(question_N), np.asarray(offset_N)
    moments = np.unique(offset_N)
    moments = moments[int(np.ceil(first_share * len(moments))) :]
    if not 1 <= n_blocks <= len(moments):
        raise ValueError(f"{n_blocks} blocks of {len(moments)} moments")
    for block in np.array_split(moments, n_blocks):
        train = np.flatnonzero(offset_N < block[0])
        test = np.flatnonzero((offset_N >= block[0]) & (offset_N <= block[-1]))
        test = test[~np.isin(question_N[test], question_N[train])]
        if len(test):
            yield Split(train, test)
