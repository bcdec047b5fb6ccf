"""Cases that are equally near at the limit of a search: the same ones are found in every process and every order."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.local import LocalEngine
from memento.memory.index.engines.port import BankPoint, Hit, Vector, VectorEngine
from memento.memory.index.engines.server import ServerEngine
from memento.memory.index.exact_search import in_order
from memento.memory.index.tied_hits import N_MORE, nearest_with_ties
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED
from tests.bank_points import DIM, ENCODER, case_id, point, unit
from tests.memories import Place, place
from tests.wire_shim import WireShim

N_TIED = 200


@pytest.fixture(params=["edge", "memory", "server"])
def two_banks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[VectorEngine]]:
    if request.param == "server":
        with WireShim() as shim:
            yield [ServerEngine(shim.url, collection=name, timeout_s=30) for name in "ab"]
    elif request.param == "edge":
        yield [EdgeEngine(tmp_path / name) for name in "ab"]
    else:
        yield [LocalEngine(), LocalEngine()]


@pytest.fixture
async def engines(two_banks: list[VectorEngine]) -> AsyncIterator[list[VectorEngine]]:
    """Two engines, each with a bank of its own."""
    for engine in two_banks:
        await engine.open(dim=DIM, encoder=ENCODER)
    yield two_banks
    for engine in two_banks:
        await engine.close()


def tied() -> list[BankPoint]:
    return [point(number, vector=unit(1)) for number in range(N_TIED)]


def ids(hits: Sequence[Hit], limit: int) -> list[str]:
    return [hit.case_id for hit in in_order(hits)[:limit]]


@pytest.mark.parametrize("limit", [N_SUGGESTED, N_CANDIDATES])
async def test_same_cases_are_found_when_they_were_stored_in_another_order(
    engines: list[VectorEngine], limit: int
) -> None:
    near = [point(number, vector=unit(2)) for number in range(1000, 1010)]
    for engine, points in zip(engines, ([*tied(), *near], [*near, *reversed(tied())]), strict=True):
        for start in range(0, len(points), 30):
            await engine.upsert(points[start : start + 30])
    expected = [case_id(number) for number in (*range(1000, 1010), *range(limit - 10))]
    for engine in engines:
        # Ten are nearer; all others are equally near.
        hits = await nearest_with_ties(engine, unit(2), namespace="a", limit=limit)
        assert ids(hits, limit) == expected
        assert len(hits) == N_TIED + 10


class Counted(LocalEngine):
    """An engine in memory that keeps how many hits each search asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: list[int] = []

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        self.limits.append(limit)
        return await super().search(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)


@pytest.fixture
async def counted() -> AsyncIterator[Counted]:
    engine = Counted()
    await engine.open(dim=DIM, encoder=ENCODER)
    yield engine
    await engine.close()


async def test_one_request_is_enough_when_nothing_is_tied_at_the_limit(counted: Counted) -> None:
    await counted.upsert([point(number) for number in range(300)])
    assert len(await nearest_with_ties(counted, unit(7), namespace="a", limit=64)) == 64 + N_MORE
    assert counted.limits == [64 + N_MORE]


async def test_one_request_is_enough_when_the_bank_has_fewer_cases(counted: Counted) -> None:
    await counted.upsert(tied()[:70])
    assert len(await nearest_with_ties(counted, unit(1), namespace="a", limit=64)) == 70
    assert counted.limits == [64 + N_MORE]


async def test_one_request_is_enough_when_the_tie_ends_before_the_limit(counted: Counted) -> None:
    await counted.upsert([*tied()[:30], *(point(number) for number in range(1000, 1300))])
    await nearest_with_ties(counted, unit(1), namespace="a", limit=64)
    assert counted.limits == [64 + N_MORE]


READS = """
import asyncio, json, sys
from memento.memory.case_memory import CaseMemory
from tests.hashing_encoder import HashingEncoder

async def main():
    async with CaseMemory.open(sys.argv[1], encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        recall = await memory.recall("What is the capital of Peru today?")
        print(json.dumps([one.case_id for one in recall.candidates]))

asyncio.run(main())
"""


@pytest.fixture(params=["folder", "server"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "bank") as found:
        yield found


async def test_candidates_are_the_same_when_the_index_is_rebuilt(bank: Place) -> None:
    async with bank.memory() as memory:
        for number in range(N_TIED):
            await memory.write(state="What is the capital of Peru?", action=f"Look it up, way {number}", reward=1.0)
        first = await memory.recall("What is the capital of Peru today?")
        await memory.bank.rebuild()
        again = await memory.recall("What is the capital of Peru today?")
        views = memory.views
        stored = sorted(await views.active_ids(namespace="default", exclude_question="", former_key=""))
    assert [one.case_id for one in first.candidates] == stored[:N_CANDIDATES]
    assert [one.case_id for one in again.candidates] == stored[:N_CANDIDATES]
    if bank.name == "folder":
        command = [sys.executable, "-c", READS, str(bank.arguments["location"])]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == stored[:N_CANDIDATES]
