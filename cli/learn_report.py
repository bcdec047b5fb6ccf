"""Prints the promotion gate's report, with every figure beside its controls, and the versions that it judged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import TimeElapsedColumn

from memento.cli.printing import TextTable, facts_table, print_table, progress_bar
from memento.memory.learning.offline import OnProgress
from memento.memory.ledger.settings_versions import SettingsVersion
from memento.memory.offpolicy.figures import Table as FigureTable
from memento.memory.offpolicy.probes import MAX_CREDITED, Probed
from memento.memory.offpolicy.verdict import Report
from memento.memory.offpolicy.within_question import ENOUGH
from memento.memory.stats import Interval


def print_report(report: Report) -> None:
    """Print both tables, and further evidence for or against the chosen settings."""
    print_table(_figures(report.by_time, "later outcomes, questions never asked before"))
    print_table(_figures(report.by_question, "all outcomes, each question foretold from the others"))
    within = report.within_question
    facts: dict[str, Any] = {
        "settings chosen": _settings(report.settings),
        "judgement": f"{report.look} against these settings; gains at {100 * report.confidence:.4g} %",
        "gain over serving": f"{_signed(report.gain)} log loss, later outcomes",
        f"gain over {report.best_caseless}": f"{_signed(report.gain_over_caseless)} log loss, the best without cases",
        "within a question": _within(within.over_chance, within.n_questions, is_enough=within.is_enough),
        "shuffled outcomes": f"AUC {report.shuffled.auc}; .5 is right",
    }
    facts |= {f"{probe.probe} probe": _probe(probe) for probe in report.probes}
    print_table(facts_table(facts))


def print_history(versions: Sequence[SettingsVersion], serving: dict[str, int]) -> None:
    """Print every version, with which one serves."""
    table = TextTable()
    for name in ("version", "estimator", "verdict", "settings", "gain", "when", "why"):
        table.add_column(name, overflow="fold" if name == "why" else "ellipsis", no_wrap=name != "why")
    for version in versions:
        is_serving = version.version == serving[version.estimator]
        gain = version.report.get("gain")
        row = (
            f"{version.version}{' (serves)' if is_serving else ''}",
            version.estimator,
            version.verdict.replace("_", " "),
            _settings(version.settings),
            f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]" if gain else "",
            version.created_at[:16].replace("T", " "),
            version.reason,
        )
        table.add_texts(*row)
    print_table(table)


def skipped_outcomes(version: SettingsVersion) -> str:
    """Say which outcomes a version does not count."""
    ranges = [f"{after + 1} to {until}" for after, until in version.skipped]
    return f"outcomes {' and '.join(ranges)} of the ledger count no more" if ranges else "every outcome counts"


@contextmanager
def learning_bar(*, is_quiet: bool) -> Iterator[OnProgress]:
    """Progress bars on stderr, one per step; nothing in a pipe."""
    with progress_bar(is_quiet=is_quiet, timer=TimeElapsedColumn, is_transient=True) as progress:
        bar = progress.add_task("reading outcomes")

        def on_progress(doing: str, done: int, total: int) -> None:
            progress.update(bar, description=doing, completed=done, total=total)

        yield on_progress


def _figures(figures: FigureTable, title: str) -> TextTable:
    table = TextTable("", "AUC", "Brier", "ECE", "log loss", no_wrap=True)
    table.title = f"{title} ({figures.n_outcomes} outcomes, {figures.n_questions} questions)"
    for name, row in figures.rows.items():
        table.add_texts(name, *map(str, row))
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


def _settings(settings: dict[str, float]) -> str:
    """Settings that differ from the built-in ones."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "built-in"
