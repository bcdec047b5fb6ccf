"""The tables of games in docs/results.md, made from the scores that are kept."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments.figures import Difference, Figures, Row, figures
from benchmarks.environments.played_games import FOLDER, PlayedRun
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.memory.stats import Interval

_TOLD = {"correction": "corrections after games that were not won", "reward": "rewards alone"}


def markdown(folder: Path = FOLDER) -> str:
    """For each run that is kept: what was won, and differences of arms."""
    return "\n\n".join(_section(file) for file in sorted(folder.glob("*.json")))


def _section(file: Path) -> str:
    run = json.loads(file.read_text(encoding="utf-8"))
    names = sorted({row["arm"] for row in run["streams"]}, key=lambda name: (name != "none", name))
    seeds = sorted({row["seed"] for row in run["streams"]})
    plan = RunPlan(**run["run"], arms=[parse_arm(name) for name in names], seeds=seeds)
    played = PlayedRun.load(file, plan)
    found = figures(played.streams, plan)
    origins = sorted({f"{one.date} at commit {one.commit} on {one.machine}" for one in played.streams})
    about = (
        f"{plan.n_tasks} tasks of {', '.join(f'`{name}`' for name in plan.environments)}, {_TOLD[plan.feedback]}; "
        f"{found.n_results} games, {found.n_unknown} without a score. Played {'; and '.join(origins)}."
    )
    return "\n\n".join([about, _arms(found), _differences(found)])


def _arms(found: Figures) -> str:
    names = list(found.rows[0].won)
    head = ["games won", "orders", *names, "score", "cases shown that had worked"]
    return _table(head, [[f"`{one.arm}`", str(one.n_orders), *_cells(one, names)] for one in found.rows])


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    return [*(_share(row.won[name]) for name in names), _share(row.score), f"{row.worked:.1f}"]


def _differences(found: Figures) -> str:
    names = list(found.differences[0].by_environment) if found.differences else []
    head = ["difference in games won, points", "orders", "all", *names, "worst environment"]
    return _table(head, [_difference(one, names) for one in found.differences])


def _difference(one: Difference, names: Sequence[str]) -> list[str]:
    figures_shown = (one.whole, *(one.by_environment[name] for name in names))
    shown = [_points(figure, is_told=one.has_verdict) for figure in figures_shown]
    return [f"`{one.arm}` - `{one.control}`", f"{one.n_orders:g}", *shown, one.worst]


def _share(one: Interval) -> str:
    return f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]"


def _points(one: Interval, *, is_told: bool) -> str:
    """A difference in points; bold where there is a verdict, and it is above or below 0."""
    told = f"{100 * one.value:+.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
    return f"**{told}**" if is_told and (one.low > 0 or one.high < 0) else told


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
