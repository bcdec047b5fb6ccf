"""A small bank in one SQLite file, and ways to damage one row of it: what test_damaged_rows.py puts together."""

import base64
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memento.memory.case_memory import CaseMemory
from memento.memory.image_encoder import sample_image
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.settings_versions import SettingsVersion
from tests.hashing_encoder import HashingEncoder
from tests.memories import question

N_CASES, N_EVENTS = 8, 6
SNAPSHOT = "a good moment"
_OFFSET_OF = {"vectors": "rowid", "batch_changes": "audit_offset", "slots": "rowid", "facts": "rowid"}


def opened(ledger: Path, **changes: Any) -> CaseMemory:
    """A memory over a ledger file, without an index or weights on disk."""
    given = {"encoder": HashingEncoder(dim=16), "policy": "advantage", "seed": 0, **changes}
    return CaseMemory.open(":memory:", ledger_url=f"sqlite:///{ledger}", **given)


@dataclass(frozen=True)
class Bank:
    """A ledger file and what is in it."""

    ledger: Path
    cases: list[str]
    """Ids of those that `filled` wrote: the first is retired, the second in quarantine."""
    events: list[str]
    """Ids; the last one has no outcome yet."""
    batch: str
    """In which the second case was put into quarantine."""

    def copy(self, folder: Path) -> "Bank":
        """The same bank in another file; blocks."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.ledger, folder / "ledger.sqlite")
        return Bank(folder / "ledger.sqlite", self.cases, self.events, self.batch)


async def made(ledger: Path) -> Bank:
    """Write the bank; each kind of row is there."""
    async with opened(ledger) as memory:
        written = [
            await memory.write(
                state=question(number), action=f"plan {number}", reward=float(number % 2), lesson=f"lesson {number}"
            )
            for number in range(N_CASES)
        ]
        cases = [case_id for case_id in written if case_id is not None]
        events = []
        for number in range(N_EVENTS):
            reading = await memory.read(question(20 + number), k=3)
            events.append(reading.event_id)
            if number < N_EVENTS - 1:
                fields = {"state": question(20 + number), "action": f"tried {number}", "reward": float(number % 3 > 0)}
                await memory.write(**fields, lesson=f"learned {number}", event_id=reading.event_id)
                await memory.settle()
        await memory.feedback(events[2], 0.25)
        await memory.settle()
        await memory.lifecycle.retire(cases[0], reason="outdated")
        await memory.lifecycle.snapshot(SNAPSHOT)
        done = await memory.lifecycle.quarantine(cases[1], reason="doubtful")
        version = SettingsVersion(namespace="default", estimator="kernel", settings={"precision": 0.5}, reason="test")
        await memory._storage.ledger.transact(lambda writer: memory.versions.append(writer, version))
        await memory.write(
            state=question(40), action="elsewhere", reward=1.0, namespace="other", picture=sample_image()
        )
    assert done.batch_id is not None
    with sqlite3.connect(ledger) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")
        without_constraints(database)
    database.close()
    return Bank(ledger, cases, events, done.batch_id)


def without_constraints(database: sqlite3.Connection) -> None:
    """So that NULL can be put where none may be: as a damaged page would."""
    database.execute("PRAGMA writable_schema=ON")
    database.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table'")
    database.execute("PRAGMA writable_schema=OFF")


Target = tuple[str, str]
"""A table, and SQL that finds one row of it."""


def targets(bank: Bank) -> dict[str, Target]:
    """The rows that are damaged, by name."""
    newest = '"offset" = (SELECT max("offset") FROM {} WHERE {})'
    served = f"case_id = '{bank.cases[3]}'"
    from_run = f"event_id = '{bank.events[1]}'"
    return {
        "case": ("case_revisions", newest.format("case_revisions", served)),
        "case of a run": ("case_revisions", newest.format("case_revisions", from_run)),
        "earlier revision": ("case_revisions", f"case_id = '{bank.cases[1]}' AND version = 1"),
        "event": ("events", from_run),
        "open event": ("events", f"event_id = '{bank.events[-1]}'"),
        "outcome": ("outcomes", from_run),
        "corrected outcome": ("outcomes", f"key = '{bank.events[2]}:write'"),
        "correction": ("outcomes", f"event_id = '{bank.events[2]}' AND key LIKE '%:feedback:%'"),
        "settings": ("settings_versions", "1"),
        "vector": ("vectors", f"text_hash = (SELECT state_hash FROM case_revisions WHERE {served})"),  # noqa: S608
        "picture": ("pictures", "1"),
        "audit": ("audit", "verb = 'quarantine'"),
        "batch change": ("batch_changes", f"batch_id = '{bank.batch}'"),
        "snapshot": ("snapshots", "1"),
        "slot": ("slots", f"{from_run} AND slot = 0"),
        "encoder fact": ("facts", "name = 'encoder'"),
        "id fact": ("facts", "name = 'id'"),
    }


Damage = Callable[[dict[str, Any]], None]
"""Changes the columns of a row."""


def _body(change: Callable[[str], Any]) -> Damage:
    def damage(row: dict[str, Any]) -> None:
        row["body"] = change(row["body"])

    return damage


def _field(name: str, value: Any) -> Damage:
    def damage(row: dict[str, Any]) -> None:
        fields = json.loads(row["body"])
        fields[name] = value
        row["body"] = json.dumps(fields)

    return damage


def _column(name: str, value: Any) -> Damage:
    def damage(row: dict[str, Any]) -> None:
        row[name] = value(row[name]) if callable(value) else value

    return damage


def _letter(text: str) -> str:
    """The last letter of a text, one bit away."""
    at = max(at for at, letter in enumerate(text) if letter.isalnum())
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def _number(change: Callable[[np.ndarray[Any, Any]], None]) -> Damage:
    def damage(row: dict[str, Any]) -> None:
        vector = np.frombuffer(row["vector"], np.float32).copy()
        change(vector)
        row["vector"] = vector.tobytes()

    return damage


def _sign(vector: np.ndarray[Any, Any]) -> None:
    vector[np.abs(vector).argmax()] *= -1


def _exponent(vector: np.ndarray[Any, Any]) -> None:
    vector.view(np.uint32)[int(np.abs(vector).argmax())] ^= 1 << 23


def _last_bit(vector: np.ndarray[Any, Any]) -> None:
    vector.view(np.uint32)[0] ^= 1


def _nan(vector: np.ndarray[Any, Any]) -> None:
    vector[1] = np.nan


_BODY: dict[str, Damage] = {
    "not JSON": _body(lambda body: body[:-9]),
    "empty": _body(lambda _: ""),
    "another JSON": _body(lambda _: "[1, 2]"),
    "nested too deeply": _body(lambda _: "[" * 100_000),
    "not UTF-8": _body(lambda body: body.encode()[:-2] + b"\xff\xfe}"),
    "NUL": _body(lambda body: body[:20] + "\0" + body[21:]),
    "a changed letter in its body": _body(_letter),
    "no body": _body(lambda _: None),
    "a number as body": _body(lambda _: 7),
    "a huge number in its body": _field("schema", 10**400),
    "a text as schema": _field("schema", "two"),
}
_REWARD: dict[str, Damage] = {
    "reward 8.0": lambda row: (_field("reward", 8.0)(row), _column("reward", 8.0)(row))[0],
    "NaN": lambda row: (_field("reward", float("nan"))(row), _column("reward", 0.5)(row))[0],
    "another reward in its column": _column("reward", lambda value: 1.0 - value),
    "a text as reward": _column("reward", "much"),
    "bytes as reward": _column("reward", b"\xff\x00"),
    "a huge reward": _column("reward", 2**62),
    "an infinite reward": _column("reward", float("inf")),
}
_TEXTS: dict[str, Damage] = {
    "not UTF-8 in its namespace": _column("namespace", lambda value: value.encode() + b"\xff"),
}
DAMAGES: Mapping[str, Mapping[str, Damage]] = {
    "case_revisions": {
        **_BODY,
        **_REWARD,
        **_TEXTS,
        "an unknown status": lambda row: (_field("status", "sleeping")(row), _column("status", "sleeping")(row))[0],
        "another status in its column": _column("status", lambda value: "retired" if value == "active" else "active"),
        "a changed letter in its state": lambda row: _field("state", _letter(json.loads(row["body"])["state"]))(row),
        "a text as version": _column("version", "one"),
        "a huge version": _column("version", 2**62),
        "no status": _column("status", None),
    },
    "events": {
        **_BODY,
        **_TEXTS,
        "propensity 0": lambda row: _field(
            "slots", [{**slot, "propensity": 0.0} for slot in json.loads(row["body"])["slots"]]
        )(row),
        "NaN": lambda row: _field(
            "slots", [{**slot, "similarity": float("nan")} for slot in json.loads(row["body"])["slots"]]
        )(row),
        "a text as flag": _column("is_degraded", "perhaps"),
        "another flag in its column": _column("is_degraded", 1),
        "a flag of 2": _column("is_degraded", 2),
        "no flag": _column("is_degraded", None),
    },
    "outcomes": {
        **_BODY,
        **_REWARD,
        **_TEXTS,
        "no reward in its column": _column("reward", None),
        "a key that is none": _column("key", b"\xff\xff"),
    },
    "settings_versions": {
        **_BODY,
        **_TEXTS,
        "another setting": _field("settings", {"precision": 9.0}),
        "NaN": _field("settings", {"precision": float("nan")}),
        "a text as setting": _field("settings", {"precision": "wide"}),
        "another verdict": _column("verdict", "refused"),
        "an unknown verdict": _column("verdict", "perhaps"),
    },
    "vectors": {
        "another sign": _number(_sign),
        "an exponent bit": _number(_exponent),
        "its last bit": _number(_last_bit),
        "NaN": _number(_nan),
        "infinity": _number(lambda vector: vector.__setitem__(0, np.inf)),
        "all zeros": _number(lambda vector: vector.fill(0.0)),
        "half of it": _column("vector", lambda value: value[: len(value) // 2]),
        "an odd number of bytes": _column("vector", lambda value: value[:-1]),
        "nothing": _column("vector", b""),
        "NULL": _column("vector", None),
        "a text": _column("vector", "a vector"),
        "a number": _column("vector", 7),
    },
    "pictures": {
        "a bit of the picture": _column("content", lambda value: value[:-1] + bytes([value[-1] ^ 1])),
        "half of it": _column("content", lambda value: value[: len(value) // 2]),
        "another type": _column("media_type", "image/jpeg"),
        "NULL": _column("content", None),
        "a picture as text": _column("content", lambda value: base64.b64encode(value).decode()),
        **_TEXTS,
    },
    "audit": {
        "another verb": _column("verb", "forget"),
        "a changed letter": _column("detail", _letter),
        "not UTF-8": _column("detail", b"\xff\xfe"),
        "NULL": _column("detail", None),
        "a number": _column("subject", 7),
        **_TEXTS,
    },
    "batch_changes": {
        "another version": _column("version_before", 7),
        "a huge version": _column("version_before", 2**62),
        "a text as version": _column("version_after", "two"),
        "NULL": _column("version_before", None),
        "a changed letter": _column("case_id", _letter),
        "not UTF-8": _column("case_id", b"\xff\xfe"),
    },
    "snapshots": {
        "another offset": _column("revision_offset", 1),
        "a huge offset": _column("revision_offset", 2**62),
        "a text as offset": _column("revision_offset", "first"),
        "NULL": _column("revision_offset", None),
        "not UTF-8": _column("at", b"\xff\xfe"),
    },
    "slots": {
        "another case": _column("case_id", _letter),
        "not UTF-8": _column("case_id", b"\xff\xfe"),
        "NaN": _column("propensity", float("nan")),
        "a text as number": _column("similarity", "near"),
        "a text as flag": _column("is_randomised", "perhaps"),
        "NULL": _column("propensity", None),
    },
    "facts": {
        "a changed letter": _column("value", _letter),
        "not UTF-8": _column("value", b"\xff\xfe"),
        "NULL": _column("value", None),
        "a number": _column("value", 7),
    },
}
"""What is done to a row, by its table."""

UNTOLD_WITHOUT_DIGEST = frozenset(
    {
        *("a changed letter in its body", "another setting", "its last bit", "another sign", "another verdict"),
        *("another verb", "a changed letter", "another version", "another offset", "a huge offset", "all zeros"),
        *("another flag in its column", "a huge number in its body", "a huge version", "a number"),
    }
)
"""What only a digest tells, and not in a row whose digest was made of what it said after the damage."""


def damage(ledger: Path, target: Target, change: Damage, *, is_signed: bool = False) -> None:
    """Change one row of a ledger that is closed; blocks.

    Args:
        ledger: its file.
        target: which row.
        change: how.
        is_signed: its digest is made anew, as the migration does with what was damaged before.
    """
    table, where = target
    with sqlite3.connect(ledger) as database:
        database.row_factory = sqlite3.Row
        (found,) = database.execute(f"SELECT rowid AS row_key, * FROM {table} WHERE {where}").fetchall()  # noqa: S608
        row = dict(found)
        key = row.pop("row_key")
        change(row)
        if is_signed and table in DIGEST_COLUMNS:
            row["digest"] = row_digest(table, [row[name] for name in DIGEST_COLUMNS[table]])
        row.pop("offset", None)
        given = [*row.values(), key]
        texts = {"body", "namespace", "key", "detail", "case_id", "at", "value"}
        places = ", ".join(
            f'"{name}" = {"CAST(? AS TEXT)" if name in texts and isinstance(value, bytes) else "?"}'
            for name, value in row.items()
        )
        database.execute(f"UPDATE {table} SET {places} WHERE rowid = ?", given)  # noqa: S608
    database.close()
