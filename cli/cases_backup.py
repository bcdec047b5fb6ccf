"""Copies the ledger to a file and back, as `memento cases backup` and `memento cases restore` do."""

from pathlib import Path

from memento.cli.printing import progress_bar
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.graph.app import Application
from memento.memory.ledger.backup import BackupReport


async def back_up(file: Path, *, is_replacing: bool, as_json: bool) -> ExitCode:
    """Copy the configured ledger to a file."""
    app = Application()
    try:
        memory = await app.memory()
        with progress_bar(is_quiet=as_json) as progress:
            bar = progress.add_task("copying", total=None)
            report = await memory.backup(
                file,
                is_replacing=is_replacing,
                on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
            )
    finally:
        await app.aclose()
    if as_json:
        print_json({"event": "backed_up", **_figures(report)})
    else:
        tell(f"{_holdings(report)} backed up to {file}{_damage(report)}")
    return ExitCode.OK


async def restore_from(file: str, *, is_replacing: bool, as_json: bool) -> ExitCode:
    """Restore a backup in place of the configured ledger."""
    memory = Application().describe_memory(None)
    with progress_bar(is_quiet=as_json) as progress:
        bar = progress.add_task("copying", total=None)
        report = await memory.restore(
            file,
            is_replacing=is_replacing,
            on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    aside = report.kept_aside
    if as_json:
        print_json(
            {"event": "restored", **_figures(report.backup), "kept_aside": None if aside is None else str(aside)}
        )
        return ExitCode.OK
    kept = f"; the old ledger is kept as {aside}" if aside is not None else ""
    tell(f"{_holdings(report.backup)} restored from {file}{_damage(report.backup)}{kept}")
    return ExitCode.OK


def _figures(report: BackupReport) -> dict[str, object]:
    return report._asdict() | {"file": str(report.file)}


def _holdings(report: BackupReport) -> str:
    return f"{report.cases} cases, {report.events} events and {report.outcomes} outcomes"


def _damage(report: BackupReport) -> str:
    n_rows = report.damaged_rows
    return f"; {n_rows} of its rows are damaged, see `memento doctor`" if n_rows else ""
