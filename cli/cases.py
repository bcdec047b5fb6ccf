"""`memento cases`: lists, shows, imports and exports cases."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memento.cli.cases_erasure import erasure
from memento.cli.cases_lifecycle import lifecycle
from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

cases = typer.Typer(help="Inspect, import and export the case memory.", no_args_is_help=True)
cases.add_typer(lifecycle)
cases.add_typer(erasure)


@cases.command("import")
@run_async
async def import_cases(
    file: Annotated[
        Path, typer.Argument(help="JSON lines: our export, or the reference's memory files or retrieval log.")
    ],
    *,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Import into quarantine: not served before `cases release`.")
    ] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Import cases from a file. Cases that exist already are left unchanged."""
    from memento.cli.cases_import import import_file

    return await import_file(file, namespace, is_trusted=not quarantine, as_json=as_json)


@cases.command("load")
@run_async
async def load_cases(
    file: Annotated[Path, typer.Argument(help="JSON lines with `state`, `action` and `reward`, or as `cases import`.")],
    *,
    vectors: Annotated[
        Path | None,
        typer.Option(help="A .npy matrix of float32, a row for each line; default: `vector` of each line."),
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Load into quarantine: not served before `cases release`.")
    ] = False,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Do not compare the first vectors with the encoder's own.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that prepare rows; default: one less than the cores, at most 4.", min=0),
    ] = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Load many cases with given vectors, in blocks. Repeat the command after an interruption."""
    from memento.cli.cases_load import LoadOptions, load_file

    options = LoadOptions(vectors, is_trusted=not quarantine, is_checked=not unchecked, n_workers=workers)
    return await load_file(file, namespace, options, as_json=as_json)


@cases.command("export")
@run_async
async def export_cases(
    file: Annotated[Path | None, typer.Argument(help="Output file; default: stdout.")] = None,
    *,
    namespace: Namespace = None,
) -> ExitCode:
    """Export all cases of a namespace as JSON lines, with their pictures."""
    import asyncio
    import json

    from memento.cli.cases_export import exported_case
    from memento.cli.opening import opened

    if file is not None:
        await asyncio.to_thread(_check_target, file)
    async with opened(namespace) as memory:
        lines = memory.views.walk(namespace=memory.namespace)
        if file is None:
            async for case in lines:
                print_json(await exported_case(memory, case))
            return ExitCode.OK
        unfinished, n_written = file.with_name(f".{file.name}.unfinished"), 0
        try:
            with unfinished.open("w", encoding="utf-8") as out:
                async for case in lines:
                    out.write(json.dumps(await exported_case(memory, case), ensure_ascii=False) + "\n")
                    n_written += 1
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    tell(f"{n_written} cases written to {file}")
    return ExitCode.OK


@cases.command("list")
@run_async
async def list_cases(
    *,
    limit: Annotated[int, typer.Option(help="Maximum number of cases, newest first.", min=1)] = 20,
    kind: Annotated[
        str | None, typer.Option(help="Only cases of this kind: plan, subtask, step, skill or lesson.")
    ] = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Show the newest cases."""
    from memento.cli.opening import opened
    from memento.cli.printing import TextTable, print_table
    from memento.memory.case import PLAN
    from memento.memory.task_keys import checked_kind

    wanted = None if kind is None else checked_kind(kind)
    async with opened(namespace) as memory:
        newest = memory.views.walk(namespace=memory.namespace, newest_first=True, limit=limit, kind=wanted)
        cases = [case async for case in newest]
    if as_json:
        for case in cases:
            print_json(case.exported())
        return ExitCode.OK
    if not cases:
        tell(f"no cases yet in namespace {memory.namespace!r}")
        return ExitCode.OK
    table = TextTable(expand=True)
    widths = {"id": 8, "reward": 6, "status": max(len(case.status) for case in cases)}
    if is_mixed := {case.kind for case in cases} != {PLAN}:
        widths["kind"] = max(len(case.kind) for case in cases)
    for name, width in widths.items():
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("plan", no_wrap=True, overflow="ellipsis", ratio=2)
    for case in cases:
        first_step = " ".join(case.action.partition("\n")[0].split())
        kinds = [case.kind] if is_mixed else []
        reward = f"{case.reward:g}" if case.outcomes.n else "-"  # that of a case without outcomes says nothing
        row = (case.id[:8], reward, case.status, *kinds, " ".join(case.state.split()), first_step)
        table.add_texts(*row)
    print_table(table)
    return ExitCode.OK


@cases.command("show")
@run_async
async def show_case(
    case_id: Annotated[str, typer.Argument(help="Case id, or a unique prefix of one.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Show one case in full, with how often it was served and the outcomes."""
    from memento.cli.opening import find_case, opened
    from memento.cli.printing import facts_table, print_table
    from memento.memory.explanation import explained_case

    async with opened(namespace) as memory:
        case = await find_case(memory, case_id)
        explained = await explained_case(memory, case.id)
    trial = explained.trial
    shown: dict[str, Any] = case.exported() | {"usage": explained.usage._asdict()}
    if as_json:
        print_json(shown | ({"trial": trial._asdict()} if trial else {}))
        return ExitCode.OK
    shown |= {"trial": trial.text} if trial else {}
    del shown["outcomes"]
    print_table(facts_table(shown | {"reward": case.outcomes.text}))
    return ExitCode.OK


@cases.command("why")
@run_async
async def explain(
    event_id: Annotated[str, typer.Argument(help="The event_id that `ask` printed.")],
    *,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Explain why each case of a retrieval event was chosen."""
    from memento.cli.cases_why import explain_event

    return await explain_event(event_id, namespace, as_json=as_json)


@cases.command()
@run_async
async def stats(*, namespace: Namespace = None, as_json: Json = False) -> ExitCode:
    """Count cases, events and outcomes."""
    from memento.cli.opening import opened
    from memento.cli.printing import facts_table, print_table

    async with opened(namespace) as memory:
        counts = await memory.views.counts(namespace=memory.namespace)
        figures: dict[str, Any] = counts._asdict() | {
            "kinds": await memory.views.n_of_kinds(namespace=memory.namespace),
            "n_outcomes": await memory.n_outcomes(),
            "policy_version": await memory.n_outcomes(),  # its name until 0.1
            "namespace": memory.namespace,
            "engine": memory.bank.engine_name,
        }
    if as_json:
        print_json(figures)
        return ExitCode.OK
    print_table(facts_table(figures))
    return ExitCode.OK


@cases.command()
@run_async
async def reindex(*, as_json: Json = False) -> ExitCode:
    """Re-encode all cases and rebuild the search index, such as after a change of encoder."""
    from memento.cli.printing import progress_bar
    from memento.graph.app import Application

    app = Application()
    try:
        async with app.describe_memory(await app.encoder(), is_reindexing=True) as memory:
            total = await memory.views.newest_offset()
            with progress_bar(is_quiet=as_json, count="cases") as progress:
                bar = progress.add_task("encoding", total=total, count=0)
                await memory.reindex(lambda n_done: progress.update(bar, completed=n_done, count=n_done))
            n_points = await memory.bank.count()
    finally:
        await app.aclose()
    if as_json:
        print_json({"event": "reindexed", "points": n_points})
    else:
        tell(f"{n_points} cases are searchable")
    return ExitCode.OK


@cases.command()
@run_async
async def backup(
    file: Annotated[Path, typer.Argument(help="SQLite file to write: all cases, events and outcomes.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    as_json: Json = False,
) -> ExitCode:
    """Copy the ledger, with every namespace, to one checked file; runs may go on meanwhile."""
    from memento.cli.cases_backup import back_up

    return await back_up(file, is_replacing=force, as_json=as_json)


def _check_target(file: Path) -> None:
    from memento.memory.errors import InvalidInput

    if file.is_dir():
        raise InvalidInput(f"{file} is a folder; name a file")
    if not file.parent.is_dir():
        raise InvalidInput(f"there is no folder {file.parent}")
