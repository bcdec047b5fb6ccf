"""A damaged row, of whatever kind, ends nothing: it is set aside, and everything says what it would without the row.

Here three rows with a damage each meet every use; the slow tests damage each row twice, and do each damage once. All
rows with all damages, in all uses, are `python -m benchmarks.damage_suite`.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from memento.memory.ledger.digests import DIGEST_COLUMNS
from tests.damage_bank import DAMAGES, Bank, made
from tests.damage_cells import GROUPS, NAMES, TABLES, DamagedRow, damaged_rows, differing
from tests.damage_consumers import CONSUMERS, READING

pytestmark = pytest.mark.allow_blocking("damages files by hand")

QUICK = [DamagedRow("case", "not JSON"), DamagedRow("correction", "reward 8.0"), DamagedRow("vector", "another sign")]


def _chosen() -> list[DamagedRow]:
    """A damage of each row, every other one with a digest made anew where it can be: one that no other row had yet."""
    chosen: list[DamagedRow] = []
    for number, name in enumerate(NAMES):
        done = {row.how for row in chosen}
        those = damaged_rows(name)
        those = [row for row in those if row.is_signed == bool(number % 2)] or those
        chosen.append(next((row for row in those if row.how not in done), those[0]))
    return chosen


CHOSEN = [*_chosen(), DamagedRow("correction", "not UTF-8 in its namespace")]
"""The last one made the older outcome count again, before outcomes were looked up by their event alone."""
REST = [
    DamagedRow(next(name for name in NAMES if TABLES[name] == table), how)
    for table, damages in DAMAGES.items()
    for how in damages
    if how not in {row.how for row in CHOSEN}
]
"""Damages that none of the chosen is; some are of several tables."""


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return asyncio.run(made(tmp_path_factory.mktemp("damage") / "ledger.sqlite"))


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Any]]:
    """By row and use, what it answers without the row; filled when it is first asked."""
    return {}


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row.title)
async def test_everything_answers_as_without_the_row(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], row: DamagedRow
) -> None:
    wrong = await differing(bank, tmp_path, row, expected)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
async def test_everything_answers_as_without_any_row(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], name: str
) -> None:
    wrong = []
    for number, row in enumerate(row for row in CHOSEN if row.name == name):
        wrong += await differing(bank, tmp_path / str(number), row, expected)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("row", REST, ids=lambda row: row.title)
async def test_what_reads_answers_as_without_the_row_whatever_the_damage(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], row: DamagedRow
) -> None:
    wrong = await differing(bank, tmp_path, row, expected, [READING])
    assert not wrong, "\n".join(wrong)


def test_each_kind_of_row_meets_each_use() -> None:
    assert {*DIGEST_COLUMNS, "slots", "facts"} == {*TABLES.values()} == {*DAMAGES}
    assert {use for uses in GROUPS for use in uses} == {*CONSUMERS}
    assert {row.name for row in CHOSEN} == {*NAMES}
    assert {row.how for row in CHOSEN + REST} == {how for damages in DAMAGES.values() for how in damages}
    assert len(CHOSEN) <= 40
    assert sum(len(damaged_rows(name)) for name in NAMES) * len(CONSUMERS) > 9_000
