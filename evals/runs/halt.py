"""When a run stops before its end: its budget is spent, or something that no task is to blame for has failed."""

from typing import Final

from memento.nodes.errors import ModelRejected

_OF_A_TASK: Final = frozenset({400, 413, 422})
"""Statuses by which a provider may mean one request: too long, or against its rules."""
_MOST_REFUSALS: Final = 5
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
        self._n_refusals = 0

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

    def is_refusal(self, error: ModelRejected) -> bool:
        """Count a refused call, and say whether it concerns its task alone: then other tasks may go on."""
        self._n_refusals += 1
        return error.status in _OF_A_TASK and self._n_refusals < _MOST_REFUSALS

    def answered(self) -> None:
        """A model has answered, so that what was refused before was refused for itself."""
        self._n_refusals = 0

    def stop(self) -> None:
        """Begin no other task, because somebody else has spent the budget or failed."""
        self._is_stopped = True
