"""Utilities as exponential moving averages of shared rewards, Q <- Q + a (r - Q), which take any outcome back.

Every case of an event gets the event's reward: that is the rule of MemRL and RoMeRL, and what makes them controls.
A utility is folded from its outcomes in the order in which their events first had one; a correction or a withdrawal
folds it again without what was corrected, so that nothing of it is left.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.settled import SettledEvents

Credited = tuple[str, str]
"""A family of utilities, and the case in it that was served."""


class _Kept(NamedTuple):
    """One outcome."""

    credited: tuple[Credited, ...]
    reward: float
    confidence: float


class MovingAverages:
    """Utilities by family and case. A case without one inherits the family's newest, or starts at the initial one."""

    def __init__(self, *, step: float, initial: float, capacity: int) -> None:
        """Start without outcomes.

        Args:
            step: a, for an outcome of confidence 1; less by as much as it is doubted.
            initial: Q of the first case of a family.
            capacity: outcomes that can be taken back; older ones stay as they were learned.
        """
        self._step = step
        self._initial = initial
        self._capacity = capacity
        self._kept: dict[str, _Kept] = {}
        self._events: dict[str, dict[str, None]] = {}  # by family, in order
        self._base: dict[str, dict[str, float]] = {}  # by family, after the outcomes that have settled
        self._utility: dict[str, dict[str, float]] = {}  # by family; its last one was updated last
        self._exposures: dict[str, int] = {}
        self._n, self._sum = 0, 0.0
        self._settled = SettledEvents()

    @property
    def mean_reward(self) -> float:
        """Mean reward of all outcomes; 0.5 without any."""
        return self._sum / self._n if self._n else 0.5

    def value(self, family: str, case_id: str) -> float:
        """Utility of a case."""
        utility = self._utility.get(family, {})
        return utility[case_id] if case_id in utility else next(reversed(utility.values()), self._initial)

    def exposures(self, case_id: str) -> int:
        """Known outcomes that the case was served in."""
        return self._exposures.get(case_id, 0)

    def learn(self, event_id: str, credited: Sequence[Credited], reward: float, confidence: float) -> None:
        """Take in an outcome; it replaces the event's earlier one, unless that has settled."""
        before = self._kept.get(event_id)
        if before is not None:
            if (before.reward, before.confidence) != (reward, confidence):
                self._kept[event_id] = before._replace(reward=reward, confidence=confidence)
                self._sum += reward - before.reward
                self._fold_again(before)
            return
        if event_id in self._settled:
            return
        kept = self._kept[event_id] = _Kept(tuple(credited), reward, confidence)
        self._n, self._sum = self._n + 1, self._sum + reward
        for family, _ in kept.credited:
            self._events.setdefault(family, {})[event_id] = None
        for _, case_id in kept.credited:
            self._exposures[case_id] = self._exposures.get(case_id, 0) + 1
        self._add(kept, self._utility)
        if len(self._kept) > self._capacity:
            self._settle(next(iter(self._kept)))

    def withdraw(self, event_id: str) -> bool:
        """Take back an event's outcome.

        Returns:
            Whether there was one that could be.
        """
        before = self._kept.pop(event_id, None)
        if before is None:
            return False
        self._n, self._sum = self._n - 1, self._sum - before.reward
        self._forget(event_id, before)
        for _, case_id in before.credited:
            self._exposures[case_id] -= 1
        self._fold_again(before)
        return True

    def stamp(self) -> dict[str, Any]:
        """Outcomes, settled utilities and counts as JSON values."""
        return {
            "kept": [[event_id, *kept] for event_id, kept in self._kept.items()],
            "base": {family: list(utility.items()) for family, utility in self._base.items()},
            "exposures": dict(self._exposures),
            "rewards": [self._n, self._sum],
        }

    def settled(self) -> NDArray[np.int64]:
        """Hashes of the events that have settled."""
        return self._settled.numbers()

    def restore(self, settled: NDArray[np.int64], stamp: Mapping[str, Any]) -> None:
        """Restore from `settled` and `stamp`.

        Raises:
            KeyError, ValueError: they are of another shape.
        """
        self._settled.restore(settled)
        self._base = {family: dict(utility) for family, utility in stamp["base"].items()}
        self._exposures = dict(stamp["exposures"])
        self._n, self._sum = stamp["rewards"]
        self._utility = {family: dict(utility) for family, utility in self._base.items()}
        self._kept, self._events = {}, {}
        for event_id, credited, reward, confidence in stamp["kept"]:
            kept = _Kept(tuple((family, case_id) for family, case_id in credited), reward, confidence)
            self._kept[event_id] = kept
            for family, _ in kept.credited:
                self._events.setdefault(family, {})[event_id] = None
            self._add(kept, self._utility)

    def _add(self, kept: _Kept, utilities: dict[str, dict[str, float]], *, only: str | None = None) -> None:
        """Q <- Q + a (r - Q) for each case of the event; all start from what was believed before it."""
        credited = [pair for pair in kept.credited if only is None or pair[0] == only]
        starts = []
        for family, case_id in credited:
            utility = utilities.setdefault(family, {})
            starts.append(utility[case_id] if case_id in utility else next(reversed(utility.values()), self._initial))
        for (family, case_id), start in zip(credited, starts, strict=True):
            utility = utilities[family]
            utility.pop(case_id, None)
            utility[case_id] = start + self._step * kept.confidence * (kept.reward - start)

    def _fold_again(self, changed: _Kept) -> None:
        for family in dict.fromkeys(family for family, _ in changed.credited):
            folded = {family: dict(self._base.get(family, {}))}
            for event_id in self._events.get(family, ()):
                self._add(self._kept[event_id], folded, only=family)
            self._utility[family] = folded[family]

    def _settle(self, event_id: str) -> None:
        kept = self._kept.pop(event_id)
        self._forget(event_id, kept)
        self._add(kept, self._base)
        self._settled.add(event_id)

    def _forget(self, event_id: str, kept: _Kept) -> None:
        for family in dict.fromkeys(family for family, _ in kept.credited):
            del self._events[family][event_id]
            if not self._events[family]:
                del self._events[family]
