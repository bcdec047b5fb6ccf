"""Groups that cases share: the region of the state, and the same action.

Axes: N cases, L landmarks, A actions that are told apart, G = L + A groups.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.landmarks import Landmarks
from memento.memory.estimators.port import CaseRows


class Groups:
    """Groups of cases: landmarks first, then actions shared by two or more cases, in order of discovery."""

    def __init__(self, landmarks: Landmarks, *, n_actions: int) -> None:
        """Start with no action.

        Args:
            landmarks: of states.
            n_actions: A; later ones are not told apart.
        """
        self._landmarks = landmarks
        self._n_actions = n_actions
        self._first: dict[str, str] = {}  # action to the first case that took it
        self._column: dict[str, int] = {}

    @property
    def n(self) -> int:
        """Number of groups, G."""
        return self._landmarks.limit + self._n_actions

    def notice(self, cases: CaseRows) -> None:
        """Add new landmarks, and actions that two cases now share."""
        self._landmarks.notice(cases.vectors["state"])
        if len(self._column) == self._n_actions:
            return
        for case_id, action in zip(cases.ids, cases.actions, strict=False):  # actions may not be told apart
            if self._first.setdefault(action, case_id) != case_id and len(self._column) < self._n_actions:
                self._column.setdefault(action, self._landmarks.limit + len(self._column))
        if len(self._column) == self._n_actions:
            self._first.clear()  # what only tells new actions apart would grow with the bank

    def shares(self, cases: CaseRows) -> NDArray[np.float32]:
        """How much each case belongs to each group, shape (N, G): 1 over landmarks, and 1 for its action if known."""
        return self.with_actions(cases, self._landmarks.shares(cases.vectors["state"]))

    def with_actions(self, cases: CaseRows, share_NL: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, from how much each case belongs to each landmark."""
        share_NG = np.zeros((len(cases), self.n), np.float32)
        share_NG[:, : self._landmarks.limit] = share_NL
        column = self._column.get
        for row, action in enumerate(cases.actions):
            if (at := column(action)) is not None:
                share_NG[row, at] = 1.0
        return share_NG

    def n_repeated(self, cases: CaseRows) -> int:
        """Number of these cases whose action is known from a second case."""
        return sum(action in self._column for action in cases.actions)

    def stamp(self) -> dict[str, Any]:
        """The actions, as JSON values."""
        return {"first": dict(self._first), "column": dict(self._column)}

    def restore(self, stamp: Mapping[str, Any]) -> None:
        """Restore from `stamp`."""
        self._first, self._column = dict(stamp["first"]), dict(stamp["column"])
