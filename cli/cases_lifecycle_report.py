"""Prints what the lifecycle verbs of `memento cases` changed, or would change."""

from typing import Any

from memento.cli.printing import TextTable, print_table
from memento.cli.streams import print_json, tell
from memento.memory.case import Case
from memento.memory.lifecycle.changes import BatchReport
from memento.memory.lifecycle.forgetting import ForgettingPlan, ForgettingRules, Retirement

_SHOWN_ID = 8
_SHOWN_TASK = 60
_Z95 = 1.96
"""Half of a 95 % interval, in standard deviations."""


def show_plan(
    plan: ForgettingPlan, cases: dict[str, Case], rules: ForgettingRules, *, policy: str, as_json: bool
) -> None:
    """Print what forgetting would retire."""
    if as_json:
        for retirement in plan.retirements:
            print_json({"event": "retirement", **retirement._asdict(), "effect": _effect(retirement)})
        summary = {"n_active": plan.n_active, "n_retired": len(plan.retirements), "has_effects": plan.has_effects}
        coverage = {"before": plan.before._asdict(), "after": plan.after._asdict(), "region": plan.region}
        print_json({"event": "plan", **summary, "coverage": coverage})
        return
    if plan.retirements:
        table = TextTable("case", "uses", "effect", "why", "task")
        for column in table.columns[:3]:
            column.no_wrap = True
        for retirement in plan.retirements:
            task = " ".join(cases[retirement.case_id].state.split())[:_SHOWN_TASK]
            uses = 0 if retirement.effect is None else retirement.effect.exposures
            row = (retirement.case_id[:_SHOWN_ID], str(uses), _interval(retirement))
            table.add_texts(*row, f"{retirement.rule}: {retirement.reason}", task)
        print_table(table)
    if not plan.has_effects:
        tell(f"policy {policy!r} knows no effects of single cases: only redundancy and capacity were looked at")
    tell(f"{len(plan.retirements)} of {plan.n_active} active cases")
    if plan.retirements:
        tell(
            f"distance to the nearest other case: mean {plan.before.mean:.3f}, worst {plan.before.worst:.3f} before; "
            f"mean {plan.after.mean:.3f}, worst {plan.after.worst:.3f} after"
        )
    if plan.region < rules.region:
        tell(f"so few places cannot cover regions of cosine {rules.region:g}; regions of {plan.region:.2f} are covered")


def show_report(verb: str, report: BatchReport, *, as_json: bool) -> None:
    """Print what a batch changed."""
    if as_json:
        print_json({"event": verb, **report._asdict()})
        return
    for case_id, reason in report.left_alone.items():
        tell(f"case {case_id}: {reason}")
    if report.batch_id is None:
        tell("nothing was changed")
    else:
        tell(f"{verb}: {len(report.changed)} cases; `memento cases undo {report.batch_id}` takes it back")


def show_rows(rows: list[dict[str, Any]], otherwise: str, *, as_json: bool) -> None:
    """Print rows of the same columns as a table, or a sentence when there are none."""
    if as_json:
        for row in rows:
            print_json(row)
    elif not rows:
        tell(otherwise)
    else:
        table = TextTable(*(name.replace("_", " ") for name in rows[0]))
        for row in rows:
            table.add_texts(*("" if value is None else str(value) for value in row.values()))
        print_table(table)


def _effect(retirement: Retirement) -> dict[str, Any] | None:
    """The effect with the 95 % interval of this case alone, by which nothing is decided."""
    if retirement.effect is None:
        return None
    _, uses, effect, sd = retirement.effect
    return {"uses": uses, "effect": effect, "low": effect - _Z95 * sd, "high": effect + _Z95 * sd}


def _interval(retirement: Retirement) -> str:
    known = _effect(retirement)
    return "" if known is None else f"{known['effect']:+.2f} [{known['low']:+.2f}, {known['high']:+.2f}]"
