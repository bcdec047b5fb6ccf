"""Trials of guides: what tasks earn with a guide and without it, at random, and whether it is kept or retired.

For each task that a guide is up for, a fair coin decides whether it is shown or withheld. A term of the trial is
2 (r - b) where it was shown and -2 (r - b) where it was withheld, with b the mean reward of the guide's trials before.
Its expectation is what the guide adds to that task, whatever the task is like, since the coin alone tells the two
apart. The mean of the terms is bounded at every look (see `stats.betting`):

    kept       once the lower bound is above 0: a guide that adds nothing or harms is ever kept with a chance of
               `keep_alpha` at most
    retired    once the upper bound is below 0 (a guide that does not harm: with a chance of `retire_alpha` at most), or
               after `trials` known outcomes without being kept
    on trial   until then

The verdict is a function of the newest outcome of each event, in the order in which the events first had one: an
outcome that is corrected or withdrawn may change it. Only events with a fair coin count. What a kept guide earns, being
always shown, is compared with nothing.

Where a run ends without a known reward, the trial has no term. If that happens more often with the guide than without
it, and more often where it harms, the comparison suffers from it as any trial does from drop-outs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings, chance, checked_settings, share, whole
from memento.memory.guides import EVEN, GuideTrial, TrialStatus
from memento.memory.stats.betting import is_rejected, lower_bound, upper_bound

_SETTINGS: Final = {
    "keep_alpha": chance(0.05),
    "retire_alpha": chance(0.2),
    "trials": whole(200.0, least=1, most=1e9),
    "least_similarity": share(0.3),
}
"""To keep a guide that does not help costs reward for good, to retire one that helps costs what it would have added;
hence the two levels. `least_similarity` is the cosine between a task and what the guide says it is for."""

_UNKNOWN: Final = 0.5
"""Reward that is expected before the first outcome."""


class _Assignment(NamedTuple):
    """One known outcome of a guide's trial."""

    guide: str
    is_shown: bool
    reward: float
    confidence: float


class _Standing(NamedTuple):
    """What follows from a guide's outcomes."""

    status: TrialStatus
    n_shown: int


class GuideTrials(SharedOutcomes):
    """Verdicts on guides, from outcomes with and without them."""

    name: EstimatorName = "trials"
    views: tuple[CaseView, ...] = ()
    replays = 0

    def __init__(self, *, dim: int = 0, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start without outcomes.

        Args:
            dim: unused, no vectors are compared.
            seed: unused, nothing here is random.
            settings: any of `keep_alpha`, `retire_alpha`, `trials`, `least_similarity`.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        del dim, seed
        self._made_as = checked_settings(settings, _SETTINGS, estimator=self.name)
        self._assignments: dict[str, _Assignment] = {}
        self._events: dict[str, dict[str, None]] = {}  # by guide, in the order of their first outcome
        self._standings: dict[str, _Standing] = {}

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """None: levels of error are chosen by people, not by what they earn."""
        return []

    def learn(self, example: Example) -> None:
        """Take in the outcome of an assignment; it replaces an earlier one of the same event."""
        drawn = _drawn(example)
        if drawn is None:
            return
        guide, is_shown = drawn
        before = self._assignments.get(example.event_id)
        if before is not None and before.guide != guide:
            self.withdraw(example.event_id)
        self._assignments[example.event_id] = _Assignment(guide, is_shown, example.reward, example.confidence)
        self._events.setdefault(guide, {})[example.event_id] = None
        self._standings.pop(guide, None)

    def withdraw(self, event_id: str) -> bool:
        """Remove the outcome of an event."""
        assignment = self._assignments.pop(event_id, None)
        if assignment is None:
            return False
        del self._events[assignment.guide][event_id]
        self._standings.pop(assignment.guide, None)
        return True

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates:
        """1 for a guide that is kept, 0 for others; and which may be up: near enough, and not retired."""
        del state_D
        standings = [self._standing(case_id) for case_id in cases.ids]
        is_open_C = np.array([one.status != "retired" for one in standings], np.bool_)
        return Estimates(
            np.array([one.status == "kept" for one in standings], np.float32),
            None,
            np.array([one.n_shown for one in standings], np.int64),
            is_eligible_C=is_open_C & (cases.similarity_N >= self._made_as["least_similarity"]),
        )

    def predict(self, example: Example) -> float:
        """Mean reward of the served guide's assignments, or of all where it has none; 0.5 without any."""
        drawn = _drawn(example)
        assignments = self._assigned(drawn[0]) if drawn else []
        shown = [one for one in assignments if drawn and one.is_shown == drawn[1]]
        return _mean(shown or list(self._assignments.values()))

    def trial(self, case_id: str) -> GuideTrial:
        """What the trial of a guide says so far."""
        assignments, standing = self._assigned(case_id), self._standing(case_id)
        term_N, weight_N = _terms(assignments)
        total = float(weight_N.sum())
        return GuideTrial(
            case_id=case_id,
            status=standing.status,
            n_shown=standing.n_shown,
            n_withheld=len(assignments) - standing.n_shown,
            difference=float(np.clip((weight_N * term_N).sum() / total, -1, 1)) if total > 0 else None,
            low=lower_bound(term_N, weight_N, alpha=self._made_as["keep_alpha"]),
            high=upper_bound(term_N, weight_N, alpha=self._made_as["retire_alpha"]),
            n_trials=int(self._made_as["trials"]),
        )

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Rewards and confidences of the assignments."""
        assignments = self._assignments.values()
        return {
            "assignments": np.array([(one.reward, one.confidence) for one in assignments], np.float64).reshape(-1, 2)
        }

    def stamp(self) -> dict[str, Any]:
        """Settings, and the assignments' events and guides."""
        assignments = [[event_id, one.guide, one.is_shown] for event_id, one in self._assignments.items()]
        return {"made_as": self._made_as, "assignments": assignments}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError: it is of other settings, or of another shape.
        """
        del replay
        if stamp["made_as"] != self._made_as:
            raise ValueError("learned with other settings")
        said = zip(stamp["assignments"], tensors["assignments"].tolist(), strict=True)
        self._assignments = {
            event_id: _Assignment(guide, bool(is_shown), *known) for (event_id, guide, is_shown), known in said
        }
        self._events, self._standings = {}, {}
        for event_id, assignment in self._assignments.items():
            self._events.setdefault(assignment.guide, {})[event_id] = None

    def _assigned(self, guide: str) -> list[_Assignment]:
        return [self._assignments[event_id] for event_id in self._events.get(guide, ())]

    def _standing(self, guide: str) -> _Standing:
        known = self._standings.get(guide)
        if known is None:
            known = self._standings[guide] = self._judged(self._assigned(guide))
        return known

    def _judged(self, assignments: Sequence[_Assignment]) -> _Standing:
        made = self._made_as
        term_N, weight_N = _terms(assignments)
        n_shown = sum(one.is_shown for one in assignments)
        if is_rejected(term_N, weight_N, 0.0, alpha=made["keep_alpha"]):
            return _Standing("kept", n_shown)
        is_harmful = is_rejected(-term_N, weight_N, 0.0, alpha=made["retire_alpha"])
        return _Standing("retired" if is_harmful or len(assignments) >= made["trials"] else "on trial", n_shown)


def _drawn(example: Example) -> tuple[str, bool] | None:
    """The guide that was up, and whether it was shown; None where no fair coin was tossed."""
    if example.withheld is not None:
        return example.withheld, False
    if len(example.cases) != 1 or float(example.propensity_N[0]) != EVEN:
        return None
    return example.cases.ids[0], True


def _terms(assignments: Sequence[_Assignment]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Terms of a trial, in order, and their weights."""
    reward_N = np.array([one.reward for one in assignments], np.float64)
    weight_N = np.array([one.confidence for one in assignments], np.float64)
    sign_N = np.array([1.0 if one.is_shown else -1.0 for one in assignments], np.float64)
    earned_N, believed_N = np.cumsum(weight_N * reward_N), np.cumsum(weight_N)
    before_N = (_UNKNOWN + earned_N - weight_N * reward_N) / (1 + believed_N - weight_N)
    return 2 * sign_N * (reward_N - before_N), weight_N


def _mean(assignments: Sequence[_Assignment]) -> float:
    total = sum(one.confidence for one in assignments)
    return sum(one.confidence * one.reward for one in assignments) / total if total > 0 else _UNKNOWN
