"""The verbs of `memento cases` that change which cases are served: retire, restore, forget, undo, roll back, ..."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from memento.memory.case_memory import CaseMemory
    from memento.memory.lifecycle.changes import BatchReport

lifecycle = typer.Typer()

CaseIds = Annotated[list[str], typer.Argument(help="Case ids, or unique prefixes of them.")]
Reason = Annotated[str, typer.Option(help="Reason, recorded in the audit trail.")]
NeededReason = Annotated[str, typer.Option(help="Reason, recorded in the audit trail.", prompt="Why")]


@lifecycle.command()
@run_async
async def retire(ids: CaseIds, *, reason: NeededReason, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """Stop serving cases, whatever feedback comes. Nothing is deleted: `restore` brings them back."""
    return await _change("retire", ids, reason, namespace, as_json=as_json)


@lifecycle.command()
@run_async
async def restore(
    ids: Annotated[list[str], typer.Argument(help="Case ids, or unique prefixes; or one file of `cases backup`.")],
    *,
    reason: Reason = "",
    force: Annotated[
        bool, typer.Option("--force", help="With a file: replace a ledger that is not empty; a copy of it is kept.")
    ] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Restore retired cases to their former status; or, given a file, the whole ledger from a backup.

    A file replaces the ledger whole or not at all. Stop whatever else uses the memory first.
    """
    if len(ids) == 1 and _is_file(ids[0]):
        from memento.cli.cases_backup import restore_from

        return await restore_from(ids[0], is_replacing=force, as_json=as_json)
    return await _change("restore", ids, reason, namespace, as_json=as_json)


@lifecycle.command()
@run_async
async def quarantine(
    ids: CaseIds, *, reason: NeededReason, namespace: Namespace = None, as_json: Json = False
) -> ExitCode:
    """Stop serving cases until they are released or a known reward confirms them."""
    return await _change("quarantine", ids, reason, namespace, as_json=as_json)


@lifecycle.command()
@run_async
async def release(
    ids: Annotated[list[str] | None, typer.Argument(help="Case ids, or unique prefixes of them.")] = None,
    *,
    kind: Annotated[
        str | None, typer.Option("--from", metavar="KIND", help="Release all that `memento import KIND` brought.")
    ] = None,
    reason: Reason = "",
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Release cases from quarantine: those named, or all that were imported as one kind and not changed since."""
    from memento.memory.errors import InvalidInput

    if bool(ids) == (kind is not None):
        raise InvalidInput("name case ids, or the kind of an import with --from KIND")
    if kind is not None:
        from memento.cli.cases_release import release_imported

        return await release_imported(kind, reason, namespace, as_json=as_json)
    return await _change("release", ids or [], reason, namespace, as_json=as_json)


@lifecycle.command()
@run_async
async def forget(
    *,
    capacity: Annotated[int | None, typer.Option(help="Maximum of active cases; default: no limit.", min=1)] = None,
    min_uses: Annotated[int, typer.Option(help="Known outcomes before a case can count as harmful.", min=1)] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be retired (the default).")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Retire the cases.")] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Retire cases that are harmful, redundant or beyond the capacity."""
    import asyncio

    from memento.cli.cases_lifecycle_report import show_plan, show_report
    from memento.cli.opening import opened
    from memento.memory.lifecycle.forgetting import ForgettingRules

    rules = ForgettingRules(capacity=capacity, min_uses=min_uses)
    async with opened(namespace) as memory:
        try:
            with steps(is_quiet=as_json) as on_step:
                plan = await memory.lifecycle.plan(rules, on_step=on_step)
        except asyncio.CancelledError:
            tell("interrupted; nothing was changed")
            raise
        ids = [retirement.case_id for retirement in plan.retirements]
        cases = await memory.views.cases(ids, namespace=memory.namespace)
        show_plan(plan, cases, rules, policy=memory.policy, as_json=as_json)
        if dry_run or not yes:
            if plan.retirements and not as_json:
                tell("nothing was changed; --yes does it")
            return ExitCode.OK
        report = await memory.lifecycle.apply(plan)
        await _make_searchable(memory, report)
    show_report("forget", report, as_json=as_json)
    return ExitCode.OK


@lifecycle.command()
@run_async
async def undo(
    batch: Annotated[str, typer.Argument(help="Batch id, as printed or in the audit trail.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Undo a batch of changes; cases that have changed since are left alone."""
    from memento.cli.cases_lifecycle_report import show_report
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        report = await memory.lifecycle.undo(batch)
        await _make_searchable(memory, report)
    show_report("undo", report, as_json=as_json)
    return ExitCode.OK


@lifecycle.command()
@run_async
async def audit(
    *,
    limit: Annotated[int, typer.Option(help="Maximum number of entries, newest first.", min=1)] = 20,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Show the audit trail: who changed what, and why."""
    from memento.cli.cases_lifecycle_report import show_rows
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        found = await memory.lifecycle.audit(limit=limit)
    show_rows([entry._asdict() for entry in found], "nothing has been changed yet", as_json=as_json)
    return ExitCode.OK


@lifecycle.command()
@run_async
async def snapshot(
    name: Annotated[str, typer.Argument(help="A new name.")], *, namespace: Namespace = None, as_json: Json = False
) -> ExitCode:
    """Create a named snapshot of the namespace to roll back to."""
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        made = await memory.lifecycle.snapshot(name)
    if as_json:
        print_json({"event": "snapshot", **made._asdict()})
    else:
        tell(f"snapshot {name!r} at case revision {made.revision_offset}")
    return ExitCode.OK


@lifecycle.command()
@run_async
async def snapshots(*, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """List the snapshots."""
    from memento.cli.cases_lifecycle_report import show_rows
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        found = await memory.lifecycle.snapshots()
    show_rows([one._asdict() for one in found], "no snapshots yet", as_json=as_json)
    return ExitCode.OK


@lifecycle.command()
@run_async
async def rollback(
    name: Annotated[str, typer.Argument(help="Snapshot name.")], *, namespace: Namespace = None, as_json: Json = False
) -> ExitCode:
    """Roll every case back to a snapshot; `undo` reverts that."""
    from memento.cli.cases_lifecycle_report import show_report
    from memento.cli.opening import opened

    async with opened(namespace) as memory:
        report = await memory.lifecycle.rollback(name)
        await _make_searchable(memory, report)
    show_report("rollback", report, as_json=as_json)
    return ExitCode.OK


def _is_file(text: str) -> bool:
    """Whether a word names a file: ids of cases have neither a folder nor an ending."""
    path = Path(text)
    return path.name != text or bool(path.suffix) or path.is_file()


async def _change(
    verb: Literal["retire", "restore", "quarantine", "release"],
    ids: Sequence[str],
    reason: str,
    namespace: str | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Change the status of cases, all of them or none."""
    from memento.cli.cases_lifecycle_report import show_report
    from memento.cli.opening import find_case, opened

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
    show_report(verb, report, as_json=as_json)
    return ExitCode.OK


async def _make_searchable(memory: "CaseMemory", report: "BatchReport") -> None:
    """Update the search index after a large batch; the change itself is committed already."""
    from memento.memory.errors import EngineError

    try:
        await memory.bank.project_all()
    except EngineError as error:
        tell(f"{len(report.changed)} changes are kept; the search index follows when it answers again ({error})")


@contextmanager
def steps(*, is_quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show progress on a terminal."""
    from rich.text import Text

    from memento.cli.printing import StderrConsole

    console = StderrConsole(stderr=True, quiet=is_quiet)
    with console.status("looking") as status:
        yield lambda step: status.update(Text(step))
