"""Prints the summary of an evaluation run: every arm, and its difference from the control."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from memento.cli.eval_progress import dollars, duration
from memento.cli.printing import print_table
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.figure import as_json, percent
from memento.evals.statistics.orders import is_ordered, resampled
from memento.evals.statistics.spending import Spending
from memento.evals.statistics.summary import ArmSummary, RunSummary

_SHOWN_REASONS: Final = 3
_REASON_CHARS: Final = 160


def print_summary(summary: RunSummary) -> None:
    """Print one part of a run: a table of its arms, and their differences from the control."""
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"{summary.dataset}, {summary.part_label}; 95 % intervals over {_over(summary)}"
    for name in ("arm", "by question", "by source (macro)", "n", "unknown", "cost", "time per task"):
        table.add_column(name, no_wrap=True)
    for arm in summary.arms:
        table.add_row(*map(Text, _row(arm)))
    print_table(table)
    if summary.comparisons:
        compared = Table(show_header=False, box=None, pad_edge=False)
        for one in summary.comparisons:
            paired = f"({one.n_questions:,} questions, paired)"
            compared.add_row(*map(Text, (f"{one.arm} against {one.control}:", f"{one.verdict} {paired}")))
        print_table(compared)
        worst = Table(show_header=False, box=None, pad_edge=False)
        for one in summary.comparisons:
            if one.worst is not None:
                worst.add_row(*map(Text, (f"{one.arm}, anywhere worse than {one.control}?", str(one.worst))))
        print_table(worst)


def _over(summary: RunSummary) -> str:
    """What the intervals resample; that of an arm without a memory resamples questions."""
    ordered = [arm.reward.weighted for arm in summary.arms if is_ordered(arm.arm)]
    found = [one for one in ordered if one.is_defined]
    return resampled(found[0].unit, min(one.n_orders for one in found)) if found else "questions"


def summary_json(summaries: Sequence[RunSummary]) -> dict[str, Any]:
    """The whole summary as JSON values."""
    return {"parts": [as_json(summary) for summary in summaries]}


def why_unknown(results: Iterable[TaskResult]) -> list[tuple[str, int]]:
    """The most frequent reasons of rewards that are not known, and how often each was."""
    reasons = Counter(_reason(one) for one in results if one.reward is None)
    return reasons.most_common(_SHOWN_REASONS)


def _reason(result: TaskResult) -> str:
    reason = " ".join((result.error or result.reason or "no reference to compare with").split())
    return reason if len(reason) <= _REASON_CHARS else reason[: _REASON_CHARS - 1] + "…"


def _row(arm: ArmSummary) -> tuple[str, ...]:
    by_source = percent(arm.reward.macro.interval) if arm.n_sources > 1 else ""
    return (
        arm.arm,
        percent(arm.reward.weighted.interval),
        by_source,
        f"{arm.n_results:,}",
        f"{arm.n_unknown:,}",
        _cost(arm.spending),
        duration(arm.spending.per_task.seconds.value),
    )


def _cost(spent: Spending) -> str:
    if not spent.unpriced_calls:
        return dollars(spent.cost_usd)
    return f"{dollars(spent.cost_usd)} and more" if spent.cost_usd else "not known"
