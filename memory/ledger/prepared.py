"""Statements of the hot paths: compiled once per database, run by the driver itself.

SQLAlchemy builds, caches and wraps every execution, which costs 30 to 140 microseconds where SQLite needs 3 (measured
for a query without rows). These statements are written once as SQLAlchemy expressions, for both databases.
"""

import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import BindParameter, bindparam

from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.schema import kept_text

_PLAIN = frozenset({int, float, bool, bytes, type(None)})
"""Types that databases take as they are."""


class Among(ColumnElement[bool]):
    """Whether a column's value is one of a list, which is one parameter however long it is."""

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        """Make the condition.

        Args:
            column: any column.
            name: of the parameter that gives the list.
        """
        self.column = column
        self.values: BindParameter[Any] = bindparam(name)


@compiles(Among, "sqlite")
def _in_json(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = compiler.process(element.column, **options), compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  both are compiled expressions


@compiles(Among, "postgresql")
def _any_of(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} = ANY({compiler.process(element.values, **options)})"


def unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """A column's value as no index has it, so that one on ids or offsets is used.

    Without statistics SQLite prefers the index on namespaces, and reads all rows of one for the few that ids name.
    """
    return column.concat("")


class Prepared:
    """One statement with named parameters. Texts become what the columns keep; rows come as the driver has them."""

    def __init__(
        self, statement: ClauseElement | Callable[[str], ClauseElement], *, columns: Sequence[str] | None = None
    ) -> None:
        """Take a statement; it is compiled when it is first run on a database of a kind.

        Args:
            statement: a query or an insertion; or a function that makes it for a database, `sqlite` or `postgresql`.
            columns: the columns of an insertion.
        """
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, tuple[str, list[str] | None, dict[str, Any]]] = {}

    def rows(self, connection: CheckedConnection, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run it; all its rows.

        Args:
            connection: where.
            parameters: by name; a list for `Among`.

        Raises:
            Exception: the driver's own, which `Ledger` converts.
        """
        found: list[tuple[Any, ...]] = self._run(connection, parameters).fetchall()
        return found

    def scalar(self, connection: CheckedConnection, **parameters: Any) -> Any:
        """Run it; the first column of the first row, or None."""
        row = self._run(connection, parameters).fetchone()
        return None if row is None else row[0]

    def write(self, connection: CheckedConnection, rows: Sequence[dict[str, Any]]) -> int:
        """Run it once for each of the rows, at least one; how many rows of the table it changed."""
        sql, order, fixed = self._for(connection.sql.dialect)
        cursor = connection.driver.cursor()
        if len(rows) == 1:
            cursor.execute(sql, _given(order, fixed, rows[0]))
        else:
            cursor.executemany(sql, [_given(order, fixed, row) for row in rows])
        return int(cursor.rowcount)

    def _run(self, connection: CheckedConnection, parameters: dict[str, Any]) -> Any:
        sql, order, fixed = self._for(connection.sql.dialect)
        cursor = connection.driver.cursor()
        cursor.execute(sql, _given(order, fixed, parameters))
        return cursor

    def _for(self, dialect: Dialect) -> tuple[str, list[str] | None, dict[str, Any]]:
        known = self._compiled.get(dialect.name)
        if known is None:
            statement = self._statement(dialect.name) if callable(self._statement) else self._statement
            compiled = statement.compile(dialect=dialect, column_keys=self._columns)
            assert isinstance(compiled, SQLCompiler)  # noqa: S101  no DDL here
            order = compiled.positiontup if compiled.positional else None
            known = self._compiled[dialect.name] = (str(compiled), order, dict(compiled.params))
        return known


def inserting(table: Table, database: str) -> Any:
    """SQLAlchemy's insertion for a database, `sqlite` or `postgresql`, whose dialect alone is imported."""
    dialect = import_module(f"sqlalchemy.dialects.{database}")
    return dialect.insert(table)


def insertion(table: Table, *, is_if_new: bool = False) -> Prepared:
    """Prepare the insertion of whole rows, without the offset that the database gives.

    Args:
        table: where to.
        is_if_new: leave a row as it is that has the same key.
    """

    def made(database: str) -> ClauseElement:
        new = inserting(table, database)
        statement: ClauseElement = new.on_conflict_do_nothing() if is_if_new else new
        return statement

    return Prepared(made, columns=[column.name for column in table.c if column.name != "offset"])


def _given(order: list[str] | None, fixed: dict[str, Any], parameters: dict[str, Any]) -> Any:
    if order is None:
        return fixed | {name: _kept(value) for name, value in parameters.items()}
    values = [parameters[name] if name in parameters else fixed[name] for name in order]
    return [value if type(value) in _PLAIN else _listed(_kept(value)) for value in values]


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return kept_text(value)
    return [_kept(one) for one in value] if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    """A list as SQLite takes it."""
    return json.dumps(value) if isinstance(value, list) else value
