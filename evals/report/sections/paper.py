"""Comparison with the paper's figures, for runs that are one of its ablations."""

from memento.evals.presets import Row, paper_table
from memento.evals.report.blocks import Grid, Note, PageBlock, Section
from memento.evals.report.formatting import UNKNOWN, amount
from memento.evals.report.view import View


def paper(view: View) -> Section | None:
    """Show the table of the run's preset; None for runs without one."""
    if not view.plan.preset:
        return None
    table = paper_table(view.plan, view.results)
    measures = list(table.measures)
    head = ["setting", *(f"{name},\n{whose}" for name in measures for whose in ("paper", "ours")), "questions"]
    rows = [
        [f"{row.part}: {row.label}", *_cells(row, measures), f"{row.n:,}" if row.n else UNKNOWN] for row in table.rows
    ]
    ours = "; ".join(f"{name}: {what}" for name, what in table.measures.items() if what)
    caption = (
        f"{table.title}. Paper: arXiv 2508.16153, {table.source.where}: {table.source.metric}; {table.source.setting}. "
        f"Ours in per cent, with 95 % intervals over {view.over}. {ours}"
    )
    notes: list[PageBlock] = [Note(f"Not the same on both sides: {text}") for text in table.differs]
    return Section("paper", "Beside the paper", [Grid(caption, head, rows), *notes])


def _cells(row: Row, measures: list[str]) -> list[str]:
    cells = []
    for name in measures:
        pair = row.pairs[name]
        cells.append(UNKNOWN if pair.paper is None else f"{pair.paper:g}")
        cells.append(UNKNOWN if pair.ours is None else amount(pair.ours.interval, 1))
    return cells
