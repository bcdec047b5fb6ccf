"""A frozen bank on disk and in Postgres, its golden file, and what differs from it."""

import hashlib
import json
import lzma
import math
import sqlite3
import tarfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

RELEASES = Path(__file__).parent / "releases"
BANK = "0.1.0-cd8a8e0-bank"
RELEARNED = RELEASES / f"{BANK}.relearned.json.xz"
_SCHEMA = RELEASES / "schema-1-postgres.sql"
_TABLES = (
    *("case_revisions", "events", "slots", "outcomes", "policy_versions", "vectors", "audit", "batch_changes"),
    *("snapshots", "facts"),
)
"""Of schema 1; what a row refers to comes before it."""

_BUMP = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'offset'), max(\"offset\")) FROM {}")


def golden() -> dict[str, Any]:
    """What the code that made the bank said of it; what `advantage` learns of it is newer, see `releases.relearn`."""
    found: dict[str, Any] = json.loads(lzma.decompress((RELEASES / f"{BANK}.golden.json.xz").read_bytes()))
    for name, of in json.loads(lzma.decompress(RELEARNED.read_bytes())).items():
        found["learned"][name]["effects"] = of["effects"]
        found["learned"][name]["estimates"]["advantage"] = of["estimates"]
        if name in found["readings"]:
            found["readings"][name]["advantage"] = of["readings"]
    return found


@cache
def _archived() -> bytes:
    return lzma.decompress((RELEASES / f"{BANK}.tar.xz").read_bytes())


def unpacked(folder: Path) -> Path:
    """The bank's home."""
    with tarfile.open(fileobj=BytesIO(_archived())) as archive:
        archive.extractall(folder, filter="data")
    return folder / "bank"


def copied(ledger: Path, url: str) -> None:
    """Copy a ledger of schema 1 into an empty schema of Postgres, in the tables that its release made there.

    Args:
        ledger: an SQLite file.
        url: as SQLAlchemy takes it; its search path names the schema.
    """
    with sqlite3.connect(ledger) as source, psycopg.connect(url.replace("+psycopg", "")) as target:
        target.execute(_SCHEMA.read_text().encode())
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608  one of ours
            columns = [name for name, *_ in rows.description]
            flags = [index for index, name in enumerate(columns) if name.startswith("is_")]
            named = (sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
            with target.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(*named)) as copy:
                for row in rows:
                    copy.write_row([bool(value) if index in flags else value for index, value in enumerate(row)])
            if "offset" in columns:
                target.execute(_BUMP.format(sql.Literal(table), sql.Identifier(table)))
    source.close()


def tables_of(url: str) -> dict[str, str]:
    """Each table of a Postgres schema with a hash of its rows."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        ).fetchall()
        rows = {
            name: sorted(map(repr, connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)))))
            for (name,) in names
        }
    return {name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in rows.items()}


def files_of(home: Path) -> dict[str, str]:
    """Each file of a home with a hash of its bytes."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


LEARNED = 1e-6
TRAINED = {"cross_entropy": 5e-3, "parametric": 5e-3, "soft": 5e-3}
"""Tolerance of parts by name: gradients are added up in another order by another kind of processor."""


def differences(expected: Any, actual: Any, *, tolerance: float, place: str = "") -> list[str]:
    """Where two values of JSON differ, one line each; a record may have fields that the expected one lacks.

    Args:
        expected: of the golden file.
        actual: of the code under test.
        tolerance: largest difference of two numbers.
        place: where in the whole these are.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        is_record = bool(expected) and all(str(key).isidentifier() for key in expected)
        keys = expected.keys() if is_record else expected.keys() | actual.keys()
        missing = [f"{place}.{key}: is missing" for key in keys - actual.keys()]
        added = [f"{place}.{key}: is new" for key in keys - expected.keys()]
        found = [
            differences(
                expected[key],
                actual[key],
                tolerance=TRAINED.get(key, tolerance) if tolerance >= LEARNED else tolerance,
                place=f"{place}.{key}",
            )
            for key in expected
            if key in actual
        ]
        return missing + added + [line for lines in found for line in lines]
    if isinstance(expected, list) and isinstance(actual, list):
        length = [] if len(expected) == len(actual) else [f"{place}: {len(expected)} became {len(actual)}"]
        pairs = [(f"{place}[{n}]", *pair) for n, pair in enumerate(zip(expected, actual, strict=False))]
        return length + _all_differences(pairs, tolerance)
    if _is_number(expected) and _is_number(actual):
        is_same = math.isclose(expected, actual, rel_tol=0, abs_tol=tolerance)
    else:
        is_same = type(expected) is type(actual) and expected == actual
    return [] if is_same else [f"{place}: {expected!r} became {actual!r}"]


def _all_differences(pairs: list[tuple[str, Any, Any]], tolerance: float) -> list[str]:
    return [
        line
        for place, expected, actual in pairs
        for line in differences(expected, actual, tolerance=tolerance, place=place)
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
