"""Accuracy by source and by level, arm beside arm."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import Comparison, compare
from memento.evals.statistics.figure import Figure, figure
from memento.evals.statistics.outcomes import PART_LABELS, Part, by_arm, outcomes, part_of

By = Literal["source", "level"]


class GroupRow(NamedTuple):
    """One arm on the tasks of one source or level."""

    by: By
    group: str
    arm: str
    accuracy: Figure
    n_unknown: int
    against_control: Comparison | None
    """On these tasks alone, not corrected for the number of groups; None for the control itself."""


def breakdown(
    results: Sequence[TaskResult], by: By, *, control: str | None = None, part: Part = "first", seed: int = 0
) -> list[GroupRow]:
    """A row per group and arm; groups in alphabetical order. Tasks without a level are in no row of `by="level"`."""
    groups: dict[str, list[TaskResult]] = {}
    for result in part_of(results, part):
        group = result.source if by == "source" else result.level
        if group or by == "source":
            groups.setdefault(group, []).append(result)
    rows = []
    for group in sorted(groups):
        arms = by_arm(groups[group])
        for arm, mine in arms.items():
            is_compared = control in arms and arm != control
            found = outcomes(mine)
            label = f"accuracy, {by} {group or '(none)'}, {PART_LABELS[part]}, weighted (by question)"
            shown = figure(label, found.mean(seed=seed), n_questions=found.n_questions, n_results=found.n_known)
            other = compare(mine, arms[control], part=part, seed=seed) if control and is_compared else None
            rows.append(GroupRow(by, group, arm, shown, sum(one.reward is None for one in mine), other))
    return rows
