"""An estimator for tests of what surrounds estimators: shrunk means by case, learned at once, with real intervals."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import (
    CaseEffect,
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number


class CaseMeans(SharedOutcomes):
    """p = mean over the served cases of their shrunk mean reward; an effect is that mean less the base rate."""

    name: EstimatorName = "kernel"
    views: tuple[CaseView, ...] = ("state",)
    replays = 0

    def __init__(self, *, settings: EstimatorSettings | None = None, space: tuple[dict[str, float], ...] = ()) -> None:
        chosen = checked_settings(
            settings, {"shrinkage": number(5.0, most=1e3), "boldness": number(0.0, most=1e3)}, estimator="case means"
        )
        self._shrinkage, self._boldness = chosen["shrinkage"], chosen["boldness"]
        self._space = [dict(one) for one in space]
        self._rewards: dict[str, list[float]] = defaultdict(list)
        self._all: list[float] = []

    def settings_space(self) -> list[dict[str, float]]:  # type: ignore[override]  # a test chooses them
        return self._space

    def learn(self, example: Example) -> None:
        self._all.append(example.reward)
        for case_id in example.cases.ids:
            self._rewards[case_id].append(example.reward)

    def withdraw(self, event_id: str) -> bool:
        raise NotImplementedError

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        value_C = np.array([self._mean(case_id) for case_id in cases.ids], np.float32)
        return Estimates(value_C, None, np.array([len(self._rewards[one]) for one in cases.ids], np.int64))

    def predict(self, example: Example) -> float:
        return float(np.mean([self._mean(case_id) for case_id in example.cases.ids] or [self._base]))

    def effects(self) -> list[CaseEffect]:
        """`boldness` is credit for nothing: what the probes must find."""
        spread = float(np.std(self._all))
        return [
            CaseEffect(case_id, len(rewards), float(np.mean(rewards)) - self._base + self._boldness, sd)
            for case_id, rewards in self._rewards.items()
            for sd in [1.6 * spread / np.sqrt(len(rewards))]
        ]

    def tensors(self) -> dict[str, NDArray[Any]]:
        return {}

    def stamp(self) -> dict[str, Any]:
        return {}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        raise NotImplementedError

    @property
    def _base(self) -> float:
        return float(np.mean(self._all)) if self._all else 0.5

    def _mean(self, case_id: str) -> float:
        rewards = self._rewards.get(case_id, [])
        return (sum(rewards) + self._shrinkage * self._base) / (len(rewards) + self._shrinkage)
