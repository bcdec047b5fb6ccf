"""Restores a ledger from a backup, whole or not at all; what was there is kept beside it.

A restored ledger gets a new id. The search index and the learned weights belong to the id: both are made again.
"""

import os
import shutil
import sqlite3
import time
import uuid
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger import migrations, schema
from memento.memory.ledger.backup import (
    BackupReport,
    CopyProgress,
    checked_copy,
    copy_rows,
    file_engine,
    sync_folder,
    unfinished,
    unfinished_copy,
)
from memento.memory.ledger.connections import DATABASE_ERRORS, ledger_error
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.namespace_counts import drop_counts
from memento.memory.ledger.read_only_file import read_only_copy, read_only_file
from memento.memory.ledger.writes import LedgerWriter
from memento.private_files import make_private_folder

_TIMEOUT_S = 5.0
_FULL = (schema.case_revisions, schema.events, schema.outcomes, schema.audit)
"""Tables whose rows would be lost: a ledger without any is empty."""


class RestoreReport(NamedTuple):
    """Report of a restore."""

    backup: BackupReport
    """Figures of the restored ledger."""
    kept_aside: Path | None
    """The ledger that was there before, which can be restored like a backup; None when it held nothing."""
    former_id: str | None
    """Its id: an index and weights of this name are of no use any more."""


def restore_file(source: Path, target: Path, *, is_replacing: bool, on_progress: CopyProgress) -> RestoreReport:
    """Replace an SQLite ledger, which no other process may have open, by a backup. Blocks.

    Args:
        source: a backup, or any SQLite ledger; of an earlier release too. It is not changed.
        target: where the ledger is, or shall be.
        is_replacing: whether a ledger that holds something may be replaced.
        on_progress: told how far the copy is.

    Raises:
        InvalidInput: the source is not a ledger, or the target holds something and may not be replaced.
        LedgerTooNew: a newer release wrote the source.
        LedgerUnavailable: the target is in use by another process, or cannot be written. All is as it was.
    """
    _check_source(source, target)
    former = _Former.of(target)
    if former.is_full and not is_replacing:
        raise InvalidInput(f"{target} holds a ledger already; --force replaces it and keeps the old one beside it")
    make_private_folder(target.parent)
    aside, is_readable = None, True
    try:
        with unfinished(target) as part:
            report = prepare(source, part, on_progress)
            is_readable = not target.exists() or _close_log(target)
            aside = _keep_aside(target, is_readable=is_readable) if former.is_full else None
            for ending in ("-wal", "-shm"):  # a log of the old one would be applied to the new one
                target.with_name(target.name + ending).unlink(missing_ok=True)
    except BaseException:
        if aside is not None and is_readable:  # a second name of what is still in its place
            aside.unlink(missing_ok=True)
        raise
    return RestoreReport(report._replace(file=target), aside, former.id)


async def restore_server(
    source: Path, url: str, folder: Path, *, is_replacing: bool, on_progress: CopyProgress
) -> RestoreReport:
    """Replace the rows in Postgres by those of a backup, in one transaction.

    Args:
        source: as for `restore_file`.
        url: of the ledger.
        folder: where a copy of what is there is kept.
        is_replacing: whether rows that are there may be replaced.
        on_progress: told how far the copy is.

    Raises:
        InvalidInput, LedgerTooNew, LedgerUnavailable: as `restore_file`; the rows are as they were.
    """
    _check_source(source, None)
    make_private_folder(folder)

    def replace(writer: LedgerWriter, part: Path, report: BackupReport) -> RestoreReport:
        former, aside = writer.fact("id"), None
        if any(writer.scalar(table.select().limit(1)) is not None for table in _FULL):
            if not is_replacing:
                raise InvalidInput("the database holds a ledger already; --force replaces it and keeps a copy")
            aside = folder / _dated("ledger.sqlite")
            with unfinished(aside) as copy, file_engine(copy).begin() as target:
                migrations.create(target)
                copy_rows(writer.sql, target, lambda *_: None)
        with file_engine(part).connect() as rows:
            copy_rows(rows, writer.sql, on_progress)
        drop_counts(writer)  # they are made of what this transaction has appended
        return RestoreReport(report, aside, former)

    def step(writer: LedgerWriter) -> RestoreReport:
        with unfinished_copy(folder / "restored.sqlite") as part:
            return replace(writer, part, prepare(source, part, lambda *_: None))

    async with Ledger(url) as ledger:
        return await ledger.transact(step)


def prepare(source: Path, part: Path, on_progress: CopyProgress) -> BackupReport:
    """Make a checked copy of a backup, in this release's schema and under a new id. Blocks.

    Raises:
        InvalidInput, LedgerTooNew, LedgerUnavailable: as `restore_file`.
    """
    try:
        # one with a log is read from a copy: SQLite would leave files beside it
        reading = read_only_copy(source) if _is_wal(source) else read_only_file(source)
    except OSError as error:
        raise InvalidInput(f"{source} cannot be read: {error.strerror or error}") from error
    try:
        with closing(reading.connect(timeout_s=_TIMEOUT_S)) as rows, closing(sqlite3.connect(part)) as target:
            rows.backup(target, pages=1024, progress=lambda _, left, total: on_progress(total - left, total))
    except sqlite3.OperationalError as error:  # a full disk, a lock
        raise LedgerUnavailable(f"{source} cannot be copied: {error}") from error
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{source} is not a ledger: {error}") from error
    finally:
        reading.close()
    try:
        checked_copy(part)
    except (InvalidInput, LedgerUnavailable) as error:
        raise _named(error, part, source) from error
    try:
        with file_engine(part).begin() as connection:
            number = migrations.schema_number(connection)
            if number is not None and number != migrations.HEAD:
                migrations.migrate(connection, number)
            connection.execute(schema.facts.delete().where(schema.facts.c.name == "id"))
            connection.execute(schema.facts.insert().values(name="id", value=uuid.uuid4().hex[:12]))
    except DATABASE_ERRORS as error:
        raise ledger_error("restored", error) from error
    return checked_copy(part)


def _is_wal(source: Path) -> bool:
    """Whether a database file says that it is in WAL mode."""
    with source.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


class _Former(NamedTuple):
    """The former ledger at the place of a restore."""

    is_full: bool
    """Whether it holds something, or cannot be read."""
    id: str | None

    @classmethod
    def of(cls, target: Path) -> "_Former":
        if not target.exists():
            return cls(is_full=False, id=None)
        try:
            with closing(sqlite3.connect(target, timeout=_TIMEOUT_S)) as database:
                names = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
                is_full = any(
                    database.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone()  # noqa: S608  one of ours
                    for table in _FULL
                    if table.name in names
                )
                found = database.execute("SELECT value FROM facts WHERE name = 'id'") if "facts" in names else None
                row = None if found is None else found.fetchone()
                return cls(is_full or bool(names - schema.metadata.tables.keys() - _OF_SQLITE), row[0] if row else None)
        except sqlite3.DatabaseError:
            return cls(is_full=True, id=None)


_OF_SQLITE = {"sqlite_sequence", "sqlite_stat1", "policy_versions"}


def _close_log(target: Path) -> bool:
    """Checkpoint a ledger's write-ahead log into its file, which needs exclusive access.

    Returns:
        Whether it could be read.

    Raises:
        LedgerUnavailable: another process has it open.
    """
    try:
        with closing(sqlite3.connect(target, timeout=_TIMEOUT_S, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LedgerUnavailable(f"another process has {target} open; stop it and try again") from error
        raise LedgerUnavailable(f"{target} cannot be replaced: {error}") from error
    except sqlite3.DatabaseError:
        return False
    return True


def _keep_aside(target: Path, *, is_readable: bool) -> Path:
    """Give the ledger a second, dated name. It keeps the first one until the new ledger takes that."""
    aside = target.with_name(_dated(target.name))
    for ending in ("",) if is_readable else ("", "-wal"):
        with suppress(FileNotFoundError):
            _link(target.with_name(target.name + ending), aside.with_name(aside.name + ending))
    sync_folder(target.parent)
    return aside


def _link(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copy2(path, other)


def _dated(name: str) -> str:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return f"{name}.before-restore-{now}-{time.time_ns() % 1000:03d}"


def _check_source(source: Path, target: Path | None) -> None:
    if not source.is_file():
        raise InvalidInput(f"{source} is not a file" if source.exists() else f"there is no file {source}")
    if target is not None and target.exists() and source.samefile(target):
        raise InvalidInput(f"{source} is the ledger itself; name a backup")


def _named(error: Exception, part: Path, source: Path) -> Any:
    """The same error, of the file that the caller knows."""
    error.args = tuple(str(one).replace(str(part), str(source)) for one in error.args)
    return error
