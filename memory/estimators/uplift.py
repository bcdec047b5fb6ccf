"""Set-level uplift: what serving a set adds to success, against the same executor without memory.

As described in the abstract of UpliftMem (arXiv 2609.36805): the target of retrieval is the uplift of a whole memory
set over the same executor without memory; one scorer is shared by all memories; it is a correlated Gaussian; and probes
go where the expected value of sample information is highest. The paper's equations were not at hand. Decided here:

- E[r | s, S] = b(s) + x(s, S)' w, both linear in fixed features, with one joint Gaussian posterior: Bayesian linear
  regression, noise variance 1/4. Uplift is x(s, S)' w, and exactly 0 for the empty set.
- The control is what was served nothing: the policy's own control reads, those of `none`, and reads that found nothing.
  The paper runs each training task with and without memory; a memory in use sees each task once, so b(s) is learned
  from other tasks near it.
- x(s, S) is the sum over the set of what its cases tell: a constant, cosine, own reward, both together, and a random
  bilinear form of task and case. So sets are scored as wholes, but no two cases are known to fit each other.
- Nothing is learned of a single case, since the scorer is shared.
- An outcome counts for as much as its evaluator is believed, and can be taken back exactly.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, whole
from memento.memory.estimators.settled import SettledEvents
from memento.memory.products import product, solved

MIN_SERVED = 10
"""Known outcomes, of both kinds, of reads that served cases, before uplift is trusted; similarity serves until then."""

_SETTINGS: Final = {
    "task_sd": number(0.5, least=1e-3, most=10.0),
    "case_sd": number(0.1, least=1e-3, most=10.0),
    "pair_sd": number(0.03, least=1e-3, most=10.0),
    "outcomes": whole(16_384.0, most=1e7),
}
"""Prior standard deviations, in probability: of b(s), of what a case's cosine and own reward tell, of what the bilinear
form does; `outcomes` counts those that can still be corrected."""
_NOISE = 0.25
_TASK = 24
"""Random features of a task."""
_PAIR = 32
"""Random features of a task and a case together."""
_N_TASK = 1 + _TASK
_N_CASE = 4 + _PAIR
_DRAW = 2609_36805
"""Seed of the random features, the same in every memory."""


class _Kept(NamedTuple):
    """One outcome."""

    reward: float
    confidence: float
    ids: tuple[str, ...]


class SetUplift(SharedOutcomes):
    """Gaussian posterior of the uplift of a set over no memory."""

    name: EstimatorName = "uplift"
    views: tuple[CaseView, ...] = ("state",)
    replays = 0

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start from the prior; makes tensors.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: unused: the random features are the same in every memory.
            settings: any of `task_sd`, `case_sd`, `pair_sd`, `outcomes`.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        del seed
        self._made_as = checked_settings(settings, _SETTINGS, estimator=self.name)
        chance = np.random.default_rng(_DRAW)
        self._task_DF, self._of_task_DF, self._of_case_DF = (
            chance.normal(size=(dim, n)).astype(np.float32) for n in (_TASK, _PAIR, _PAIR)
        )
        task, case, pair = (self._made_as[f"{part}_sd"] ** 2 for part in ("task", "case", "pair"))
        variance_P = np.repeat([1.0, task / _TASK, case, pair / _PAIR], [1, _TASK, 4, _PAIR])
        self._precision_PP = np.diag(1.0 / variance_P)
        self._target_P = np.zeros(len(variance_P))
        self._target_P[0] = 0.5  # mean of b, of variance 1
        self._kept: dict[str, _Kept] = {}
        self._features: dict[str, NDArray[np.float32]] = {}
        self._exposures: dict[str, int] = {}
        self._n_served = self._n_positive = 0
        self._settled = SettledEvents()
        self._posterior: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """None: a baseline keeps its constants."""
        return []

    def learn(self, example: Example) -> None:
        """Take in one outcome, also of a read that served nothing: it is the control."""
        before = self._kept.get(example.event_id)
        if before is not None:
            if (before.reward, before.confidence) == (example.reward, example.confidence):
                return  # somebody else says the same again: no credit twice
            self._count(example.event_id, before, -1)
        elif example.event_id in self._settled:
            return
        else:
            self._features[example.event_id] = self._of_set(example.state_D, example.cases)
        kept = _Kept(example.reward, example.confidence, example.cases.ids if before is None else before.ids)
        self._kept[example.event_id] = kept
        self._count(example.event_id, kept, 1)
        if len(self._kept) > int(self._made_as["outcomes"]):
            oldest = next(iter(self._kept))
            del self._kept[oldest], self._features[oldest]
            self._settled.add(oldest)

    def withdraw(self, event_id: str) -> bool:
        """Take back what the event's outcome said."""
        before = self._kept.get(event_id)
        if before is None:
            return False
        self._count(event_id, before, -1)
        del self._kept[event_id], self._features[event_id]
        return True

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """What each case adds to the uplift of a set, in probability, with its standard deviation."""
        if self._n_served < MIN_SERVED or not 0 < self._n_positive < self._n_served:
            return None
        mean_P, covariance_PP = self._believed()
        part_CP = self._of_cases(state_D, cases).astype(np.float64)
        mean_C = product(part_CP, mean_P[_N_TASK:].copy())
        variance_C = (product(part_CP, covariance_PP[_N_TASK:, _N_TASK:].copy()) * part_CP).sum(1)
        exposures_C = np.array([self._exposures.get(case_id, 0) for case_id in cases.ids], np.int64)
        return Estimates(mean_C.astype(np.float32), np.sqrt(np.maximum(variance_C, 0)).astype(np.float32), exposures_C)

    def predict(self, example: Example) -> float:
        """E[r | s, S], kept within [0, 1]."""
        features_P = self._of_set(example.state_D, example.cases).astype(np.float64)
        return float(np.clip(product(features_P, self._believed()[0]), 0, 1))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Posterior, and the outcomes that can be taken back."""
        n_features = len(self._target_P)
        return {
            "precision": self._precision_PP.copy(),
            "target": self._target_P.copy(),
            "features": np.array(list(self._features.values()), np.float32).reshape(-1, n_features),
            "settled": self._settled.numbers(),
        }

    def stamp(self) -> dict[str, Any]:
        """Settings, outcomes and counts."""
        return {
            "made_as": self._made_as,
            "kept": [[event_id, *kept] for event_id, kept in self._kept.items()],
            "exposures": dict(self._exposures),
            "counts": [self._n_served, self._n_positive],
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError: it is of other settings, or of another shape.
        """
        del replay
        if stamp["made_as"] != self._made_as or tensors["target"].shape != self._target_P.shape:
            raise ValueError("learned with other settings, or by another release")
        self._precision_PP, self._target_P = tensors["precision"].copy(), tensors["target"].copy()
        self._kept = {event_id: _Kept(reward, sure, tuple(ids)) for event_id, reward, sure, ids in stamp["kept"]}
        self._features = dict(zip(self._kept, tensors["features"].copy(), strict=True))
        self._exposures = dict(stamp["exposures"])
        self._n_served, self._n_positive = stamp["counts"]
        self._settled.restore(tensors["settled"])
        self._posterior = None

    def _count(self, event_id: str, kept: _Kept, sign: int) -> None:
        """Add an outcome to the posterior, or take it out."""
        features_P = self._features[event_id].astype(np.float64)
        weight_P = sign * kept.confidence / _NOISE * features_P
        self._precision_PP += weight_P[:, None] * features_P
        self._target_P += kept.reward * weight_P
        self._posterior = None
        if kept.ids:
            self._n_served += sign
            self._n_positive += sign * (kept.reward >= POSITIVE_FROM)
        for case_id in kept.ids:
            self._exposures[case_id] = self._exposures.get(case_id, 0) + sign

    def _believed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and covariance of all weights."""
        if self._posterior is None:
            covariance_PP = solved(self._precision_PP, np.eye(len(self._target_P)))
            self._posterior = product(covariance_PP, self._target_P), covariance_PP
        return self._posterior

    def _of_set(self, state_D: NDArray[np.float32], cases: CaseRows) -> NDArray[np.float32]:
        """Features of a task with what it was served, shape (P,)."""
        features_P = np.zeros(_N_TASK + _N_CASE, np.float32)
        features_P[0] = 1.0
        features_P[1:_N_TASK] = product(state_D[None], self._task_DF)[0]
        if len(cases):
            features_P[_N_TASK:] = self._of_cases(state_D, cases).sum(0)
        return features_P

    def _of_cases(self, state_D: NDArray[np.float32], cases: CaseRows) -> NDArray[np.float32]:
        """Each case's part of a set's features, shape (C, the last P of a set)."""
        similarity_C, reward_C = cases.similarity_N, cases.reward_N
        plain = np.stack([np.ones(len(cases), np.float32), similarity_C, reward_C, similarity_C * reward_C], axis=1)
        pair_CF = product(cases.vectors["state"], self._of_case_DF) * product(state_D[None], self._of_task_DF)
        return np.concatenate([plain, pair_CF], axis=1, dtype=np.float32)
