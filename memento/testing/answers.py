"""Everything that an estimator answers to fixed questions, for comparing two of them.

Axes: C candidates, D vector dimensions.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Estimates, Estimator, Example
from memento.testing.failures import expect
from memento.testing.streams import MadeStream


class EstimatorUnderTest(NamedTuple):
    """How to make the estimator that is checked."""

    make: Callable[[], Estimator]
    """Makes an untrained one, always with the same seed and settings."""
    dim: int
    """Dimension D of the vectors that it takes."""

    def stream(self, *, seed: int = 0) -> MadeStream:
        """Outcomes for it."""
        return MadeStream(dim=self.dim, views=self.make().views, seed=seed)

    def taught(self, examples: list[Example]) -> Estimator:
        """One that has learned these outcomes."""
        estimator = self.make()
        for example in examples:
            estimator.learn(example)
        return estimator


class EstimatorAnswers(NamedTuple):
    """Everything that an estimator answers to fixed questions."""

    value: NDArray[np.float32]
    """Empty while it has too little evidence."""
    sd: NDArray[np.float32]
    exposures: NDArray[np.int64]
    predicted: NDArray[np.float64]
    suggested: list[str]
    directions: NDArray[np.float32]
    effects: list[Any]

    def far_from(self, other: "EstimatorAnswers") -> float:
        """Largest difference between two values, predictions or directions; infinite if they differ in kind."""
        if self.suggested != other.suggested or [one[:2] for one in self.effects] != [one[:2] for one in other.effects]:
            return math.inf
        parts = [(getattr(self, name), getattr(other, name)) for name in ("value", "sd", "predicted", "directions")]
        parts += [(np.array([one[2:] for one in self.effects]), np.array([one[2:] for one in other.effects]))]
        if any(one.shape != two.shape for one, two in parts) or not np.array_equal(self.exposures, other.exposures):
            return math.inf
        return max(float(np.abs(one - two).max(initial=0.0)) for one, two in parts)


def answers_of(subject: EstimatorUnderTest, estimator: Estimator) -> EstimatorAnswers:
    """Ask an estimator fixed questions, and check the form of its answers.

    Raises:
        AssertionError: a value of another shape, not finite, or out of range.
    """
    stream = subject.stream(seed=1)
    state_D = stream.task(0)
    rows = stream.rows(state_D, list(range(12)))
    estimates = estimator.estimate(state_D, rows)
    if estimates is not None:
        _well_formed(estimates, len(rows))
    predicted = np.array([estimator.predict(one) for one in stream.examples(8)])
    expect(((predicted >= 0) & (predicted <= 1)).all(), "predictions in [0, 1]", predicted)
    suggestions, effects = estimator.suggest(state_D), estimator.effects()
    expect(len(set(suggestions.ids)) == len(suggestions.ids), "each suggested case once", suggestions.ids)
    directions = suggestions.direction_MD
    is_form = directions.ndim == 2 and (not len(directions) or directions.shape[1] == subject.dim)
    expect(is_form and np.isfinite(directions).all(), f"finite directions, shape (M, {subject.dim})", directions.shape)
    known = [one.case_id for one in effects]
    expect(len(set(known)) == len(known), "an effect for each case once", known)
    is_finite = all(one.exposures > 0 and math.isfinite(one.effect) and one.sd >= 0 for one in effects)
    expect(is_finite, "effects of served cases that are finite", effects)
    none = np.zeros(0, np.float32)
    return EstimatorAnswers(
        none if estimates is None else estimates.value_C.copy(),
        none if estimates is None or estimates.sd_C is None else estimates.sd_C.copy(),
        none.astype(np.int64) if estimates is None else estimates.exposures_C.copy(),
        predicted,
        list(suggestions.ids),
        directions.copy(),
        [tuple(one) for one in effects],
    )


def _well_formed(estimates: Estimates, n: int) -> None:
    for name, part in estimates._asdict().items():
        if part is not None:
            expect(part.shape == (n,), f"{name} of shape ({n},)", part.shape)
            expect(np.isfinite(part).all(), f"finite {name}", part)
    expect(estimates.sd_C is None or (estimates.sd_C >= 0).all(), "standard deviations of at least 0", estimates.sd_C)
    expect((estimates.exposures_C >= 0).all(), "exposures of at least 0", estimates.exposures_C)
