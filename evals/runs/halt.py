"""Stops a run early: budget spent, or repeated failures that no single task explains."""

from collections.abc import Sequence
from typing import Final

from memento.memory.errors import InvalidInput, MementoError
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


class RepeatedOutage(MementoError):
    """What the runs work with was away, task after task."""


class Halt:
    """Stop signal shared by the streams of a run: running tasks finish, no other starts."""

    def __init__(self, *, budget_usd: float | None = None, spent_usd: float = 0.0) -> None:
        """Start with nothing spent.

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
        """Whether spending has reached the budget."""
        return self.budget_usd is not None and self.spent_usd >= self.budget_usd

    @property
    def is_set(self) -> bool:
        """Whether no other task may start."""
        return self.error is not None or self._is_stopped or self.is_over_budget

    def spend(self, usd: float) -> None:
        """Count what a task has cost."""
        self.spent_usd += usd

    def is_of_its_task(self, error: Exception) -> bool:
        """Count a failed run, and say whether only its task is affected, so that others may go on.

        A provider that is away, or that refuses every request, is nobody's failure, and there is nothing to go on with.
        """
        self._n_failures += 1
        if isinstance(error, ModelError) and not _is_about_one_request(error):
            return False
        return self._n_failures < _MOST_FAILURES

    def met_outage(self, away: Sequence[str]) -> None:
        """Count a run for which something did not answer, so that nothing is known of its reward.

        Args:
            away: what did not answer.

        Raises:
            RepeatedOutage: so many in a row are no accident.
        """
        self._n_failures += 1
        if self._n_failures >= _MOST_FAILURES:
            raise RepeatedOutage(
                f"{', '.join(away)} did not answer, and {self._n_failures} tasks in a row have failed; "
                "the same command goes on once that answers, or without it (MEMENTO_TOOLS, MEMENTO_MCP)"
            )

    def answered(self) -> None:
        """Record a run that ended by itself: earlier failures were then those of their tasks."""
        self._n_failures = 0

    def stop(self) -> None:
        """Stop because another process has spent the budget or failed."""
        self._is_stopped = True


def _is_about_one_request(error: ModelError) -> bool:
    if isinstance(error, ModelRejected):
        return isinstance(error, ContentFiltered | TaskTooLong) or error.status in _OF_A_TASK
    # A server that answered, if not with a completion or not in a task's time, is there; another is away for all tasks.
    return isinstance(error, NoCompletion | ModelTimedOut) or not isinstance(error, ModelUnavailable | InvalidInput)
