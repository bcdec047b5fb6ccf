"""Brings a ledger to this release's schema, one Alembic revision after the other, in the caller's transaction.

The revisions are the modules of `versions/`, numbered; they are imported, not looked up as files, so that a zipped
package has them too. A ledger says in its `facts` which schema it has (`schema`, the number that
releases until November 2026 looked at) and which release is the first that reads it (`readable_from`).
"""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from sqlalchemy import Connection, inspect, select
from sqlalchemy.schema import CreateIndex, CreateTable

from memento.memory.errors import LedgerTooNew
from memento.memory.ledger import schema
from memento.memory.ledger.migrations import versions

HEAD: Final = 5
"""Number of the newest revision."""

READABLE_FROM: Final = "0.2.0"
"""The first release that reads a ledger of revision `HEAD`."""


def schema_number(connection: Connection) -> int | None:
    """The schema that a ledger has; None for a database without one. Blocks.

    Raises:
        LedgerTooNew: a newer release wrote it.
    """
    if not inspect(connection).has_table(schema.facts.name):
        return None
    found = _fact(connection, "schema")
    if found is None:
        return None
    if not found.isdecimal() or not 1 <= int(found) <= HEAD:
        raise LedgerTooNew(found, HEAD, _fact(connection, "readable_from"))
    return int(found)


def create(connection: Connection) -> None:
    """Create the current schema in a database that has none. Blocks."""
    for statement in _definitions(connection.dialect.name):
        connection.exec_driver_sql(statement)
    _mark(connection, HEAD)


@cache  # what SQLAlchemy takes for them is most of what making a ledger takes
def _definitions(database: str) -> tuple[str, ...]:
    """The statements that create every table and index that is not there, on `sqlite` or `postgresql`."""
    dialect = import_module(f"sqlalchemy.dialects.{database}").dialect()
    wanted = []
    for table in schema.metadata.sorted_tables:
        wanted.append(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda one: str(one.name))
        wanted += [str(CreateIndex(one, if_not_exists=True).compile(dialect=dialect)) for one in indexes]
    return tuple(wanted)


def migrate(connection: Connection, number: int) -> None:
    """Migrate a ledger from schema `number` to the current one. Blocks; all of it is in the caller's transaction.

    Args:
        connection: inside a writing transaction.
        number: what `schema_number` found.
    """
    from alembic.operations import Operations  # imported only where a ledger has to be migrated
    from alembic.runtime.migration import MigrationContext, MigrationStep
    from alembic.script import Script
    from alembic.script.revision import RevisionMap

    revisions = RevisionMap(lambda: [Script(one, one.revision, one.__name__) for one in _modules()])
    _stamp(connection, number)  # ledgers of before had no revisions, but the number

    def steps(_revision: Any, _context: MigrationContext) -> list[Any]:
        newest_first = revisions.iterate_revisions(revision_name(HEAD), revision_name(number))
        scripts = [script for script in newest_first if isinstance(script, Script)]
        return [MigrationStep.upgrade_from_script(revisions, script) for script in reversed(scripts)]

    context = MigrationContext.configure(connection, opts={"fn": steps})
    # Operations are handed over: Alembic's own `op` is one for the whole process, and ledgers open in several threads.
    context.run_migrations(op=Operations(context))
    _mark(connection, HEAD)


def revision_name(number: int) -> str:
    """Alembic's name of a revision."""
    return f"{number:04d}"


def _modules() -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(versions.__path__))
    return [import_module(f"{versions.__name__}.{name}") for name in names]


def _mark(connection: Connection, number: int) -> None:
    for name, value in (("schema", str(number)), ("readable_from", READABLE_FROM)):
        connection.execute(schema.facts.delete().where(schema.facts.c.name == name))
        connection.execute(schema.facts.insert().values(name=name, value=value))
    _stamp(connection, number)


def _stamp(connection: Connection, number: int) -> None:
    schema.alembic_version.create(connection, checkfirst=True)
    connection.execute(schema.alembic_version.delete())
    connection.execute(schema.alembic_version.insert().values(version_num=revision_name(number)))


def _fact(connection: Connection, name: str) -> str | None:
    found: str | None = connection.scalar(select(schema.facts.c.value).where(schema.facts.c.name == name))
    return found
