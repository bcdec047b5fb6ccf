"""Migrations of the ledger: one way from each release's schema to today's, in one transaction, or not at all."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from packaging.version import Version
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from memento.memory.errors import LedgerUnavailable
from memento.memory.ledger import migrations, schema
from memento.memory.ledger.digests import DIGEST_COLUMNS
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from tests import frozen_bank
from tests.memories import schema as postgres_schema
from tests.memory.test_read_only_home import disk, make_read_only

__all__ = ["disk"]  # a fixture

pytestmark = pytest.mark.allow_blocking("the database is looked at from outside")

NEWEST = migrations.revision_name(migrations.HEAD)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of schema 1."""
    return frozen_bank.unpacked(tmp_path) / "ledger.sqlite"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, old: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{old}"
        return
    with postgres_schema(request.getfixturevalue("postgres_url")) as url:
        frozen_bank.copied(old, url)
        yield url


def schema_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as database:
        return str(database.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone()[0])


def tables_of(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as database:
        return {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def rows_of(file: Path, table: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  one of ours


def indexes_of(url: str) -> dict[str, set[tuple[str, ...]]]:
    """The columns of every index and unique constraint, table by table."""
    with closing(create_engine(url, poolclass=NullPool).connect()) as connection:
        looked = inspect(connection)
        return {
            table: {tuple(one["column_names"]) for one in looked.get_indexes(table)}  # type: ignore[arg-type]
            | {tuple(one["column_names"]) for one in looked.get_unique_constraints(table)}
            for table in schema.metadata.tables
        }


async def test_a_migrated_ledger_has_the_schema_of_a_new_one(url: str, tmp_path: Path) -> None:
    async with Ledger(url):
        pass
    with closing(create_engine(url, poolclass=NullPool).connect()) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == migrations.revision_name(
            migrations.HEAD
        )
        assert migrations.schema_number(connection) == migrations.HEAD
    fresh = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    async with Ledger(fresh):
        pass
    assert indexes_of(url) == indexes_of(fresh)


async def test_a_new_ledger_has_the_schema_that_the_code_describes(postgres_url: str, tmp_path: Path) -> None:
    with postgres_schema(postgres_url) as server:
        for url in (f"sqlite:///{tmp_path / 'fresh.sqlite'}", server):
            async with Ledger(url):
                pass
            with closing(create_engine(url, poolclass=NullPool).connect()) as connection:
                context = MigrationContext.configure(connection, opts={"compare_type": True})
                assert compare_metadata(context, schema.metadata) == []


def test_revisions_are_numbered_without_a_gap_and_lead_to_the_head() -> None:
    folder = Path(migrations.__file__).parent / "versions"
    names = sorted(path.name[1:5] for path in folder.glob("r*.py"))
    assert names == [migrations.revision_name(number) for number in range(1, migrations.HEAD + 1)]


def test_digests_cover_every_column_but_the_offset() -> None:
    for name, covered in DIGEST_COLUMNS.items():
        # digests are older than the kind of a case, which the body repeats: a row whose column differs is set aside
        own = {column.name for column in schema.metadata.tables[name].columns} - {"digest", "offset", "kind"}
        assert set(covered) == own, name


def test_the_release_that_can_read_a_ledger_is_not_a_later_one() -> None:
    """A ledger that this release writes names a release that exists when this one is published."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    ours = re.search(r'^version = "(.+)"$', project.read_text(), re.MULTILINE)
    assert ours is not None
    assert Version(migrations.READABLE_FROM) <= Version(ours[1])
    assert Version(version("alembic")) >= Version("1.16")


def test_the_upgrading_page_knows_this_release_and_its_schema() -> None:
    root = Path(__file__).parents[2]
    ours = re.search(r'^version = "((\d+\.\d+)\..+)"$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    assert ours is not None
    assert f"| {ours[2]} | {migrations.HEAD} |" in (root / "docs" / "upgrading.md").read_text()
    assert f"## {ours[1]}" in (root / "CHANGELOG.md").read_text()


OPENER = """
import asyncio, sys
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with Ledger(sys.argv[1]) as ledger:
        print(sum([1 async for _ in LedgerViews(ledger).walk(namespace="default")]), flush=True)

asyncio.run(main())
"""


def opener(url: str) -> subprocess.Popen[str]:
    """A process that opens a ledger as soon as it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPENER, url], stdin=-1, stdout=-1, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_one_of_several_processes_migrates_and_all_can_read(url: str) -> None:
    processes = [opener(url) for _ in range(3)]
    for process in processes:
        go(process)
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    with closing(create_engine(url, poolclass=NullPool).connect()) as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [NEWEST]
        assert connection.scalars(text("SELECT value FROM facts WHERE name = 'schema'")).all() == [str(migrations.HEAD)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_migration_leaves_the_old_ledger_whole(old: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old)) as database:  # enough rows for the kill to fall into the middle
        columns = [row[1] for row in database.execute("PRAGMA table_info(audit)") if row[1] != "offset"]
        names = ", ".join(columns)
        for _ in range(7):
            database.execute(f"INSERT INTO audit ({names}) SELECT {names} FROM audit")  # noqa: S608  its own
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    before = {table: rows_of(old, table) for table in tables_of(old)}
    raw, took, seen = old.read_bytes(), 0.0, set()
    for number in range(8):
        for path in old.parent.glob("ledger.sqlite*"):
            path.unlink()
        old.write_bytes(raw)
        process = opener(f"sqlite:///{old}")
        began = time.monotonic()
        go(process)
        if number:
            time.sleep(took * number / 8)
            process.kill()
        process.communicate()
        took = took or time.monotonic() - began
        seen.add(schema_of(old))
        if schema_of(old) == "1":
            assert {table: rows_of(old, table) for table in tables_of(old)} == before
        else:
            assert len(rows_of(old, "audit")) == len(before["audit"])

    async def opened() -> None:
        async with Ledger(f"sqlite:///{old}"):
            pass

    asyncio.run(opened())
    assert schema_of(old) == str(migrations.HEAD)
    assert "1" in seen


async def test_an_old_ledger_that_cannot_be_written_is_read_from_a_migrated_copy(disk: Path, old: Path) -> None:
    ledger = Path(shutil.copy(old, disk))
    before = frozen_bank.files_of(disk)
    async with Ledger(f"sqlite:///{old}") as migrated:
        expected = [case.id async for case in LedgerViews(migrated).walk(namespace="default")]
    make_read_only(disk)
    async with Ledger(f"sqlite:///{ledger}") as opened:
        assert "read-only" in opened.only_read_because
        assert [case.id async for case in LedgerViews(opened).walk(namespace="default")] == expected
        with pytest.raises(LedgerUnavailable, match="nothing was written"):
            await opened.transact(lambda writer: writer.note("default", "test", "x"))
    assert frozen_bank.files_of(disk) == before


def test_a_release_that_knows_schema_1_finds_the_number_where_it_looks(url: str) -> None:
    """It reads `facts`, finds a number that it does not know, and refuses before it writes."""

    async def opened() -> None:
        async with Ledger(url):
            pass

    asyncio.run(opened())
    with closing(create_engine(url, poolclass=NullPool).connect()) as connection:
        facts = {row.name: row.value for row in connection.execute(text("SELECT name, value FROM facts"))}
    assert facts["schema"] == str(migrations.HEAD)
    assert facts["readable_from"] == migrations.READABLE_FROM
