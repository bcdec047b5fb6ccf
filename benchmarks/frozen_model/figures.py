"""What a run says: accuracy along the stream, differences of arms on the same questions, and controls beside them.

Intervals resample orders of the tasks and questions; with one order they are of that order alone.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.frozen_model.streams import REGRESSION, vote_over
from benchmarks.kept_streams import Stream
from benchmarks.markdown_tables import share
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import compare
from memento.evals.statistics.figure import as_json, points
from memento.evals.statistics.orders import MIN_ORDERS
from memento.evals.statistics.outcomes import outcomes
from memento.memory.stats import Interval

BLOCK: Final = 100
PAIRS: Final = (
    ("similarity", "random"),
    ("similarity_reward", "similarity"),
    ("parametric", "similarity"),
    ("advantage", "similarity"),
    ("advantage", "similarity_reward"),
    ("advantage", "parametric"),
    ("advantage", "none"),
)
_BESIDE_THE_REGRESSION: Final = ("similarity", "advantage")


class Row(NamedTuple):
    """One arm, the vote over its cases, or the regression on everything that was right before."""

    arm: str
    n_orders: int
    blocks: list[Interval]
    whole: Interval
    worked: float
    """Cases served that had worked, per task."""
    right: float
    """Of those, the share whose plan was the right one here."""


class Difference(NamedTuple):
    """One against another, paired by question and seed."""

    arm: str
    control: str
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
    """Of arms, without controls."""
    n_unknown: int


def figures(streams: Sequence[Stream], plan: RunPlan) -> Figures:
    """The figures of streams with their controls, finished or not; arms in the plan's order, then controls."""
    arms = [arm.name for arm in plan.arms]
    names = [*arms, *(vote_over(arm) for arm in arms), REGRESSION]
    parts = {name: [one for one in streams if one.arm == name] for name in names}
    results = {
        name: [one for stream in sorted(mine, key=lambda stream: stream.seed) for one in stream.results()]
        for name, mine in parts.items()
        if mine
    }
    pairs = [*PAIRS, *((arm, vote_over(arm)) for arm in arms), *((arm, REGRESSION) for arm in _BESIDE_THE_REGRESSION)]
    known = [one for arm in arms for one in results.get(arm, [])]
    return Figures(
        [_row(name, parts[name], mine) for name, mine in results.items()],
        [_difference(results[arm], results[other]) for arm, other in pairs if arm in results and other in results],
        len(known),
        sum(one.reward is None for one in known),
    )


def print_figures(found: Figures, plan: RunPlan, folder: Path) -> None:
    """The tables, and the same as JSON in `figures.json` beside the plan."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(_json(found), encoding="utf-8")
    print(
        f"\n{plan.dataset}, feedback: {plan.feedback}; {plan.n_tasks} tasks, {len(plan.seeds)} orders, "
        f"k = {plan.settings['k']}; {found.n_results} results, {found.n_unknown} without reward\n"
    )
    n = max((len(row.blocks) for row in found.rows), default=0)
    heads = [f"{i * BLOCK + 1}-{(i + 1) * BLOCK}" for i in range(n)]
    print(f"{'':26s}orders" + "".join(f"{head:>19s}" for head in [*heads, "all"]) + "   worked  right")
    for row in found.rows:
        shown = "".join(f"{share(one):>19s}" for one in [*row.blocks, row.whole])
        print(f"{row.arm:26s}{row.n_orders:6d}{shown}   {row.worked:6.2f}  {row.right:5.2f}")
    print(f"\n{'difference':48s}{'all tasks':>34s}{f'without the first {BLOCK}':>34s}")
    few = [one for one in found.differences if not one.has_verdict]
    if few:
        print(f"no verdict: {min(one.n_orders for one in few)} orders of the tasks, and one needs {MIN_ORDERS}")
    for one in found.differences:
        print(f"{f'{one.arm} - {one.control}':48s}{points(one.first):>34s}{points(one.later):>34s}")


def _row(arm: str, streams: Sequence[Stream], results: Sequence[TaskResult]) -> Row:
    stop = max(one.position for one in results) + 1
    blocks = [[one for one in results if one.position // BLOCK == i] for i in range(-(-stop // BLOCK))]
    served = [(one.worked * len(one.scores), one.right) for one in streams]
    n_worked, n_told = (sum(n for n, right in served if of_all or right is not None) for of_all in (True, False))
    right = sum(n * right for n, right in served if right is not None)
    return Row(
        arm,
        len(streams),
        [outcomes(block).mean().interval for block in blocks],
        outcomes(results).mean().interval,
        n_worked / len(results),
        right / n_told if n_told else float("nan"),
    )


def _difference(results: Sequence[TaskResult], control: Sequence[TaskResult]) -> Difference:
    later = [[one for one in rows if one.position >= BLOCK] for rows in (results, control)]
    whole = compare(results, control)
    return Difference(
        whole.arm, whole.control, whole.weighted, compare(*later).weighted, whole.n_orders, whole.has_verdict
    )


def _json(found: Figures) -> str:
    return json.dumps(as_json(found), indent=1) + "\n"
