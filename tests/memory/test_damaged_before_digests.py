"""A ledger of before there were digests, damaged: it is migrated whole, and what is no valid record is set aside."""

import sqlite3
from pathlib import Path

import pytest

from memento.memory.case_memory import CaseMemory
from tests.damage_bank import DAMAGES, UNTOLD_WITHOUT_DIGEST, damage, without_constraints
from tests.frozen_bank import unpacked
from tests.hashing_encoder import HashingEncoder
from tests.memories import question

pytestmark = pytest.mark.allow_blocking("damages files by hand")

_DAMAGED = ("case_revisions", "events", "outcomes", "vectors", "audit", "batch_changes", "snapshots")


def opened(home: Path) -> CaseMemory:
    return CaseMemory.open(home, encoder=HashingEncoder(dim=16), seed=0)


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, dict[str, dict[str, str]]]:
    """A home of schema 1 with every damage in a row of its own, and by table the keys of those that can be told."""
    home = unpacked(tmp_path)
    ledger = home / "ledger.sqlite"
    with sqlite3.connect(ledger) as database:
        without_constraints(database)
    database.close()
    told: dict[str, dict[str, str]] = {}
    for table in _DAMAGED:
        key = {"vectors": "text_hash || '/' || encoder", "batch_changes": "audit_offset"}.get(table, '"offset"')
        with sqlite3.connect(ledger) as database:
            filter_ = {"outcomes": "reward IS NOT NULL AND reward < 1", "case_revisions": "reward < 1"}.get(table, "1")
            rows = database.execute(f"SELECT rowid, {key} FROM {table} WHERE {filter_}").fetchall()  # noqa: S608
        database.close()
        for (rowid, name), (how, change) in zip(rows[2:], DAMAGES[table].items(), strict=False):
            damage(ledger, (table, f"rowid = {rowid}"), change)
            if how not in UNTOLD_WITHOUT_DIGEST:
                told.setdefault(table, {})[str(name)] = how
    return home, told


async def test_what_is_no_record_is_set_aside(damaged: tuple[Path, dict[str, dict[str, str]]]) -> None:
    home, told = damaged
    async with opened(home) as memory:
        scan = await memory.check_ledger()
        found = {(row.table, row.key) for row in scan.set_aside}
        missing = {
            f"{table} {key}: {how}"
            for table, rows in told.items()
            for key, how in rows.items()
            if table != "vectors" and (table, key) not in found
        }
        assert not missing
        reading = await memory.read(question(3), k=8)
        assert reading.cases
        assert sum([1 async for _ in memory.views.walk(namespace=memory.namespace)]) > 900
    async with opened(home) as memory:
        assert {(row.table, row.key) for row in await memory.set_aside()} == found
