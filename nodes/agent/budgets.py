"""Budgets of subtasks and runs: limits, meters of what was spent, and which budget has run out.

The subtasks of a run that work at the same time share its budgets. Its meter lives in the process while they work; it
starts from what the run's state says, so that a run that is resumed elsewhere goes on counting where it stopped.
"""

import threading
import time
from collections import OrderedDict
from typing import Final, NamedTuple

from memento.nodes.context import RunSettings
from memento.nodes.costs import spent_of
from memento.nodes.state import MementoState
from memento.nodes.usage import Spent, Usage

_MAX_IDLE: Final = 64
_LEAST_GRACE_S: Final = 1.0
_MOST_GRACE_S: Final = 60.0
_GRACE_SHARE: Final = 0.2


class BudgetLimits(NamedTuple):
    """Limits of spending; None means unlimited."""

    model_calls: int
    tool_calls: int
    tokens: int | None
    cost_usd: float | None
    seconds: float


def subtask_limits(settings: RunSettings) -> BudgetLimits:
    """Return the limits of each subtask."""
    return BudgetLimits(
        settings.max_model_calls,
        settings.max_tool_calls,
        settings.max_tokens,
        settings.max_cost_usd,
        settings.max_seconds,
    )


def run_limits(settings: RunSettings) -> BudgetLimits:
    """Return the limits of a whole run."""
    return BudgetLimits(
        settings.run_max_model_calls,
        settings.run_max_tool_calls,
        settings.run_max_tokens,
        settings.run_max_cost_usd,
        settings.run_max_seconds,
    )


def run_ended_by(state: MementoState, *, n_calls: int) -> str:
    """Name the budget of the run that cannot pay for so many more model calls; empty when all can."""
    settings = RunSettings.model_validate(state["run"]["settings"])
    return Meter(run_limits(settings), "run_max_", spent_of(state)).ended_by(n_calls=n_calls)


def grace_seconds(left: float, whole: float) -> float:
    """Return the time allowed for a last call: what is left, plus a share of the whole."""
    return max(left, 0.0) + min(max(whole * _GRACE_SHARE, _LEAST_GRACE_S), _MOST_GRACE_S)


def nothing() -> Spent:
    """Return a `Spent` of zero."""
    return {"model_calls": 0, "tool_calls": 0, "tokens": 0, "cost_usd": 0.0, "seconds": 0.0}


class Meter:
    """Counts spending against one set of limits. Its clock runs while at least one subtask is at work."""

    def __init__(self, limits: BudgetLimits, prefix: str, spent: Spent | None = None) -> None:
        """Start counting.

        Args:
            limits: the most that may be spent.
            prefix: of the budgets' names, as they stand in `Context`.
            spent: before.
        """
        self.seed = spent or nothing()
        self.n_active = 0
        self.limits = limits
        self._prefix = prefix
        self._spent: Spent = {**self.seed}
        self._since = 0.0

    def begin(self) -> None:
        """Count one more at work."""
        if not self.n_active:
            self._since = time.monotonic()
        self.n_active += 1

    def end(self) -> None:
        """Count one less at work."""
        self.n_active -= 1
        if not self.n_active:
            self._spent["seconds"] += time.monotonic() - self._since

    def charge(self, usage: Usage) -> None:
        """Add usage."""
        self._spent["model_calls"] += usage["model_calls"]
        self._spent["tool_calls"] += usage["tool_calls"]
        self._spent["tokens"] += usage["input_tokens"] + usage["output_tokens"]
        self._spent["cost_usd"] += usage["cost_usd"]

    def ended_by(self, *, n_calls: int) -> str:
        """Name the budget that cannot pay for so many more model calls; empty when all can."""
        if self._spent["model_calls"] + n_calls > self.limits.model_calls:
            return f"{self._prefix}model_calls"
        for name, spent, limit in (
            ("tokens", self._spent["tokens"], self.limits.tokens),
            ("cost_usd", self._spent["cost_usd"], self.limits.cost_usd),
            ("seconds", -self.seconds_left(), 0.0),
        ):
            if limit is not None and spent >= limit:
                return f"{self._prefix}{name}"
        return ""

    def tools_ended_by(self) -> str:
        """Name the budget that allows no further tool call; empty when all do."""
        has_room = self._spent["tool_calls"] < self.limits.tool_calls
        return "" if has_room else f"{self._prefix}tool_calls"

    def seconds_left(self) -> float:
        """Return the remaining time; zero or negative when it is up."""
        running = time.monotonic() - self._since if self.n_active else 0.0
        return self.limits.seconds - self._spent["seconds"] - running


class RunMeters:
    """Meters of the runs whose subtasks are at work."""

    def __init__(self) -> None:
        self._meters: OrderedDict[str, Meter] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, run_id: str, limits: BudgetLimits, spent: Spent | None) -> Meter:
        """Return the meter that parallel subtasks of a run share.

        Args:
            run_id: the run; an empty one shares nothing.
            limits: of the run.
            spent: by the run before they were handed out; the same for all of them.
        """
        with self._changing:  # runs of several event loops may ask
            return self._shared(run_id, limits, spent)

    def _shared(self, run_id: str, limits: BudgetLimits, spent: Spent | None) -> Meter:
        meter = self._meters.get(run_id)
        # Beyond the graph's concurrency subtasks begin when others have ended: until the state has caught up, and says
        # something else was spent, an idle meter knows more than it does.
        if meter is None or (not meter.n_active and meter.seed != (spent or nothing())):
            meter = Meter(limits, "run_max_", spent)
        if run_id:
            self._meters[run_id] = meter
            self._meters.move_to_end(run_id)
            self._forget()
        return meter

    def _forget(self) -> None:
        idle = [run_id for run_id, meter in self._meters.items() if not meter.n_active]
        for run_id in idle[: max(0, len(idle) - _MAX_IDLE)]:
            del self._meters[run_id]
