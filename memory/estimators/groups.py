"""Groups that cases share: the region of the state; of the action its region, its lines, and the action itself.

Cases of one state region, or with one exact action, are told apart by the region of each task. What an action is like
and what its plan says are told apart by it too, and count everywhere besides. Where most served cases have an action
that recurs word for word, likeness would only blur it: there are no regions of actions. Where actions are not
distinguished, only the regions of states are groups.

Axes: N cases, L landmarks of states, A actions and S lines that are told apart, R landmarks of actions,
G = L + A + R + S groups.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.landmarks import Landmarks
from memento.memory.estimators.port import CaseRows
from memento.memory.estimators.positions import LINE_PAIRS, PAIRS, REGION_PAIRS
from memento.memory.estimators.repeats import Repeats

_MOST_WAITING = 8192
"""Maximum number of actions, and of lines, that are remembered until a second case has them."""

_FEWEST_SEEN = 64
"""Served cases from which on it is known whether actions recur."""


class Repeated:
    """Numbers of what came from two sources, in order of discovery, until there are enough."""

    def __init__(self, *, limit: int) -> None:
        """Start with nothing.

        Args:
            limit: later ones get no number.
        """
        self._limit = limit
        self._source: dict[str, str] = {}  # of what came once
        self._number: dict[str, int] = {}

    def notice(self, what: str, source: str) -> None:
        """Number it if it came from another source before."""
        if len(self._number) == self._limit or what in self._number:
            return
        if self._source.setdefault(what, source) != source:
            self._number[what] = len(self._number)
            del self._source[what]
        elif len(self._source) > _MOST_WAITING:
            del self._source[next(iter(self._source))]
        if len(self._number) == self._limit:
            self._source.clear()

    def number(self, what: str) -> int | None:
        """Its number, if it has one."""
        return self._number.get(what)

    def stamp(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        return {"source": dict(self._source), "number": dict(self._number)}

    def restore(self, stamp: Mapping[str, Any]) -> None:
        """Restore from `stamp`."""
        self._source, self._number = dict(stamp["source"]), dict(stamp["number"])


class Groups:
    """Groups of cases: landmarks of states first, then repeated actions, landmarks of actions, and repeated lines."""

    def __init__(
        self, landmarks: Landmarks, regions: Landmarks, repeats: Repeats, *, n_actions: int, n_lines: int
    ) -> None:
        """Start with no action.

        Args:
            landmarks: of states.
            regions: landmarks of actions.
            repeats: how common repeated actions are among the cases served.
            n_actions: A; later ones are not told apart.
            n_lines: S; later ones are not told apart.
        """
        self._landmarks, self._regions, self._repeats = landmarks, regions, repeats
        self._actions, self._lines = Repeated(limit=n_actions), Repeated(limit=n_lines)
        self._first_region = landmarks.limit + n_actions
        self._first_line = self._first_region + regions.limit
        sizes = [self._first_region, regions.limit, n_lines]
        self.family_G = np.repeat(np.array([PAIRS, REGION_PAIRS, LINE_PAIRS]), sizes)
        """Family of each group's coefficients."""

    @property
    def n(self) -> int:
        """Number of groups, G."""
        return len(self.family_G)

    def notice(self, cases: CaseRows) -> None:
        """Add new landmarks, actions that two cases now share, and lines that two actions now share."""
        self._landmarks.notice(cases.vectors["state"])
        if not cases.actions:
            return
        for case_id, action in zip(cases.ids, cases.actions, strict=True):
            self._actions.notice(action, case_id)
        if (action_ND := self._likened(cases)) is not None:
            self._regions.notice(action_ND)
        for action, lines in zip(cases.actions, cases.lines, strict=False):  # not everybody tells the lines
            for line in lines if len(lines) > 1 else ():  # of one line, the action says it all
                self._lines.notice(line, action)

    def shares(self, cases: CaseRows) -> NDArray[np.float32]:
        """How much each case belongs to each group, shape (N, G).

        Over the landmarks of states the shares sum to 1. The region of an action counts for what its own group and
        those of its lines leave untold: where the action or all of its lines have groups, it is in no region.
        """
        return self.with_actions(cases, self._landmarks.shares(cases.vectors["state"]))

    def with_actions(self, cases: CaseRows, share_NL: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, from how much each case belongs to each landmark of states."""
        share_NG = np.zeros((len(cases), self.n), np.float32)
        share_NG[:, : self._landmarks.limit] = share_NL
        if not cases.actions:
            return share_NG
        untold_N = np.ones((len(cases), 1), np.float32)
        for row, lines in enumerate(cases.lines):
            known = [number for line in lines if (number := self._lines.number(line)) is not None]
            if known:
                share_NG[row, self._first_line + np.array(known)] = 1 / math.sqrt(len(lines))
                untold_N[row] = math.sqrt(1 - len(known) / len(lines))
        for row, action in enumerate(cases.actions):
            if (number := self._actions.number(action)) is not None:
                share_NG[row, self._landmarks.limit + number] = 1.0
                untold_N[row] = 0.0
        if (action_ND := self._likened(cases)) is not None:
            share_NG[:, self._first_region : self._first_line] = untold_N * self._regions.shares(action_ND)
        return share_NG

    def n_repeated(self, cases: CaseRows) -> int:
        """Number of these cases whose action is known from a second case."""
        return sum(self._actions.number(action) is not None for action in cases.actions)

    def _likened(self, cases: CaseRows) -> NDArray[np.float32] | None:
        """Vectors of the cases' actions where these have regions."""
        is_told = self._repeats.n_served >= _FEWEST_SEEN and not self._repeats.are_most
        return cases.vectors.get("action") if is_told else None

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Landmarks of actions, for a snapshot."""
        return {"region": self._regions.rows.copy()}

    def stamp(self) -> dict[str, Any]:
        """Actions and lines, as JSON values."""
        return {"actions": self._actions.stamp(), "lines": self._lines.stamp()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Restore from `tensors` and `stamp`.

        Raises:
            KeyError, ValueError: they are not of this shape.
        """
        self._regions.restore(tensors["region"])
        self._actions.restore(stamp["actions"])
        self._lines.restore(stamp["lines"])
