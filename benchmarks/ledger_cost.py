"""What a transaction of the ledger costs: `python -m benchmarks.ledger_cost`.

The same six statements in one transaction of an SQLite file (WAL, synchronous=FULL): by the ledger's synchronous step
in a thread of its own, and by SQLAlchemy's async driver (aiosqlite), which goes to its thread and back for each of
them. Both take turns in rounds, so that both see the same machine.

Per transaction: the processor's time of the whole process and the wall's; the ratio is of the two in one round.
"""

import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Executable, event, insert, select

from benchmarks.busy import busy_cores
from benchmarks.results import Figure, argument_parser, measured, report
from memento.memory.ledger import schema
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.writes import LedgerWriter

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

N_WARM = 50
BODY = json.dumps({"state": "What is the capital of Peru?", "action": "Look it up. " * 20, "reward": 1.0})

Transact = Callable[[], Awaitable[None]]


class Cost(NamedTuple):
    """Milliseconds of one transaction."""

    cpu_ms: float
    wall_ms: float


def six_statements() -> list[tuple[Executable, dict[str, Any] | None]]:
    """Two look-ups and four appends, as a write of a case with its event makes them; new ids every time."""
    event_id, case_id = str(uuid.uuid4()), str(uuid.uuid4())
    cases, events = schema.case_revisions, schema.events
    case = {"case_id": case_id, "version": 1, "namespace": "default", "status": "active", "reward": 1.0, "body": BODY}
    slot = {"slot": 0, "case_id": case_id, "similarity": 0.5, "score": 0.5, "propensity": 1.0, "is_randomised": False}
    note = {"at": "2026-11-28T00:00:00Z", "namespace": "default", "verb": "write", "subject": case_id, "detail": ""}
    return [
        (select(events.c.body).where(events.c.event_id == event_id), None),
        (select(cases.c.version, cases.c.body).where(cases.c.case_id == case_id), None),
        (insert(events), {"event_id": event_id, "namespace": "default", "is_degraded": False, "body": BODY}),
        (insert(schema.slots), {"event_id": event_id, **slot}),
        (insert(cases), {**case, "question": "q", "state_hash": "s", "event_id": event_id}),
        (insert(schema.audit), note),
    ]


def by_ledger(ledger: Ledger) -> Transact:
    """The ledger's own way: all of it is one step in its thread."""

    def step(writer: LedgerWriter) -> None:
        for statement, values in six_statements():
            result = writer.execute(statement, values) if values else writer.execute(statement)
            if result.returns_rows:
                result.all()

    return lambda: ledger.transact(step)


def by_async_driver(engine: "AsyncEngine") -> Transact:
    """The async driver's way: each statement is awaited."""

    async def transact() -> None:
        async with engine.begin() as connection:
            for statement, values in six_statements():
                result = await (connection.execute(statement, values) if values else connection.execute(statement))
                if result.returns_rows:
                    result.all()

    return transact


def async_engine(file: Path) -> "AsyncEngine":
    """An async engine with the ledger's settings: WAL, synchronous=FULL, a writer takes its lock at once.

    Raises:
        SystemExit: a package is missing.
    """
    try:
        from sqlalchemy.ext.asyncio import create_async_engine
    except ImportError as error:
        raise SystemExit("the async driver needs greenlet: pip install -r benchmarks/requirements-peers.txt") from error
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")

    @event.listens_for(engine.sync_engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for setting in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def timed(transact: Transact, n: int) -> Cost:
    """Mean cost of `n` transactions, one after the other."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(n):
        await transact()
    return Cost(1000 * (time.process_time() - cpu) / n, 1000 * (time.perf_counter() - wall) / n)


async def run(n_rounds: int, n: int, folder: Path, *, is_busy: bool) -> list[Figure]:
    """Measure both in alternating rounds."""
    rounds: dict[str, list[Cost]] = {"ledger": [], "async driver": []}
    async with (
        Ledger(f"sqlite:///{folder / 'ledger.sqlite'}") as ledger,
        Ledger(f"sqlite:///{folder / 'async.sqlite'}"),
    ):
        engine = async_engine(folder / "async.sqlite")  # the second ledger has made its tables
        both = {"ledger": by_ledger(ledger), "async driver": by_async_driver(engine)}
        for transact in both.values():
            await timed(transact, N_WARM)
        with busy_cores(is_wanted=is_busy):
            for number in range(n_rounds):
                for name in sorted(both, reverse=bool(number % 2)):
                    rounds[name].append(await timed(both[name], n))
        await engine.dispose()
    figures = []
    for part, name in {"cpu_ms": "CPU", "wall_ms": "wall"}.items():
        for one, costs in rounds.items():
            values = [getattr(cost, part) for cost in costs]
            figures.append(measured(f"transaction by the {one}, {name}", values, "ms", of="rounds", is_busy=is_busy))
        ratios = [getattr(one, part) / getattr(other, part) for one, other in zip(*rounds.values(), strict=True)]
        what = f"transaction of six statements by the ledger over SQLAlchemy's async driver, {name}"
        figures.append(measured(what, ratios, "times", of="rounds", is_busy=is_busy, is_shown=True))
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--transactions", type=int, default=300, help="of each in one round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = run(options.rounds, options.transactions, Path(folder), is_busy=options.busy)
        figures = asyncio.run(work)
    sys.exit(report("ledger_cost", figures, options))


if __name__ == "__main__":
    main()
