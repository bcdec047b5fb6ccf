"""Compares the same arms in two runs, and prints that, as `memento eval compare` does."""

import asyncio
from pathlib import Path

from memento.cli.printing import TextTable, print_table
from memento.cli.streams import print_json, tell
from memento.evals.report.two_runs import ArmInBoth, RunResults, TwoRuns, compare_runs
from memento.evals.report.view import read_run
from memento.evals.statistics.figure import as_json as as_json_values
from memento.evals.statistics.figure import percent, points
from memento.evals.statistics.orders import resampled


async def print_comparison(first: Path, second: Path, *, as_json: bool) -> None:
    """Compare the arms that both runs have; no difference is a result, not a failure."""
    runs = [RunResults(str(folder), *await asyncio.to_thread(read_run, folder)) for folder in (first, second)]
    found = await asyncio.to_thread(compare_runs, *runs)
    if as_json:
        print_json(
            {
                "event": "runs",
                "first": str(first),
                "second": str(second),
                "differs": {name: list(pair) for name, pair in found.differs.items()},
                "only_first": found.only_first,
                "only_second": found.only_second,
            }
        )
        for arm in found.arms:
            print_json({"event": "compared", **as_json_values(arm), "is_shown": arm.is_shown})
        return
    print_table(_table(found.arms))
    for sentence in _notes(found, runs):
        tell(sentence)


def _table(arms: list[ArmInBoth]) -> TextTable:
    table = TextTable()
    table.title = (
        f"solved at the first encounter, weighted (by question); in brackets: 95 % intervals over {_over(arms)}"
    )
    for name in ("arm", "first", "second", "second - first", "over", "verdict"):
        table.add_column(name, no_wrap=name not in ("verdict", "arm"), overflow="fold")
    for arm in arms:
        over = f"{arm.n_questions:,} questions, paired" if arm.is_paired else "each its own, not paired"
        row = (arm.arm, percent(arm.first.interval), percent(arm.second.interval), points(arm.difference), over)
        table.add_texts(*row, arm.verdict)
    return table


def _over(arms: list[ArmInBoth]) -> str:
    """What the intervals resample; that of an arm without a memory resamples questions."""
    ordered = [arm for arm in arms if arm.unit != "questions"]
    return resampled(ordered[0].unit, min(arm.n_orders for arm in ordered)) if ordered else "questions"


def _notes(found: TwoRuns, runs: list[RunResults]) -> list[str]:
    notes = [
        "the questions are not all the same"
        if name == "tasks"
        else f"{name}: {one!r} in the first, {other!r} in the second"
        for name, (one, other) in found.differs.items()
    ]
    if not notes:
        notes.append("both runs have the same plan, but for their arms")
    if not all(arm.is_paired for arm in found.arms):
        notes.append("not paired: the runs share no question and seed, so the chance of the questions is not taken out")
    for run, names in zip(runs, (found.only_first, found.only_second), strict=True):
        if names:
            notes.append(f"only in {run.name}: {', '.join(names)}")
    return notes
