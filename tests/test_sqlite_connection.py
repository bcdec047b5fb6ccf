"""One hop per statement: what SQLAlchemy sees is what aiosqlite would have shown it."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from memento.memory.sqlite_connection import connect, open_shared


def _engine(path: Path) -> AsyncEngine:
    return create_async_engine(f"sqlite+aiosqlite:///{path}", async_creator=lambda: connect(str(path), timeout_s=1.0))


async def test_rows_and_counts_are_right_when_statements_run(tmp_path: Path) -> None:
    engine = _engine(tmp_path / "a.sqlite")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY, word TEXT UNIQUE)"))
        rows = [{"n": n, "word": f"w{n}"} for n in range(100)]
        await connection.execute(text("INSERT INTO t VALUES (:n, :word)"), rows)
        updated = await connection.execute(text("UPDATE t SET word = word || '!' WHERE n >= 90"))
        assert updated.rowcount == 10
    async with engine.connect() as connection:
        found = (await connection.execute(text("SELECT n, word FROM t ORDER BY n"))).all()
        none = (await connection.execute(text("SELECT n FROM t WHERE n > 1000"))).all()
    await engine.dispose()
    assert [tuple(row) for row in found[:2]] == [(0, "w0"), (1, "w1")]
    assert (len(found), none) == (100, [])


async def test_database_errors_come_through_when_a_statement_fails(tmp_path: Path) -> None:
    engine = _engine(tmp_path / "a.sqlite")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (word TEXT UNIQUE)"))
        await connection.execute(text("INSERT INTO t VALUES ('once')"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO t VALUES ('once')"))
        assert await connection.scalar(text("SELECT count(*) FROM t")) == 1
    await engine.dispose()


async def test_opening_fails_with_sqlites_own_error_when_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await connect(str(tmp_path / "nowhere" / "a.sqlite"), timeout_s=1.0)


def test_all_can_open_when_they_come_to_a_new_file_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(6)

    def opened(_: int) -> list[str]:
        modes = []
        for number in range(100):
            together.wait()
            connection = open_shared(str(tmp_path / f"{number}.sqlite"), timeout_s=60.0)
            modes += connection.execute("PRAGMA journal_mode").fetchone()
            connection.close()
        return modes

    with ThreadPoolExecutor(6) as pool:
        assert {mode for modes in pool.map(opened, range(6)) for mode in modes} == {"wal"}


def test_a_file_that_stays_locked_is_given_up_in_the_end(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    holder.execute("CREATE TABLE t (n)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_shared(str(tmp_path / "a.sqlite"), timeout_s=0.1)
    holder.execute("COMMIT")
    open_shared(str(tmp_path / "a.sqlite"), timeout_s=0.1).close()
    holder.close()
