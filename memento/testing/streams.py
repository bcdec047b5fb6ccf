"""Made-up outcomes for checks of estimators: tasks of a few topics, cases that help or hurt there, and odd ones.

Axes: N cases of an example, C candidates, D vector dimensions.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, CaseView, Example

_N_TOPICS: Final = 4
_N_CASES: Final = 40


class MadeStream:
    """A world of cases; the same seed makes the same outcomes."""

    def __init__(self, *, dim: int, views: Sequence[CaseView], seed: int = 0) -> None:
        """Make the cases.

        Args:
            dim: dimension D of vectors.
            views: encodings of cases that the estimator asks for.
            seed: of everything.
        """
        self._chance = np.random.default_rng(seed)
        self._views = tuple(views)
        self._centre = _units(self._chance.normal(size=(_N_TOPICS, dim)))
        topic_N = np.arange(_N_CASES) % _N_TOPICS
        self._case_ND = _units(self._centre[topic_N] + 0.3 * self._chance.normal(size=(_N_CASES, dim)) / dim**0.5)
        self._is_good_N = self._chance.random(_N_CASES) < 0.5

    def task(self, topic: int) -> NDArray[np.float32]:
        """An encoded task, shape (D,)."""
        noise = 0.3 * self._chance.normal(size=self._centre.shape[1]) / self._centre.shape[1] ** 0.5
        task_D: NDArray[np.float32] = _units((self._centre[topic % _N_TOPICS] + noise)[None])[0]
        return task_D

    def rows(self, state_D: NDArray[np.float32], cases: Sequence[int]) -> CaseRows:
        """Cases as an estimator sees them."""
        at = np.array(cases, np.int64)
        case_ND = self._case_ND[at]
        return CaseRows(
            ids=tuple(f"case {number}" for number in cases),
            similarity_N=np.vecdot(case_ND, state_D),
            reward_N=(at % 3 > 0).astype(np.float32),
            vectors={view: case_ND.copy() for view in self._views},
            actions=tuple(f"action {number % 7}" for number in cases),
            support_N=(0.1 * (at % 5)).astype(np.float32),
        )

    def example(self, number: int) -> Example:
        """One outcome; every fourth serves nothing."""
        topic = int(self._chance.integers(_N_TOPICS))
        state_D, n_served = self.task(topic), 0 if number % 4 == 3 else int(self._chance.integers(1, 4))
        served = self._chance.choice(_N_CASES, n_served, replace=False)
        helps = float(self._is_good_N[served].mean()) if n_served else 0.0
        return outcome(
            number,
            state_D,
            self.rows(state_D, served.tolist()),
            reward=float(self._chance.random() < 0.2 + 0.6 * helps),
            confidence=float(self._chance.choice([0.5, 1.0])),
        )

    def examples(self, n: int) -> list[Example]:
        """Outcomes in order."""
        return [self.example(number) for number in range(n)]

    def odd(self, first: int) -> list[Example]:
        """Outcomes as logs of other systems hold them: no cases, one case twice, no vectors, no confidence."""
        state_D = self.task(0)
        rows = self.rows(state_D, [1, 2, 3])
        nothing = {view: np.zeros_like(row_ND) for view, row_ND in rows.vectors.items()}
        twice = replace(rows, ids=("case 1", "case 1", "case 2"))
        alike = self.rows(state_D, [5, 5, 5])
        return [
            outcome(first, state_D, self.rows(state_D, []), reward=1.0),
            outcome(first + 1, state_D, twice, reward=0.0),
            outcome(first + 2, np.zeros_like(state_D), replace(rows, vectors=nothing), reward=1.0),
            outcome(first + 3, state_D, replace(alike, ids=("odd a", "odd b", "odd c")), reward=0.5),
            outcome(first + 4, state_D, replace(rows, actions=(), support_N=None), reward=1.0),
            outcome(first + 5, state_D, rows, reward=1.0, confidence=0.0),
            outcome(first + 6, state_D, rows, reward=0.0, confidence=1e-9),
            outcome(first + 7, state_D, self.rows(state_D, list(range(32))), reward=0.3),
        ]


def outcome(
    number: int, state_D: NDArray[np.float32], cases: CaseRows, *, reward: float, confidence: float = 1.0
) -> Example:
    """An outcome of an event of its own."""
    n = len(cases)
    return Example(
        offset=number + 1,
        event_id=f"event {number}",
        follows=None,
        question=f"question {number}",
        state_D=state_D,
        cases=cases,
        is_randomised_N=np.zeros(n, np.bool_),
        propensity_N=np.ones(n),
        reward=reward,
        confidence=confidence,
    )


def _units(row_ND: NDArray[Any]) -> NDArray[np.float32]:
    unit_ND: NDArray[np.float32] = (row_ND / np.linalg.norm(row_ND, axis=1, keepdims=True)).astype(np.float32)
    return unit_ND
