"""An index behind the ledger: what it lacks is searched exactly beside it, or the reading is degraded and says so."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, ScoredCase, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.index.breaker import Breaker
from memento.memory.index.case_bank import CaseBank, Search
from memento.memory.index.engines.local import LocalEngine
from memento.memory.index.engines.slot_files import mark_erased
from memento.memory.index.exact_search import N_NEWEST
from memento.memory.index.projection import BATCH
from tests.hashing_encoder import HashingEncoder

ROOT = Path(__file__).parents[2]
QUERY = "Which town lies at the foot of hill number 7 and who founded it ?"


def made(n: int, *, start: int = 0, namespace: str = "default") -> list[Case]:
    """Cases of which the first are the nearest ones to the query."""
    cases = []
    for number in range(start, start + n):
        state = f"{QUERY} note {number}" if number < 8 else f"entry {number} of list {number % 97} about {number % 31}"
        action = f"plan {number}"
        ident = case_id(namespace, state, action)
        cases.append(Case(id=ident, namespace=namespace, state=state, action=action, reward=1.0))
    return cases


def shown(cases: list[ScoredCase]) -> list[tuple[str, float]]:
    return [(scored.case.id, scored.similarity) for scored in cases]


def cosines_of(search: Search) -> list[float]:
    return [hit.similarity for hit in search.hits]


def a_memory(folder: Path, **changes: Any) -> CaseMemory:
    return CaseMemory.open(folder, encoder=HashingEncoder(), policy="similarity", seed=0, **changes)


def an_empty_index(memory: CaseMemory) -> CaseBank:
    """A search index of the memory's ledger as a further process has it: it has not followed anything yet."""
    texts, breaker = memory._storage.texts, Breaker()
    return CaseBank(views=memory.views, engine=LocalEngine(), vectors=texts, deadline_s=30.0, breaker=breaker)


async def test_second_memory_reads_what_the_first_does_when_its_index_starts_empty(tmp_path: Path) -> None:
    """The nearest cases are the newest ones, which an index that follows from the start finds last."""
    async with a_memory(tmp_path) as first:
        await first.keep(made(3 * BATCH, start=8))
        await first.keep(made(8))
        await first.bank.project_all()
        right = await first.read(QUERY, k=4)
        async with a_memory(tmp_path) as second:
            reading = await second.read(QUERY, k=4)
            event = await second.views.event(reading.event_id, namespace="default")
            assert event is not None
            assert event.bank_version == await second.views.newest_offset()
        assert shown(reading.cases) == shown(right.cases)
        assert (reading.is_degraded, reading.notices) == (False, [])


async def test_search_is_complete_when_the_index_lacks_no_more_than_can_be_scanned() -> None:
    async with a_memory(Path(":memory:")) as memory:
        await memory.keep(made(8, start=0))
        await memory.keep(made(BATCH + 600, start=8))
        await memory.bank.project_all()
        vector = await memory._storage.texts.one(QUERY)
        right = await memory.bank.search(vector, namespace="default", limit=64)
        bank = an_empty_index(memory)
        try:
            found = await bank.search(vector, namespace="default", limit=64)
        finally:
            await bank.close()
        assert (found.is_degraded, found.notices) == (False, [])
        assert cosines_of(found) == cosines_of(right)  # of those that are equally near, engines choose
        assert {hit.case_id for hit in found.hits} >= {case.id for case in made(8)}
        assert found.bank_version == right.bank_version


@pytest.mark.slow
async def test_search_is_degraded_and_says_so_until_caught_up_when_the_index_is_far_behind() -> None:
    async with a_memory(Path(":memory:")) as memory:
        await memory.keep(made(BATCH + N_NEWEST + 8, start=8))
        vector = await memory._storage.texts.one(QUERY)
        bank = an_empty_index(memory)
        try:
            found = await bank.search(vector, namespace="default", limit=8)
            assert found.is_degraded
            assert found.bank_version == BATCH
            assert bank.notices == found.notices
            assert "behind the ledger" in found.notices[0]
            await bank.project_all()
            assert bank.notices == []
            after = await bank.search(vector, namespace="default", limit=8)
            right = await memory.bank.search(vector, namespace="default", limit=8)
            assert (after.is_degraded, after.notices, cosines_of(after)) == (False, [], cosines_of(right))
        finally:
            await bank.close()


async def test_another_namespace_is_read_right_when_a_bulk_import_of_one_is_under_way() -> None:
    async with a_memory(Path(":memory:")) as memory:
        await memory.keep(made(BATCH + N_NEWEST + 8, start=8, namespace="bulk"))
        await memory.keep(made(8))
        bank = an_empty_index(memory)
        try:
            vector = await memory._storage.texts.one(QUERY)
            found = await bank.search(vector, namespace="default", limit=8)
        finally:
            await bank.close()
        assert {hit.case_id for hit in found.hits} == {case.id for case in made(8)}
        assert not found.is_degraded


async def test_what_was_retired_is_not_found_and_its_place_is_filled_when_the_index_lags(tmp_path: Path) -> None:
    async with a_memory(tmp_path) as first, a_memory(tmp_path) as second:
        near = made(8)
        await first.keep([*near, *made(60, start=8)])
        assert shown((await second.read(QUERY, k=2)).cases) == shown((await first.read(QUERY, k=2)).cases)
        retired = [scored.case.id for scored in (await first.read(QUERY, k=3)).cases]
        await first.keep(made(BATCH + 20, start=100))
        await first.lifecycle.retire(*retired)
        reading = await second.read(QUERY, k=5)
        assert {scored.case.id for scored in reading.cases} == {case.id for case in near} - set(retired)
        assert not reading.is_degraded


async def test_what_is_written_during_a_rebuild_is_found_at_once(tmp_path: Path) -> None:
    async with a_memory(tmp_path) as memory:
        await memory.keep(made(600, start=8))
        rebuilding = asyncio.create_task(memory.bank.rebuild())
        n_done = 0
        while not rebuilding.done():
            own = await memory.write(state=f"{QUERY} at {n_done}", action="look", reward=1.0)
            reading = await memory.read(f"{QUERY} at {n_done} ?!", k=64)
            nearest = await memory.read(f"{QUERY} at {n_done} too", k=64)
            assert own not in {scored.case.id for scored in reading.cases}  # its own question
            assert own in {scored.case.id for scored in nearest.cases}
            assert not nearest.is_degraded
            n_done += 1
        await rebuilding
        assert n_done


async def test_degraded_reading_never_trains_when_the_index_was_far_behind() -> None:
    async with a_memory(Path(":memory:")) as first:
        await first.keep(made(8))
        recall = await first.recall(QUERY)
        lagging = recall._replace(is_degraded=True, notices=("behind",))
        reading = await first.select(lagging)
        assert (reading.is_degraded, reading.notices) == (True, ["behind"])
        await first.write(state=QUERY, action="a", reward=1.0, event_id=reading.event_id)
        await first.settle()
        assert await first.n_outcomes() == 0


SECOND_PROCESS = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.memory.test_lagging_index import QUERY, a_memory, shown

async def main():
    async with a_memory(Path(sys.argv[2])) as memory:
        for _ in range(2):
            reading = await memory.read(QUERY, k=4)
            print(json.dumps([shown(reading.cases), reading.is_degraded, reading.notices, memory.notices]), flush=True)
            await memory.bank.project_all()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_seed_erased", [False, True])
async def test_second_process_is_right_or_says_that_it_is_not_when_the_bank_is_large(
    tmp_path: Path, is_seed_erased: bool
) -> None:
    """Its index is a copy of the first one's, or, where that may not be copied, follows the ledger from the start."""
    async with a_memory(tmp_path) as memory:
        await memory.keep(made(5_000, start=8))
        await memory.keep(made(8))
        await memory.bank.project_all()
        right = [list(one) for one in shown((await memory.read(QUERY, k=4)).cases)]
        if is_seed_erased:
            (slot,) = await asyncio.to_thread(lambda: list(tmp_path.glob("index-*/slot-0")))
            await asyncio.to_thread(mark_erased, slot)
        command = [sys.executable, "-c", SECOND_PROCESS, str(ROOT), str(tmp_path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        first, second = (json.loads(line) for line in done.stdout.splitlines())
        found, is_degraded, notices, _ = first
        assert is_degraded == bool(notices)
        assert is_degraded or found == right
        assert is_degraded == is_seed_erased
        assert second == [right, False, [], []]
