"""Within-question AUC: whether the better set of cases scores higher for the same question, difficulty held fixed."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Example
from memento.memory.stats import UNDEFINED, mean_interval

ENOUGH = 50
"""Questions with two sets and two outcomes, from which on the figure is judged."""


class WithinQuestion:
    """Concordance of scores and rewards among events of the same question, less the one half that chance gives."""

    def __init__(self, examples: Sequence[Example], score_N: NDArray[np.float64], *, seed: int = 0) -> None:
        """Compare all pairs of one question's events that were served different cases and ended differently.

        Args:
            examples: N examples.
            score_N: of each; rows whose score is nan are left out.
            seed: of the interval.
        """
        by_question: dict[str, list[int]] = defaultdict(list)
        for row, example in enumerate(examples):
            if not np.isnan(score_N[row]):
                by_question[example.question].append(row)
        concordance = [_concordance(examples, score_N, rows) for rows in by_question.values()]
        share_Q = np.array([share for share in concordance if share is not None])
        self.n_questions = len(share_Q)
        """Questions with at least one such pair."""
        self.interval = UNDEFINED
        """Mean over questions, in [-.5, .5]; 0 is chance."""
        if self.n_questions:
            self.interval = mean_interval(share_Q - 0.5, ends=(-0.5, 0.5), seed=seed)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough repeated questions to judge by."""
        return self.n_questions >= ENOUGH


def _concordance(examples: Sequence[Example], score_N: NDArray[np.float64], rows: Sequence[int]) -> float | None:
    agreements = []
    for one, other in combinations(rows, 2):
        better = examples[one].reward - examples[other].reward
        if better == 0 or set(examples[one].cases.ids) == set(examples[other].cases.ids):
            continue
        agreements.append(0.5 + 0.5 * float(np.sign(better) * np.sign(score_N[one] - score_N[other])))
    return float(np.mean(agreements)) if agreements else None
