"""The `advantage` estimator: logit p(r = 1 | s, S) = b(s) + sum over c in S of u(s, c), difficulty plus utilities.

u(s, c) = w . (1, cosine, own reward, support) + f(s)' W g(c) + a_c, where support is what recalled cases say for its
action, f how much the task belongs to each landmark, and g which groups the case is in by its state and by its action
(`groups`): a low-rank bilinear form whose factors are found instead of trained. The prior of w is similarity, own
reward and support, those of W and a are 0: without evidence the nearest good cases are served, and what most of them
agree on. A case that is not served adds 0, which makes the null case an arm like any other. All coefficients are
believed jointly, so that no case is credited with the difficulty of its tasks or with what was served beside it, and
every u has its uncertainty.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.coefficients import Coefficients, Placed, Shared, Task
from memento.memory.estimators.contributions import Features
from memento.memory.estimators.difficulty import Difficulty
from memento.memory.estimators.exposures import Exposures
from memento.memory.estimators.groups import Groups
from memento.memory.estimators.landmarks import Landmarks
from memento.memory.estimators.merits import probability
from memento.memory.estimators.port import (
    CaseEffect,
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    Suggestions,
)
from memento.memory.estimators.priors import advantage_settings, prior_beliefs
from memento.memory.estimators.repeats import Repeats
from memento.memory.estimators.settings import EstimatorSettings
from memento.memory.estimators.sites import Sites, TakenIn
from memento.memory.estimators.suggestions import earned_cases, promising_regions
from memento.memory.estimators.support import supported

_REVISION = 4
"""Version of the model and of its snapshots; when it changes, older snapshots are rebuilt from the outcomes."""
_OUTCOMES_PER_FADE = 16
_EFFECTS_AT_ONCE = 256
"""Cases whose effects are computed in one product."""


class _Asked(NamedTuple):
    """What a read asked for last."""

    state_D: NDArray[np.float32]
    task: Task
    shared: Shared


class Advantage:
    """Bayesian logistic model of u(s, c): what a case adds to success beside task difficulty."""

    name: EstimatorName = "advantage"
    views: tuple[CaseView, ...] = ("state", "action")
    replays = 0

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start from the prior; makes tensors.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: unused, nothing here is random.
            settings: any of the built-in ones.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        del seed
        chosen = advantage_settings(settings)
        self._made_as = {"revision": _REVISION, **chosen}
        self._landmarks = Landmarks(limit=int(chosen["landmarks"]), nearness=chosen["nearness"], dim=dim)
        self._difficulty = Difficulty(capacity=int(chosen["tasks"]), dim=dim)
        regions = Landmarks(limit=int(chosen["action_landmarks"]), nearness=chosen["action_nearness"], dim=dim)
        sizes = {"n_actions": int(chosen["actions"]), "n_lines": int(chosen["lines"])}
        self._repeats = Repeats(common_from=chosen["mixed_from"])
        self._groups = Groups(self._landmarks, regions, self._repeats, **sizes)
        self._beliefs = prior_beliefs(chosen)
        n_landmarks = self._landmarks.limit
        self._coefficients = Coefficients(self._beliefs, n_landmarks=n_landmarks, family_G=self._groups.family_G)
        self._exposures = Exposures(n_landmarks=n_landmarks, n_groups=self._groups.n)
        n_standard, n_experts = len(self._beliefs.weights), self._beliefs.n_experts
        self._sites = Sites(capacity=int(chosen["sites"]), n_standard=n_standard, n_experts=n_experts)
        self._n = 0
        self._asked: _Asked | None = None

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """Alternative settings: size of case effects, weight of similarity, faster forgetting, one prior only."""
        return [
            {"pair_sd": 0.12, "case_sd": 0.12},
            {"pair_sd": 0.5, "case_sd": 0.4},
            {"similarity_prior": 0.15, "reward_prior": 0.1},
            {"similarity_prior": 0.8, "reward_prior": 0.2},
            {"memory": 0.99},
            {"mixed_from": 1.0},
        ]

    def learn(self, example: Example) -> None:
        """Learn one outcome; it replaces an earlier outcome of the same event."""
        before = self._sites.get(example.event_id)
        if before is not None and (before.reward, before.confidence) == (example.reward, example.confidence):
            return  # somebody else says the same again: no credit twice
        if self._sites.is_settled(example.event_id):
            return
        self._asked = None
        self._n += 1
        row_C = self._exposures.added(example.cases.ids) if before is None else before.row_C
        features = self._fresh(example, row_C) if before is None else self._take_back(before)
        n_repeated = self._groups.n_repeated(example.cases) if before is None else before.n_repeated
        if before is None:
            self._repeats.count(n_served=len(row_C), n_repeated=n_repeated)
            self._beliefs.mixes_priors = self._repeats.are_common
        site = self._beliefs.observe(features, example.reward, confidence=example.confidence)
        taken = TakenIn(example.reward, example.confidence, self._n, row_C, n_repeated, features, site)
        self._sites.put(example.event_id, taken)
        self._difficulty.take(
            example.event_id, example.state_D, example.question, example.reward, confidence=example.confidence
        )
        if self._n % _OUTCOMES_PER_FADE == 0:
            self._beliefs.fade(_OUTCOMES_PER_FADE)
        if self._n >= 64 and (self._n & (self._n - 1) == 0 or self._n % 1024 == 0):
            self._beliefs.learn_scales()

    def withdraw(self, event_id: str) -> bool:
        """Remove what the event's outcome contributed."""
        before = self._sites.pop(event_id)
        if before is None:
            return False
        self._asked = None
        self._take_back(before)
        self._exposures.discount(before.row_C)
        self._repeats.discount(n_served=len(before.row_C), n_repeated=before.n_repeated)
        self._beliefs.mixes_priors = self._repeats.are_common
        self._difficulty.withdraw(event_id)
        return True

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates:
        """u(s, c) in logits with its standard deviation; from the prior where nothing is known."""
        (_, task, shared), cases = self._read(state_D), supported(cases)
        placed = self._placed(cases, self._exposures.rows(cases.ids), self._groups.shares(cases), task)
        mean_C, sd_C = self._beliefs.mixed(*self._coefficients.utility(shared, placed))
        return Estimates(mean_C, sd_C, self._exposures.n(placed.row_C), cases.support_N)

    def predict(self, example: Example) -> float:
        """p(r = 1 | s, S), with the posterior uncertainty integrated out."""
        task, beliefs = self._task(example.state_D, question=example.question), self._beliefs
        mean_E, variance_E = self._coefficients.difficulty(task)
        if len(example.cases):
            row_C, group_CG = self._exposures.rows(example.cases.ids), self._groups.shares(example.cases)
            placed = self._placed(example.cases, row_C, group_CG, task)
            utility_EC, spread_EC = self._coefficients.utility(self._coefficients.shared(task.landmark_L), placed)
            mean_E, variance_E = mean_E + utility_EC.sum(1), variance_E + spread_EC.sum(1)
        return float((beliefs.weights * probability(mean_E, variance_E)).sum())

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        """Cases and regions that helped such tasks; where near cases hurt, regions that might help."""
        _, task, shared = self._read(state_D)
        value_G, sd_G = self._beliefs.mixed(*self._coefficients.regions(shared))
        regions = promising_regions(task, value_G, sd_G, n=len(self._landmarks.rows))
        cases = earned_cases(task, shared, value_G, self._beliefs, self._coefficients, self._exposures)
        return Suggestions(cases, self._landmarks.rows[regions])

    def effects(self) -> list[CaseEffect]:
        """Mean u of each case over the tasks it was served for, in order of first use."""
        used, ids = self._exposures.used(), self._exposures.ids
        found: list[tuple[int, CaseEffect]] = []
        for start in range(0, len(used), _EFFECTS_AT_ONCE):
            row_C = used[start : start + _EFFECTS_AT_ONCE]
            averages = self._exposures.averages(row_C)
            cases = Placed(row_C, averages.weight_C4, averages.group_CG, np.ones(len(row_C), np.float32))
            mean_C, sd_C = self._beliefs.mixed(*self._coefficients.utility_at(averages.task_CL, cases))
            told = zip(row_C.tolist(), averages.n_C.tolist(), mean_C.tolist(), sd_C.tolist(), strict=True)
            found += [(row, CaseEffect(ids[row], *rest)) for row, *rest in told]
        return [effect for _, effect in sorted(found)]

    def _read(self, state_D: NDArray[np.float32]) -> _Asked:
        """A task without its question; `suggest` and `estimate` of one read ask for the same."""
        if self._asked is None or not np.array_equal(self._asked.state_D, state_D):
            task = self._task(state_D)
            self._asked = _Asked(state_D.copy(), task, self._coefficients.shared(task.landmark_L))
        return self._asked

    def _task(self, state_D: NDArray[np.float32], *, question: str | None = None) -> Task:
        """Features of the task; without its question, difficulty is left out."""
        landmark_L = self._landmarks.shares(state_D[None])[0]
        return Task(landmark_L, 0.0 if question is None else self._difficulty.ease(state_D, question))

    def _placed(self, cases: CaseRows, row_C: NDArray[np.int64], group_CG: NDArray[np.float32], task: Task) -> Placed:
        weights = np.ones(len(cases), np.float32), cases.similarity_N, cases.reward_N, _support(cases)
        reach_C = self._exposures.reach(row_C, task.landmark_L)
        return Placed(row_C, np.stack(weights, axis=1, dtype=np.float32), group_CG, reach_C)

    def _fresh(self, example: Example, row_C: NDArray[np.int64]) -> Features:
        """Features of an outcome of a new event; adds its landmarks, actions and exposures."""
        cases = example.cases
        self._landmarks.notice(example.state_D[None])
        self._groups.notice(cases)
        share_L, *_ = shares = self._landmarks.shares(np.concatenate([example.state_D[None], cases.vectors["state"]]))
        task = Task(share_L, self._difficulty.ease(example.state_D, example.question))
        group_CG = self._groups.with_actions(cases, shares[1:])
        self._exposures.count(
            row_C,
            similarity_C=cases.similarity_N,
            reward_C=cases.reward_N,
            support_C=_support(cases),
            task_L=task.landmark_L,
            group_CG=group_CG,
        )
        return self._coefficients.features(task, self._placed(cases, row_C, group_CG, task), now=self._n)

    def _take_back(self, before: TakenIn) -> Features:
        features = self._coefficients.positions.still(before.features, since=before.number)
        n_fades = self._n // _OUTCOMES_PER_FADE - before.number // _OUTCOMES_PER_FADE
        self._beliefs.retract(features, before.site, n_faded=n_fades * _OUTCOMES_PER_FADE)
        return features

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Posterior, layout, exposures, and the outcomes that can be retracted."""
        parts = {
            "beliefs": self._beliefs.tensors(),
            "coefficients": self._coefficients.positions.tensors(),
            "exposures": self._exposures.tensors(),
            "landmarks": {"row": self._landmarks.rows.copy()},
            "groups": self._groups.tensors(),
            "difficulty": self._difficulty.tensors(),
            "sites": self._sites.tensors(),
        }
        return {f"{part}.{name}": value for part, of in parts.items() for name, value in of.items()}

    def stamp(self) -> dict[str, Any]:
        """Names of what the tensors hold, as JSON values."""
        return {
            "made_as": self._made_as,
            "n": self._n,
            "groups": self._groups.stamp(),
            "exposed": list(self._exposures.ids),
            "repeats": self._repeats.stamp(),
            "difficulty": self._difficulty.stamp(),
            "sites": self._sites.stamp(),
        }

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError, RuntimeError: it is of another shape, release or setting.
        """
        del replay
        self._asked = None
        if stamp["made_as"] != self._made_as:
            raise ValueError("learned by another release, or with other settings")

        def part(of: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(f"{of}."): row for name, row in tensors.items() if name.startswith(f"{of}.")}

        self._landmarks.restore(part("landmarks")["row"])
        self._groups.restore(part("groups"), stamp["groups"])
        self._difficulty.restore(part("difficulty"), stamp["difficulty"])
        self._beliefs.restore(part("beliefs"))
        self._coefficients.positions.restore(part("coefficients"))
        self._exposures.restore(part("exposures"), stamp["exposed"])
        self._sites.restore(part("sites"), stamp["sites"])
        self._repeats.restore(stamp["repeats"])
        self._beliefs.mixes_priors = self._repeats.are_common
        self._n = stamp["n"]


def _support(cases: CaseRows) -> NDArray[np.float32]:
    """Support as recorded when the cases were served; zero where it was not."""
    return np.zeros(len(cases), np.float32) if cases.support_N is None else cases.support_N
