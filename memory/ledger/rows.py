"""The only place where stored rows become records: checksum, upcasting, validation, comparison with the columns.

A row that does not pass is set aside: whoever asked gets the others, and nothing wrong is believed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Column, ColumnElement, Connection, Executable, Integer, String, Table, cast, exists

from memento.memory.case import ERASED, Case
from memento.memory.event import Outcome, RetrievalEvent
from memento.memory.index.engines.port import Vector
from memento.memory.ledger import schema
from memento.memory.ledger.bodies import decode_body
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.ledger.schema import kept_text
from memento.memory.ledger.set_aside import DamagedRow, SetAside
from memento.memory.pictures import CasePicture, picture_of

T = TypeVar("T")

_NORM_TOLERANCE = 1e-2


class Unreadable(Exception):
    """A row fails its checks; the message says why."""


class RowKind(Generic[T]):
    """A kind of row: its table, and how its columns become a record."""

    def __init__(self, table: Table, key: Sequence[str], parse: Callable[[Mapping[str, Any]], T]) -> None:
        """Describe it.

        Args:
            table: where the rows are.
            key: names of the columns that name a row.
            parse: makes the record of a row's columns; raises `ValueError` where they are not one.
        """
        self.table = table
        self.columns: tuple[Column[Any], ...] = tuple(table.c)
        """What a query selects, in this order."""
        self._names = [column.name for column in self.columns]
        self._key_at = [self._names.index(name) for name in key]
        self._parse = parse
        self._covered = DIGEST_COLUMNS[table.name]
        self._covered_at = [self._names.index(name) for name in self._covered]
        self._digest_at = self._names.index("digest")

    def signed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Columns to insert: the fields and their digest."""
        fields = {name: kept_text(value) if isinstance(value, str) else value for name, value in fields.items()}
        return {**fields, "digest": row_digest(self.table.name, [fields[name] for name in self._covered])}

    def parsed(self, row: Sequence[Any]) -> T:
        """Check a row and parse its record.

        Raises:
            Unreadable: it does not match its digest, or is not a valid record.
        """
        for value in row:
            if isinstance(value, str) and not value.isascii() and not is_utf8(value):
                raise Unreadable("it is not UTF-8")
        try:
            expected = row_digest(self.table.name, [row[at] for at in self._covered_at])
        except (TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"its columns cannot be read: {type(error).__name__}") from error
        if row[self._digest_at] != expected:
            raise Unreadable("it does not match its checksum")
        try:
            return self._parse(dict(zip(self._names, row, strict=True)))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:  # pydantic's is a ValueError
            raise Unreadable(f"it is not a valid record: {_brief(error)}") from error

    def passes(self, row: Sequence[Any]) -> bool:
        """Whether a row can be believed."""
        try:
            self.parsed(row)
        except Unreadable:
            return False
        return True

    def key(self, row: Sequence[Any]) -> str:
        """What names a row in the list of those that are set aside."""
        return "/".join(str(row[at]) for at in self._key_at)

    def damaged(self, row: Sequence[Any], reason: str) -> DamagedRow:
        """The entry of a row that is set aside."""
        namespace = row[self._names.index("namespace")] if "namespace" in self._names else None
        return DamagedRow(
            self.table.name, self.key(row), _shown(namespace) if isinstance(namespace, str) else "", reason
        )


def _case(row: Mapping[str, Any]) -> Case:
    case = decode_body(Case, row["body"])
    if case.status == "erased":
        if (case.state, case.action) != (ERASED, ERASED):
            raise ValueError("its status is erased, but its texts are not")
    elif case.id != case.own_id:
        raise ValueError("its id is not that of its namespace, state, action, key and kind")
    said = {"case_id": case.id, "version": case.version, "namespace": case.namespace}
    _same(row, **said, status=case.status, reward=case.reward, kind=case.kind)
    return case


def _event(row: Mapping[str, Any]) -> RetrievalEvent:
    event = decode_body(RetrievalEvent, row["body"])
    _same(row, event_id=event.id, namespace=event.namespace, is_degraded=event.is_degraded)
    return event


def _outcome(row: Mapping[str, Any]) -> Outcome:
    outcome = decode_body(Outcome, row["body"])
    _same(row, key=outcome.key, event_id=outcome.event_id, namespace=outcome.namespace, reward=outcome.reward)
    return outcome


def _vector(row: Mapping[str, Any]) -> Vector:
    vector = np.frombuffer(row["vector"], np.float32)
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(norm) or (norm and abs(norm - 1) > _NORM_TOLERANCE):  # a text without words may be all zeros
        raise ValueError(f"its length is {norm:.3g} instead of 1")
    return vector


def _picture(row: Mapping[str, Any]) -> CasePicture:
    picture = picture_of(row["content"]) if isinstance(row["content"], bytes) else None
    if picture is None:
        raise ValueError("it holds no bytes")
    _same(row, picture_hash=picture.hash, media_type=picture.media_type)
    return picture


def _fields(table: Table) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Parses rows that have no body: each column is of its own type."""
    types = {one.name: int if isinstance(one.type, Integer) else str for one in table.c if one.name != "digest"}

    def parse(row: Mapping[str, Any]) -> dict[str, Any]:
        if odd := [name for name, kind in types.items() if type(row[name]) is not kind]:
            raise ValueError(f"of another type: {', '.join(odd)}")
        return {name: row[name] for name in types}

    return parse


CASES = RowKind(schema.case_revisions, ["offset"], _case)
EVENTS = RowKind(schema.events, ["offset"], _event)
OUTCOMES = RowKind(schema.outcomes, ["offset"], _outcome)
VECTORS = RowKind(schema.vectors, ["text_hash", "encoder"], _vector)
PICTURES = RowKind(schema.pictures, ["picture_hash", "namespace"], _picture)
AUDIT = RowKind(schema.audit, ["offset"], _fields(schema.audit))
BATCH_CHANGES = RowKind(schema.batch_changes, ["audit_offset"], _fields(schema.batch_changes))
SNAPSHOTS = RowKind(schema.snapshots, ["offset"], _fields(schema.snapshots))
KINDS: tuple[RowKind[Any], ...] = (CASES, EVENTS, OUTCOMES, VECTORS, PICTURES, AUDIT, BATCH_CHANGES, SNAPSHOTS)
"""Every kind of row whose record is the ledger's own; settings versions are learning's."""


class Found(NamedTuple, Generic[T]):
    """A row found by a query, with its record."""

    row: tuple[Any, ...]
    record: T | None
    """None when the row is set aside."""


class CheckedConnection:
    """A database connection whose rows come out checked."""

    def __init__(self, connection: Connection, set_aside: SetAside) -> None:
        """Wrap a connection.

        Args:
            connection: SQLAlchemy's.
            set_aside: where rows that do not pass are noted.
        """
        self.sql = connection
        self.set_aside = set_aside

    @property
    def driver(self) -> Any:
        """The driver's own connection, in the same transaction."""
        return self.sql.connection.driver_connection

    def execute(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> Any:
        """Run a statement, once for each of the rows if there are any; SQLAlchemy's result."""
        return self.sql.execute(statement, rows)

    def scalar(self, statement: Executable) -> Any:
        """First column of the first row, or None."""
        return self.sql.scalar(statement)

    def scalars(self, statement: Executable) -> Sequence[Any]:
        """First column of every row."""
        return self.sql.scalars(statement).all()

    def checked(self, kind: RowKind[T], row: Sequence[Any]) -> T | None:
        """The record of a row; None when it is set aside."""
        try:
            return kind.parsed(row)
        except Unreadable as error:
            self.set_aside.note(kind.damaged(row, str(error)))
            return None

    def found(self, kind: RowKind[T], query: Executable) -> list[Found[T]]:
        """Every row of a query for `kind.columns`."""
        return self.found_in(kind, self.execute(query).all())

    def found_in(self, kind: RowKind[T], rows: Sequence[Sequence[Any]]) -> list[Found[T]]:
        """Rows of `kind.columns`, with their records."""
        return [Found(tuple(row), self.checked(kind, row)) for row in rows]

    def records(self, kind: RowKind[T], query: Executable) -> list[T]:
        """The records of a query for `kind.columns`, without those that are set aside."""
        return [one.record for one in self.found(kind, query) if one.record is not None]

    def records_in(self, kind: RowKind[T], rows: Sequence[Sequence[Any]]) -> list[T]:
        """The records of rows of `kind.columns`, without those that are set aside."""
        return [record for row in rows if (record := self.checked(kind, row)) is not None]

    def first(self, kind: RowKind[T], query: Executable) -> T | None:
        """The record of the first row that is not set aside, or None."""
        return next(iter(self.records(kind, query)), None)


def is_set_aside(table: Table) -> ColumnElement[bool]:
    """Whether a row of a table with offsets is known to be damaged: figures leave it out."""
    listed = schema.set_aside.c
    return exists().where(listed.table_name == table.name, listed.row_key == cast(table.c.offset, String))


def _same(row: Mapping[str, Any], **said: Any) -> None:
    different = [name for name, value in said.items() if row[name] != value]
    if different:
        raise ValueError(f"its columns differ from its body: {', '.join(different)}")


def is_utf8(text: str) -> bool:
    """Whether a text can be encoded: bytes that are not UTF-8 are read as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: Any) -> str:
    return str(value).encode("ascii", "backslashreplace").decode()[:60]


def _brief(error: Exception) -> str:
    """Short reason without content of the row, because operators see it."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON at column {error.colno}"
    return "not UTF-8" if isinstance(error, UnicodeError) else " ".join(str(error).split())[:200]
