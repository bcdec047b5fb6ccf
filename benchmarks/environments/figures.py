"""What a run says: games won and score by environment, differences of arms on the same games, and cases shown.

A game is won where its score is 1. Intervals resample orders of the tasks and tasks; with one order they are of that
order alone.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.kept_streams import Stream
from benchmarks.markdown_tables import share
from memento.evals.environments.subject import WON_FROM
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare
from memento.evals.statistics.figure import as_json, points
from memento.evals.statistics.orders import MIN_ORDERS
from memento.evals.statistics.outcomes import outcomes
from memento.memory.stats import Interval

OURS: Final = "advantage:failures=hidden"
FILLED: Final = "advantage:failures=hidden,filled=true"
RANDOM: Final = "random_successes:failures=hidden"
FIXED: Final = "fixed:4"
PAIRS: Final = (
    (OURS, "none"),
    (OURS, FIXED),
    (OURS, RANDOM),
    (FILLED, RANDOM),
    (OURS, "similarity:failures=hidden,filled=true"),
    (OURS, "similarity_reward:failures=hidden,filled=true"),
    (OURS, "memrl:failures=hidden,filled=true"),
    (OURS, "replay"),
    (OURS, "nearest_valid"),
    (OURS, "random_actions"),
)


class Row(NamedTuple):
    """One arm."""

    arm: str
    n_orders: int
    won: dict[str, Interval]
    """By environment, in a run of one by kind of task, and as `all`."""
    score: Interval
    worked: float
    """Cases shown that had worked, per game."""
    seconds: float
    """Per game, waiting included."""


class Difference(NamedTuple):
    """Games won by one arm, minus those of another; paired by task and order."""

    arm: str
    control: str
    whole: Interval
    by_source: dict[str, Interval]
    """By environment, in a run of one by kind of task."""
    n_orders: float
    """Effective number: one with few results counts less."""
    has_verdict: bool
    worst: str
    """The source in which it is worst, with its interval and verdict."""


class Figures(NamedTuple):
    """A run's."""

    rows: list[Row]
    differences: list[Difference]
    n_results: int
    n_unknown: int


def figures(streams: Sequence[Stream], plan: RunPlan) -> Figures:
    """The figures of a run, finished or not; arms in the plan's order."""
    arms = {arm.name: [one for one in streams if one.arm == arm.name] for arm in plan.arms}
    source = _source_of(plan)
    results = {arm: [one for stream in mine for one in stream.results(source)] for arm, mine in arms.items() if mine}
    known = [one for mine in results.values() for one in mine]
    names = sorted({one.source for one in known})
    rows = [_row(arm, arms[arm], mine, names) for arm, mine in results.items()]
    won = {arm: _won(mine) for arm, mine in results.items()}
    differences = [_difference(first, other, won, names) for first, other in PAIRS if first in won and other in won]
    return Figures(rows, differences, len(known), sum(one.reward is None for one in known))


def print_figures(found: Figures, plan: RunPlan, folder: Path) -> None:
    """The tables, and the same as JSON in `figures.json` beside the plan."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")
    if not found.rows:
        print("there are no results yet")
        return
    names = list(found.rows[0].won)
    print(
        f"\n{plan.dataset}, feedback: {plan.feedback}; {plan.n_tasks} tasks, {len(plan.seeds)} orders; "
        f"{found.n_results} results, {found.n_unknown} without score\n\ngames won, and mean score\n"
    )
    print(f"{'':46s}" + "".join(f"{name:>20s}" for name in [*names, "score"]) + "  worked  s/game")
    for row in found.rows:
        shown = "".join(f"{share(one):>20s}" for one in [*row.won.values(), row.score])
        print(f"{row.arm:46s}{shown}  {row.worked:6.2f}  {row.seconds:6.2f}")
    if few := [one for one in found.differences if not one.has_verdict]:
        print(f"\nno verdict: {min(one.n_orders for one in few)} orders of the tasks, and one needs {MIN_ORDERS}")
    print("\ndifference in games won\n")
    for one in found.differences:
        print(f"{one.arm} - {one.control}\n  all: {points(one.whole)}\n  worst source: {one.worst}")
        print("".join(f"  {name}: {points(interval)}\n" for name, interval in one.by_source.items()))


def _source_of(plan: RunPlan) -> Callable[[str], str]:
    """What tells tasks apart: the environment; in a run of one, the kind of task (name/split/kind/number), if any."""
    if len(plan.environments) > 1:
        return lambda task: task.split("/")[0]
    return lambda task: task.split("/")[2 if task.count("/") > 2 else 0]


def _won(results: Sequence[TaskResult]) -> list[TaskResult]:
    return [
        one if one.reward is None else one.model_copy(update={"reward": float(one.reward >= WON_FROM)})
        for one in results
    ]


def _row(arm: str, streams: Sequence[Stream], results: Sequence[TaskResult], names: Sequence[str]) -> Row:
    won = _won(results)
    by_name = {name: outcomes(_of(won, name)).mean().interval for name in names if _of(won, name)}
    return Row(
        arm,
        len(streams),
        {**by_name, "all": outcomes(won).mean().interval},
        outcomes(results).mean().interval,
        sum(one.worked * len(one.scores) for one in streams) / len(results),
        sum(one.seconds * len(one.scores) for one in streams) / len(results),
    )


def _difference(first: str, other: str, won: Mapping[str, Sequence[TaskResult]], names: Sequence[str]) -> Difference:
    whole = compare(won[first], won[other])
    by_source = {
        name: _compared(won[first], won[other], name).weighted
        for name in names
        if _of(won[first], name) and _of(won[other], name)
    }
    worst = "-" if whole.worst is None else str(whole.worst)
    return Difference(first, other, whole.weighted, by_source, whole.n_orders, whole.has_verdict, worst)


def _compared(results: Sequence[TaskResult], control: Sequence[TaskResult], name: str) -> Comparison:
    return compare(_of(results, name), _of(control, name))


def _of(results: Sequence[TaskResult], name: str) -> list[TaskResult]:
    return [one for one in results if one.source == name]
