"""Loads many cases with given vectors from files, as `memento cases load` does."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

from memento.cli.cases_import import file_size
from memento.cli.opening import opened
from memento.cli.printing import progress_bar
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.memory.bulk_load import LoadReport, without_collector

_MAX_WORKERS = 4
"""More would only wait for the one writer."""
_WORTH_WORKERS_BYTES = 16 << 20
"""Size from which processes of their own pay: each takes a second to start."""
_SHOWN_PROBLEMS = 20


class LoadOptions(NamedTuple):
    """Options of the command."""

    vectors: Path | None
    is_trusted: bool
    is_checked: bool
    n_workers: int | None
    """None for as many as the file and the machine are worth."""


async def load_file(file: Path, namespace: str | None, options: LoadOptions, *, as_json: bool) -> ExitCode:
    """Load a file block by block (all or nothing each); bad lines are reported and skipped."""
    size, report = await asyncio.to_thread(file_size, file), LoadReport()
    async with opened(namespace) as memory:
        try:
            with without_collector(), progress_bar(is_quiet=as_json, count="cases") as progress:
                bar = progress.add_task("loading", total=size, count=0)

                def note(so_far: LoadReport) -> None:
                    nonlocal report
                    report = so_far
                    progress.update(bar, completed=so_far.n_bytes, count=so_far.n_read)

                report = await memory.load(
                    file,
                    vectors=options.vectors,
                    is_trusted=options.is_trusted,
                    is_checked=options.is_checked,
                    n_workers=_workers(size) if options.n_workers is None else options.n_workers,
                    on_progress=note,
                )
                progress.update(bar, completed=size)  # blank lines are no part of any block
        except asyncio.CancelledError:
            tell(f"interrupted after {report.n_loaded} new cases, which are kept; the same command loads the rest")
            raise
        await memory.bank.project_all()
    _report(file, report, is_trusted=options.is_trusted, as_json=as_json)
    return ExitCode.BAD_INPUT if report.bad and len(report.bad) == report.n_read else ExitCode.OK


def _workers(n_bytes: int) -> int:
    return 0 if n_bytes < _WORTH_WORKERS_BYTES else max(0, min(_MAX_WORKERS, (os.cpu_count() or 1) - 1))


def _report(file: Path, report: LoadReport, *, is_trusted: bool, as_json: bool) -> None:
    if as_json:
        for line in report.bad:
            print_json({"event": "bad_line", "line": line.number, "problem": line.problem})
        counts = {"read": report.n_read, "loaded": report.n_loaded, "already_there": report.n_known}
        quarantined = {} if is_trusted else {"quarantined": report.n_loaded}
        print_json({"event": "loaded", **counts, "bad": len(report.bad), **quarantined})
        return
    for line in report.bad[:_SHOWN_PROBLEMS]:
        tell(f"{file}:{line.number}: {line.problem}")
    if len(report.bad) > _SHOWN_PROBLEMS:
        tell(f"... and {len(report.bad) - _SHOWN_PROBLEMS} more")
    bad = f", {len(report.bad)} bad lines skipped" if report.bad else ""
    where = "" if is_trusted else " in quarantine"
    tell(f"{report.n_loaded} new cases{where}, {report.n_known} already there{bad}")
