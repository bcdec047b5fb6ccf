"""`memento cases`: import, export, list, show, stats, reindex."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from memento.cli.printing import StderrConsole, facts_table, print_table, tell
from memento.cli.running import ExitCode, print_json
from memento.graph.app import Application
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownCase
from memento.memory.interchange import ParsedLine, read_cases
from memento.memory.recorded_events import Group, Kept, grouped
from memento.memory.recorder import checked_namespace

_BATCH = 64
_SHOWN_PROBLEMS = 20


@asynccontextmanager
async def opened(namespace: str | None) -> AsyncIterator[CaseMemory]:
    """The configured memory, with another namespace if one was named."""
    app = Application()
    try:
        memory = await app.memory()
        memory.namespace = memory.namespace if namespace is None else checked_namespace(namespace)
        yield memory
    finally:
        await app.aclose()


async def import_command(file: Path, namespace: str | None, *, is_trusted: bool = True, as_json: bool) -> ExitCode:
    """Read cases, or a retrieval log, in batches, each kept whole or not at all; bad lines are named and skipped."""
    size, n_read, new = await asyncio.to_thread(_size, file), 0, Kept(0, 0, 0)
    problems: list[ParsedLine] = []
    async with opened(namespace) as memory:
        groups = grouped(read_cases(file, namespace=memory.namespace))
        try:
            with _progress(as_json) as progress:
                bar = progress.add_task("importing", total=size, count=0)
                while batch := await asyncio.to_thread(_next_batch, groups):
                    lines = [line for group in batch for line in group.lines]
                    problems += [line for line in lines if line.case is None]
                    new = await _keep(memory, batch, new, is_trusted=is_trusted)
                    n_read += sum(line.case is not None for line in lines)
                    progress.update(bar, advance=sum(line.n_bytes for line in lines), count=n_read)
                progress.update(bar, completed=size)  # blank lines are no part of any batch
        except asyncio.CancelledError:
            tell(f"interrupted after {n_read} cases, which are kept; the same command imports the rest")
            raise
        await memory.bank.project_all()
    report = {"read": n_read, "imported": new.cases, "already_there": n_read - new.cases, "bad": len(problems)}
    report |= {} if is_trusted else {"quarantined": new.cases}
    report |= {"events": new.events, "outcomes": new.outcomes}
    _report_import(file, report, problems, as_json=as_json)
    return ExitCode.BAD_INPUT if problems and not n_read else ExitCode.OK


async def export_command(file: Path | None, namespace: str | None) -> ExitCode:
    """Write a namespace's cases; a file is put in place only when it is complete."""
    if file is not None:
        await asyncio.to_thread(_check_target, file)
    async with opened(namespace) as memory:
        lines = memory.views.walk(namespace=memory.namespace)
        if file is None:
            async for case in lines:
                print_json(case.model_dump(mode="json"))
            return ExitCode.OK
        unfinished, n_written = file.with_name(f".{file.name}.unfinished"), 0
        try:
            with unfinished.open("w", encoding="utf-8") as out:
                async for case in lines:
                    out.write(case.model_dump_json() + "\n")
                    n_written += 1
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    tell(f"{n_written} cases written to {file}")
    return ExitCode.OK


async def list_command(limit: int, namespace: str | None, *, as_json: bool) -> ExitCode:
    """The newest cases."""
    async with opened(namespace) as memory:
        newest = memory.views.walk(namespace=memory.namespace, newest_first=True, limit=limit)
        cases = [case async for case in newest]
    if as_json:
        for case in cases:
            print_json(case.model_dump())
        return ExitCode.OK
    if not cases:
        tell(f"no cases yet in namespace {memory.namespace!r}")
        return ExitCode.OK
    table = Table(box=None, pad_edge=False, expand=True)
    for name, width in {"id": 8, "reward": 6, "status": max(len(case.status) for case in cases)}.items():
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("task", no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column("plan", no_wrap=True, overflow="ellipsis", ratio=2)
    for case in cases:
        first_step = " ".join(case.action.partition("\n")[0].split())
        row = (case.id[:8], f"{case.reward:g}", case.status, " ".join(case.state.split()), first_step)
        table.add_row(*map(Text, row))
    print_table(table)
    return ExitCode.OK


async def show_command(case_id: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """One case whole."""
    async with opened(namespace) as memory:
        case = await find_case(memory, case_id)
        usage = await memory.views.usage(case.id, namespace=case.namespace)
    shown: dict[str, Any] = case.model_dump() | {"usage": usage._asdict()}
    if as_json:
        print_json(shown)
        return ExitCode.OK
    print_table(facts_table(shown))
    return ExitCode.OK


async def stats_command(namespace: str | None, *, as_json: bool) -> ExitCode:
    """The figures of a namespace."""
    async with opened(namespace) as memory:
        counts = await memory.views.counts(namespace=memory.namespace)
        n_outcomes = await memory.n_outcomes()
        figures = counts._asdict() | {
            "n_outcomes": n_outcomes,
            "policy_version": n_outcomes,  # its name until 0.1
            "namespace": memory.namespace,
            "engine": memory.bank.engine_name,
        }
    if as_json:
        print_json(figures)
        return ExitCode.OK
    print_table(facts_table(figures))
    return ExitCode.OK


async def reindex_command(*, as_json: bool) -> ExitCode:
    """Encode everything again and rebuild the index; an interruption leaves the old one serving."""
    app = Application()
    try:
        async with app.describe_memory(await app.encoder(), is_reindexing=True) as memory:
            total = await memory.views.newest_offset()
            with _progress(as_json) as progress:
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


def _size(file: Path) -> int:
    if not file.is_file():
        raise InvalidInput(f"{file} is not a file" if file.exists() else f"there is no file {file}")
    return file.stat().st_size


def _next_batch(groups: Iterator[Group]) -> list[Group]:
    batch: list[Group] = []
    n_lines = 0
    for group in groups:
        batch.append(group)
        n_lines += len(group.lines)
        if n_lines >= _BATCH:
            break
    return batch


async def _keep(memory: CaseMemory, batch: list[Group], so_far: Kept, *, is_trusted: bool) -> Kept:
    """Each kind of line in one transaction; the counts so far with what was new."""
    cases = [line.case for group in batch if group.selection is None for line in group.lines if line.case is not None]
    n_new = await memory.keep(cases, is_trusted=is_trusted)
    selections = [group.selection for group in batch if group.selection is not None]
    new = await memory.keep_recorded(selections, is_trusted=is_trusted)
    return Kept(so_far.cases + n_new + new.cases, so_far.events + new.events, so_far.outcomes + new.outcomes)


def _check_target(file: Path) -> None:
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder; name a file")
    if not file.parent.is_dir():
        raise InvalidInput(f"there is no folder {file.parent}")


async def find_case(memory: CaseMemory, case_id: str) -> Case:
    """The case of an id, or of the beginning of one.

    Raises:
        UnknownCase: there is none.
        InvalidInput: several ids begin so.
    """
    exact = await memory.views.cases([case_id], namespace=memory.namespace)
    if exact:
        return exact[case_id]
    found = [case async for case in memory.views.walk(namespace=memory.namespace) if case.id.startswith(case_id)]
    if not found:
        raise UnknownCase(case_id, memory.namespace)
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} cases have an id that begins with {case_id!r}; give more of it")
    return found[0]


def _report_import(file: Path, report: dict[str, int], problems: list[ParsedLine], *, as_json: bool) -> None:
    if as_json:
        for line in problems:
            print_json({"event": "bad_line", "line": line.number, "problem": line.problem})
        print_json({"event": "imported", **report})
        return
    for line in problems[:_SHOWN_PROBLEMS]:
        print(f"{file}:{line.number}: {line.problem}", file=sys.stderr)  # noqa: T201
    if len(problems) > _SHOWN_PROBLEMS:
        print(f"... and {len(problems) - _SHOWN_PROBLEMS} more", file=sys.stderr)  # noqa: T201
    bad = f", {report['bad']} bad lines skipped" if problems else ""
    log = f", {report['events']} new events, {report['outcomes']} new outcomes" if report["events"] else ""
    where = " in quarantine" if "quarantined" in report else ""
    tell(f"{report['imported']} new cases{where}, {report['already_there']} already there{log}{bad}")


def _progress(as_json: bool) -> Progress:  # noqa: FBT001
    console = StderrConsole(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]} cases"),
        TimeRemainingColumn(),
        console=console,
        disable=as_json or not console.is_terminal,
    )
