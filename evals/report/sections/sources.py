"""Accuracy by source and by level."""

from memento.evals.report.blocks import Grid, PageBlock, Section
from memento.evals.report.formatting import UNKNOWN, gain, shortened
from memento.evals.report.view import View
from memento.evals.statistics.breakdown import By, GroupRow, breakdown
from memento.evals.statistics.figure import percent

_MAX_GROUPS = 40
_LONGEST_NAME = 60


def sources(view: View) -> Section | None:
    """Show a table per grouping that has at least two groups."""
    blocks = [*_table(view, "source"), *_table(view, "level")]
    return Section("sources", "By source", blocks) if blocks else None


def _table(view: View, by: By) -> list[PageBlock]:
    found = breakdown(view.results, by, control=view.control)
    groups: dict[str, dict[str, GroupRow]] = {}
    for row in found:
        groups.setdefault(row.group, {})[row.arm] = row
    if len(groups) < 2:
        return []
    largest = sorted(groups, key=lambda name: -max(row.accuracy.n_questions for row in groups[name].values()))
    shown = sorted(largest[:_MAX_GROUPS])
    arms = [arm.name for arm in view.plan.arms if arm.name in view.by_arm]
    rows = [
        [
            shortened(group, _LONGEST_NAME) or "(none)",
            f"{max(row.accuracy.n_questions for row in groups[group].values()):,}",
            *(_cell(groups[group].get(arm)) for arm in arms),
        ]
        for group in shown
    ]
    left_out = f" The {len(shown)} largest of {len(groups)} are shown." if len(shown) < len(groups) else ""
    caption = (
        f"Accuracy at the first encounter by {by}, with 95 % intervals over {view.over}, and in the next line the "
        f"paired difference from the control ({view.control}) in percentage points, which is not corrected for the "
        f"number of rows: of twenty intervals about one misses the truth. The first section has the worst source, "
        f"corrected.{left_out}"
    )
    return [Grid(caption, [by, "questions", *arms], rows)]


def _cell(row: GroupRow | None) -> str:
    if row is None or not row.accuracy.is_defined:
        return UNKNOWN
    against = f"\n{gain(row.against_control.weighted)}" if row.against_control else ""
    return f"{percent(row.accuracy.interval)}{against}"
