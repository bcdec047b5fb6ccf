"""RoMeRL's utilities (arXiv 2608.02508): at most four cases of a task have one, in coordinates that hand it on.

As described in two independent readings of the paper's full text; neither paper nor code was at hand. For each task g
four coordinates (Eq. 16 to 19): the shortest success (PCC), the first success after a failure (PAC), the failure of
highest Q above the initial one (NCC), the newest failure (NAC). What enters a coordinate inherits its utility. Cases in
a coordinate compete by (1 - w) cosine + w Q (Eq. 15) with w = .5; Q <- Q + a (r - Q) with a = .3 for every case of the
read (Eq. 20), from .5. Threshold and k1 are MemRL's.

Where it differs, and why:
- A task is a question, and a read never finds cases of its own question: the coordinates are those of similar tasks.
  Where no question has been asked twice, each case is alone in its task, and the rule is MemRL's with plain scores.
- The log tells which case was served, not which coordinate it was in. So a case keeps its Q, and one without inherits
  the newest Q of its task and outcome.
- The length of a success is that of its action's text, for want of a count of steps.
- The paper updates all coordinates of the read; here, too, whatever was shown gets the reward.
- Threshold, doubted and withdrawn outcomes: as in `memrl`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.memrl import MemRLUtilities
from memento.memory.estimators.moving_averages import Credited
from memento.memory.estimators.port import CaseOrigins, CaseRows, EstimatorName


class RoMeRLUtilities(MemRLUtilities):
    """Q of the cases in the four coordinates of each task."""

    name: EstimatorName = "romerl"

    def _credited(self, cases: CaseRows) -> list[Credited]:
        """Utilities are inherited among the successes, and among the failures, of one task."""
        if cases.origins is None:
            return super()._credited(cases)
        is_success_C = cases.reward_N >= POSITIVE_FROM
        families = zip(cases.origins.questions, is_success_C.tolist(), strict=True)
        return [
            (f"{question} {is_success}", one) for one, (question, is_success) in zip(cases.ids, families, strict=True)
        ]

    def _competing(self, cases: CaseRows, value_C: NDArray[np.float32]) -> NDArray[np.bool_]:
        is_active_C = np.ones(len(cases), np.bool_)
        if cases.origins is not None:
            is_success_C = cases.reward_N >= POSITIVE_FROM
            is_active_C[:] = False
            has_earned_C = np.array([self._averages.exposures(one) > 0 for one in cases.ids], np.bool_)
            worth_C = np.where(has_earned_C & (value_C > self._made_as["initial"]), value_C, -np.inf)
            for rows in _by_task(cases.origins).values():
                at = np.array(rows)
                is_active_C[at[_coordinates(cases.origins.only(at), is_success_C[at], worth_C[at])]] = True
        return is_active_C


def _by_task(origins: CaseOrigins) -> Mapping[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, question in enumerate(origins.questions):
        rows.setdefault(question, []).append(row)
    return rows


def _coordinates(origins: CaseOrigins, is_success_C: NDArray[np.bool_], worth_C: NDArray[np.float64]) -> list[int]:
    """Positions, among the cases of one task, of those in its four coordinates.

    Args:
        origins: of the task's cases.
        is_success_C: which of them succeeded.
        worth_C: what they have earned as served cases, where that is more than the initial utility; else -inf.
    """
    order = np.argsort(origins.written_N, kind="stable")
    successes = [int(row) for row in order if is_success_C[row]]
    failures = [int(row) for row in order if not is_success_C[row]]
    held: list[int] = []
    if successes:
        held.append(min(successes, key=lambda row: float(origins.length_N[row])))
    if failures:
        after = [row for row in successes if origins.written_N[row] > origins.written_N[failures[0]]]
        worth = [row for row in failures if np.isfinite(worth_C[row])]
        held += after[:1]
        held += [max(worth, key=lambda row: float(worth_C[row]))] if worth else []
        held.append(failures[-1])
    return list(dict.fromkeys(held))
