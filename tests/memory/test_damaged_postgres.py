"""Damaged rows in Postgres, which refuses NULL and what is not UTF-8: all others are set aside as in SQLite."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from memento.memory.case_memory import CaseMemory
from memento.memory.policies.registry import POLICY_NAMES
from tests.hashing_encoder import HashingEncoder
from tests.memories import question, schema, served

pytestmark = [pytest.mark.slow, pytest.mark.allow_blocking("damages rows by hand")]

DAMAGES = {
    ("case_revisions", "body"): "left(body, 40)",
    ("case_revisions", "reward"): "1 - reward",
    ("case_revisions", "version"): "version + 1000000",
    ("events", "body"): "replace(body, 'capital', 'capitol')",
    ("events", "is_degraded"): "NOT is_degraded",
    ("outcomes", "reward"): "'NaN'",
    ("outcomes", "body"): "'null'",
    ("vectors", "vector"): "set_bit(vector, 9, 1 - get_bit(vector, 9))",
    ("vectors", "digest"): "NULL",
    ("audit", "detail"): "detail || 'x'",
}


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with schema(postgres_url) as found:
        yield found


@pytest.mark.parametrize(("table", "column"), DAMAGES)
async def test_the_rest_is_served_learned_from_and_listed(url: str, table: str, column: str) -> None:
    def opened(**changes: Any) -> CaseMemory:
        given = {"encoder": HashingEncoder(dim=16), "seed": 0, "ledger_url": url, **changes}
        return CaseMemory.open(":memory:", **given)

    async with opened() as memory:
        ids = [await memory.write(state=question(n), action=f"plan {n}", reward=float(n % 2)) for n in range(6)]
        reading = await memory.read(question(30), k=3)
        tried = await memory.write(state=question(30), action="tried", reward=1.0, event_id=reading.event_id)
        await memory.lifecycle.quarantine(str(ids[5]), reason="doubtful")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        where = {"case_revisions": "case_id = %s"}.get(table, "%s <> ''")
        if table == "vectors":
            where = "text_hash = (SELECT min(text_hash) FROM vectors) AND %s <> ''"
        change = sql.SQL("UPDATE {} SET {} = " + DAMAGES[table, column] + " WHERE " + where)  # noqa: S608
        done = connection.execute(change.format(sql.Identifier(table), sql.Identifier(column)), (str(ids[2]),))
        assert done.rowcount >= 1
    gone = {ids[2]} if table == "case_revisions" else set()
    for _ in range(2):
        async with opened() as memory:
            for policy in set(POLICY_NAMES) - {"none"}:
                assert await served(memory, question(40), policy=policy) <= {*ids, tried} - gone - {ids[5]}
            assert await served(memory, question(40)) == {*ids, tried} - gone - {ids[5]}
            assert {case.id async for case in memory.views.walk(namespace="default")} == {*ids, tried} - gone
            await memory.effects()
            await memory.offline().rebuild()
            assert await memory.n_outcomes() == (0 if table in ("events", "outcomes") else 1)
            scan = await memory.check_ledger()
            assert {row.table for row in scan.set_aside} == ({table} if table != "vectors" else set())
    async with opened() as memory:
        assert await memory.write(state=question(2), action="plan 2", reward=0.0) == ids[2]
        assert ids[2] in await served(memory, question(40))
