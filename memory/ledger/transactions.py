"""Runs queries and transactions on an engine: lock, savepoints, what every transaction ends with, errors by name."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, func, select

from memento.memory.ledger import migrations, schema
from memento.memory.ledger.case_heads import feed_ends, follow
from memento.memory.ledger.connections import DATABASE_ERRORS, ledger_error
from memento.memory.ledger.group_commit import StepResult, TransactionStep, in_savepoint
from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.set_aside import SetAside
from memento.memory.ledger.writes import LedgerWriter

_LOG = logging.getLogger(__name__)
_WRITERS_LOCK = 0x6D656D656E746F  # "memento": the key of Postgres' advisory lock

T = TypeVar("T")


def transacted(engine: Engine, steps: Sequence[TransactionStep], *, set_aside: SetAside) -> list[StepResult]:
    """Run steps in one transaction and commit it; damaged rows that were met are recorded in it. Blocks.

    Raises:
        LedgerUnavailable: none of it was kept.
        Exception: what the only step raised.
    """
    with _writing(engine) as connection:
        writer = LedgerWriter(connection, set_aside)
        began = feed_ends(writer)
        results = [_answered(connection, step, set_aside, is_alone=len(steps) == 1) for step in steps]
        recorded = writer.record_set_aside()
        follow(writer, began)
    set_aside.recorded(recorded)
    return results


def queried(engine: Engine, look: Callable[[CheckedConnection], T], *, set_aside: SetAside) -> T:
    """Run queries on one connection. Blocks.

    Raises:
        LedgerUnavailable: the database does not answer.
    """
    with _named_errors(engine, "read"), engine.connect() as connection:
        return look(CheckedConnection(connection, set_aside))


def set_up(engine: Engine) -> None:
    """Create or migrate the schema, unless another process has done so. Blocks.

    Raises:
        LedgerTooNew: a newer release wrote the ledger.
        LedgerUnavailable: it cannot be written.
    """
    with _writing(engine) as connection:
        number = migrations.schema_number(connection)
        if number is None:
            migrations.create(connection)
        elif number != migrations.HEAD:
            _LOG.info("migrating the ledger from schema %d to %d", number, migrations.HEAD)
            migrations.migrate(connection, number)


def compacted(engine: Engine) -> bool:
    """Write the database's files anew; False when another connection keeps the write-ahead log. Blocks.

    SQLite: VACUUM, then the log is emptied. Postgres: VACUUM FULL of every table.
    """
    automatic = engine.execution_options(isolation_level="AUTOCOMMIT")
    with _named_errors(engine, "compacted"), automatic.connect() as connection:
        if connection.dialect.name == "postgresql":
            for table in schema.metadata.sorted_tables:
                connection.exec_driver_sql(f'VACUUM FULL "{table.name}"')
            return True
        connection.exec_driver_sql("VACUUM")
        return connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar() == 0


@contextlib.contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with _named_errors(engine, "written"), engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_LOCK)))
        yield connection


def _answered(connection: Connection, step: TransactionStep, set_aside: SetAside, *, is_alone: bool) -> StepResult:
    answer = in_savepoint(LedgerWriter(connection, set_aside), step, is_alone=is_alone)
    if isinstance(answer.error, _errors(connection.engine)):
        return StepResult(error=ledger_error("written", answer.error))
    return answer


@contextlib.contextmanager
def _named_errors(engine: Engine, verb: str) -> Iterator[None]:
    try:
        yield
    except _errors(engine) as error:
        raise ledger_error(verb, error) from error


def _errors(engine: Engine) -> tuple[type[Exception], ...]:
    """What SQLAlchemy raises, and the driver, which prepared statements call themselves."""
    driver = engine.dialect.loaded_dbapi
    return (*DATABASE_ERRORS, driver.Error)
