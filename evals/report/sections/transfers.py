"""Transfer to held-out sources, and negative transfer: tasks that fail only with memory."""

from memento.evals.report.blocks import Grid, PageBlock, Section
from memento.evals.report.formatting import UNKNOWN, gain, listed
from memento.evals.report.sections.pairs import verdict_of
from memento.evals.report.view import View
from memento.evals.statistics.figure import Figure, percent
from memento.evals.statistics.transfer import NegativeTransfer, Transfer, negative_transfer, transfer


def transfers(view: View) -> Section | None:
    """Show negative transfer at first encounters, and transfer to held-out sources where there are some."""
    blocks: list[PageBlock] = []
    lost = negative_transfer(view.results, view.control)
    if lost:
        blocks.append(_lost(view, lost, "first encounters"))
    held_out = transfer(view.results, view.control)
    if held_out is not None:
        blocks.append(_held_out(view, held_out))
        if lost_there := negative_transfer(view.results, view.control, part="test"):
            blocks.append(_lost(view, lost_there, "held-out sources"))
    return Section("transfer", "What memory breaks, and what it carries over", blocks) if blocks else None


def _lost(view: View, found: list[NegativeTransfer], where: str) -> Grid:
    floor = found[0].noise_floor
    by_chance = (
        f" By chance alone the loss would be about {percent(floor.interval)}: so often one order of the tasks solves "
        f"what another order of the control does not."
        if floor is not None and floor.is_defined
        else " With one seed it cannot be said how much of this is chance."
    )
    return Grid(
        f"Negative transfer, {where}, pair by pair of question and order. Lost: solved by the control "
        f"({found[0].control}), failed with this arm's memory; gained: the opposite.{by_chance} Brackets are 95 % "
        f"intervals over {view.over}.",
        ["arm", "lost, of all pairs", "gained, of all pairs", "lost, of solved", "gained, of failed", "pairs"],
        [
            [
                one.arm,
                *map(_share, (one.lost, one.gained, one.lost_of_solved, one.gained_of_failed)),
                f"{one.lost.n_results:,}",
            ]
            for one in found
        ],
        arms=True,
    )


def _held_out(view: View, found: Transfer) -> Grid:
    against = {one.arm: one for one in found.comparisons}
    rows = []
    for arm, accuracy in found.accuracies.items():
        compared = against.get(arm)
        rows.append(
            [
                arm,
                f"{accuracy.weighted.n_questions:,}",
                _share(accuracy.weighted),
                _share(accuracy.macro),
                gain(compared.weighted) if compared else "the control",
                verdict_of(compared) if compared else "",
            ]
        )
    return Grid(
        f"Transfer: tasks of sources that no arm learned from ({listed(view.plan.held_out)}), asked last with a memory "
        f"that is frozen. Accuracy with 95 % intervals over {view.over}; the difference from the control is paired, in "
        "percentage points.",
        ["arm", "questions", "accuracy,\nweighted", "accuracy,\nmacro", "difference,\nweighted", "verdict"],
        rows,
        arms=True,
    )


def _share(figure: Figure) -> str:
    return percent(figure.interval) if figure.is_defined else UNKNOWN
