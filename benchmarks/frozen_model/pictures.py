"""Draws the learning curves of the streams that are kept: `python -m benchmarks.frozen_model.pictures`.

It needs the extra `evals`, and writes a picture for each run under docs/evaluation.
"""

from pathlib import Path
from typing import Final

from benchmarks.frozen_model.kept_tables import Told, told_runs
from memento.evals.report.drawing import check_can_draw, draw
from memento.evals.report.palette import looks
from memento.evals.report.plots import Series, curves
from memento.evals.statistics.curve import learning_curves

FOLDER: Final = Path(__file__).parents[2] / "docs" / "evaluation"


def main() -> None:
    """Draw all."""
    check_can_draw()
    FOLDER.mkdir(exist_ok=True)
    for told in told_runs():
        file = FOLDER / f"{told.plan.dataset}-{told.plan.feedback}.png"
        file.write_bytes(_drawn(told))
        print(file)


def _drawn(told: Told) -> bytes:
    arms = {arm.name for arm in told.plan.arms}
    results = [one for stream in told.kept.streams if stream.arm in arms for one in stream.results()]
    style, found = looks(told.plan.arms), learning_curves(results)
    window = found[0].window
    series = []
    for curve in sorted(found, key=lambda one: list(style).index(one.arm)):
        points = [one for one in curve.points if one.position >= window]
        series.append(
            Series(curve.arm, style[curve.arm], [one.position for one in points], [one.moving for one in points])
        )
    y = f"{told.name}: solved, of the last {window} tasks"
    return draw("curves", told.name, lambda axes: curves(axes, series, x="tasks met", y=y), size=(8.2, 4.4)).png


if __name__ == "__main__":
    main()
