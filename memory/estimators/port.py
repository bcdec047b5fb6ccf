"""Interface of an estimator, and its examples. Estimators are pure and synchronous: no ledger, no clock, no files.

Axes: N cases served in an example, C candidates of a read, D vector dimensions.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.settings import EstimatorSettings

EstimatorName = Literal["cross_entropy", "kernel", "advantage"]

CaseView = Literal["state", "action", "text"]
"""What of a case is encoded: its task, what was tried, or both together."""


class CaseRows(NamedTuple):
    """Cases as an estimator sees them."""

    ids: tuple[str, ...]
    similarity_N: NDArray[np.float32]
    """Cosine between the task at hand and each case's state."""
    reward_N: NDArray[np.float32]
    """The cases' own rewards."""
    vectors: Mapping[CaseView, NDArray[np.float32]]
    """The views that the estimator asked for, each of shape (N, D)."""
    actions: tuple[str, ...] = ()
    """Hashes of what was tried: the same text is the same action. Empty when actions are not told apart."""
    support_N: NDArray[np.float32] | None = None
    """What all the cases recalled then said for each one's action; None where nobody asked."""

    def __len__(self) -> int:
        """Number of cases."""
        return len(self.ids)

    def supported(self, support_N: NDArray[np.float32]) -> "CaseRows":
        """The same ones, with what the recalled cases say for them."""
        return CaseRows(self.ids, self.similarity_N, self.reward_N, self.vectors, self.actions, support_N)

    def only(self, rows: NDArray[np.intp]) -> "CaseRows":
        """Those at these positions."""
        return CaseRows(
            tuple(self.ids[row] for row in rows),
            self.similarity_N[rows],
            self.reward_N[rows],
            {view: row_ND[rows] for view, row_ND in self.vectors.items()},
            tuple(self.actions[row] for row in rows) if self.actions else (),
            None if self.support_N is None else self.support_N[rows],
        )


class Example(NamedTuple):
    """One known outcome with what was served: what an estimator learns from."""

    offset: int
    """Ledger offset of the outcome; seeds whatever is random in learning from it."""
    event_id: str
    follows: str | None
    """The event of the planning cycle before this one in the same run; None for the first."""
    question: str
    """Hash under which all events of the same question fall together; splits go by it."""
    state_D: NDArray[np.float32]
    """Encoded task."""
    cases: CaseRows
    """Cases served, best first, without null slots."""
    is_randomised_N: NDArray[np.bool_]
    propensity_N: NDArray[np.float64]
    reward: float
    confidence: float


class Estimates(NamedTuple):
    """What the candidates of one read are worth."""

    value_C: NDArray[np.float32]
    """What policies rank by: Q in (0, 1), or u(s, c) in logits, which is 0 for a case that changes nothing."""
    sd_C: NDArray[np.float32] | None
    """Posterior standard deviation of `value_C`, where the estimator has one."""
    exposures_C: NDArray[np.int64]
    """Known outcomes that each case was served in."""
    support_C: NDArray[np.float32] | None = None
    """What the candidates say for each one's action, where the estimator asks; to be logged with what is served."""


class Answer(NamedTuple):
    """Estimates for one read, and how much they rest on."""

    estimates: Estimates | None
    """None while evidence is thin."""
    version: int
    """Number of outcomes learned from."""
    settings_version: int
    """The promoted settings they were learned with; 0 is the built-in ones."""


class Suggestions(NamedTuple):
    """What recall should look at beside the nearest cases."""

    ids: list[str]
    """Cases of high learned utility for this task."""
    direction_MD: NDArray[np.float32]
    """Vectors to search near, shape (M, D): where helpful cases lie for tasks like this one."""


class CaseEffect(NamedTuple):
    """What serving a case has done on average, over the tasks that it was served for."""

    case_id: str
    exposures: int
    effect: float
    """Mean of u(s, c), in logits of success."""
    sd: float


class Estimator(Protocol):
    """Learns from examples, in order, and answers what candidates are worth."""

    name: EstimatorName
    views: tuple[CaseView, ...]
    """Which encodings of cases it needs."""
    replays: int
    """How many of the newest believed examples it wants handed back by `restore`."""

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """Settings worth trying in place of the built-in ones; empty where there are none."""
        ...

    def learn(self, example: Example) -> None:
        """Take in one outcome. One of an event that was learned from before replaces what was believed."""
        ...

    def withdraw(self, event_id: str) -> bool:
        """The outcome of this event is unknown after all.

        Returns:
            Whether it had been learned from.
        """
        ...

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """What each case is worth for this task; None while evidence is too thin to say."""
        ...

    def predict(self, example: Example) -> float:
        """p(r = 1 | s, S) of an example, whose reward is not looked at."""
        ...

    def effects(self) -> list[CaseEffect]:
        """What each case served so far is worth on average; empty where the estimator does not tell cases apart."""
        ...

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        """What recall should look at for this task."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was learned, for a snapshot."""
        ...

    def stamp(self) -> dict[str, Any]:
        """The rest of it, as JSON values."""
        ...

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Become what `tensors` and `stamp` were taken from.

        Args:
            tensors: as `tensors` gave them.
            stamp: as `stamp` gave it.
            replay: the newest `replays` examples as they were believed then, oldest first.

        Raises:
            KeyError, ValueError, RuntimeError: they do not fit; the estimator must not be used.
        """
        ...


class MakeEstimator(Protocol):
    """Makes an estimator that knows nothing yet."""

    def __call__(self, *, settings: EstimatorSettings) -> Estimator:
        """With these settings in place of the built-in ones.

        Raises:
            InvalidInput: it has no such settings.
        """
        ...


class SharedOutcomes:
    """What the paper's estimators have in common: all cases of an event share its outcome."""

    def effects(self) -> list[CaseEffect]:
        """Nothing: no case has an effect of its own."""
        return []

    def suggest(self, state_D: NDArray[np.float32]) -> Suggestions:
        """Nothing: the paper ranks what similarity finds."""
        del state_D
        return Suggestions([], np.empty((0, 0), np.float32))
