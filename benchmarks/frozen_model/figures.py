"""What a run says: accuracy along the stream, differences of arms on the same questions, and controls beside them.

Intervals resample orders of the tasks and questions; with one order they are of that order alone.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_model.families import Family
from benchmarks.frozen_model.regression import regressed
from benchmarks.frozen_model.vote import named_cases, votes
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.evals.statistics.comparison import compare
from memento.evals.statistics.figure import as_json, points
from memento.evals.statistics.orders import MIN_ORDERS
from memento.evals.statistics.outcomes import by_arm, outcomes
from memento.memory.case import POSITIVE_FROM
from memento.memory.stats import Interval

BLOCK = 100
_PAIRS = (
    ("similarity", "random"),
    ("similarity_reward", "similarity"),
    ("parametric", "similarity"),
    ("advantage", "similarity"),
    ("advantage", "similarity_reward"),
    ("advantage", "parametric"),
    ("advantage", "none"),
)


class Row(NamedTuple):
    """One arm, the vote over its cases, or the regression on everything that was right before."""

    arm: str
    kind: str
    """`model`, `vote` or `regression`."""
    blocks: list[Interval]
    whole: Interval
    worked: float
    """Cases served that had worked, per task."""
    right: float
    """Of those, the share whose plan was the right one here."""


class Difference(NamedTuple):
    """One against another, paired by question and seed."""

    name: str
    first: Interval
    """Over all tasks of the stream."""
    later: Interval
    """Without the first block, in which there is little to remember."""
    n_orders: int
    has_verdict: bool
    """Whether there are enough orders to tell the two apart."""


class Figures(NamedTuple):
    """A run's."""

    rows: list[Row]
    differences: list[Difference]
    n_results: int
    n_unknown: int


Vectors = Mapping[str, NDArray[np.float32]]
"""Unit vectors of the questions, by task id."""


def figures(folder: Path, family: Family, plan: RunPlan, vectors: Vectors | None = None) -> Figures:
    """The figures of a run, finished or not. Blocking.

    Args:
        folder: of the run.
        family: its tasks.
        plan: what was run.
        vectors: for the regression; None leaves it out.
    """
    results = list(load_results(folder, plan))
    arms = by_arm(results)
    voted = {arm: _voted(rows, family) for arm, rows in arms.items()}
    rows = [_row(arm, "model", mine, family) for arm, mine in arms.items()]
    rows += [_row(arm, "vote", mine, family) for arm, mine in voted.items() if arm not in ("none",)]
    told = [] if vectors is None else list(arms.values())[:1]
    unserved = [[one.model_copy(update={"cases": []}) for one in mine] for mine in told]
    regression = [_with(mine, regressed(mine, family, vectors or {})) for mine in unserved]
    rows += [_row("", "regression", mine, family) for mine in regression]
    differences = [
        _difference(f"{arm} - {other}", arms[arm], arms[other])
        for arm, other in _PAIRS
        if arm in arms and other in arms
    ]
    differences += [
        _difference(f"{arm} - vote over the same cases", arms[arm], voted[arm]) for arm in arms if arm != "none"
    ]
    differences += [
        _difference(f"{arm} - regression on all that was right", arms[arm], mine)
        for arm in ("similarity", "advantage")
        for mine in regression
        if arm in arms
    ]
    return Figures(rows, differences, len(results), sum(one.reward is None for one in results))


def print_figures(folder: Path, family: Family, plan: RunPlan, vectors: Vectors | None = None) -> None:
    """The tables, and the same as JSON in `figures.json` beside the plan."""
    found = figures(folder, family, plan, vectors)
    (folder / "figures.json").write_text(_json(found), encoding="utf-8")
    print(
        f"\n{family.name}, feedback: {plan.feedback}; {plan.n_tasks} tasks, {len(plan.seeds)} orders, "
        f"k = {plan.settings['k']}; {found.n_results} results, {found.n_unknown} without reward\n"
    )
    n = max((len(row.blocks) for row in found.rows), default=0)
    heads = [f"{i * BLOCK + 1}-{(i + 1) * BLOCK}" for i in range(n)]
    print(f"{'':26s}" + "".join(f"{head:>19s}" for head in [*heads, "all"]) + "   worked  right")
    for row in found.rows:
        name = {"model": row.arm, "vote": f"vote: {row.arm}"}.get(row.kind, "regression")
        shown = "".join(f"{_short(one):>19s}" for one in [*row.blocks, row.whole])
        print(f"{name:26s}{shown}   {row.worked:6.2f}  {row.right:5.2f}")
    print(f"\n{'difference':48s}{'all tasks':>34s}{f'without the first {BLOCK}':>34s}")
    few = [one for one in found.differences if not one.has_verdict]
    if few:
        print(f"no verdict: {min(one.n_orders for one in few)} orders of the tasks, and one needs {MIN_ORDERS}")
    for one in found.differences:
        print(f"{one.name:48s}{points(one.first):>34s}{points(one.later):>34s}")


def _voted(results: Sequence[TaskResult], family: Family) -> list[TaskResult]:
    return _with(results, votes(results, family))


def _with(results: Sequence[TaskResult], hits: Sequence[float]) -> list[TaskResult]:
    return [one.model_copy(update={"reward": hit}) for one, hit in zip(results, hits, strict=True)]


def _row(arm: str, kind: str, results: Sequence[TaskResult], family: Family) -> Row:
    stop = max(one.position for one in results) + 1
    blocks = [[one for one in results if one.position // BLOCK == i] for i in range(-(-stop // BLOCK))]
    worked, right = _served(results, family)
    return Row(arm, kind, [_accuracy(block, kind) for block in blocks], _accuracy(results, kind), worked, right)


def _accuracy(results: Sequence[TaskResult], kind: str) -> Interval:
    """Votes and the regression are told what came before, so that the order matters to them whatever their arm."""
    return outcomes(results, depends_on_order=None if kind == "model" else True).mean().interval


def _served(results: Sequence[TaskResult], family: Family) -> tuple[float, float]:
    names, wanted = named_cases(results, family), {task.id: family.right(task) for task in family.tasks}
    served = [
        [names[case.id] == wanted[one.task_id] for case in one.cases if case.reward >= POSITIVE_FROM] for one in results
    ]
    every = [hit for hits in served for hit in hits]
    return len(every) / len(results), float(np.mean(every)) if every else float("nan")


def _difference(name: str, results: Sequence[TaskResult], control: Sequence[TaskResult]) -> Difference:
    later = [[one for one in rows if one.position >= BLOCK] for rows in (results, control)]
    whole = compare(results, control)
    return Difference(name, whole.weighted, compare(*later).weighted, whole.n_orders, whole.has_verdict)


def _short(one: Interval) -> str:
    return f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]"


def _json(found: Figures) -> str:
    return json.dumps(as_json(found), indent=1) + "\n"
