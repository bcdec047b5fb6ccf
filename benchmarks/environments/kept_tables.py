"""The tables of games in docs/results.md, made from the scores that are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.environments.figures import Difference, Figures, Row, figures
from benchmarks.kept_streams import KeptRun
from benchmarks.markdown_tables import difference, share, table

FOLDER: Final = Path(__file__).parent / "kept"
_TOLD = {"correction": "corrections after games that were not won", "reward": "rewards alone"}


def markdown(folder: Path = FOLDER) -> str:
    """For each run that is kept: what was won, and differences of arms. Those of most environments come first."""
    runs = map(KeptRun.read, sorted(folder.glob("*.json")))
    return "\n\n".join(map(_section, sorted(runs, key=lambda kept: -len(kept.run["environments"]))))


def _section(kept: KeptRun) -> str:
    names = sorted({one.arm for one in kept.streams}, key=lambda name: (name != "none", name))
    plan = kept.plan(names)
    found = figures(kept.streams, plan)
    about = (
        f"{plan.n_tasks} tasks of {', '.join(f'`{name}`' for name in plan.environments)}, {_TOLD[plan.feedback]}; "
        f"{found.n_results} games, {found.n_unknown} without a score. Played {kept.origins()}."
    )
    worst = "worst environment" if len(plan.environments) > 1 else "worst kind of task"
    return "\n\n".join([about, _arms(found), _differences(found, worst)])


def _arms(found: Figures) -> str:
    names = list(found.rows[0].won)
    head = ["games won", "orders", *names, "score", "cases shown that had worked"]
    return table(head, [[f"`{one.arm}`", str(one.n_orders), *_cells(one, names)] for one in found.rows])


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    return [*(share(row.won[name]) for name in names), share(row.score), f"{row.worked:.1f}"]


def _differences(found: Figures, worst: str) -> str:
    names = list(found.differences[0].by_source) if found.differences else []
    head = ["difference in games won, points", "orders", "all", *names, worst]
    return table(head, [_difference(one, names) for one in found.differences])


def _difference(one: Difference, names: Sequence[str]) -> list[str]:
    figures_shown = (one.whole, *(one.by_source[name] for name in names))
    shown = [difference(figure, has_verdict=one.has_verdict) for figure in figures_shown]
    return [f"`{one.arm}` - `{one.control}`", f"{one.n_orders:g}", *shown, one.worst]
