"""Prints what each policy would have earned on logged events, as `memento policy evaluate` found."""

import math
from collections.abc import Callable
from typing import Any

from rich.progress import Progress
from rich.text import Text

from memento.cli.printing import TextTable, print_table
from memento.cli.streams import print_json
from memento.memory.offpolicy.off_policy import Estimate
from memento.memory.offpolicy.replay import ReplayProgress
from memento.memory.offpolicy.service import Difference, PolicyReport

_ESTIMATORS = ("ips", "snips", "dm", "dr")


def print_report(report: PolicyReport) -> None:
    """Print a table and a verdict per policy; figures that must not be used are not shown."""
    print_table(_table(report))
    print("DM is as good as its reward model: its interval knows the tasks' chance, not the model's errors.")  # noqa: T201
    for name in report.policies:
        print(verdict(report, name))  # noqa: T201  this command's product
    if report.n_unknown:
        print(f"left out: {report.n_unknown} events that were degraded or whose outcome is not known")  # noqa: T201
    if report.n_imported:
        print(f"left out: {report.n_imported} imported events, whose cases were chosen nobody knows how")  # noqa: T201
    if report.n_not_recalled:
        print(f"left out: {report.n_not_recalled} reads that recalled nothing; what others would have is not known")  # noqa: T201


def print_lines(report: PolicyReport) -> None:
    """Print every figure as a line of JSON."""
    for logger, estimate in report.served.items():
        print_json({"event": "served", "policy": logger, **_json(estimate)})
    print_json({"event": "served", "policy": None, **_json(report.all_served)})
    for name, evaluation in report.policies.items():
        for estimator in _ESTIMATORS:
            print_json(
                {"event": "estimate", "policy": name, "estimator": estimator, **_json(getattr(evaluation, estimator))}
            )
    for one in report.differences:
        told = {"adjusted_p": one.adjusted_p, "is_told_apart": one.is_told_apart}
        print_json({"event": "difference", "policy": one.policy, "than": one.than, **_json(one.estimate), **told})
    for name, evaluation in report.policies.items():
        print_json(
            {
                "event": "verdict",
                "policy": name,
                "verdict": verdict(report, name),
                "mean_weight": evaluation.mean_weight,
                "left_out": {
                    "unknown": report.n_unknown,
                    "imported": report.n_imported,
                    "not_recalled": report.n_not_recalled,
                },
            }
        )


def shown(progress: Progress) -> Callable[[ReplayProgress], None]:
    """Show progress on a bar."""
    bar = progress.add_task("reading events", total=None)

    def show(done: ReplayProgress) -> None:
        progress.update(bar, description=done.doing, completed=done.done, total=done.total)

    return show


def verdict(report: PolicyReport, name: str) -> str:
    """One sentence: what the policy is worth by DR and how it compares, or why that cannot be told."""
    estimate = report.policies[name].dr
    if estimate.abstains is not None:
        return f"{name}: cannot tell: {estimate.abstains}{_way_out(report, estimate.abstains)}"
    compared = [_comparison(one) for one in report.differences if one.policy == name]
    return f"{name}: would have earned {_figure(estimate)}; {'; '.join(compared)}"


def _comparison(difference: Difference) -> str:
    than, found = difference.than or "what was served", difference.estimate
    if found.abstains is not None:
        return f"against {than}: cannot tell"
    size = f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    if difference.is_told_apart:
        return f"{'better' if found.value > 0 else 'worse'} than {than} by {size}"
    if found.low > 0 or found.high < 0:
        return f"not told apart from {than} once all comparisons are counted: {size}"
    return f"not told apart from {than}: {size}"


def _way_out(report: PolicyReport, why: str) -> str:
    if why.startswith("no overlap") and "random" in report.served and len(report.served) > 1:
        return " (try --logged-by random: randomly drawn cases are evidence about every policy)"
    return ""


def _table(report: PolicyReport) -> TextTable:
    table = TextTable()
    for name in ("policy", "estimate"):
        table.add_column(name, no_wrap=True)
    for name in ("value", "95 % interval", "effective", "events"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("cannot tell because", overflow="fold")
    for logger, estimate in report.served.items():
        table.add_row(Text(logger), Text("as served"), *_cells(estimate))
    if len(report.served) != 1:
        table.add_row(Text("all"), Text("as served"), *_cells(report.all_served))
    for name, evaluation in report.policies.items():
        for estimator in _ESTIMATORS:
            table.add_row(Text(name), Text(estimator.upper()), *_cells(getattr(evaluation, estimator)))
    return table


def _cells(estimate: Estimate) -> tuple[Text, ...]:
    tells = estimate.abstains is None
    return (
        Text(f"{estimate.value:.3f}" if tells else "-"),
        Text(f"{estimate.low:.3f} to {estimate.high:.3f}" if tells else "-"),
        Text(f"{estimate.effective:.0f}"),
        Text(f"{estimate.n_events}"),
        Text(estimate.abstains or ""),
    )


def _figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _json(estimate: Estimate) -> dict[str, Any]:
    """A figure that must not be used is null; only a difference has a p-value."""
    fields = estimate._asdict()
    if math.isnan(fields["p"]):
        del fields["p"]
    return fields if estimate.abstains is None else {**fields, "value": None, "low": None, "high": None}
