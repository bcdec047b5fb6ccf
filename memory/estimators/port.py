"""Interface of an estimator, and its examples. Estimators are pure and synchronous: no ledger, no clock, no files.

Axes: N cases served in an example, C candidates of a read, D vector dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.settings import EstimatorSettings

EstimatorName = Literal["cross_entropy", "kernel", "advantage", "memrl", "romerl", "cascade", "uplift", "trials"]

CaseView = Literal["state", "action", "text"]
"""Part of a case that is encoded: its task, its action, or both together."""


class CaseOrigins(NamedTuple):
    """Where cases come from, for estimators that keep cases of one task apart from those of others."""

    questions: tuple[str, ...]
    """Hash of each case's question."""
    written_N: NDArray[np.float64]
    """When each case was written, in seconds of Unix time."""
    length_N: NDArray[np.float64]
    """Characters of each case's action."""

    def only(self, rows: NDArray[np.intp]) -> "CaseOrigins":
        """Those of the cases at these positions."""
        questions = tuple(self.questions[row] for row in rows)
        return CaseOrigins(questions, self.written_N[rows], self.length_N[rows])


NEED_ORIGINS: frozenset[EstimatorName] = frozenset({"romerl"})
"""Estimators that are given the origins of cases; hashing the questions of a read's candidates takes a while."""


@dataclass(frozen=True, slots=True, eq=False)
class CaseRows:
    """Cases as an estimator sees them; `dataclasses.replace` changes a copy."""

    ids: tuple[str, ...]
    similarity_N: NDArray[np.float32]
    """Cosine between the task at hand and each case's state."""
    reward_N: NDArray[np.float32]
    """The cases' own rewards."""
    vectors: Mapping[CaseView, NDArray[np.float32]]
    """The views that the estimator asked for, each of shape (N, D)."""
    actions: tuple[str, ...] = ()
    """Hashes of the action texts. Empty when actions are not distinguished."""
    support_N: NDArray[np.float32] | None = None
    """Support of each case's action by the cases recalled with it; None where not computed."""
    origins: CaseOrigins | None = None
    """Where the cases come from; None where the estimator does not need it, or nobody knows."""
    lines: tuple[tuple[str, ...], ...] = ()
    """Hashes of the lines of each case's plan. Empty when actions are not distinguished."""

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.ids)

    def supported(self, support_N: NDArray[np.float32]) -> "CaseRows":
        """The same cases with this support."""
        return replace(self, support_N=support_N)

    def only(self, rows: NDArray[np.intp]) -> "CaseRows":
        """The cases at these positions."""
        return CaseRows(
            tuple(self.ids[row] for row in rows),
            self.similarity_N[rows],
            self.reward_N[rows],
            {view: row_ND[rows] for view, row_ND in self.vectors.items()},
            tuple(self.actions[row] for row in rows) if self.actions else (),
            None if self.support_N is None else self.support_N[rows],
            None if self.origins is None else self.origins.only(rows),
            tuple(self.lines[row] for row in rows) if self.lines else (),
        )


class Example(NamedTuple):
    """Training example: one known outcome with the cases served."""

    offset: int
    """Ledger offset of the outcome; seeds whatever is random in learning from it."""
    event_id: str
    follows: str | None
    """The event of the planning cycle before this one in the same run; None for the first."""
    question: str
    """Hash that all events of the same question share; splits are grouped by it."""
    state_D: NDArray[np.float32]
    """Encoded task."""
    cases: CaseRows
    """Cases served, best first, without null slots."""
    is_randomised_N: NDArray[np.bool_]
    propensity_N: NDArray[np.float64]
    reward: float
    confidence: float
    withheld: str | None = None
    """The case that the null case was drawn against with even chances; None where it was not."""


class Estimates(NamedTuple):
    """Estimated values of the candidates of one read."""

    value_C: NDArray[np.float32]
    """What policies rank by: Q in (0, 1), or u(s, c) in logits, which is 0 for a case that changes nothing."""
    sd_C: NDArray[np.float32] | None
    """Posterior standard deviation of `value_C`, where the estimator has one."""
    exposures_C: NDArray[np.int64]
    """Known outcomes that each case was served in."""
    support_C: NDArray[np.float32] | None = None
    """Support of each candidate's action, where the estimator uses it; logged with the served cases."""
    is_eligible_C: NDArray[np.bool_] | None = None
    """Which candidates its policy may serve; None where all compete."""

    def only(self, rows: NDArray[np.intp]) -> "Estimates":
        """Those of the candidates at these positions."""
        return Estimates(
            self.value_C[rows],
            None if self.sd_C is None else self.sd_C[rows],
            self.exposures_C[rows],
            None if self.support_C is None else self.support_C[rows],
            None if self.is_eligible_C is None else self.is_eligible_C[rows],
        )


class Answer(NamedTuple):
    """Estimates for one read, with the number of outcomes they rest on."""

    estimates: Estimates | None
    """None while there are too few outcomes."""
    version: int
    """Number of outcomes learned from."""
    settings_version: int
    """Version of the settings they were learned with; 0 is the built-in ones."""


class Suggestions(NamedTuple):
    """Suggested cases and directions to recall beside the nearest cases."""

    ids: list[str]
    """Cases of high learned utility for this task."""
    direction_MD: NDArray[np.float32]
    """Vectors to search near, shape (M, D): where helpful cases lie for tasks like this one."""


class CaseEffect(NamedTuple):
    """Average effect of serving a case, over the tasks that it was served for."""

    case_id: str
    exposures: int
    effect: float
    """Mean of u(s, c), in logits of success."""
    sd: float


class Estimator(Protocol):
    """Interface of an estimator: learns from examples in order and estimates the value of candidates."""

    name: EstimatorName
    views: tuple[CaseView, ...]
    """Which encodings of cases it needs."""
    replays: int
    """How many of the newest believed examples it wants handed back by `restore`."""

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """Alternative settings to try instead of the built-in ones; empty where there are none."""
        ...

    def learn(self, example: Example) -> None:
        """Learn one outcome; it replaces an earlier outcome of the same event."""
        ...

    def withdraw(self, event_id: str) -> bool:
        """Remove the outcome of this event, which is unknown after all.

        Returns:
            Whether it had been learned from.
        """
        ...

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """Estimate the value of each case for this task; None while there are too few outcomes."""
        ...

    def predict(self, example: Example) -> float:
        """Predict p(r = 1 | s, S) of an example, ignoring its reward."""
        ...

    def effects(self) -> list[CaseEffect]:
        """Average effect of each case served so far; empty where the estimator has no effects per case."""
        ...

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        """Suggest cases and directions to recall for this task."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Learned state as tensors, for a snapshot."""
        ...

    def stamp(self) -> dict[str, Any]:
        """The rest of the learned state, as JSON values."""
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from `tensors` and `stamp`.

        Args:
            tensors: as `tensors` gave them.
            stamp: as `stamp` gave it.
            replay: the newest `replays` examples as they were believed then, oldest first.

        Raises:
            KeyError, ValueError, RuntimeError: they do not fit; the estimator must not be used.
        """
        ...


class MakeEstimator(Protocol):
    """Factory of untrained estimators."""

    def __call__(self, *, settings: EstimatorSettings) -> Estimator:
        """Make one with these settings instead of the built-in ones.

        Raises:
            InvalidInput: it has no such setting, or the value is beyond its range.
        """
        ...


class SharedOutcomes:
    """Base of the paper's estimators, where all cases of an event share its outcome."""

    def effects(self) -> list[CaseEffect]:
        """Nothing: no case has an effect of its own."""
        return []

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        """Nothing: the paper ranks what similarity finds."""
        del state_D
        return Suggestions([], np.empty((0, 0), np.float32))
