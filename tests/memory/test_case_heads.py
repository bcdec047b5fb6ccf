"""Heads and counts are always those of the rows they are made from, whatever has written those."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from memento.memory.case import Case, CaseKind, case_id, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.ledger.case_draws import draw_heads, n_heads_until
from memento.memory.ledger.case_heads import heads_differ, rebuild_heads
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.namespace_counts import WHOLE_LEDGER, counted, counts_of, drop_counts
from memento.memory.ledger.rows import CheckedConnection
from tests.ledgers import ledger, url

__all__ = ["ledger", "url"]  # fixtures


NAMES = ("default", "other", WHOLE_LEDGER)


def a_case(
    number: int,
    *,
    namespace: str = "n",
    version: int = 1,
    reward: float = 1.0,
    status: str = "active",
    kind: CaseKind = "plan",
) -> Case:
    state, action = f"state {number}", "action"
    identity = case_id(namespace, state, action, kind=kind)
    return Case(
        id=identity,
        namespace=namespace,
        state=state,
        action=action,
        version=version,
        reward=reward,
        status=status,
        kind=kind,
    )


def check(connection: CheckedConnection) -> None:
    """Heads are those of the revisions; counts that are kept are what counting gives."""
    assert not heads_differ(connection)
    for name in NAMES:
        kept = counts_of(connection, name)
        if kept is not None:
            assert kept._replace(ordinals=0) == counted(connection, name)._replace(ordinals=0), name
            assert kept.ordinals >= counted(connection, name).ordinals


async def test_heads_and_counts_follow_whatever_is_written(tmp_path: Path) -> None:
    chance = random.Random(0)
    async with CaseMemory.open(tmp_path, policy="similarity", seed=0) as memory:
        events = []
        for number in range(40):
            namespace = chance.choice(["default", "other"])
            reading = await memory.read(f"question {number % 7}", namespace=namespace)
            reward = chance.choice([0.0, 0.3, 0.5, 1.0, None])
            await memory.write(
                state=f"question {number % 7}",
                action=f"plan {number}",
                reward=reward,
                event_id=reading.event_id,
                namespace=namespace,
                confidence=chance.choice([0.2, 1.0]),
            )
            events.append((reading.event_id, namespace))
            if chance.random() < 0.4:
                event_id, of = chance.choice(events)
                await memory.feedback(event_id, chance.choice([0.0, 1.0, None]), namespace=of)
        await memory._storage.ledger.query(check)
        ids = [case.id async for case in memory.views.walk(namespace="default")]
        await memory.lifecycle.retire(*ids[:2], reason="test")
        await memory._storage.ledger.query(check)
        done = await memory.lifecycle.retire(*ids[2:4], reason="test")
        await memory.lifecycle.undo(done.batch_id)
        await memory._storage.ledger.query(check)
        before = await memory.views.counts(namespace="default")
        await memory.lifecycle.erase(cases=ids[4:6])
        await memory._storage.ledger.query(check)
        after = await memory.views.counts(namespace="default")
        assert (after.cases, after.events) == (before.cases - 2, before.events)
        await memory.write_all([])
        await memory._storage.ledger.transact(drop_counts)
        assert await memory.views.counts(namespace="default") == after
        newest = await memory.views.newest_offset()
        for offset in (0, 1, newest // 2, newest):
            n = await memory._storage.ledger.query(lambda connection, offset=offset: n_heads_until(connection, offset))  # type: ignore[misc]
            assert n <= await memory.views.n_readable_cases_until(offset)


async def test_lost_heads_are_made_again(ledger: Ledger) -> None:
    await ledger.transact(lambda writer: writer.append_revisions([a_case(number) for number in range(30)]))
    await ledger.transact(lambda writer: writer.append_revisions([a_case(3, version=2, status="retired")]))

    def lose(connection: CheckedConnection) -> None:
        connection.sql.exec_driver_sql("DELETE FROM case_heads WHERE ordinal > 10")

    await ledger.transact(lose)
    assert await ledger.query(heads_differ)
    await ledger.transact(rebuild_heads)
    assert not await ledger.query(heads_differ)
    counts = await ledger.query(lambda connection: counted(connection, "n"))
    assert (counts.heads, counts.cases, counts.active, counts.ordinals) == (30, 29, 29, 30)


@pytest.mark.parametrize("n_cases", [300, 2_600])
async def test_draws_are_uniform_over_what_may_be_served(ledger: Ledger, n_cases: int) -> None:
    cases = [a_case(number, status="retired" if number % 3 == 0 else "active") for number in range(n_cases)]
    cases += [a_case(number, namespace="m") for number in range(50)]
    cases += [a_case(number, kind="step") for number in range(50)]
    await ledger.transact(lambda writer: writer.append_revisions(cases))
    mine = {case.id for case in cases if case.namespace == "n" and case.status == "active" and case.kind == "plan"}
    own = set(sorted(mine)[:40])
    rng, drawn = np.random.default_rng(0), Counter[str]()
    for _ in range(200):
        ids, size = await ledger.query(lambda connection: draw_heads(connection, 64, namespace="n", own=own, rng=rng))
        assert size == len(mine) - len(own)
        assert len(set(ids)) == 64
        drawn.update(ids)
    assert set(drawn) <= mine - own
    expected = 200 * 64 / size
    chi2 = sum((drawn[one] - expected) ** 2 / expected for one in mine - own)
    assert chi2 < size + 4 * (2 * size) ** 0.5  # four standard deviations of a chi-square


async def test_a_draw_leaves_out_the_question_that_asks(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, policy="random", seed=0) as memory:
        for number in range(6):
            await memory.write(state="Which way?" if number % 2 else f"other {number}", action=f"a{number}", reward=1.0)
        ids, size = await memory.views.draw(
            64,
            namespace="default",
            exclude_question=question_hash("which way"),
            former_key="",
            rng=np.random.default_rng(0),
        )
        assert len(ids) == size == 3
        reading = await memory.read("Which way", k=8)
        assert {scored.case.state for scored in reading.cases} == {"other 0", "other 2", "other 4"}
