"""Out-of-sample predictions: trains on one part of a split, predicts the other."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Estimator, Example
from memento.memory.offpolicy.splits import Split

Tick = Callable[[], None]
"""Called after every example that was learned from; whatever it raises ends the work."""


def out_of_sample(
    make: Callable[[], Estimator], examples: Sequence[Example], splits: Iterable[Split], *, tick: Tick
) -> NDArray[np.float64]:
    """p(r = 1 | s, S) of every tested example, by an estimator that learned from its split's training part.

    Args:
        make: makes an estimator that knows nothing yet.
        examples: N examples in the order of their outcomes; they are learned from in this order.
        splits: row numbers; where a training part only adds to the one before, learning goes on.
        tick: called after every learned example.

    Returns:
        Probabilities, shape (N,); nan where no split tests.
    """
    p_N = np.full(len(examples), np.nan)
    estimator, learned = make(), np.empty(0, np.intp)
    for train, test in splits:
        if not np.array_equal(train[: len(learned)], learned):
            estimator, learned = make(), np.empty(0, np.intp)
        for row in train[len(learned) :]:
            estimator.learn(examples[row])
            tick()
        learned = train
        p_N[test] = [estimator.predict(examples[row]) for row in test]
    return p_N
