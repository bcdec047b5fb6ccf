"""Controls: memories against what costs less, and against themselves without outcomes, failures or text."""

from memento.evals.report.blocks import Grid, Note, PageBlock, Section
from memento.evals.report.formatting import gain
from memento.evals.report.sections.pairs import verdict_of
from memento.evals.report.view import View
from memento.evals.statistics.controls import SHUFFLED, ControlFinding, control_findings
from memento.evals.statistics.outcomes import PART_LABELS, Part

_SHUFFLED = (
    "With shuffled outcomes a memory is told other tasks' outcomes, while the figures keep the true ones. What such an "
    "arm gains over no memory comes from the cases, not from learning which of them help; what the same arm gains with "
    "true outcomes comes from learning."
)


def controls(view: View) -> Section | None:
    """Show the comparisons with the run's control arms; None without any."""
    parts: list[Part] = ["first", "test"] if view.plan.holds_out else ["first"]
    blocks: list[PageBlock] = []
    for part in parts:
        found = control_findings(view.plan, view.results, part=part)
        if found:
            blocks.append(_table(found, part))
        if part == "first" and any(one.question == SHUFFLED for one in found):
            blocks.append(Note(_SHUFFLED))
    return Section("controls", "Controls", blocks) if blocks else None


def _table(found: list[ControlFinding], part: Part) -> Grid:
    return Grid(
        f"Controls, {PART_LABELS[part]}: each arm minus its control, in percentage points, paired by question and "
        f"order. Brackets are 95 % intervals; verdicts are corrected for the number of rows.",
        ["arm", "minus", "difference", "verdict", "what it says"],
        [
            [one.found.arm, one.found.control, gain(one.found.weighted), verdict_of(one.found), one.question]
            for one in found
        ],
        arms=True,
    )
