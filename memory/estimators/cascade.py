"""CASCADE's Neural-LinLogUCB (arXiv 2605.06702): a network's last features with a logistic-linear head and its width.

From the authors' code (github.com/guosyjlu/CASCADE, bandit.py): features phi(s, c) of the task and the *task* of the
case, p = sigmoid(theta . phi) without a constant, width sqrt(phi' A^-1 phi) with A = lambda I + sum of phi phi' over
all pairs served, lambda = .1. Every case served shares the reward. After each full batch the network is trained,
features and A are computed anew and theta is the network's head; in between theta takes one gradient step and A one
rank-one update per pair. `CascadePolicy` serves by the upper bound.

Where it differs, and why:
- The authors fine-tune a pretrained cross-encoder (ModernBERT, 150 M weights) on a GPU. Here encoders are frozen: the
  features are a small network on s * c and |s - c|, of length 1, beside the cosine. The cosine's weight in theta stands
  for what the pretrained reranker knows of relevance.
- At each full batch the network is fitted from its first weights to the newest believed outcomes instead of being
  trained on: so a corrected or withdrawn outcome leaves nothing behind. Weights are tuned for that (a fresh network
  needs larger steps than a pretrained one).
- An outcome counts for as much as its evaluator is believed; the paper's are certain.
- A batch is 32 reads; the authors' is 32 reads of one case.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from memento.memory.estimators.neural_linear import NeuralLinear, ServedPairs, fitted, pair_inputs, untrained
from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, whole

_SETTINGS: Final = {
    "ridge": number(0.1, least=1e-6, most=1e6),
    "batch": whole(32.0, least=1, most=1e6),
    "steps": whole(100.0, most=1000),
    "learning_rate": number(3e-3, most=1.0),
    "weight_decay": number(1e-3, most=1.0),
    "relevance": number(4.0, most=1e3),
}
"""`ridge` is lambda; `batch` counts reads between two fits, `steps` those of a fit; `relevance` is the cosine's first
weight in theta."""
_CAPACITY = 1024
"""Newest outcomes kept."""


class NeuralLinLogUCB(SharedOutcomes):
    """p(success | s, c) by a logistic-linear head on learned features, with the width of its confidence."""

    name: EstimatorName = "cascade"
    views: tuple[CaseView, ...] = ("state",)
    replays = _CAPACITY

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start untrained; makes tensors.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: of the first weights and of every batch.
            settings: any of `ridge`, `batch`, `steps`, `learning_rate`, `weight_decay`, `relevance`.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        self._made_as = {"seed": float(seed), **checked_settings(settings, _SETTINGS, estimator=self.name)}
        self._dim = dim
        self._seed = seed
        self._kept: dict[str, ServedPairs] = {}  # by event, in the order of their newest outcomes
        self._exposures: dict[str, int] = {}
        self._n = 0  # believed outcomes that served cases
        self._model: NeuralLinear | None = untrained(self._made_as, dim=dim, seed=seed)

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """None: a baseline keeps its constants."""
        return []

    def learn(self, example: Example) -> None:
        """Take in one outcome: a step of theta and of A, and a fit after every full batch."""
        if len(self._kept) >= _CAPACITY:
            self._current()  # while all that a fit rests on is still there
        served = ServedPairs.of(example)
        before = self._kept.get(example.event_id)
        if before is not None:
            if (before.reward, before.confidence) == (served.reward, served.confidence):
                return  # somebody else says the same again: no credit twice
            self._remove(example.event_id, before)
        self._kept[example.event_id] = served
        for case_id in served.ids:
            self._exposures[case_id] = self._exposures.get(case_id, 0) + 1
        if len(self._kept) > _CAPACITY:
            del self._kept[next(iter(self._kept))]
        if not served.ids:
            return
        self._n += 1
        if self._n % self._batch == 0:
            self._model = None
        elif self._model is not None:
            self._model = self._model.stepped(served, rate=self._rate)

    def withdraw(self, event_id: str) -> bool:
        """Remove this event; what was learned is learned again without it."""
        before = self._kept.get(event_id)
        if before is not None:
            self._remove(event_id, before)
        return before is not None

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates:
        """P in (0, 1) and the width of each, of which the policy adds a share."""
        value_C, width_C = self._current().bounds(*pair_inputs(state_D, cases))
        exposures_C = np.array([self._exposures.get(case_id, 0) for case_id in cases.ids], np.int64)
        return Estimates(value_C.numpy(), width_C.numpy(), exposures_C)

    def predict(self, example: Example) -> float:
        """The mean of the served cases' p; the mean reward so far when nothing was served."""
        if len(example.cases):
            return float(self.estimate(example.state_D, example.cases).value_C.mean())
        rewards = [one.reward for one in self._kept.values()]
        return float(np.mean(rewards)) if rewards else 0.5

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Network, theta and A^-1."""
        model = self._current()
        weights = {f"net.{name}": value.numpy() for name, value in model.net.state_dict().items()}
        return {**weights, "theta": model.theta_P.numpy(), "inverse": model.inverse_PP.numpy()}

    def stamp(self) -> dict[str, Any]:
        """Seed and settings, outcomes kept, and counts."""
        return {"made_as": self._made_as, "kept": list(self._kept), "exposures": dict(self._exposures), "n": self._n}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError, RuntimeError: it is of another seed, other settings or another shape.
        """
        if stamp["made_as"] != self._made_as:
            raise ValueError("another seed or other settings")
        replayed = {one.event_id: one for one in replay}
        self._kept = {event_id: ServedPairs.of(replayed[event_id]) for event_id in stamp["kept"]}
        self._exposures, self._n = dict(stamp["exposures"]), stamp["n"]
        net = untrained(self._made_as, dim=self._dim, seed=self._seed).net
        weights = {name.removeprefix("net."): torch.tensor(tensors[name]) for name in tensors if name[:4] == "net."}
        net.load_state_dict(weights)
        self._model = NeuralLinear(net, torch.tensor(tensors["theta"]), torch.tensor(tensors["inverse"]))

    @property
    def _batch(self) -> int:
        return int(self._made_as["batch"])

    @property
    def _rate(self) -> float:
        """Of theta's steps between two fits: the learning rate over the batch, as in the authors' code."""
        return self._made_as["learning_rate"] / self._batch

    def _remove(self, event_id: str, before: ServedPairs) -> None:
        del self._kept[event_id]
        for case_id in before.ids:
            self._exposures[case_id] -= 1
        if before.ids:
            self._n -= 1
            self._model = None

    def _current(self) -> NeuralLinear:
        if self._model is None:
            served = [one for one in self._kept.values() if one.ids]
            n_fitted = max(0, len(served) - self._n % self._batch)
            self._model = fitted(served[:n_fitted], self._made_as, dim=self._dim, seed=self._seed)
            for one in served[n_fitted:]:
                self._model = self._model.stepped(one, rate=self._rate)
        return self._model
