"""Stateful minus stateless: each memory against the same agent without one, and how that varies between streams."""

from memento.evals.presets import is_protocol
from memento.evals.report.blocks import Grid, Section
from memento.evals.report.formatting import gain
from memento.evals.report.sections.pairs import verdict_of
from memento.evals.report.view import View
from memento.evals.statistics.outcomes import PART_LABELS, Part
from memento.evals.statistics.stateful import StatefulGain, stateful_gains


def stateful(view: View) -> Section | None:
    """Show the gains of memory by stream; None where the main table says as much."""
    parts: list[Part] = ["first", "test"] if view.plan.holds_out else ["first"]
    gains = {part: stateful_gains(view.plan, view.results, part=part) for part in parts}
    if not is_protocol(view.plan.preset) and all(one.stateless == view.control for one in gains["first"]):
        return None
    blocks = [_table(found, part) for part, found in gains.items() if found]
    return Section("stateful", "What the memory adds, stream by stream", blocks) if blocks else None


def _table(found: list[StatefulGain], part: Part) -> Grid:
    return Grid(
        f"Stateful minus stateless, {PART_LABELS[part]}: each arm with a memory minus the same agent without one, in "
        f"percentage points, paired by question and order. Each order of the tasks is a stream with a memory of its "
        f"own: the smallest and the largest gain among them show how far one order can mislead. Brackets are 95 % "
        f"intervals; verdicts are corrected for the number of rows.",
        ["arm", "minus", "gain", "smallest\nof a stream", "largest\nof a stream", "streams\nabove 0", "verdict"],
        [_row(one) for one in found],
        arms=True,
    )


def _row(one: StatefulGain) -> list[str]:
    values = list(one.by_seed.values())
    least, most = (f"{100 * end:+.1f}" for end in (min(values), max(values))) if values else ("", "")
    above = f"{sum(value > 0 for value in values)} of {len(values)}"
    return [one.arm, one.stateless, gain(one.gain.weighted), least, most, above, verdict_of(one.gain)]
