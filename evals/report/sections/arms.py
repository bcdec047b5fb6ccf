"""Arms side by side: accuracy (weighted and macro averages), exact match, F1, unknown rewards."""

import math

from memento.evals.report.blocks import Grid, PageBlock, PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import UNKNOWN, orders
from memento.evals.report.plots import Dot, dots, height_of
from memento.evals.report.view import View
from memento.evals.statistics.figure import Figure, percent
from memento.evals.statistics.summary import ArmSummary


def arms(view: View) -> Section:
    """Compare all arms at first encounters."""
    found = view.summary.arms
    n_sources = max(arm.n_sources for arm in found)
    rows = [
        Dot(
            arm.arm,
            view.looks[arm.arm],
            arm.reward.weighted.interval,
            arm.reward.macro.interval if n_sources > 1 else None,
        )
        for arm in found
    ]
    drawing = draw(
        "arms",
        "Accuracy of all arms with 95 % intervals",
        lambda axes: dots(axes, rows, x="solved at the first encounter"),
        size=(8.2, height_of(len(rows))),
    )
    averages = (
        f" Full dots are weighted averages, in which every question counts once; hollow ones are macro averages, in "
        f"which each of {n_sources} sources counts alike."
        if n_sources > 1
        else " All tasks are of one source, so that weighted and macro averages are the same."
    )
    return Section(
        "arms",
        "Arms side by side",
        [
            PictureBlock(
                drawing,
                f"Share of questions solved at the first encounter, with 95 % intervals over {view.over}.{averages}",
            ),
            _table(view, found),
            *_by_seed(view, found),
        ],
    )


def _table(view: View, found: list[ArmSummary]) -> Grid:
    return Grid(
        f"Accuracy is what the scorer ({view.plan.scorer}) gave; exact match and token F1 are counted beside it where "
        f"there are references. Brackets are 95 % intervals over {view.over}. What could not be scored is left "
        "out, never counted as wrong; the last column says how low and how high accuracy would be if all of it were "
        "wrong, or right.",
        [
            *("arm", "questions", "results", "accuracy,\nweighted", "accuracy,\nmacro"),
            *("exact match,\nweighted", "token F1,\nweighted", "not\nscored", "if all of it were\nwrong, or right"),
        ],
        [
            [
                arm.arm,
                f"{arm.n_questions:,}",
                f"{arm.n_results:,}",
                _share(arm.reward.weighted),
                _share(arm.reward.macro),
                _share(arm.exact.weighted),
                _share(arm.f1.weighted),
                f"{arm.n_unknown:,}",
                _bounds(arm),
            ]
            for arm in found
        ],
        arms=True,
    )


def _by_seed(view: View, found: list[ArmSummary]) -> list[PageBlock]:
    seeds = sorted({seed for arm in found for seed in arm.accuracy_by_seed})
    if len(seeds) < 2:
        return []
    caption = (
        f"Weighted accuracy in each of {orders(len(seeds))}. What the order does to a "
        "memory shows here, as the standard deviation between orders; the intervals above hold it where there is more "
        "than one."
    )
    rows = [
        [
            arm.arm,
            *(_bare(arm.accuracy_by_seed.get(seed)) for seed in seeds),
            UNKNOWN if math.isnan(arm.seed_sd) else f"{100 * arm.seed_sd:.1f} points",
        ]
        for arm in found
    ]
    return [Grid(caption, ["arm", *(f"seed {seed}" for seed in seeds), "sd"], rows, arms=True)]


def _share(figure: Figure) -> str:
    return percent(figure.interval) if figure.is_defined else UNKNOWN


def _bare(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:.1f} %"


def _bounds(arm: ArmSummary) -> str:
    if not arm.n_unknown:
        return "the same"
    return f"{100 * arm.if_unknown_wrong.value:.1f} to {100 * arm.if_unknown_right.value:.1f} %"
