"""The leakage guard: was a task ever shown a case of its own question before its answer counted?

A case tells its question, so the guard compares that of every case that was served with that of the task. From the
second iteration on, a stream has met its tasks before, and their own cases may be served: that is counted apart.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from memento.evals.runs.result import TaskResult, is_first_encounter
from memento.evals.statistics.banks import Cases
from memento.evals.task import EvalTask

N_EXAMPLES = 5


class Leak(NamedTuple):
    """A task that was shown a case of its own question."""

    arm: str
    seed: int
    task_id: str
    case_id: str


class LeakageCheck(NamedTuple):
    """What the guard has found, in figures that add up: leaks, sound ones and those it could not judge."""

    n_served: int
    """Times a case was served at a first encounter or in a test."""
    n_leaks: int
    """Of these, to a task of the case's own question: must be 0."""
    n_unjudged: int
    """Of these, where the case or the task's question could not be looked up."""
    n_own_in_retries: int
    """Times a task met its own case in a later iteration, as it may."""
    examples: list[Leak]

    def __str__(self) -> str:
        text = f"leaks: {self.n_leaks} of {self.n_served:,} cases served"
        return f"{text}, {self.n_unjudged:,} of which could not be judged" if self.n_unjudged else text


def check_leakage(results: Sequence[TaskResult], cases: Cases, *, tasks: Iterable[EvalTask] = ()) -> LeakageCheck:
    """Check a run.

    Args:
        results: of the run.
        cases: of its banks by id, see `bank_cases`.
        tasks: of its data set. Without them, a task's question is what any of its runs wanted remembered; tests want
            nothing remembered, so that they can be judged only with their tasks.
    """
    questions = _questions(results) | {task.id: task.stored_hash for task in tasks}
    n_served = n_unjudged = n_own = 0
    leaks: list[Leak] = []
    for result in results:
        question, is_counted = questions.get(result.task_id), result.phase == "test" or is_first_encounter(result)
        for served in result.cases:
            case = cases.get(served.id)
            is_own = case is not None and case.question == question
            if not is_counted:
                n_own += is_own
                continue
            n_served += 1
            n_unjudged += case is None or question is None
            if is_own:
                leaks.append(Leak(result.arm, result.seed, result.task_id, served.id))
    return LeakageCheck(n_served, len(leaks), n_unjudged, n_own, leaks[:N_EXAMPLES])


def _questions(results: Iterable[TaskResult]) -> dict[str, str]:
    return {result.task_id: result.held.question for result in results if result.held is not None}
