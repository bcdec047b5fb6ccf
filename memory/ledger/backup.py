"""Backup of a ledger as one SQLite file, consistent while others write, and checked before it gets its name.

An SQLite ledger is copied page by page (SQLite's online backup), one in Postgres row by row into the same schema. So a
backup can be restored into either, see `restore`.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, create_engine, func, insert, select
from sqlalchemy.pool import NullPool

from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.memory.ledger import migrations, schema
from memento.memory.ledger.connections import DATABASE_ERRORS, ledger_error, sqlite_path
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.sqlite_files import decode_text
from memento.private_files import create_private_file

CopyProgress = Callable[[int, int], None]
"""Progress callback: pages or rows copied, and their total; called in another thread."""

_PAGES = 1024
_ROWS = 1000


class BackupReport(NamedTuple):
    """Contents of a checked copy of a ledger."""

    file: Path
    n_bytes: int
    cases: int
    events: int
    outcomes: int
    damaged_rows: int
    """Rows that do not match their checksum; they were damaged in the ledger already."""


async def back_up(
    ledger: Ledger, file: Path, *, is_replacing: bool = False, on_progress: CopyProgress = lambda *_: None
) -> BackupReport:
    """Copy an open ledger to a file that only its owner can read.

    Args:
        ledger: may be written to meanwhile; the copy is of one moment.
        file: where to; it gets this name when it is complete and checked.
        is_replacing: whether a file that is there may be replaced.
        on_progress: told how far it is.

    Raises:
        InvalidInput: there is such a file, it is the ledger itself, or there is no such folder.
        LedgerUnavailable: the ledger cannot be read, or the file cannot be written; there is no new file.
    """

    def copy(connection: Any) -> BackupReport:
        _check_target(file, ledger.url, is_replacing=is_replacing)
        with unfinished(file) as part:
            copy_ledger(connection.sql, part, on_progress)
            report = checked_copy(part)
        return report._replace(file=file)

    return await ledger.query(copy)


def copy_ledger(source: Connection, part: Path, on_progress: CopyProgress) -> None:
    """Copy a whole ledger into an empty SQLite file. Blocks.

    Args:
        source: to the ledger, of either database; not inside a transaction.
        part: the file.
        on_progress: told how far it is.

    Raises:
        LedgerUnavailable: it cannot be read or written.
    """
    try:
        if source.dialect.name == "sqlite":
            _copy_pages(source.connection.driver_connection, part, on_progress)
            return
        with file_engine(part).begin() as target:
            migrations.create(target)
            copy_rows(source.execution_options(isolation_level="REPEATABLE READ"), target, on_progress)
    except DATABASE_ERRORS as error:
        raise ledger_error("backed up", error) from error


def copy_rows(source: Connection, target: Connection, on_progress: CopyProgress) -> None:
    """Copy all rows between two ledgers of this release's schema; those of the target are deleted first. Blocks."""
    tables = [table for table in schema.metadata.sorted_tables if table is not schema.alembic_version]
    for table in reversed(tables):
        target.execute(table.delete())
    total = sum(source.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    n_done = 0
    for table in tables:
        rows = source.execute(
            select(table).order_by(*table.primary_key.columns), execution_options={"yield_per": _ROWS}
        )
        for part in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in part])
            n_done += len(part)
            on_progress(n_done, total)
        if target.dialect.name == "postgresql" and "offset" in table.c:
            newest = target.scalar(select(func.max(table.c.offset)))
            if newest is not None:
                target.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "offset"), newest)))


def checked_copy(file: Path) -> BackupReport:
    """Verify a copy: SQLite's own check, the schema, and the checksum of every row. Blocks.

    Raises:
        LedgerUnavailable: SQLite finds it damaged.
        LedgerTooNew: a newer release wrote it.
        InvalidInput: it is not a ledger.
    """
    with closing(sqlite3.connect(file)) as database:
        database.text_factory = decode_text
        try:
            found = [row[0] for row in database.execute("PRAGMA integrity_check(3)")]
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"{file} is not a ledger: {error}") from error
        if found != ["ok"]:
            raise LedgerUnavailable(f"{file} is damaged: {'; '.join(found)[:300]}")
        with file_engine(file).connect() as connection:
            number = migrations.schema_number(connection)
        if number is None:
            raise InvalidInput(f"{file} is not a ledger: it has no facts about one")
        cases, events, outcomes = (
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  one of ours
            for table in ("(SELECT DISTINCT case_id FROM case_revisions)", "events", "outcomes")
        )
        n_damaged = _n_damaged(database) if number == migrations.HEAD else 0
        database.execute("PRAGMA journal_mode=DELETE").close()  # one file, without a log beside it
    return BackupReport(file, file.stat().st_size, cases, events, outcomes, n_damaged)


def file_engine(file: Path) -> Any:
    """SQLAlchemy engine for a private file."""
    return create_engine(f"sqlite:///{file}", poolclass=NullPool)


@contextmanager
def unfinished(file: Path) -> Iterator[Path]:
    """A private temporary file that replaces a file when the block succeeds, and is removed otherwise.

    Raises:
        LedgerUnavailable: the folder takes no file.
    """
    with unfinished_copy(file) as part:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
        sync_folder(file.parent)


@contextmanager
def unfinished_copy(file: Path) -> Iterator[Path]:
    """The private file that `unfinished` writes to, which is removed in any case.

    Raises:
        LedgerUnavailable: the folder takes no file.
    """
    part = file.with_name(f".{file.name}.unfinished")
    try:
        _remove(part)  # of one that was killed
        create_private_file(part)
        yield part
    except OSError as error:
        raise LedgerUnavailable(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        _remove(part)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(part: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        part.with_name(part.name + ending).unlink(missing_ok=True)


def _check_target(file: Path, url: str, *, is_replacing: bool) -> None:
    own = sqlite_path(url)
    if own is not None and file.resolve() == own.resolve():
        raise InvalidInput(f"{file} is the ledger itself; name another file")
    if file.is_dir():
        raise InvalidInput(f"{file} is a folder; name a file")
    if not file.parent.is_dir():
        raise InvalidInput(f"there is no folder {file.parent}")
    if file.exists() and not is_replacing:
        raise InvalidInput(f"{file} exists already; --force replaces it")


def _copy_pages(source: Any, part: Path, on_progress: CopyProgress) -> None:
    """SQLite's online backup from one snapshot: concurrent writes do not restart it."""
    with closing(sqlite3.connect(part)) as target:
        source.execute("BEGIN").close()
        try:
            source.execute(
                "SELECT count(*) FROM sqlite_schema"
            ).fetchone()  # this connection sees no change from here on
            source.backup(target, pages=_PAGES, progress=lambda _, left, total: on_progress(total - left, total))
        finally:
            source.execute("ROLLBACK").close()


def _n_damaged(database: sqlite3.Connection) -> int:
    n_damaged = 0
    for table, covered in DIGEST_COLUMNS.items():
        columns = ", ".join(f'"{name}"' for name in covered)
        for *values, digest in database.execute(f"SELECT {columns}, digest FROM {table}"):  # noqa: S608  ours
            n_damaged += row_digest(table, values) != digest
    return n_damaged
