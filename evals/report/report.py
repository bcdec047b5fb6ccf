"""Writes the report of a run: `report.html`, and its figures as PNG beside it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from memento.evals.report.blocks import PictureBlock, Section
from memento.evals.report.drawing import check_can_draw
from memento.evals.report.formatting import counted
from memento.evals.report.page import render
from memento.evals.report.run_cases import run_cases
from memento.evals.report.sections.answer import answer
from memento.evals.report.sections.arms import arms
from memento.evals.report.sections.calibrated import calibrated
from memento.evals.report.sections.case_cards import useful_cases
from memento.evals.report.sections.checks import checks
from memento.evals.report.sections.cost import cost
from memento.evals.report.sections.curves import learning
from memento.evals.report.sections.iterations import iterations
from memento.evals.report.sections.pairs import paired_differences
from memento.evals.report.sections.paper import paper
from memento.evals.report.sections.setup import setup
from memento.evals.report.sections.sources import sources
from memento.evals.report.sections.sweep import k_sweep
from memento.evals.report.sections.transfers import transfers
from memento.evals.report.view import View, read_run, view_of

PAGE = "report.html"
_SECTIONS: tuple[Callable[[View], Section | None], ...] = (
    answer,
    learning,
    arms,
    paired_differences,
    k_sweep,
    paper,
    sources,
    iterations,
    transfers,
    useful_cases,
    calibrated,
    cost,
    checks,
    setup,
)


class WrittenReport(NamedTuple):
    """Paths of the written report."""

    page: Path
    pictures: list[Path]
    is_complete: bool
    """Whether the run was finished when it was read."""
    n_results: int


async def write_report(folder: Path) -> WrittenReport:
    """Write the report of a run into its folder, with the results so far.

    Args:
        folder: of the run.

    Raises:
        InvalidInput: there is no run, it has no results yet, its journal is damaged, or matplotlib is missing.
    """
    check_can_draw()
    plan, results = await asyncio.to_thread(read_run, folder)
    cases = await run_cases(folder, plan, results)
    return await asyncio.to_thread(lambda: _write(view_of(folder, plan, results, cases)))


def _write(view: View) -> WrittenReport:
    sections = [section for make in _SECTIONS if (section := make(view)) is not None]
    plan = view.plan
    facts = [
        counted(plan.n_tasks, "question"),
        counted(len(plan.arms), "arm"),
        counted(len(plan.seeds), "seed"),
        f"feedback: {plan.feedback}",
        f"{view.last:%Y-%m-%d}",
    ]
    page = render(f"Memory on {plan.dataset}", " · ".join(facts), sections, looks=view.looks, footer=_footer(view))
    pictures = []
    for drawing in (
        block.drawing for section in sections for block in section.blocks if isinstance(block, PictureBlock)
    ):
        path = view.folder / f"{drawing.name}.png"
        path.write_bytes(drawing.png)
        pictures.append(path)
    whole = view.folder / f"{PAGE}.whole"
    whole.write_text(page, encoding="utf-8")
    whole.replace(view.folder / PAGE)
    return WrittenReport(view.folder / PAGE, pictures, view.is_complete, len(view.results))


def _footer(view: View) -> str:
    return (
        f"Written by `memento eval report` from the run's own journals. Intervals resample {view.over}, never single "
        f"results: those of one question, or of one order that a memory has learned in, are no independent evidence. "
        f"This page needs no network and no script."
    )
