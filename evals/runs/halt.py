"""When a run stops before its end: its budget is spent, or something that no task is to blame for has failed."""

from typing import Final

from memento.memory.errors import InvalidInput
from memento.nodes.errors import (
    ContentFiltered,
    ModelError,
    ModelRejected,
    ModelTimedOut,
    ModelUnavailable,
    NoCompletion,
    TaskTooLong,
)

_OF_A_TASK: Final = frozenset({400, 413, 422})
"""Statuses by which a provider may mean one request: too long, or against its rules."""
_MOST_FAILURES: Final = 5
"""In a row; so many are no task's own."""


class Halt:
    """Shared by the streams of a run: tasks at work are finished, no other is begun."""

    def __init__(self, *, budget_usd: float | None = None, spent_usd: float = 0.0) -> None:
        """Begin.

        Args:
            budget_usd: what the run may cost in all, earlier sessions included.
            spent_usd: what earlier sessions have cost.
        """
        self.budget_usd = budget_usd
        self.spent_usd = spent_usd
        self.error: BaseException | None = None
        self._is_stopped = False
        self._n_failures = 0

    @property
    def is_over_budget(self) -> bool:
        """Whether what was spent has reached the budget."""
        return self.budget_usd is not None and self.spent_usd >= self.budget_usd

    @property
    def is_set(self) -> bool:
        """Whether no other task may begin."""
        return self.error is not None or self._is_stopped or self.is_over_budget

    def spend(self, usd: float) -> None:
        """Count what a task has cost."""
        self.spent_usd += usd

    def is_of_its_task(self, error: Exception) -> bool:
        """Count a failed run, and say whether it concerns its task alone: then other tasks may go on.

        A provider that is away, or that refuses every request, is nobody's failure, and there is nothing to go on with.
        """
        self._n_failures += 1
        if isinstance(error, ModelError) and not _is_about_one_request(error):
            return False
        return self._n_failures < _MOST_FAILURES

    def answered(self) -> None:
        """A run has ended by itself, so that what failed before failed for itself."""
        self._n_failures = 0

    def stop(self) -> None:
        """Begin no other task, because somebody else has spent the budget or failed."""
        self._is_stopped = True


def _is_about_one_request(error: ModelError) -> bool:
    if isinstance(error, ModelRejected):
        return isinstance(error, ContentFiltered | TaskTooLong) or error.status in _OF_A_TASK
    # A server that answered, if not with a completion or not in a task's time, is there; another is away for all tasks.
    return isinstance(error, NoCompletion | ModelTimedOut) or not isinstance(error, ModelUnavailable | InvalidInput)
