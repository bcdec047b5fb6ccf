"""MemRL's utilities (arXiv 2601.03192): each case's Q is a moving average of the rewards it was served with.

From the paper and its code (github.com/MemTensor/MemRL, 7c3beba): Q <- Q + a (r - Q) with a = .3 for every case of the
read alike, Q starts at .5 (LifelongAgentBench, whose rewards are 0 and 1 as here), and cases compete only if they are
among the 10 most similar (k1) above a similarity threshold. `MemRLPolicy` ranks by what this says.

Where it differs, and why:
- The threshold follows from the cosines between tasks (see `SimilarityGate`); the paper tunes it for each benchmark.
- An outcome moves Q by as much as its evaluator is believed; a corrected or withdrawn one leaves nothing behind. The
  paper's outcomes are certain and final.
- The reflections that the paper writes of failures are the lessons of this memory's cases, and near-duplicates are
  merged when they are written: neither is the estimator's.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.moving_averages import Credited, MovingAverages
from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, share, whole
from memento.memory.estimators.similarity_gate import SimilarityGate

_SETTINGS: Final = {
    "step": share(0.3),
    "initial": share(0.5),
    "nearest": whole(10.0, least=1, most=1e6),
    "gate_deviations": number(0.8, most=100.0),
    "outcomes": whole(16_384.0, most=1e7),
}
"""`nearest` is k1; `outcomes` counts those that can still be corrected."""


class MemRLUtilities(SharedOutcomes):
    """Q of each case: a moving average of the rewards that it shared in."""

    name: EstimatorName = "memrl"
    views: tuple[CaseView, ...] = ()
    replays = 0

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start with no outcomes.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: unused, nothing here is random.
            settings: any of `step`, `initial`, `nearest`, `gate_deviations`, `outcomes`.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        del seed
        self._made_as = checked_settings(settings, _SETTINGS, estimator=self.name)
        self._gate = SimilarityGate(deviations=self._made_as["gate_deviations"], dim=dim)
        self._averages = MovingAverages(
            step=self._made_as["step"], initial=self._made_as["initial"], capacity=int(self._made_as["outcomes"])
        )

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """None: a baseline keeps its published constants."""
        return []

    def learn(self, example: Example) -> None:
        """Every case served moves towards the reward."""
        self._gate.put(example.event_id, example.state_D)
        self._averages.learn(example.event_id, self._credited(example.cases), example.reward, example.confidence)

    def withdraw(self, event_id: str) -> bool:
        """Fold the utilities again without this event."""
        self._gate.pop(event_id)
        return self._averages.withdraw(event_id)

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates:
        """Q in [0, 1], and which cases pass the first phase."""
        del state_D
        value_C = self._values(cases)
        exposures_C = np.array([self._averages.exposures(case_id) for case_id in cases.ids], np.int64)
        is_eligible_C = self._passing(cases.similarity_N, self._competing(cases, value_C))
        return Estimates(value_C, None, exposures_C, is_eligible_C=is_eligible_C)

    def predict(self, example: Example) -> float:
        """Mean Q of the served cases; the mean reward so far when nothing was served."""
        if not len(example.cases):
            return self._averages.mean_reward
        return float(np.clip(self._values(example.cases).mean(), 0, 1))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The gate's tasks, and the events that have settled."""
        return {**self._gate.tensors(), "settled": self._averages.settled()}

    def stamp(self) -> dict[str, Any]:
        """Settings, outcomes and counts."""
        return {"made_as": self._made_as, "gate": self._gate.stamp(), "averages": self._averages.stamp()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError: it is of other settings, or of another shape.
        """
        del replay
        if stamp["made_as"] != self._made_as:
            raise ValueError("learned with other settings")
        self._gate.restore(tensors, stamp["gate"])
        self._averages.restore(tensors["settled"], stamp["averages"])

    def _credited(self, cases: CaseRows) -> list[Credited]:
        return [(case_id, case_id) for case_id in cases.ids]

    def _competing(self, cases: CaseRows, value_C: NDArray[np.float32]) -> NDArray[np.bool_]:
        del value_C
        return np.ones(len(cases), np.bool_)

    def _values(self, cases: CaseRows) -> NDArray[np.float32]:
        return np.array([self._averages.value(*pair) for pair in self._credited(cases)], np.float32)

    def _passing(self, similarity_C: NDArray[np.float32], is_competing_C: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The k1 nearest of those that compete and pass the gate."""
        passing = np.flatnonzero(is_competing_C & (similarity_C >= self._gate.least()))
        nearest = passing[np.argsort(-similarity_C[passing], kind="stable")[: int(self._made_as["nearest"])]]
        is_passing_C = np.zeros(len(similarity_C), np.bool_)
        is_passing_C[nearest] = True
        return is_passing_C
