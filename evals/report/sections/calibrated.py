"""Calibration: whether stated probabilities match outcomes, and whether scores rank correctly."""

from memento.evals.report.blocks import Grid, Note, PageBlock, PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import UNKNOWN, amount
from memento.evals.report.plots import Series, reliability
from memento.evals.report.view import View
from memento.evals.statistics.calibration import Calibration, calibrations
from memento.memory.stats import Interval

_NAN = float("nan")
_FIGURES = {"score": "calibration-scores", "confidence": "calibration-confidence"}
_TITLES = {
    "score": "the mean score of the served cases, which these policies mean as the probability of success",
    "confidence": "the evaluator's confidence in its verdict, held against exact match",
}


def calibrated(view: View) -> Section | None:
    """Reliability diagrams of all stated probabilities, and a table."""
    found = calibrations(view.results)
    if not any(one.n_rows for one in found):
        return None
    blocks: list[PageBlock] = []
    for stated, title in _TITLES.items():
        drawn = [one for one in found if one.stated == stated and one.bins]
        if drawn:
            blocks.append(_picture(view, drawn, stated, title))
    if not blocks:
        blocks.append(
            Note(
                "No arm of this run states probabilities: what can be judged is whether a higher score goes with more "
                "success."
            )
        )
    blocks.append(_table(view, [one for one in found if one.n_rows]))
    return Section("calibration", "Calibration", blocks)


def _picture(view: View, found: list[Calibration], stated: str, title: str) -> PictureBlock:
    series = [
        Series(
            one.arm,
            view.looks[one.arm],
            [part.stated for part in one.bins],
            [Interval(part.observed, _NAN, _NAN) for part in one.bins],
        )
        for one in found
    ]
    drawing = draw(
        _FIGURES[stated],
        f"Reliability diagram: {title}",
        lambda axes: reliability(axes, series),
        size=(8.2, 4.4),
    )
    n = max(one.n_rows for one in found)
    return PictureBlock(
        drawing,
        f"How often what was stated comes true: {title}. Each dot is a tenth of up to {n:,} results, in order of what "
        f"was stated; on the dotted diagonal, statements come true as often as they say.",
    )


def _table(view: View, found: list[Calibration]) -> Grid:
    return Grid(
        "ECE is the mean gap between stated and observed, from 0 (comes true as stated) to 1; by chance it is somewhat "
        "above 0. AUC is how often a success was given a higher number than a failure: 0.5 says nothing, and it is "
        f"defined for scores that are no probabilities, too. Brackets are 95 % intervals over {view.over}.",
        ["arm", "what is stated", "ECE", "AUC", "results", "why there is no ECE"],
        [
            [
                one.arm,
                {"score": "score of served cases", "confidence": "evaluator's confidence"}[one.stated],
                UNKNOWN if one.undefined else amount(one.ece, 3),
                amount(one.ranking, 3),
                f"{one.n_rows:,}",
                one.undefined or "",
            ]
            for one in found
        ],
        arms=True,
    )
