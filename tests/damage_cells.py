"""What a bank with one damaged row answers, compared with the same bank without the row.

Each cell is one row, one damage and one use of the memory; what it answers must be what the same bank answers from
which the row is missing: a case or an event that was never there, an outcome that was withdrawn.
"""

import json
import sqlite3
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from memento.memory.errors import MementoError
from memento.memory.ledger.case_heads import rebuild_heads
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.set_aside import SetAside
from tests.damage_bank import DAMAGES, UNTOLD_WITHOUT_DIGEST, Bank, damage, opened, targets
from tests.damage_consumers import CONSUMERS, READING

NAMES = (
    *("case", "case of a run", "earlier revision", "event", "open event", "outcome", "corrected outcome"),
    *("correction", "settings", "vector", "picture", "audit", "batch change", "snapshot", "slot"),
    *("encoder fact", "id fact"),
)
TABLES = {
    **dict.fromkeys(("case", "case of a run", "earlier revision"), "case_revisions"),
    **dict.fromkeys(("event", "open event"), "events"),
    **dict.fromkeys(("outcome", "corrected outcome", "correction"), "outcomes"),
    "settings": "settings_versions",
    "vector": "vectors",
    "picture": "pictures",
    "audit": "audit",
    "batch change": "batch_changes",
    "snapshot": "snapshots",
    "slot": "slots",
    "encoder fact": "facts",
    "id fact": "facts",
}
Uses = tuple[str, ...]
GROUPS: tuple[Uses, ...] = (READING, *((use,) for use in CONSUMERS if use not in READING))
"""Every use; only those that change no case share a bank."""


class DamagedRow(NamedTuple):
    """A row and what is done to it."""

    name: str
    how: str
    is_signed: bool = False
    """Whether its digest is made anew after the damage."""

    @property
    def title(self) -> str:
        """For a line of output."""
        return f"{self.name}, {self.how}" + ", digest made anew" * self.is_signed


def damaged_rows(name: str) -> list[DamagedRow]:
    """All damages of one row: each as it is, and those that can be told without a digest with a digest made anew."""
    damages = DAMAGES[TABLES[name]]
    told = [how for how in damages if how not in UNTOLD_WITHOUT_DIGEST and TABLES[name] in DIGEST_COLUMNS]
    return [*(DamagedRow(name, how) for how in damages), *(DamagedRow(name, how, is_signed=True) for how in told)]


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
        elif table in ("case_revisions", "settings_versions", "batch_changes", "snapshots", "pictures"):
            database.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608
    database.close()
    with create_engine(f"sqlite:///{bank.ledger}", poolclass=NullPool).begin() as connection:
        rebuild_heads(CheckedConnection(connection, SetAside()))


def _is_fit(name: str, how: str, use: str, got: Any, known: Any) -> bool:
    """What may be answered although it would not be without the row."""
    if name == "encoder fact":  # nothing but the user can tell which encoder it was
        return bool(got == "refused: EncoderMismatch")
    if (how, use) == ("a key that is none", "deliver again"):  # nobody can tell that it was delivered before
        return not str(got).startswith("RAW")
    if use == "deliver again" and TABLES[name] in ("case_revisions", "outcomes"):
        return not str(got).startswith("RAW")  # the attempt's own id, or a named error: never another attempt's
    if how == "another status in its column" and use in ("write again", "feedback"):
        return _is_retired_at_most(_cases_in(got), _cases_in(known))  # the column may be right: it must not come back
    # where the row is missing, a case counts as written after the snapshot; where it is damaged, it is left alone
    return (name, use) == ("earlier revision", "rollback") and not str(got).startswith("RAW")


def _cases_in(answer: Any) -> dict[str, Any]:
    """The export within an answer, whose other parts follow from it; empty where there is none."""
    return next((part for part in answer if isinstance(part, dict)), {}) if isinstance(answer, list) else {}


def _is_retired_at_most(got: dict[str, Any], known: dict[str, Any]) -> bool:
    """Whether the same cases say the same, but one, which is retired."""
    different = [one for one in known if got.get(one) != known[one]]
    return bool(known) and got.keys() == known.keys() and len(different) == 1 and "retired" in str(got[different[0]])


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
    bank: Bank, folder: Path, row: DamagedRow, known: dict[str, dict[str, Any]], groups: Sequence[Uses] = GROUPS
) -> list[str]:
    """The uses of a damaged bank that do not answer as they do without the row, a line each.

    Args:
        bank: which is copied.
        folder: where copies are put; it must be empty.
        row: which row is damaged, and how.
        known: by row and use, what is answered without the row; filled when it is first asked.
        groups: uses; those of a group share a copy of the bank.
    """
    name, how, is_signed = row
    damaged = bank.copy(folder / "damaged")
    damage(damaged.ledger, targets(bank)[name], DAMAGES[TABLES[name]][how], is_signed=is_signed)
    wrong = []
    for number, uses in enumerate(groups):
        if uses[0] not in known.setdefault(name, {}):
            reference = bank.copy(folder / f"reference {number}")
            without(reference, name)
            known[name] |= await asked(reference, uses)
        got = await asked(damaged.copy(folder / str(number)), uses)
        wrong += [
            f"{row.title}, {use}: {first_difference(known[name][use], got[use])}"
            for use in uses
            if got[use] != known[name][use] and not _is_fit(name, how, use, got[use], known[name][use])
        ]
    return wrong
