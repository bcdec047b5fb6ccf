"""Learning curves: accuracy as an arm's memory grows."""

from memento.evals.report.blocks import PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import counted, orders
from memento.evals.report.plots import Series, curves
from memento.evals.report.view import View
from memento.evals.statistics.curve import learning_curves


def learning(view: View) -> Section:
    """Plot moving accuracy, arm beside arm."""
    found = learning_curves(view.results)
    window = found[0].window
    series = []
    for curve in found:
        # The first points look back on few tasks, and would hide the rest behind their bands.
        points = [one for one in curve.points if one.position >= window] or curve.points[-1:]
        look = view.looks[curve.arm]
        series.append(Series(curve.arm, look, [one.position for one in points], [one.moving for one in points]))
    series.sort(key=lambda one: one.name != view.control)
    drawing = draw(
        "learning-curves",
        "Learning curves of all arms with 95 % bands",
        lambda axes: curves(axes, series, x="tasks met", y=f"solved, of the last {window:,} tasks"),
        size=(8.2, 4.4),
    )
    caption = (
        f"Share of the last {counted(window, 'task')} that was solved, at the first encounter, as the stream goes on, "
        f"over {orders(len(view.plan.seeds))}. Bands are pointwise 95 % intervals over "
        f"{view.over}. A memory that helps lifts its curve away from that of the control ({view.control}); a curve "
        f"that rises in all arms alike says only that later tasks were easier."
    )
    return Section("curves", "Learning curves", [PictureBlock(drawing, caption)])
