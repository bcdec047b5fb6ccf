"""Time limits of the planning and evaluation steps, within the run's limit, retries included."""

import time
from typing import Final

from langgraph.runtime import ExecutionInfo

from memento.nodes.agent.budgets import grace_seconds
from memento.nodes.context import RunSettings
from memento.nodes.costs import spent_of
from memento.nodes.state import MementoState


class StepTime:
    """The clock of one step; starts with the step's first attempt, also when the graph retries it."""

    def __init__(self, state: MementoState, info: ExecutionInfo | None) -> None:
        """Start the clock.

        Args:
            state: says what the run may take and has taken.
            info: of the step; None outside of a graph.
        """
        settings = RunSettings.model_validate(state["run"]["settings"])
        self._run_s: Final = settings.run_max_seconds - spent_of(state)["seconds"]
        self._step_s: Final = settings.max_seconds
        self._whole_s: Final = min(settings.max_seconds, settings.run_max_seconds)
        self._began_at: Final = time.monotonic() - _waited(info)

    def spent(self) -> float:
        """Seconds spent so far."""
        return time.monotonic() - self._began_at

    def left(self) -> float:
        """Seconds left; zero or negative when the time is up."""
        return min(self._run_s, self._step_s) - self.spent()

    def grace(self) -> float:
        """Seconds allowed for a last call: what is left, and a little more."""
        return grace_seconds(self.left(), self._whole_s)

    def ended_by(self) -> str:
        """Name the budget that ends first."""
        return "run_max_seconds" if self._run_s < self._step_s else "max_seconds"


def _waited(info: ExecutionInfo | None) -> float:
    """Return the seconds since the first attempt; a wall clock that was set meanwhile is not trusted."""
    if info is None or info.node_attempt <= 1 or info.node_first_attempt_time is None:
        return 0.0
    return max(0.0, time.time() - info.node_first_attempt_time)
