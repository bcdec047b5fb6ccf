"""Checked cases are kept in memory, and never served once the feed has something newer."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from memento.memory.case import Case
from memento.memory.case import case_id as id_of
from memento.memory.case_memory import CaseMemory
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.newest_cases import NewestCases
from memento.memory.ledger.reads import LedgerViews


def a_case(number: int, **fields: object) -> Case:
    state, action = f"state {number}", "action"
    values = {"id": id_of("n", state, action), "namespace": "n", "state": state, "action": action, "reward": 1.0}
    return Case.model_validate(values | fields)


CASES = [a_case(number) for number in range(20)]
IDS = [case.id for case in CASES]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        await opened.transact(lambda writer: writer.append_revisions(CASES))
        yield opened


async def found(ledger: Ledger, cases: NewestCases, ids: list[str], namespace: str = "n") -> dict[str, Case]:
    return await ledger.query(lambda connection: cases.find(connection, ids, namespace=namespace))


async def test_a_newer_revision_is_seen_whoever_writes_it(ledger: Ledger, tmp_path: Path) -> None:
    cases = NewestCases()
    assert await found(ledger, cases, IDS) == {case.id: case for case in CASES}
    assert cases.in_memory(IDS, namespace="n") is not None
    await ledger.transact(lambda writer: writer.append_revisions([a_case(1, version=2, reward=0.25)]))
    assert (await found(ledger, cases, IDS))[IDS[1]].reward == 0.25
    async with Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as other:
        await other.transact(lambda writer: writer.append_revisions([a_case(2, version=2, status="retired")]))
    assert (await found(ledger, cases, IDS))[IDS[2]].status == "retired"


async def test_what_has_changed_since_is_told(ledger: Ledger) -> None:
    cases = NewestCases()
    await found(ledger, cases, IDS)
    known = cases.in_memory(IDS, namespace="n")
    assert known is not None
    await ledger.transact(lambda writer: writer.append_revisions([a_case(3, version=2, reward=0.5)]))
    for ids, is_changed in ((IDS[:3], False), (IDS[:4], True)):
        is_told = await ledger.query(
            lambda connection, ids=ids: cases.changed_since(connection, ids, known[1])  # type: ignore[misc]
        )
        assert is_told is is_changed
    assert cases.in_memory(IDS, namespace="n") is None, "what has changed is no longer kept"


async def test_a_namespace_sees_its_own_only(ledger: Ledger) -> None:
    cases = NewestCases()
    await found(ledger, cases, IDS)
    assert await found(ledger, cases, IDS, "m") == {}
    assert cases.in_memory(IDS, namespace="m") == ({}, len(CASES))


async def test_no_more_than_the_limit_is_kept(ledger: Ledger) -> None:
    cases = NewestCases(limit=5)
    assert len(await found(ledger, cases, IDS)) == len(CASES)
    assert sum(cases.in_memory([case_id], namespace="n") is not None for case_id in IDS) == 5
    assert await found(ledger, cases, IDS) == {case.id: case for case in CASES}


async def test_no_more_text_than_the_limit_is_kept_whatever_comes_goes_and_comes_again(ledger: Ledger) -> None:
    a_text = len(CASES[0].state) + len(CASES[0].action)
    cases = NewestCases(max_chars=6 * a_text)

    def n_kept() -> int:
        return sum(cases.in_memory([case_id], namespace="n") is not None for case_id in IDS)

    for version in range(2, 6):
        assert len(await found(ledger, cases, IDS[:10])) == 10
        assert n_kept() == 6
        changed = [a_case(number, version=version) for number in range(10)]
        await ledger.transact(lambda writer, changed=changed: writer.append_revisions(changed))  # type: ignore[misc]
    long = a_case(0, version=9, lesson="x" * 7 * a_text)
    await ledger.transact(lambda writer: writer.append_revisions([long]))
    assert await found(ledger, cases, [long.id]) == {long.id: long}
    assert n_kept() == 0
    assert len(await found(ledger, cases, IDS[1:9])) == 8
    assert n_kept() == 6


async def test_many_changes_at_once_are_followed(ledger: Ledger) -> None:
    cases = NewestCases()
    await found(ledger, cases, IDS)
    many = [a_case(number, version=2, reward=0.75) for number in range(1_500)]
    await ledger.transact(lambda writer: writer.append_revisions(many))
    assert {case.reward for case in (await found(ledger, cases, IDS)).values()} == {0.75}


@pytest.mark.allow_blocking("the database is written to from outside")
async def test_a_damaged_case_is_never_kept(ledger: Ledger, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database, database:
        database.execute("UPDATE case_revisions SET body = replace(body, 'state 4', 'stale 4')")
    views = LedgerViews(ledger)
    for _ in range(2):
        assert len(await views.cases(IDS, namespace="n")) == len(CASES) - 1
    assert views.newest.in_memory(IDS[4:5], namespace="n") is None


async def test_a_selection_sees_a_case_that_was_retired_after_recall(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, policy="similarity", seed=0) as memory:
        for number in range(6):
            await memory.write(state=f"question {number}", action="a", reward=1.0)
        first = await memory.read("question ten", k=6)
        recall = await memory.recall("question eleven")
        gone = first.cases[0].case.id
        async with CaseMemory.open(tmp_path, policy="similarity", seed=0) as other:
            await other.lifecycle.retire(gone)
        assert memory.views.newest.in_memory([gone], namespace="default") is not None, "late, until it asks"
        reading = await memory.select(recall, k=6)
        assert gone not in {scored.case.id for scored in reading.cases}
        assert len(reading.cases) == 5
