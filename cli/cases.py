"""`memento cases`: import, export, list, show, stats, reindex."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from memento.cli.running import ExitCode, print_json
from memento.graph.app import Application
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.interchange import ParsedLine, read_cases

_BATCH = 64
_SHOWN_PROBLEMS = 20


@asynccontextmanager
async def opened(namespace: str | None) -> AsyncIterator[CaseMemory]:
    """The configured memory, with another namespace if one was named."""
    app = Application()
    try:
        memory = await app.memory()
        memory.namespace = namespace or memory.namespace
        yield memory
    finally:
        await app.aclose()


async def import_command(file: Path, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Read cases in batches, each kept whole or not at all; bad lines are named and skipped."""
    size, n_read, n_new = await asyncio.to_thread(_size, file), 0, 0
    problems: list[ParsedLine] = []
    async with opened(namespace) as memory:
        lines = read_cases(file, namespace=memory.namespace)
        with _progress(as_json) as progress:
            bar = progress.add_task("importing", total=size, count=0)
            while batch := await asyncio.to_thread(lambda: list(islice(lines, _BATCH))):
                cases = [line.case for line in batch if line.case is not None]
                problems += [line for line in batch if line.case is None]
                n_read += len(cases)
                n_new += await memory.keep(cases)
                progress.update(bar, advance=sum(line.n_bytes for line in batch), count=n_read)
        await memory.bank.project_all()
    report = {"read": n_read, "imported": n_new, "already_there": n_read - n_new, "bad": len(problems)}
    _report_import(file, report, problems, as_json=as_json)
    return ExitCode.BAD_INPUT if problems and not n_read else ExitCode.OK


async def export_command(file: Path | None, namespace: str | None) -> ExitCode:
    """Write a namespace's cases; a file is put in place only when it is complete."""
    async with opened(namespace) as memory:
        lines = memory.views.walk(namespace=memory.namespace)
        if file is None:
            async for case in lines:
                print(case.model_dump_json())  # noqa: T201
            return ExitCode.OK
        unfinished = file.with_name(f".{file.name}.unfinished")
        n_written = 0
        with unfinished.open("w", encoding="utf-8") as out:
            async for case in lines:
                out.write(case.model_dump_json() + "\n")
                n_written += 1
        unfinished.replace(file)
    Console(stderr=True).print(f"{n_written} cases written to {file}")
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
    table = Table("id", "reward", "status", "task", "plan", box=None, pad_edge=False)
    for case in cases:
        first_step = case.action.partition("\n")[0]
        table.add_row(case.id[:8], f"{case.reward:g}", case.status, _cut(case.state, 60), _cut(first_step, 50))
    Console().print(table if cases else "no cases yet")
    return ExitCode.OK


async def show_command(case_id: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """One case whole."""
    async with opened(namespace) as memory:
        case = await _find(memory, case_id)
        usage = await memory.views.usage(case.id)
    shown: dict[str, Any] = case.model_dump() | {"usage": usage._asdict()}
    if as_json:
        print_json(shown)
        return ExitCode.OK
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in shown.items():
        table.add_row(name, str(value))
    Console().print(table)
    return ExitCode.OK


async def stats_command(namespace: str | None, *, as_json: bool) -> ExitCode:
    """The figures of a namespace."""
    async with opened(namespace) as memory:
        counts = await memory.views.counts(namespace=memory.namespace)
        figures = counts._asdict() | {
            "policy_version": await memory.policy_version(),
            "namespace": memory.namespace,
            "engine": memory.bank.engine_name,
        }
    if as_json:
        print_json(figures)
        return ExitCode.OK
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
    return ExitCode.OK


async def reindex_command(*, as_json: bool) -> ExitCode:
    """Encode everything again and rebuild the index; an interruption leaves the old one serving."""
    app = Application()
    async with app.describe_memory(await app.encoder(), is_reindexing=True) as memory:
        total = await memory.views.newest_offset()
        with _progress(as_json) as progress:
            bar = progress.add_task("encoding", total=total, count=0)
            await memory.reindex(lambda n_done: progress.update(bar, completed=n_done, count=n_done))
        n_points = await memory.bank.count()
    if as_json:
        print_json({"event": "reindexed", "points": n_points})
    else:
        Console(stderr=True).print(f"{n_points} cases are searchable")
    return ExitCode.OK


def _size(file: Path) -> int:
    if not file.is_file():
        raise InvalidInput(f"there is no file {file}")
    return file.stat().st_size


async def _find(memory: CaseMemory, case_id: str) -> Case:
    exact = await memory.views.cases([case_id], namespace=memory.namespace)
    if exact:
        return exact[case_id]
    found = [case async for case in memory.views.walk(namespace=memory.namespace) if case.id.startswith(case_id)]
    if len(found) != 1:
        which = "no case" if not found else f"{len(found)} cases"
        raise InvalidInput(f"{which} of namespace {memory.namespace!r} with an id that begins with {case_id!r}")
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
    Console(stderr=True).print(
        f"{report['imported']} new cases, {report['already_there']} already there, {report['bad']} bad lines skipped"
    )


def _progress(as_json: bool) -> Progress:  # noqa: FBT001
    console = Console(stderr=True, quiet=as_json)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[count]} cases"),
        TimeRemainingColumn(),
        console=console,
        disable=as_json,
    )


def _cut(text: str, n_chars: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= n_chars else line[: n_chars - 1] + "…"
