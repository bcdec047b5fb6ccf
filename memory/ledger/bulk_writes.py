"""Inserts prepared rows of new cases through the database's own driver, many at a time, in one transaction.

SQLAlchemy takes longer for a row than the database does. What a load adds to the ledger is written here and nowhere
else: case revisions, their vectors, one line of audit.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import func, insert, select

from memento.memory.ledger import schema
from memento.memory.ledger.bulk_rows import CASE_COLUMNS, VECTOR_COLUMNS, InsertRow, PreparedRows
from memento.memory.ledger.row_fields import audit_fields
from memento.memory.ledger.writes import LedgerWriter

_CACHE_KIB: Final = 256 << 10
"""Page cache of SQLite during a load: the pages of the indexes that a transaction touches, which are all over them."""
_USUAL_CACHE_KIB: Final = 2000
_CHECKPOINT_PAGES: Final = 65_536
"""Pages of the write-ahead log before they are copied back: those of the indexes are written many times in between."""
_USUAL_CHECKPOINT_PAGES: Final = 1000


class LoadedRows(NamedTuple):
    """What one transaction of a load has added."""

    new: list[int] | None
    """Places of the new cases among the rows given; None when all of them were new."""
    n_new: int
    after: int
    """Newest ledger offset before them."""
    until: int
    """Newest ledger offset with them."""


def insert_cases(writer: LedgerWriter, rows: PreparedRows, *, namespace: str, source: str) -> LoadedRows:
    """Insert the cases that are not there yet, with their vectors; those that are there are left unchanged.

    Args:
        writer: the transaction.
        rows: of one namespace.
        namespace: the same.
        source: where they come from, for the audit line.
    """
    newest = select(func.max(schema.case_revisions.c.offset))
    after = writer.scalar(newest) or 0
    insert_all = _insert_postgres if writer.sql.dialect.name == "postgresql" else _insert_sqlite
    n_new = insert_all(writer, rows)
    until = writer.scalar(newest) or 0
    new = None if n_new == len(rows.cases) else _places(writer, rows.cases, namespace, after)
    if n_new:
        detail = f"{source}, {len(rows.cases)} given"
        writer.execute(insert(schema.audit).values(audit_fields(namespace, "import", f"{n_new} cases", detail)))
    return LoadedRows(new, n_new, after, until)


def expect_load(writer: LedgerWriter, *, is_ending: bool = False) -> None:
    """Give SQLite more memory for a load, or restore its usual memory; a server has settings of its own."""
    if writer.sql.dialect.name == "sqlite":
        cache, pages = (_USUAL_CACHE_KIB, _USUAL_CHECKPOINT_PAGES) if is_ending else (_CACHE_KIB, _CHECKPOINT_PAGES)
        writer.sql.exec_driver_sql(f"PRAGMA cache_size=-{cache}")
        writer.sql.exec_driver_sql(f"PRAGMA wal_autocheckpoint={pages}")


def _insert_sqlite(writer: LedgerWriter, rows: PreparedRows) -> int:
    driver: Any = writer.sql.connection.driver_connection
    added: int = driver.executemany(_SQLITE_CASES, rows.cases).rowcount
    driver.executemany(_SQLITE_VECTORS, sorted(rows.vectors))  # neighbours share pages of the index
    return added


def _insert_postgres(writer: LedgerWriter, rows: PreparedRows) -> int:
    driver: Any = writer.sql.connection.driver_connection
    with driver.cursor() as cursor:
        for make, copy, given in (
            (_POSTGRES_CASES, _COPY_CASES, ((n, *row) for n, row in enumerate(rows.cases))),
            (_POSTGRES_VECTORS, _COPY_VECTORS, rows.vectors),
        ):
            cursor.execute(make)
            with cursor.copy(copy) as lines:
                for row in given:
                    lines.write_row(row)
        cursor.execute(_ADD_CASES)
        added: int = cursor.rowcount
        cursor.execute(_ADD_VECTORS)
    return added


def _places(writer: LedgerWriter, cases: Sequence[InsertRow], namespace: str, after: int) -> list[int]:
    """Places of the cases that have just been added; of a case that is given twice, the first."""
    revisions = schema.case_revisions.c
    query = select(revisions.case_id).where(revisions.offset > after, revisions.namespace == namespace)
    added, places = set(writer.scalars(query)), list[int]()
    for place, row in enumerate(cases):
        if row[0] in added:
            added.remove(row[0])
            places.append(place)
    return places


def _listed(columns: Sequence[str], before: str = "") -> str:
    return ", ".join(f"{before}{name}" for name in columns)


_CASES: Final = _listed(CASE_COLUMNS)
_VECTORS: Final = _listed(VECTOR_COLUMNS)
# Ids are of one namespace each. A case is there when any revision of it is: an erased one has no first version.
_KNOWN: Final = "SELECT 1 FROM case_revisions WHERE case_id ="

_SQLITE_CASES: Final = (
    f"INSERT INTO case_revisions ({_CASES}) SELECT {', '.join(f'?{n + 1}' for n in range(len(CASE_COLUMNS)))} "
    f"WHERE NOT EXISTS ({_KNOWN} ?1)"
)
_SQLITE_VECTORS: Final = (
    f"INSERT INTO vectors ({_VECTORS}) VALUES ({', '.join('?' * len(VECTOR_COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608  names of columns
)
_POSTGRES_CASES: Final = (
    f"CREATE TEMP TABLE loaded_cases ON COMMIT DROP AS SELECT 0::bigint AS place, {_CASES} FROM case_revisions "  # noqa: S608  names of columns
    "WITH NO DATA"
)
_POSTGRES_VECTORS: Final = (
    f"CREATE TEMP TABLE loaded_vectors ON COMMIT DROP AS SELECT {_VECTORS} FROM vectors WITH NO DATA"  # noqa: S608  names of columns
)
_COPY_CASES: Final = f"COPY loaded_cases (place, {_CASES}) FROM STDIN"
_COPY_VECTORS: Final = f"COPY loaded_vectors ({_VECTORS}) FROM STDIN"
_ADD_CASES: Final = (
    f"INSERT INTO case_revisions ({_CASES}) SELECT {_CASES} FROM (SELECT DISTINCT ON (case_id) * FROM loaded_cases "  # noqa: S608  names of columns
    f"ORDER BY case_id, place) AS given WHERE NOT EXISTS ({_KNOWN} given.case_id) ORDER BY place"
)
_ADD_VECTORS: Final = f"INSERT INTO vectors ({_VECTORS}) SELECT {_VECTORS} FROM loaded_vectors ON CONFLICT DO NOTHING"  # noqa: S608  names of columns
