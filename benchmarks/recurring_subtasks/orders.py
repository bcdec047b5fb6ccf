"""Streams of one order of the tasks, run side by side in one process, and the tables of all orders."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.encoded_once import EncodedOnce
from benchmarks.planted.report import table
from benchmarks.recurring_subtasks.readings import drop_spoilt
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner
from memento.evals.statistics.comparison import compare
from memento.evals.statistics.figure import points
from memento.evals.statistics.orders import is_ordered
from memento.evals.statistics.outcomes import by_arm
from memento.evals.subject import Subject
from memento.evals.task import EvalTask
from memento.memory.stats import table_mean

PairsOf = Callable[[Iterable[str]], Sequence[tuple[str, str]]]
"""Gives the pairs of arms that are compared."""

_TRIES: Final = 3
"""Of an order, on a busy machine."""


def run_order(
    plan: RunPlan, seed: int, *, tasks: Sequence[EvalTask], subject: Subject, folder: Path, encoder: EncodedOnce
) -> None:
    """Run the streams of one order, those again that a busy machine spoilt. Blocking.

    Args:
        plan: of the run.
        seed: of the order.
        tasks: of the plan.
        subject: of the plan.
        folder: of the run.
        encoder: shared by all streams.
    """
    names = [key.name for key in plan.streams() if key.seed == seed]
    for _ in range(_TRIES):
        given: Any = {"tasks": tasks, "subject": subject, "folder": folder, "encoder": encoder}
        asyncio.run(EvalRunner(plan, **given, concurrency=4, only=names).run())
        if not (spoilt := drop_spoilt(folder, plan)):
            return
        print(f"run again, for a search that got no answer in time: {', '.join(spoilt)}", flush=True)
    raise SystemExit("the machine is too busy: searches get no answer in time; run the same again when it is less so")


def figures(results: Sequence[TaskResult], pairs_of: PairsOf, *, title: str, measure: str) -> str:
    """Tables of a run's results: an arm's success or score, by halves of its streams too, and differences.

    Args:
        results: of the run, finished or not.
        pairs_of: which arms are compared, of those that there are.
        title: what played.
        measure: success or score.
    """
    arms = by_arm(results)
    rows = [[arm, *_success(mine)] for arm, mine in arms.items()]
    found = [compare(arms[one], arms[other]) for one, other in pairs_of(arms) if one in arms and other in arms]
    differences = [[f"{one.arm} - {one.control}", points(one.weighted), one.verdict] for one in found]
    said = (
        f"{title}: a simulation. {len({one.seed for one in results})} orders; intervals of 95 % over orders and tasks."
    )
    heads = ["arm", measure, "first half", "second half", "s a task"]
    return "\n\n".join([said, table(heads, rows), table(["difference", "points", "verdict"], differences)])


def _success(results: Sequence[TaskResult]) -> list[str]:
    """An arm's success with its interval, that of each half of its streams, and the seconds of a task."""
    half = (max(one.position for one in results) + 1) / 2
    parts = [results, [one for one in results if one.position < half], [one for one in results if one.position >= half]]
    seconds = sum(one.seconds for one in results) / len(results)
    return [*(_share(part) for part in parts), f"{seconds:.2f}"]


def _share(results: Sequence[TaskResult]) -> str:
    """Success with its interval."""
    rows, columns = ({name: place for place, name in enumerate(sorted(names))} for names in _axes(results))
    reward_QS = np.full((len(rows), len(columns)), np.nan)
    for one in results:
        if one.reward is not None:
            reward_QS[rows[one.task_id], columns[one.seed]] = one.reward
    found = table_mean(reward_QS, is_ordered=is_ordered(results[0].arm)).interval
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _axes(results: Sequence[TaskResult]) -> tuple[set[str], set[int]]:
    return {one.task_id for one in results}, {one.seed for one in results}
