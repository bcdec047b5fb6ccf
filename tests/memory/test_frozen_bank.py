"""What an earlier release wrote is read, learned from, served and undone as that release did, on SQLite and Postgres.

The bank has 1,031 imported cases and an imported log, 256 reads in two namespaces with outcomes of every kind, versions
of settings, changed statuses, snapshots and threads; `releases/make_bank.py` made it. A record may have got new fields
since; every value that it had must be the same.
"""

import asyncio
import copy
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import MementoError
from tests import frozen_views
from tests.frozen_bank import LEARNED, copied, differences, files_of, golden, tables_of, unpacked
from tests.memories import schema

EXACT = 1e-12
"""A mean of rewards may be added up in another order."""
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@dataclass
class Bank:
    """The frozen bank, somewhere."""

    home: Path
    ledger_url: str | None = None

    def memory(self) -> CaseMemory:
        return frozen_views.opened(self.home, ledger_url=self.ledger_url)


@pytest.fixture
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bank]:
    home = unpacked(tmp_path)
    database, *kept = request.param.split(" with ")
    if not kept:
        for weights in home.glob("weights-*"):
            shutil.rmtree(weights)
    if database == "sqlite":
        yield Bank(home)
        return
    with schema(request.getfixturevalue("postgres_url")) as url:
        copied(home / "ledger.sqlite", url)
        (home / "ledger.sqlite").unlink()
        yield Bank(home, url)


@pytest.fixture(scope="module")
def frozen() -> dict[str, Any]:
    return golden()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return frozen_views.asked_of(unpacked(tmp_path_factory.mktemp("asked")) / "ledger.sqlite")


def different(expected: Any, actual: Any, *, tolerance: float = EXACT) -> str:
    """The first differences, a line each; empty where there are none."""
    found = differences(expected, actual, tolerance=tolerance)
    return "\n".join([f"{len(found)} differences", *found[:20]]) if found else ""


@pytest.mark.parametrize("bank", BOTH, indirect=True)
async def test_every_view_reads_the_same(frozen: dict[str, Any], bank: Bank, asked: dict[str, list[str]]) -> None:
    async with bank.memory() as memory:
        assert not different(frozen["views"], await frozen_views.views_of(memory, asked))


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["sqlite", "postgres", "sqlite with weights", "postgres with weights"], indirect=True)
async def test_the_same_is_learned_and_served(frozen: dict[str, Any], bank: Bank, asked: dict[str, list[str]]) -> None:
    async with bank.memory() as memory:
        assert not different(frozen["learned"], await frozen_views.learned_of(memory, asked), tolerance=LEARNED)
        assert not different(frozen["readings"], await frozen_views.readings_of(memory, asked), tolerance=LEARNED)


@pytest.mark.parametrize("bank", BOTH, indirect=True)
async def test_batches_are_undone_and_snapshots_gone_back_to_as_before(
    frozen: dict[str, Any], bank: Bank, asked: dict[str, list[str]]
) -> None:
    async with bank.memory() as memory:
        assert not different(frozen["undone"], await frozen_views.undone_of(memory, asked))
        assert not different(frozen["threads"], await frozen_views.threads_of(memory, bank.home))


@pytest.fixture
def of_tomorrow(tmp_path: Path) -> Path:
    """A home whose ledger says that a later release wrote it."""
    home = unpacked(tmp_path)
    with sqlite3.connect(home / "ledger.sqlite") as database:
        database.execute("UPDATE facts SET value = '999' WHERE name = 'schema'")
    database.close()
    return home


@pytest.fixture
def files_before(of_tomorrow: Path) -> dict[str, str]:
    return files_of(of_tomorrow)


async def test_a_ledger_of_a_later_release_is_refused_and_not_touched(
    of_tomorrow: Path, files_before: dict[str, str]
) -> None:
    memory = frozen_views.opened(of_tomorrow)
    with pytest.raises(MementoError, match="999"):
        await memory.__aenter__()
    assert await asyncio.to_thread(files_of, of_tomorrow) == files_before


@pytest.mark.allow_blocking("rows are looked at from outside")
def test_one_in_postgres_is_refused_and_not_touched(of_tomorrow: Path, postgres_url: str, tmp_path: Path) -> None:
    async def opened(url: str) -> None:
        await frozen_views.opened(tmp_path / "elsewhere", ledger_url=url).__aenter__()

    with schema(postgres_url) as url:
        copied(of_tomorrow / "ledger.sqlite", url)
        before = tables_of(url)
        with pytest.raises(MementoError, match="999"):
            asyncio.run(opened(url))
        assert tables_of(url) == before


def test_what_differs_is_named() -> None:
    expected = {"alone": {"id-1": {"reward": 0.5, "status": "active"}, "id-2": {"reward": 1, "status": "active"}}}
    changed = copy.deepcopy(expected)
    changed["alone"]["id-1"]["schema"] = 2
    assert differences(expected, changed, tolerance=EXACT) == []
    changed["alone"]["id-1"] |= {"reward": 0.25, "status": None}
    changed["alone"]["id-3"] = changed["alone"].pop("id-2")
    assert sorted(differences(expected, changed, tolerance=EXACT)) == [
        ".alone.id-1.reward: 0.5 became 0.25",
        ".alone.id-1.status: 'active' became None",
        ".alone.id-2: is missing",
        ".alone.id-3: is new",
    ]
    assert differences([1, True, 1e-7], [1, 1, 0.0], tolerance=LEARNED) == ["[1]: True became 1"]
    assert differences([1], [1, 2], tolerance=EXACT) == [": 1 became 2"]
