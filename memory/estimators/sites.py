"""Learned outcomes with their contributions to the posterior, so that each can be corrected or withdrawn.

Axes: E experts, X features of one outcome, N outcomes.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from memento.memory.estimators.posterior import Features, Site


class TakenIn(NamedTuple):
    """One learned outcome with its contribution."""

    reward: float
    confidence: float
    number: int
    """Number of outcomes learned by then, this one included."""
    ids: tuple[str, ...]
    """Cases served."""
    features: Features
    site: Site


class Sites:
    """Retractable outcomes by event, oldest first."""

    def __init__(self, *, capacity: int) -> None:
        """Start empty.

        Args:
            capacity: outcomes that can still be corrected; an older one stays as it was learned.
        """
        self._capacity = capacity
        self._taken: dict[str, TakenIn] = {}
        self._settled: set[int] = set()  # events too old to be corrected, by hash: eight bytes instead of sixty

    def get(self, event_id: str) -> TakenIn | None:
        """The outcome held for an event, if any."""
        return self._taken.get(event_id)

    def is_settled(self, event_id: str) -> bool:
        """Whether the event was learned from so long ago that it can no longer be corrected, nor learned from again."""
        return event_id not in self._taken and _hash(event_id) in self._settled

    def put(self, event_id: str, taken: TakenIn) -> None:
        """Add an outcome as the newest."""
        self._taken.pop(event_id, None)
        self._taken[event_id] = taken
        if len(self._taken) > self._capacity:
            oldest = next(iter(self._taken))
            del self._taken[oldest]
            self._settled.add(_hash(oldest))

    def pop(self, event_id: str) -> TakenIn | None:
        """Remove and return an outcome."""
        return self._taken.pop(event_id, None)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The outcomes as flat arrays, for a snapshot."""
        taken = list(self._taken.values())
        return {
            "settled": np.array(sorted(self._settled), np.int64),
            "size": np.array([len(one.features.position_X) for one in taken], np.int64),
            "reward": np.array([(one.reward, one.confidence) for one in taken], np.float64).reshape(-1, 2),
            "number": np.array([one.number for one in taken], np.int64),
            "position": _joined([one.features.position_X for one in taken], np.int64),
            "value": _joined([one.features.value_X for one in taken], np.float32),
            "information": _joined([one.site.information_E for one in taken], np.float32),
            "target": _joined([one.site.target_E for one in taken], np.float32),
        }

    def stamp(self) -> list[Any]:
        """Events and the cases that each served."""
        return [[event_id, list(one.ids)] for event_id, one in self._taken.items()]

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: list[Any], *, n_experts: int) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: it is not of this shape.
        """
        ends = np.cumsum(tensors["size"])[:-1]
        positions, values = np.split(tensors["position"], ends), np.split(tensors["value"], ends)
        information_NE, target_NE = (tensors[name].reshape(-1, n_experts) for name in ("information", "target"))
        self._settled = set(tensors["settled"].tolist())
        self._taken = {}
        for index, (event_id, ids) in enumerate(stamp):
            reward, confidence = tensors["reward"][index].tolist()
            features = Features(torch.tensor(positions[index]), torch.tensor(values[index]))
            site = Site(torch.tensor(information_NE[index]), torch.tensor(target_NE[index]))
            number = int(tensors["number"][index])
            self._taken[event_id] = TakenIn(reward, confidence, number, tuple(ids), features, site)


def _hash(event_id: str) -> int:
    """Hash that is the same in every process, unlike Python's."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=8).digest(), signed=True)


def _joined(parts: list[torch.Tensor], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([part.numpy() for part in parts]).astype(kind) if parts else np.empty(0, kind)
