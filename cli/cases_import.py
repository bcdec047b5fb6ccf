"""Reads cases and retrieval logs from a file into the memory, as `memento cases import` does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from memento.cli.opening import opened
from memento.cli.printing import progress_bar
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.interchange import ParsedLine, read_cases
from memento.memory.recorded_events import Group, Kept, grouped

_BATCH = 64
_SHOWN_PROBLEMS = 20


async def import_file(file: Path, namespace: str | None, *, is_trusted: bool, as_json: bool) -> ExitCode:
    """Import cases, or a retrieval log, in batches (all or nothing each); bad lines are reported and skipped."""
    size, n_read, new = await asyncio.to_thread(file_size, file), 0, Kept(0, 0, 0)
    problems: list[ParsedLine] = []
    async with opened(namespace) as memory:
        groups = grouped(read_cases(file, namespace=memory.namespace))
        try:
            with progress_bar(is_quiet=as_json, count="cases") as progress:
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


def file_size(file: Path) -> int:
    """Size of a file in bytes.

    Raises:
        InvalidInput: there is none.
    """
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
    """Store each kind of line in one transaction; return the updated counts."""
    cases = [line.case for group in batch if group.selection is None for line in group.lines if line.case is not None]
    pictures = [line.picture for group in batch for line in group.lines if line.picture is not None]
    n_new = await memory.keep(cases, is_trusted=is_trusted, pictures=pictures)
    selections = [group.selection for group in batch if group.selection is not None]
    new = await memory.keep_recorded(selections, is_trusted=is_trusted)
    return Kept(so_far.cases + n_new + new.cases, so_far.events + new.events, so_far.outcomes + new.outcomes)


def _report_import(file: Path, report: dict[str, int], problems: list[ParsedLine], *, as_json: bool) -> None:
    if as_json:
        for line in problems:
            print_json({"event": "bad_line", "line": line.number, "problem": line.problem})
        print_json({"event": "imported", **report})
        return
    for line in problems[:_SHOWN_PROBLEMS]:
        tell(f"{file}:{line.number}: {line.problem}")
    if len(problems) > _SHOWN_PROBLEMS:
        tell(f"... and {len(problems) - _SHOWN_PROBLEMS} more")
    bad = f", {report['bad']} bad lines skipped" if problems else ""
    log = f", {report['events']} new events, {report['outcomes']} new outcomes" if report["events"] else ""
    where = " in quarantine" if "quarantined" in report else ""
    tell(f"{report['imported']} new cases{where}, {report['already_there']} already there{log}{bad}")
