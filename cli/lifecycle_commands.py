"""What the lifecycle verbs of `memento cases` do."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.table import Table
from rich.text import Text

from memento.cli.cases import find_case, opened
from memento.cli.printing import StderrConsole, print_table, tell
from memento.cli.running import ExitCode, print_json
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EngineError
from memento.memory.lifecycle.changes import BatchReport, StatusVerb
from memento.memory.lifecycle.forgetting import ForgettingPlan, ForgettingRules, Retirement

_SHOWN_ID = 8
_SHOWN_TASK = 60


async def status_command(
    verb: StatusVerb, ids: Sequence[str], reason: str, namespace: str | None, *, as_json: bool
) -> ExitCode:
    """Retire, restore, quarantine or release cases, all of them or none."""
    async with opened(namespace) as memory:
        found = [(await find_case(memory, case_id)).id for case_id in ids]
        changes = {
            "retire": memory.lifecycle.retire,
            "restore": memory.lifecycle.restore,
            "quarantine": memory.lifecycle.quarantine,
            "release": memory.lifecycle.release,
        }
        report = await changes[verb](*found, reason=reason)
        await _make_searchable(memory, report)
    _report(verb, report, as_json=as_json)
    return ExitCode.OK


async def forget_command(
    capacity: int | None, min_uses: int, namespace: str | None, *, is_meant: bool, as_json: bool
) -> ExitCode:
    """Show what forgetting would retire, and do it when it is meant. Until it is done, nothing is changed."""
    rules = ForgettingRules(capacity=capacity, min_uses=min_uses)
    async with opened(namespace) as memory:
        try:
            with _steps(is_quiet=as_json) as on_step:
                plan = await memory.lifecycle.plan(rules, on_step=on_step)
        except asyncio.CancelledError:
            tell("interrupted; nothing was changed")
            raise
        ids = [retirement.case_id for retirement in plan.retirements]
        cases = await memory.views.cases(ids, namespace=memory.namespace)
        _show_plan(plan, cases, rules, policy=memory.policy, as_json=as_json)
        if not is_meant:
            if plan.retirements and not as_json:
                tell("nothing was changed; --yes does it")
            return ExitCode.OK
        report = await memory.lifecycle.apply(plan)
        await _make_searchable(memory, report)
    _report("forget", report, as_json=as_json)
    return ExitCode.OK


async def undo_command(batch_id: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Take a batch back."""
    async with opened(namespace) as memory:
        report = await memory.lifecycle.undo(batch_id)
        await _make_searchable(memory, report)
    _report("undo", report, as_json=as_json)
    return ExitCode.OK


async def rollback_command(name: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Go back to a snapshot."""
    async with opened(namespace) as memory:
        report = await memory.lifecycle.rollback(name)
        await _make_searchable(memory, report)
    _report("rollback", report, as_json=as_json)
    return ExitCode.OK


async def snapshot_command(name: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Give this moment a name."""
    async with opened(namespace) as memory:
        snapshot = await memory.lifecycle.snapshot(name)
    if as_json:
        print_json({"event": "snapshot", **snapshot._asdict()})
    else:
        tell(f"snapshot {name!r} at case revision {snapshot.revision_offset}")
    return ExitCode.OK


async def snapshots_command(namespace: str | None, *, as_json: bool) -> ExitCode:
    """All snapshots, oldest first."""
    async with opened(namespace) as memory:
        found = await memory.lifecycle.snapshots()
    _show_rows([snapshot._asdict() for snapshot in found], "no snapshots yet", as_json=as_json)
    return ExitCode.OK


async def audit_command(limit: int, namespace: str | None, *, as_json: bool) -> ExitCode:
    """The newest lines of the audit trail, newest first."""
    async with opened(namespace) as memory:
        found = await memory.lifecycle.audit(limit=limit)
    _show_rows([entry._asdict() for entry in found], "nothing has been changed yet", as_json=as_json)
    return ExitCode.OK


async def _make_searchable(memory: CaseMemory, report: BatchReport) -> None:
    """Have the index follow a large batch to its end; the change itself is kept already."""
    try:
        await memory.bank.project_all()
    except EngineError as error:
        tell(f"{len(report.changed)} changes are kept; the search index follows when it answers again ({error})")


@contextmanager
def _steps(*, is_quiet: bool) -> Iterator[Callable[[str], None]]:
    """Shows what is going on, on a terminal."""
    console = StderrConsole(stderr=True, quiet=is_quiet)
    with console.status("looking") as status:
        yield lambda step: status.update(Text(step))


def _show_plan(
    plan: ForgettingPlan, cases: dict[str, Case], rules: ForgettingRules, *, policy: str, as_json: bool
) -> None:
    if as_json:
        for retirement in plan.retirements:
            print_json({"event": "retirement", **retirement._asdict(), "effect": _effect(retirement, rules)})
        summary = {"n_active": plan.n_active, "n_retired": len(plan.retirements), "has_effects": plan.has_effects}
        coverage = {"before": plan.before._asdict(), "after": plan.after._asdict(), "region": plan.region}
        print_json({"event": "plan", **summary, "coverage": coverage})
        return
    if plan.retirements:
        table = Table("case", "uses", "effect", "why", "task", box=None, pad_edge=False)
        for column in table.columns[:3]:
            column.no_wrap = True
        for retirement in plan.retirements:
            task = " ".join(cases[retirement.case_id].state.split())[:_SHOWN_TASK]
            uses = 0 if retirement.effect is None else retirement.effect.exposures
            row = (retirement.case_id[:_SHOWN_ID], str(uses), _interval(retirement, rules))
            table.add_row(*map(Text, (*row, f"{retirement.rule}: {retirement.reason}", task)))
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


def _effect(retirement: Retirement, rules: ForgettingRules) -> dict[str, Any] | None:
    if retirement.effect is None:
        return None
    _, uses, effect, sd = retirement.effect
    return {"uses": uses, "effect": effect, "low": effect - rules.z * sd, "high": effect + rules.z * sd}


def _interval(retirement: Retirement, rules: ForgettingRules) -> str:
    known = _effect(retirement, rules)
    return "" if known is None else f"{known['effect']:+.2f} [{known['low']:+.2f}, {known['high']:+.2f}]"


def _report(verb: str, report: BatchReport, *, as_json: bool) -> None:
    if as_json:
        print_json({"event": verb, **report._asdict()})
        return
    for case_id, reason in report.left_alone.items():
        tell(f"case {case_id}: {reason}")
    if report.batch_id is None:
        tell("nothing was changed")
    else:
        tell(f"{verb}: {len(report.changed)} cases; `memento cases undo {report.batch_id}` takes it back")


def _show_rows(rows: list[dict[str, Any]], otherwise: str, *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print_json(row)
    elif not rows:
        tell(otherwise)
    else:
        table = Table(*(name.replace("_", " ") for name in rows[0]), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
        print_table(table)
