"""What the memory of a stream is told of its tasks: their attempts and outcomes, corrections, or shuffled outcomes.

With shuffled outcomes every attempt is told the outcome of another task of the same stream. Then nothing can be learned
from outcomes, while the memory fills, searches and learns as usual: what such an arm gains does not come from learning
by outcomes. The results that are reported keep their own rewards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from memento.evals.runs.arm import ArmControls
from memento.evals.runs.plan import FeedbackKind, Visit
from memento.evals.runs.result import TaskResult
from memento.evals.subject import Correction
from memento.evals.task import EvalTask
from memento.memory.case import POSITIVE_FROM
from memento.memory.experience import Experience

_WAITING = 16
"""Outcomes that wait to be told; more mix better, fewer keep the base rate closer."""
_SHUFFLE = 0x5EED
"""Keeps these draws apart from those of the task order."""


class ToldOutcome(NamedTuple):
    """The outcome of one task, as a memory is told of it."""

    reward: float | None
    confidence: float = 1.0
    evaluator: str = "none"
    error_class: str | None = None
    correction: Correction | None = None
    """What would have been right, where the run gives corrections and the answer was wrong."""


class OutcomeShuffle:
    """Streaming shuffle of outcomes: each is handed on to a later task, drawn from a pool of a fixed size.

    The first task of a stream is told nothing, for there is no other outcome yet; while the pool fills, outcomes are
    drawn from it with replacement, and from then on without: every outcome is told once. So the base rate is kept, but
    for the 16 outcomes of the pool. A draw follows from the seed and the position alone, so that a stream that is run
    again, or goes on after it was killed, tells the same.
    """

    def __init__(self, *, seed: int) -> None:
        """Start with an empty pool.

        Args:
            seed: of the stream.
        """
        self._seed = seed
        self._pool: list[ToldOutcome] = []

    def exchange(self, position: int, own: ToldOutcome) -> ToldOutcome:
        """Return another task's outcome for the task at this position, and keep its own for a later one."""
        pool = self._pool
        if not pool:
            pool.append(own)
            return ToldOutcome(None)
        place = int(np.random.default_rng([self._seed, position, _SHUFFLE]).integers(len(pool)))
        told = pool[place]
        if len(pool) < _WAITING:
            pool.append(own)
        else:
            pool[place] = own
        return told


class ToldOutcomes:
    """Turns the results of a stream's rounds, in order, into the experiences that its memory is told."""

    def __init__(
        self,
        *,
        controls: ArmControls,
        seed: int,
        feedback: FeedbackKind,
        correction: Callable[[EvalTask], Correction | None],
        corrected_below: float = POSITIVE_FROM,
    ) -> None:
        """Start a stream.

        Args:
            controls: of the arm.
            seed: of the stream.
            feedback: whether corrections are given.
            correction: what would have been right for a task.
            corrected_below: a reward below it is of a wrong answer.
        """
        self._corrected_below = corrected_below
        self._shuffle = OutcomeShuffle(seed=seed) if controls.outcomes == "shuffled" else None
        self._has_corrections = feedback == "correction"
        self._correction = correction

    def of_round(self, visits: Sequence[Visit], results: Mapping[int, TaskResult]) -> list[Experience]:
        """Return what to write of a round, in the order of the stream; tests teach nothing.

        Args:
            visits: of the round.
            results: by position; those of the round are among them.
        """
        return [one for visit in visits if visit.phase == "learn" for one in self._of(visit, results[visit.position])]

    def correction_of(self, task: EvalTask, result: TaskResult) -> Correction | None:
        """Return what would have been right, where corrections are given and the answer was wrong."""
        is_wrong = result.reward is not None and result.reward < self._corrected_below
        return self._correction(task) if is_wrong and self._has_corrections else None

    def _of(self, visit: Visit, result: TaskResult) -> Iterator[Experience]:
        own = self._own(visit.task, result)
        arguments = None if result.held is None else result.held.arguments
        told = own
        if self._shuffle is not None and own.reward is not None:
            told = self._shuffle.exchange(visit.position, own)
            arguments = None if arguments is None else arguments | _as_written(told)
        if arguments is not None:
            yield Experience(**arguments)
        if told.correction is not None:
            action, answer = told.correction
            yield Experience(
                state=visit.task.question,
                action=action,
                answer=answer,
                reward=1.0,
                evaluator="correction",
                key=visit.task.key,
                thread_id=f"position {visit.position}",  # told again after a crash, it is the same correction
            )

    def _own(self, task: EvalTask, result: TaskResult) -> ToldOutcome:
        correction = self.correction_of(task, result)
        return ToldOutcome(result.reward, result.confidence, result.evaluator, result.error_class, correction)


def _as_written(told: ToldOutcome) -> dict[str, Any]:
    """Return an outcome as arguments of an experience; a lesson belongs to its own task, and would tell the outcome."""
    outcome = told._asdict()
    del outcome["correction"]
    return outcome | {"lesson": ""}
