"""Cross-fitting: one estimator per fold, trained on all other questions."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Estimator, Example
from memento.memory.offpolicy.splits import grouped_folds

MANY = 2_000
"""Number of examples above which fewer folds are used: they give as much information for less work."""


def _n_folds(n_examples: int, n_questions: int) -> int:
    """Five for small logs; two for large ones, of which half teaches nearly as much in a quarter of the time."""
    return min(5 if n_examples <= MANY else 2, n_questions)


class CrossFitting:
    """Trains one estimator per fold in small parts, so that others can use the thread in between."""

    def __init__(self, make: Callable[[], Estimator], examples: Sequence[Example], *, seed: int) -> None:
        """Plan it.

        Args:
            make: makes an estimator that knows nothing yet.
            examples: in the order in which they are learned from; at least two questions.
            seed: of the folds.
        """
        questions = [example.question for example in examples]
        splits = grouped_folds(questions, n_folds=_n_folds(len(examples), len(set(questions))), seed=seed)
        self._make = make
        self._examples = examples
        self._estimators: list[Estimator] = []
        self._train = [split.train for split in splits]
        self.fold_E: NDArray[np.intp] = np.zeros(len(examples), np.intp)
        """Fold that each example is held out of."""
        for fold, split in enumerate(splits):
            self.fold_E[split.test] = fold

    @property
    def n_steps(self) -> int:
        """Number of examples that all folds together learn from."""
        return sum(map(len, self._train))

    def steps(self, *, size: int = 64) -> Iterator[int]:
        """Train in parts of `size` examples; yields the size of each part."""
        for train in self._train:
            estimator = self._make()
            for start in range(0, len(train), size):
                part = train[start : start + size]
                for index in part:
                    estimator.learn(self._examples[index])
                yield len(part)
            self._estimators.append(estimator)

    def estimator(self, example: int) -> Estimator:
        """The estimator that has not seen this example's question; call after all steps."""
        return self._estimators[int(self.fold_E[example])]
