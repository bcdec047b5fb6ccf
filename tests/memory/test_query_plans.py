"""No everyday statement reads a whole table, or all rows of a namespace: SQLite itself says how it finds them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from memento.memory.case_memory import CaseMemory

pytestmark = pytest.mark.allow_blocking("statements are explained on a connection of the test's own")

GROWING = ("case_revisions", "case_heads", "events", "slots", "outcomes", "vectors", "audit", "batch_changes")
NAMES = "|".join((*GROWING, "new", "later", "earlier"))
WHOLE = re.compile(rf"^SCAN (?:{NAMES})\b|^SEARCH (?:{NAMES}) USING .*\(namespace=\?\)$")
"""A scan of a table that grows, or a search by the namespace alone."""

LISTS = re.compile(r'ORDER BY (?:case_heads\.case_id|case_revisions\."offset"( DESC)?)(?:$|\s+LIMIT)|count\(')
"""What asks for all or for a page of a namespace, in order: an export, a draw from a small bank, counting anew."""


@pytest.fixture
def statements() -> Iterator[set[str]]:
    """Every statement that any connection runs, with its values."""
    found: set[str] = set()

    def watch(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(found.add)

    event.listen(Pool, "connect", watch)
    yield found
    event.remove(Pool, "connect", watch)


async def lived(memory: CaseMemory) -> None:
    ids = []
    for number in range(12):
        reading = await memory.read(f"question {number}", k=2)
        ids.append(await memory.write(state=f"question {number}", action="a", reward=1.0, event_id=reading.event_id))
        await memory.feedback(reading.event_id, float(number % 2))
    first = await memory.read("the same run")
    again = await memory.read("the same run, later", follows=first.event_id)
    await memory.write(state="the same run", action="b", reward=0.5, event_id=again.event_id)
    await memory.settle()
    done = await memory.lifecycle.retire(*[one for one in ids[:2] if one])
    assert done.batch_id is not None
    await memory.lifecycle.undo(done.batch_id)
    assert ids[3] is not None
    await memory.views.usage(ids[3], namespace="default")
    await memory.views.cases([one for one in ids if one], namespace="default")
    await memory.views.erased_among([one for one in ids if one], namespace="default")
    await memory.views.counts(namespace="default")


async def test_what_is_asked_every_day_is_found_by_an_index(tmp_path: Path, statements: set[str]) -> None:
    async with CaseMemory.open(tmp_path, policy="advantage", seed=0) as memory:
        await lived(memory)
    async with CaseMemory.open(tmp_path, policy="similarity", seed=0) as memory:
        await memory.read("question of another process", k=2)
    asked = {one for one in statements if re.match(r"(SELECT|INSERT|UPDATE|DELETE)\b", one)}
    assert len(asked) > 100, "the statements were watched"
    slow = {}
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database:
        for statement in asked:
            plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}")]
            if (whole := [step for step in plan if WHOLE.search(step)]) and not LISTS.search(statement):
                slow[re.sub(r"'[^']*'", "?", statement)[:300]] = whole
    assert not slow, "\n".join(f"{statement}\n    {steps}" for statement, steps in slow.items())


def test_a_plan_that_reads_all_is_told() -> None:
    assert WHOLE.search("SCAN events USING COVERING INDEX ix_events_namespace")
    assert WHOLE.search("SEARCH case_revisions USING INDEX case_revisions_namespace (namespace=?)")
    assert not WHOLE.search("SEARCH case_revisions USING INDEX case_revisions_namespace (namespace=? AND offset>?)")
    assert not WHOLE.search("SEARCH events USING INTEGER PRIMARY KEY (rowid>?)")
