"""The tables of docs/results.md that say what the frozen model makes of it, made from the streams that are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.frozen_model.figures import BLOCK, Difference, Figures, Row, figures
from benchmarks.frozen_model.streams import REGRESSION
from benchmarks.kept_streams import KeptRun
from benchmarks.markdown_tables import difference, share, table
from memento.evals.runs.plan import RunPlan
from memento.memory.stats import Interval

FOLDER: Final = Path(__file__).parent / "kept"
_TOLD: Final = {"correction": "corrected", "reward": "rewards alone"}
_FAMILY: Final = {"house": "house rules"}
_ORDER: Final = ("none", "random", "parametric", "similarity", "similarity_reward", "advantage")


class Told(NamedTuple):
    """A run that is kept."""

    name: str
    """Family and feedback, in words."""
    kept: KeptRun
    plan: RunPlan
    """With the arms and orders that are there; controls are no arms."""


def told_runs(folder: Path = FOLDER) -> list[Told]:
    """All runs that are kept. Blocking."""
    return [_told(file) for file in sorted(folder.glob("*.json"))]


def markdown(folder: Path = FOLDER) -> str:
    """Where each run was made, the share that each arm solved, and the differences of arms."""
    runs = told_runs(folder)
    about = [f"- {one.name}: {one.plan.n_tasks} tasks; {one.kept.origins()}." for one in runs]
    found = {one.name: figures(one.kept.streams, one.plan) for one in runs}
    whole = _differences("difference, points (orders)", found, lambda one: one.first)
    later = _differences(f"the same without the first {BLOCK} tasks", found, lambda one: one.later)
    return "\n\n".join(["\n".join(about), _arms(found), whole, later])


def _told(file: Path) -> Told:
    kept = KeptRun.read(file)
    present = {one.arm for one in kept.streams}
    plan = kept.plan(name for name in _ORDER if name in present)
    return Told(f"{_FAMILY.get(plan.dataset, plan.dataset)}, {_TOLD[plan.feedback]}", kept, plan)


def _arms(found: dict[str, Figures]) -> str:
    rows = {name: {row.arm: row for row in one.rows} for name, one in found.items()}
    arms = sorted({arm for mine in rows.values() for arm in mine}, key=_place)
    cells = [[f"`{arm}`", *(_solved(mine.get(arm)) for mine in rows.values())] for arm in arms]
    return table(["share solved (orders)", *found], cells)


def _place(arm: str) -> tuple[bool, bool, int]:
    policy = arm.removeprefix("vote: ")
    return arm == REGRESSION, policy != arm, _ORDER.index(policy) if policy in _ORDER else -1


def _solved(row: Row | None) -> str:
    return "" if row is None else f"{share(row.whole)} ({row.n_orders})"


def _differences(head: str, found: dict[str, Figures], of: Callable[[Difference], Interval]) -> str:
    told = {name: {(one.arm, one.control): one for one in mine.differences} for name, mine in found.items()}
    pairs = list(dict.fromkeys(pair for mine in told.values() for pair in mine if pair[0] == "advantage"))
    cells = [
        [f"`{arm}` - `{other}`", *(_points(mine.get((arm, other)), of) for mine in told.values())]
        for arm, other in pairs
    ]
    return table([head, *found], cells)


def _points(one: Difference | None, of: Callable[[Difference], Interval]) -> str:
    return "" if one is None else f"{difference(of(one), has_verdict=one.has_verdict)} ({one.n_orders:g})"
