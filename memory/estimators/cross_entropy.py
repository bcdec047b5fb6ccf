"""The paper's parametric estimator: Q(s, c; theta) trained online by cross-entropy (Eq. 15).

Every case served shares its event's outcome, as in the paper; that is what makes it a control. What is replayed is what
is believed now, for as much as its evaluator is believed: a corrected outcome replaces the one it corrects, a withdrawn
one leaves.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.q_function import QFunction
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, whole

MIN_OUTCOMES = 10
"""Known outcomes, of both kinds, of reads that served cases, before Q is trusted; similarity serves until then."""

_SETTINGS: Final = {
    "steps_per_outcome": whole(8.0, most=64),
    "learning_rate": number(1e-3, most=1.0),
    "weight_decay": number(1e-3, most=1.0),
}
_REPLAY = 512
_BATCH = 64
_MOMENT = "optimizer."


class _Pairs(NamedTuple):
    """One row per served case of a known outcome."""

    state_ND: torch.Tensor
    case_ND: torch.Tensor
    reward_N: torch.Tensor
    weight_N: torch.Tensor
    """The evaluator's confidence."""
    ids: tuple[str, ...]


class CrossEntropyQ(SharedOutcomes):
    """Q(s, c), one row per served case, each with the outcome of its event."""

    name: EstimatorName = "cross_entropy"
    views: tuple[CaseView, ...] = ("text",)
    replays = _REPLAY

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start untrained; makes tensors.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: of the first weights and of every batch.
            settings: `steps_per_outcome`, `learning_rate`, `weight_decay` of AdamW; what is left out is built in.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        chosen = checked_settings(settings, _SETTINGS, estimator=self.name)
        self._seed = seed
        self._n_steps = int(chosen["steps_per_outcome"])
        with torch.random.fork_rng(devices=[]):  # a host's random state is not ours to change
            torch.manual_seed(seed)
            self.q = QFunction(dim=dim)
        rate, decay = chosen["learning_rate"], chosen["weight_decay"]
        self._optimizer = torch.optim.AdamW(self.q.parameters(), lr=rate, weight_decay=decay, fused=True)
        self.replay: dict[str, _Pairs] = {}  # by event, in the order of their newest outcomes
        self._exposures: dict[str, int] = {}

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """Alternative settings: lower or higher learning rate, fewer steps, more regularisation."""
        return [
            {"learning_rate": 3e-4},
            {"learning_rate": 3e-3},
            {"learning_rate": 3e-4, "weight_decay": 0.1},
            {"learning_rate": 3e-4, "steps_per_outcome": 2.0},
        ]

    def learn(self, example: Example) -> None:
        """The online update: a few cross-entropy steps on this outcome's pairs and a replayed sample."""
        pairs = _pairs(example)
        before = self.replay.pop(example.event_id, None)
        self.replay[example.event_id] = pairs
        if len(self.replay) > _REPLAY:
            del self.replay[next(iter(self.replay))]
        n_new = len(pairs.reward_N)
        if before is None:
            self._count(pairs.ids, 1)
        if n_new == 0 or (before is not None and _say_the_same(before, pairs)):
            return  # nothing was served, or somebody else says the same again: no credit twice
        state_ND, case_ND, reward_N, weight_N = (
            torch.cat([getattr(one, part) for one in self.replay.values()])
            for part in ("state_ND", "case_ND", "reward_N", "weight_N")
        )
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + example.offset)
        for _ in range(self._n_steps):
            old_B = torch.randint(len(reward_N), (max(0, _BATCH - n_new),), generator=generator)
            row_B = torch.cat([old_B, torch.arange(len(reward_N) - n_new, len(reward_N))])
            self._optimizer.zero_grad()
            logit_B = self.q(state_ND[row_B], case_ND[row_B])
            loss: torch.Tensor = functional.binary_cross_entropy_with_logits(
                logit_B, reward_N[row_B], weight=weight_N[row_B]
            )
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def withdraw(self, event_id: str) -> bool:
        """Remove this event from the replay buffer."""
        pairs = self.replay.pop(event_id, None)
        if pairs is not None:
            self._count(pairs.ids, -1)
        return pairs is not None

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """Q(s, c) in (0, 1); None while evidence is thin."""
        if not self._has_evidence():
            return None
        exposures_C = np.array([self._exposures.get(case_id, 0) for case_id in cases.ids], np.int64)
        return Estimates(self._values(state_D, cases), None, exposures_C)

    def predict(self, example: Example) -> float:
        """The mean of the served cases' Q; the mean reward so far when nothing was served or known."""
        if len(example.cases) and self.replay:
            return float(self._values(example.state_D, example.cases).mean())
        rewards = [float(pairs.reward_N[0]) for pairs in self.replay.values() if len(pairs.reward_N)]
        return float(np.mean(rewards)) if rewards else 0.5

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of the network's weights and the optimizer's moments."""
        tensors = {name: value.numpy().copy() for name, value in self.q.state_dict().items()}
        for index, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"{_MOMENT}{index}.{name}": value.numpy().copy() for name, value in state.items()}
        return tensors

    def stamp(self) -> dict[str, Any]:
        """Seed, replayed events, exposures."""
        return {"seed": self._seed, "replay": list(self.replay), "exposures": dict(self._exposures)}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError, RuntimeError: it is of another seed or shape.
        """
        if stamp["seed"] != self._seed:
            raise ValueError("another seed")
        torch_tensors = {name: torch.tensor(value) for name, value in tensors.items()}
        self.q.load_state_dict({name: value for name, value in torch_tensors.items() if not name.startswith(_MOMENT)})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in torch_tensors.items():
            if name.startswith(_MOMENT):
                _, index, moment = name.split(".")
                state.setdefault(int(index), {})[moment] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        replayed = set(stamp["replay"])
        self.replay = {one.event_id: _pairs(one) for one in replay if one.event_id in replayed}
        self._exposures = dict(stamp["exposures"])

    def _has_evidence(self) -> bool:
        rewards = [float(pairs.reward_N[0]) for pairs in self.replay.values() if len(pairs.reward_N)]
        n_positive = sum(reward >= POSITIVE_FROM for reward in rewards)
        return len(rewards) >= MIN_OUTCOMES and 0 < n_positive < len(rewards)

    def _values(self, state_D: NDArray[np.float32], cases: CaseRows) -> NDArray[np.float32]:
        with torch.inference_mode():
            case_CD = torch.from_numpy(cases.vectors["text"])
            logit_C = self.q(torch.from_numpy(np.array(state_D)).expand_as(case_CD), case_CD)
            value_C: NDArray[np.float32] = torch.sigmoid(logit_C).numpy()
            return value_C

    def _count(self, ids: tuple[str, ...], change: int) -> None:
        for case_id in ids:
            self._exposures[case_id] = self._exposures.get(case_id, 0) + change


def _pairs(example: Example) -> _Pairs:
    case_ND = torch.from_numpy(example.cases.vectors["text"])
    state_D = torch.from_numpy(np.array(example.state_D))
    reward_N = torch.full((len(case_ND),), example.reward)
    weight_N = torch.full((len(case_ND),), example.confidence)
    return _Pairs(state_D.expand_as(case_ND), case_ND, reward_N, weight_N, example.cases.ids)


def _say_the_same(one: _Pairs, other: _Pairs) -> bool:
    return torch.equal(one.reward_N, other.reward_N) and torch.equal(one.weight_N, other.weight_N)
