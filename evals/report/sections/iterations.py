"""Repeated encounters with the same tasks: accuracy by iteration and pass@k."""

from collections.abc import Sequence

from memento.evals.report.blocks import Grid, Note, PageBlock, PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import UNKNOWN
from memento.evals.report.plots import Series, curves
from memento.evals.report.view import View
from memento.evals.statistics.figure import Figure, percent
from memento.evals.statistics.retries import Retries, retries


def iterations(view: View) -> Section | None:
    """Show the effect of retries and further seeds; None with one iteration and one seed."""
    found = retries(view.results)
    blocks: list[PageBlock] = []
    n_iterations = max(len(one.by_iteration) for one in found)
    if n_iterations > 1:
        blocks += [_picture(view, found), *_by_iteration(view, found, n_iterations), _changes(view, found)]
    n_seeds = max(len(one.pass_over_seeds) for one in found)
    if n_seeds > 1:
        blocks.append(
            Grid(
                "pass@k over seeds: share of questions that at least one of k orders of the tasks solves at its first "
                "encounter. It counts luck as success, and says nothing of how often an answer is right. Brackets are "
                "95 % intervals over questions of these orders alone: one more order would be another k.",
                ["arm", *(f"pass@{k + 1}" for k in range(n_seeds))],
                [[one.arm, *_cells(one.pass_over_seeds, n_seeds)] for one in found],
                arms=True,
            )
        )
    if not blocks:
        return None
    warning = Note(
        "None of this is the accuracy of the other sections: from the second meeting on, an arm's memory has been told "
        "the outcome of these very questions."
    )
    return Section("iterations", "Meeting the same tasks again", [warning, *blocks])


def _picture(view: View, found: Sequence[Retries]) -> PictureBlock:
    series = [
        Series(
            one.arm,
            view.looks[one.arm],
            [at + 1 for at, _ in enumerate(one.by_iteration)],
            [figure.interval for figure in one.by_iteration],
        )
        for one in found
    ]
    drawing = draw(
        "iterations",
        "Accuracy of all arms by iteration with 95 % intervals",
        lambda axes: curves(axes, series, x="iteration", y="solved", is_marked=True),
        size=(8.2, 3.8),
    )
    return PictureBlock(
        drawing,
        "Weighted accuracy in each iteration through all tasks; the first is the first encounter. Whiskers are 95 % "
        f"intervals over {view.over}.",
    )


def _by_iteration(view: View, found: Sequence[Retries], n: int) -> list[Grid]:
    return [
        Grid(
            f"Accuracy by iteration, weighted (every question counts once), with 95 % intervals over {view.over}.",
            ["arm", *(f"iteration {at + 1}" for at in range(n))],
            [[one.arm, *_cells(one.by_iteration, n)] for one in found],
            arms=True,
        ),
        Grid(
            "pass@k over iterations: share of questions solved in any of the first k iterations of a stream.",
            ["arm", *(f"pass@{at + 1}" for at in range(n))],
            [[one.arm, *_cells(one.pass_over_iterations, n)] for one in found],
            arms=True,
        ),
    ]


def _changes(view: View, found: Sequence[Retries]) -> Grid:
    return Grid(
        "Forgetting and recovery. Forgotten: of what was solved at the first encounter, the share that failed in the "
        "later iteration; recovered: of what failed at first, the share solved later. The arm without memory shows how "
        f"much of both is chance. Brackets are 95 % intervals over {view.over}; n counts the results that the share "
        f"is of.",
        ["arm", "iteration", "forgotten", "n", "recovered", "n"],
        [
            [
                one.arm,
                f"{change.iteration}",
                *_cells([change.forgotten], 1),
                f"{change.forgotten.n_results:,}",
                *_cells([change.recovered], 1),
                f"{change.recovered.n_results:,}",
            ]
            for one in found
            for change in one.changes
        ],
        arms=True,
    )


def _cells(figures: Sequence[Figure], n: int) -> list[str]:
    cells = [percent(one.interval) if one.is_defined else UNKNOWN for one in figures]
    return cells + [UNKNOWN] * (n - len(cells))
