"""What the promotion gate saw, for people: every figure with its interval, beside its controls."""

from typing import Any

from rich.table import Table
from rich.text import Text

from memento.cli.printing import facts_table, print_table
from memento.memory.offpolicy.figures import Table as FigureTable
from memento.memory.offpolicy.probes import MAX_CREDITED, Probed
from memento.memory.offpolicy.verdict import Report
from memento.memory.offpolicy.within_question import ENOUGH
from memento.memory.stats import Interval


def print_report(report: Report) -> None:
    """Both tables, and what else speaks for or against the settings chosen."""
    print_table(_figures(report.by_time, "later outcomes, questions never asked before"))
    print_table(_figures(report.by_question, "all outcomes, each question foretold from the others"))
    within = report.within_question
    facts: dict[str, Any] = {
        "settings chosen": ", ".join(f"{name} {value:g}" for name, value in report.settings.items()) or "built-in",
        "gain over serving": f"{_signed(report.gain)} log loss, later outcomes",
        f"gain over {report.best_caseless}": f"{_signed(report.gain_over_caseless)} log loss, the best without cases",
        "within a question": _within(within.over_chance, within.n_questions, is_enough=within.is_enough),
        "shuffled outcomes": f"AUC {report.shuffled.auc}; .5 is right",
    }
    facts |= {f"{probe.probe} probe": _probe(probe) for probe in report.probes}
    print_table(facts_table(facts))


def _figures(figures: FigureTable, title: str) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"{title} ({figures.n_outcomes} outcomes, {figures.n_questions} questions)"
    table.add_column("", no_wrap=True)
    for name in ("AUC", "Brier", "ECE", "log loss"):
        table.add_column(name, no_wrap=True)
    for name, row in figures.rows.items():
        table.add_row(*map(Text, (name, *map(str, row))))
    return table


def _within(over_chance: Interval, n_questions: int, *, is_enough: bool) -> str:
    if not n_questions:
        return "not enough repeated questions: none was asked twice with other cases and another outcome"
    found = f"the better cases score higher: {_signed(over_chance)} over chance, {n_questions} questions"
    return found if is_enough else f"{found}; not enough repeated questions to judge by, it takes {ENOUGH}"


def _probe(probe: Probed) -> str:
    if probe.share is None:
        return f"not applicable: {probe.problem}"
    credited = f"{probe.share:.0%} of {probe.n_cases} cases that cannot have helped get credit"
    control = f"shared labels: {probe.shared_label_share:.0%}"
    return f"{credited}, at most {MAX_CREDITED:.0%} may ({control})"


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
