"""A damaged row, of whatever kind, ends nothing: it is set aside, and everything says what it would without the row.

Each cell is one row, one damage and one use of the memory; what it answers must be what the same bank answers from
which the row is missing: a case or an event that was never there, an outcome that was withdrawn.
"""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import pytest

from memento.memory.errors import MementoError
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from tests.damage_bank import DAMAGES, UNTOLD_WITHOUT_DIGEST, Bank, damage, made, opened, targets
from tests.damage_consumers import CONSUMERS, READING

pytestmark = pytest.mark.allow_blocking("damages files by hand")

_NAMES = (
    *("case", "case of a run", "earlier revision", "event", "open event", "outcome", "corrected outcome"),
    *("correction", "settings", "vector", "audit", "batch change", "snapshot", "slot", "encoder fact", "id fact"),
)
_TABLES = {
    **dict.fromkeys(("case", "case of a run", "earlier revision"), "case_revisions"),
    **dict.fromkeys(("event", "open event"), "events"),
    **dict.fromkeys(("outcome", "corrected outcome", "correction"), "outcomes"),
    "settings": "settings_versions",
    "vector": "vectors",
    "audit": "audit",
    "batch change": "batch_changes",
    "snapshot": "snapshots",
    "slot": "slots",
    "encoder fact": "facts",
    "id fact": "facts",
}
GROUPS = (READING, *((use,) for use in CONSUMERS if use not in READING))
ROWS = [(name, how) for name in _NAMES for how in DAMAGES[_TABLES[name]]]


def first_difference(expected: Any, got: Any, place: str = "") -> str:
    """Where two values of JSON part, and what stands there."""
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        return next(
            first_difference(expected[key], got[key], f"{place}.{key}") for key in expected if expected[key] != got[key]
        )
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return next(first_difference(*pair, f"{place}[{at}]") for at, pair in pairs if pair[0] != pair[1])
    if isinstance(expected, dict) and isinstance(got, dict):
        return f"{place}: lacks {list(expected.keys() - got.keys())}, adds {list(got.keys() - expected.keys())}"
    return f"{place}: {str(got)[:200]} instead of {str(expected)[:200]}"


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return asyncio.run(made(tmp_path_factory.mktemp("damage") / "ledger.sqlite"))


def without(bank: Bank, name: str) -> None:
    """Take the row away as it would be gone if nothing had ever been damaged."""
    table, where = targets(bank)[name]
    with sqlite3.connect(bank.ledger) as database:
        if name in ("case", "case of a run"):
            (found,) = database.execute(f"SELECT case_id FROM {table} WHERE {where}").fetchone()  # noqa: S608
            database.execute("DELETE FROM case_revisions WHERE case_id = ?", (found,))
        elif table == "events":
            (found,) = database.execute(f"SELECT event_id FROM {table} WHERE {where}").fetchone()  # noqa: S608
            for one in ("events", "slots", "outcomes"):
                database.execute(f"DELETE FROM {one} WHERE event_id = ?", (found,))  # noqa: S608
        elif table == "outcomes":
            database.row_factory = sqlite3.Row
            row = dict(database.execute(f"SELECT * FROM {table} WHERE {where}").fetchone())  # noqa: S608
            said = json.loads(row["body"])
            row |= {"reward": None, "body": json.dumps({**said, "reward": None, "attempt": None})}
            digest = row_digest(table, [row[column] for column in DIGEST_COLUMNS[table]])
            database.execute(
                'UPDATE outcomes SET reward = NULL, body = ?, digest = ? WHERE "offset" = ?',
                (row["body"], digest, row["offset"]),
            )
        elif name == "audit":
            database.execute(f"DELETE FROM batch_changes WHERE batch_id = '{bank.batch}'")  # noqa: S608
            database.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608
        elif table in ("case_revisions", "settings_versions", "batch_changes", "snapshots"):
            database.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608
    database.close()


def _is_fit(name: str, how: str, use: str, got: Any) -> bool:
    """What may be answered although it would not be without the row."""
    if name == "encoder fact":  # nothing but the user can tell which encoder it was
        return bool(got == "refused: EncoderMismatch")
    if (how, use) == ("a key that is none", "deliver again"):  # nobody can tell that it was delivered before
        return not str(got).startswith("RAW")
    if use == "deliver again" and _TABLES[name] in ("case_revisions", "outcomes"):
        return not str(got).startswith("RAW")  # the attempt's own id, or a named error: never another attempt's
    # where the row is missing, a case counts as written after the snapshot; where it is damaged, it is left alone
    return (name, use) == ("earlier revision", "rollback") and not str(got).startswith("RAW")


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Any]]:
    """By row and use, what it answers without the row; filled when it is first asked."""
    return {}


async def asked(bank: Bank, uses: Sequence[str]) -> dict[str, Any]:
    """What uses answer, or the name of the error that refused it."""
    answers: dict[str, Any] = dict.fromkeys(uses, "not opened")
    try:
        async with opened(bank.ledger) as memory:
            for use in uses:
                answers[use] = await _answer(CONSUMERS[use](memory, bank))
    except MementoError as error:
        return dict.fromkeys(uses, f"refused: {type(error).__name__}")
    except Exception as error:  # noqa: BLE001  it is what is looked for
        return dict.fromkeys(uses, f"RAW: {type(error).__name__}: {error}")
    return answers


async def _answer(asking: Awaitable[Any]) -> Any:
    try:
        return await asking
    except MementoError as error:
        return f"refused: {type(error).__name__}"
    except Exception as error:  # noqa: BLE001  it is what is looked for
        return f"RAW: {type(error).__name__}: {error}"


async def differing(
    bank: Bank, folder: Path, name: str, how: str, known: dict[str, dict[str, Any]], *, is_signed: bool
) -> list[str]:
    """The uses of a damaged bank that do not answer as they do without the row, a line each."""
    damaged = bank.copy(folder / "damaged")
    damage(damaged.ledger, targets(bank)[name], DAMAGES[_TABLES[name]][how], is_signed=is_signed)
    wrong = []
    for number, uses in enumerate(GROUPS):
        if uses[0] not in known.setdefault(name, {}):
            reference = bank.copy(folder / f"reference {number}")
            without(reference, name)
            known[name] |= await asked(reference, uses)
        got = await asked(damaged.copy(folder / str(number)), uses)
        wrong += [
            f"{name}, {how}, {use}: {first_difference(known[name][use], got[use])}"
            for use in uses
            if got[use] != known[name][use] and not _is_fit(name, how, use, got[use])
        ]
    return wrong


@pytest.mark.parametrize("name", _NAMES)
async def test_everything_answers_as_without_the_row(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], name: str
) -> None:
    how = next(iter(DAMAGES[_TABLES[name]]))
    wrong = await differing(bank, tmp_path, name, how, expected, is_signed=False)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", _NAMES)
async def test_everything_answers_as_without_the_row_whatever_the_damage(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], name: str
) -> None:
    wrong = []
    for number, how in enumerate(DAMAGES[_TABLES[name]]):
        wrong += await differing(bank, tmp_path / str(number), name, how, expected, is_signed=False)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in _NAMES if _TABLES[name] in DIGEST_COLUMNS])
async def test_everything_answers_as_without_a_row_whose_digest_is_of_the_damage(
    bank: Bank, tmp_path: Path, expected: dict[str, dict[str, Any]], name: str
) -> None:
    wrong = []
    told = [how for how in DAMAGES[_TABLES[name]] if how not in UNTOLD_WITHOUT_DIGEST]
    for number, how in enumerate(told):
        wrong += await differing(bank, tmp_path / str(number), name, how, expected, is_signed=True)
    assert not wrong, "\n".join(wrong)


def test_each_kind_of_row_meets_each_use() -> None:
    n_signed = sum(how not in UNTOLD_WITHOUT_DIGEST for name, how in ROWS if _TABLES[name] in DIGEST_COLUMNS)
    n_cells = (len(ROWS) + n_signed) * len(CONSUMERS)
    print(f"damage suite: {len(ROWS)} damaged rows, {n_signed} with a digest of the damage, {n_cells} cells")  # noqa: T201
    assert {*DIGEST_COLUMNS, "slots", "facts"} == {*_TABLES.values()}
    assert {use for uses in GROUPS for use in uses} == {*CONSUMERS}
    assert n_cells > 9_000
