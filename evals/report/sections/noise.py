"""Updates given to noise: blanked cases that a memory believes helpful."""

from memento.evals.report.blocks import Grid, Section
from memento.evals.report.formatting import UNKNOWN
from memento.evals.report.view import View
from memento.evals.statistics.figure import percent
from memento.evals.statistics.noise import BelievedShare, NoiseCredit, noise_credits


def noise(view: View) -> Section | None:
    """Show how many cases served without text are estimated to help; None where no arm blanks cases."""
    found = noise_credits(view.folder, view.plan)
    if not found:
        return None
    caption = (
        "Some cases were served without plan, answer and lesson, chosen by their question; the memory could find out "
        "only from outcomes that these do not help. Counted are cases that were served with a known outcome at least "
        "once, so that the memory's belief in them was updated, when each stream had ended. Believed helpful: the 95 % "
        "interval of the estimated effect lies above 0; of blanked cases that is credit given to noise. A memory that "
        "shares what it learns among cases of like tasks or the same action gives a blank the credit of its like, so "
        "compare it with the other cases: a memory that finds the blanks believes less of them. Brackets are "
        "95 % intervals of the share, the wider of those over questions and over orders of the tasks. A policy without "
        "estimates of single cases believes nothing of them."
    )
    head = [
        "arm",
        "orders",
        "blanked\ncases",
        "of these\nbelieved helpful",
        "other\ncases",
        "of these\nbelieved helpful",
    ]
    return Section("noise", "Updates given to noise", [Grid(caption, head, [_row(one) for one in found], arms=True)])


def _row(one: NoiseCredit) -> list[str]:
    if not one.has_beliefs:
        why = "no estimates" if one.n_streams else "not finished"
        return [one.arm, f"{one.n_streams}", UNKNOWN, why, UNKNOWN, why]
    return [one.arm, f"{one.n_streams}", *_cells(one.blanked), *_cells(one.whole)]


def _cells(found: BelievedShare) -> list[str]:
    if not found.n_cases:
        return ["0", UNKNOWN]
    return [f"{found.n_cases:,}", f"{found.n_believed:,}: {percent(found.share)}"]
