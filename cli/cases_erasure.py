"""The verbs of `memento cases` that erase texts for good: erase, expire."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

if TYPE_CHECKING:
    from memento.memory.lifecycle.erasure import ErasureReport

erasure = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased (the default).")]
Yes = Annotated[bool, typer.Option("--yes", help="Erase; cannot be undone.")]


@erasure.command()
@run_async
async def erase(
    *,
    event: Annotated[list[str] | None, typer.Option("--event", help="Event id: erases its whole run.")] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Case id: erases the runs that wrote it, too.")
    ] = None,
    matching: Annotated[str, typer.Option(help="Everything whose texts contain this; ignores case.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything of the namespace.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Erase texts and vectors for good: cases, readings, outcomes, index, weights, threads and files of their runs."""
    from memento.memory.errors import InvalidInput

    is_all = everything or not (namespace is None or event or case or matching)
    if not (is_all or event or case or matching):
        raise InvalidInput("say what to erase: --event, --case, --matching, --all, or a --namespace alone")
    scope = {"cases": case or (), "events": event or (), "matching": matching, "is_all": is_all}
    return await _erase(scope, namespace, is_done=yes and not dry_run, as_json=as_json)


@erasure.command()
@run_async
async def expire(
    *,
    older_than: Annotated[
        float | None, typer.Option(help="Age in days; default: MEMENTO_RETENTION_DAYS.", min=0, max=36_500)
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Erase cases and readings that are older than they may be kept. Nothing expires by itself: run this regularly."""
    from memento.graph.settings import read_settings
    from memento.memory.errors import InvalidInput

    settings = read_settings()
    place = namespace or settings.namespace
    days = settings.retention_of(place) if older_than is None else older_than
    if days is None:
        raise InvalidInput(
            f"no retention age is set for namespace {place!r}; set MEMENTO_RETENTION_DAYS, or give --older-than"
        )
    scope = {"before": datetime.now(UTC) - timedelta(days=days)}
    return await _erase(scope, namespace, is_done=yes and not dry_run, as_json=as_json)


async def _erase(scope: dict[str, Any], namespace: str | None, *, is_done: bool, as_json: bool) -> ExitCode:
    from memento.cli.cases_lifecycle import steps
    from memento.cli.opening import find_case, opened
    from memento.graph.erasure import erase as erase_all
    from memento.graph.settings import read_settings

    async with opened(namespace) as memory:
        cases = [(await find_case(memory, one)).id for one in scope.pop("cases", ())]
        scope |= {"cases": cases}
        if is_done:
            with steps(is_quiet=as_json) as on_step:
                report = await erase_all(memory, read_settings(), on_step=on_step, **scope)
        else:
            report = await memory.lifecycle.plan_erasure(**scope)
    _show(report, is_done=is_done, as_json=as_json)
    return ExitCode.FAILED if report.unfinished else ExitCode.OK


def _show(report: "ErasureReport", *, is_done: bool, as_json: bool) -> None:
    if as_json:
        rest = {
            "erasure": report.erasure_id,
            "threads": len(report.thread_ids),
            "unfinished": report.unfinished,
            "copies": report.copies,
        }
        print_json({"event": "erased" if is_done else "plan", **report.counts._asdict(), **rest})
        return
    counts = report.counts
    found = f"cases: {counts.cases}, readings: {counts.events}, outcomes: {counts.outcomes}"
    found += f", audit lines: {counts.audit_lines}, threads: {len(report.thread_ids)}"
    if report.copies:
        found += f", old copies: {len(report.copies)}"
    if not any(counts) and not report.copies:
        tell("nothing to erase")
    elif is_done:
        tell(f"erased: {found}")
    else:
        tell(f"would be erased: {found}; nothing was changed, --yes does it, and it cannot be undone")
    for path in report.copies:
        tell(f"{'deleted' if is_done else 'would be deleted'}, an old copy: {path}")
    for problem in report.unfinished:
        tell(f"not finished, and tried again at the next command: {problem}")
