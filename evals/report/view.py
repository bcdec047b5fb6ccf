"""Input of all report sections: the run, its results so far, and their summary."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from memento.evals.report.palette import ArmStyle, looks
from memento.evals.runs.plan import PLAN, RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS, load_results
from memento.evals.statistics.banks import Cases
from memento.evals.statistics.orders import is_ordered, lacks_orders
from memento.evals.statistics.outcomes import by_arm, part_of
from memento.evals.statistics.summary import RunSummary, control_of, summarize
from memento.memory.errors import InvalidInput


class View(NamedTuple):
    """A run, loaded once."""

    folder: Path
    plan: RunPlan
    results: Sequence[TaskResult]
    by_arm: Mapping[str, Sequence[TaskResult]]
    summary: RunSummary
    """Of first encounters."""
    looks: Mapping[str, ArmStyle]
    control: str
    """The arm that others are compared with."""
    cases: Cases
    """What stood in the cases, as far as it can be looked up."""
    is_complete: bool
    began: datetime
    last: datetime
    """When its newest result was kept."""

    @property
    def n_orders(self) -> int:
        """Effective number of orders of the tasks: of the arm with a memory that has fewest."""
        with_memory = [arm.reward.weighted.n_orders for arm in self.summary.arms if is_ordered(arm.arm)]
        return min(with_memory or [arm.reward.weighted.n_orders for arm in self.summary.arms])

    @property
    def over(self) -> str:
        """What intervals of this run resample, in words that follow "intervals over"."""
        if not any(is_ordered(arm.arm) for arm in self.summary.arms):
            return "questions"
        return "orders and questions" if self.n_orders > 1 else "questions of this order alone"

    @property
    def has_verdicts(self) -> bool:
        """Whether there are enough orders to tell better from worse in every arm."""
        return not lacks_orders([arm for arm in self.plan.arms if arm.name in self.by_arm], self.n_orders)

    @property
    def n_planned(self) -> int | None:
        """Number of results of the complete run; None when it cannot be known before its end."""
        if self.is_complete:
            return len(self.results)
        plan = self.plan
        is_known = not plan.held_out or plan.iterations == 1
        return plan.n_tasks * plan.iterations * len(plan.streams()) if is_known else None


def read_run(folder: Path) -> tuple[RunPlan, list[TaskResult]]:
    """Load a plan and its results so far. Blocking.

    Args:
        folder: of the run.

    Raises:
        InvalidInput: there is no run, or it has no results yet.
    """
    plan = RunPlan.load(folder)
    results = list(load_results(folder, plan))
    if not part_of(results, "first"):
        raise InvalidInput(f"{folder} has no results yet; run `memento eval run` with --out {folder} first")
    return plan, results


def view_of(folder: Path, plan: RunPlan, results: Sequence[TaskResult], cases: Cases) -> View:
    """Load a run, finished or not. Blocking.

    Args:
        folder: of the run.
        plan: of the run.
        results: so far.
        cases: of its memories.
    """
    journals = [folder / STREAMS / key.name / "journal.jsonl" for key in plan.streams()]
    return View(
        folder=folder,
        plan=plan,
        results=results,
        by_arm=by_arm(results),
        summary=summarize(plan, results),
        looks=looks(plan.arms),
        control=control_of(plan),
        cases=cases,
        is_complete=_is_complete(plan, results),
        began=_time((folder / PLAN).stat().st_mtime),
        last=_time(max(path.stat().st_mtime for path in journals if path.exists())),
    )


def _is_complete(plan: RunPlan, results: Sequence[TaskResult]) -> bool:
    """Whether every stream has met every task, and those it learns from in every iteration."""
    met: dict[tuple[str, int], dict[tuple[str, int], int]] = {}
    for one in results:
        parts = met.setdefault((one.arm, one.seed), {})
        parts[one.phase, one.iteration] = parts.get((one.phase, one.iteration), 0) + 1
    if len(met) < len(plan.streams()):
        return False
    for parts in met.values():
        n_learnt = parts.get(("learn", 1), 0)
        n_repeats = {parts.get(("learn", number), 0) for number in range(1, plan.iterations + 1)}
        if n_learnt + parts.get(("test", 1), 0) < plan.n_tasks or n_repeats != {n_learnt}:
            return False
    return True


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
