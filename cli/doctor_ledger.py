"""The checks of `memento doctor` on the ledger's rows: its schema, and damaged rows, which are set aside."""

from collections.abc import AsyncIterator

from memento.cli.doctor_finding import Finding
from memento.graph.app import Application
from memento.memory.errors import MementoError
from memento.memory.ledger.migrations import HEAD, READABLE_FROM
from memento.memory.ledger.set_aside import DamagedRow

_WHAT = "damaged row"
_FIX = (
    "damaged rows are left out and nothing else is affected; a damaged case comes back when it is lived through again. "
    "To have the rows themselves back, restore a backup of the ledger, then run memento doctor --ledger; rows that a "
    "newer release wrote are read after pip install -U memento-langgraph"
)


async def list_damaged_rows(app: Application) -> AsyncIterator[Finding]:
    """List the ledger's schema, and the damaged rows that readers have set aside."""
    try:
        memory = await app.memory()
        damaged = await memory.set_aside()
    except MementoError:
        return  # the check of the ledger says why
    yield Finding("ledger schema", "ok", f"{HEAD}, which memento-langgraph {READABLE_FROM} and later read")
    for row in damaged:
        yield _finding(row)


async def check_every_row(app: Application) -> AsyncIterator[Finding]:
    """List damaged rows after a full scan, which also finds damage in rows that were never read."""
    try:
        scan = await (await app.memory()).check_ledger()
    except MementoError as error:
        yield Finding("ledger rows", "bad", f"they could not be checked: {error}", "see what is said of the ledger")
        return
    yield Finding("ledger schema", "ok", f"{HEAD}, which memento-langgraph {READABLE_FROM} and later read")
    counts = ", ".join(f"{n_rows} of {table}" for table, n_rows in scan.n_rows.items())
    yield Finding("ledger rows", "ok", f"{sum(scan.n_rows.values())} checked: {counts}")
    if scan.cleared:
        names = ", ".join(f"{row.table} {row.key}" for row in scan.cleared)
        yield Finding("ledger rows", "ok", f"used again, because they pass their checks now or are gone: {names}")
    if scan.repaired:
        yield Finding("ledger rows", "ok", f"slots written anew from the records of events: {', '.join(scan.repaired)}")
    for row in scan.set_aside:
        yield _finding(row)


def _finding(row: DamagedRow) -> Finding:
    of = f" of namespace {row.namespace!r}" if row.namespace else ""
    return Finding(_WHAT, "note", f"{row.table} {row.key}{of}: {row.reason}", _FIX)
