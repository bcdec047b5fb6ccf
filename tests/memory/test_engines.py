"""One contract, every engine: in process on disk, in memory, a server's wire, and a real server where there is one."""

import asyncio
import os
import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from memento.memory.errors import EngineRejected, EngineUnavailable
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.local import LocalEngine
from memento.memory.index.engines.port import BankPoint, VectorEngine
from memento.memory.index.engines.server import ServerEngine
from tests.bank_points import DIM, ENCODER, by_cosine, case_id, in_batches, point, unit
from tests.wire_shim import WireShim

Factory = Callable[[], VectorEngine]
KEPT_ON_CLOSE = ("edge", "wire shim", "real server")


@pytest.fixture(params=["edge", "memory", "wire shim", pytest.param("real server", marks=pytest.mark.live)])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Factory]:
    """Makes engines that all see the same bank."""
    if request.param == "edge":
        yield lambda: EdgeEngine(tmp_path / "bank")
    elif request.param == "memory":
        yield LocalEngine
    elif request.param == "wire shim":
        with WireShim() as shim:
            yield lambda: ServerEngine(shim.url, timeout_s=30)
    else:
        yield from _on_real_server()


def _on_real_server() -> Iterator[Factory]:
    url = os.environ.get("QDRANT_URL")
    if not url:
        pytest.skip("QDRANT_URL is not set: a real Qdrant server is needed")
    prefix = f"memento_test_{uuid.uuid4().hex[:8]}"
    key = os.environ.get("QDRANT_API_KEY")
    yield lambda: ServerEngine(url, api_key=key, collection=prefix, timeout_s=10)
    client = QdrantClient(url=url, api_key=key, check_compatibility=False)
    for found in client.get_collections().collections:
        if found.name.startswith(prefix):
            client.delete_collection(found.name)
    client.close()


@pytest.fixture
async def engine(factory: Factory) -> AsyncIterator[VectorEngine]:
    engine = factory()
    await engine.open(dim=DIM, encoder=ENCODER)
    yield engine
    await engine.close()


async def found(engine: VectorEngine, *, namespace: str = "a", without: str | None = None) -> set[str]:
    hits = await engine.search(unit(1), namespace=namespace, limit=100, exclude_question=without)
    return {hit.case_id for hit in hits}


async def test_empty_and_at_zero_when_new(engine: VectorEngine) -> None:
    assert (await engine.count(), await engine.position(), await found(engine)) == (0, 0, set())


async def test_cases_come_by_descending_cosine_when_searched(engine: VectorEngine) -> None:
    points = [point(number) for number in range(40)]
    await engine.upsert(points)
    hits = await engine.search(unit(7), namespace="a", limit=10)
    exact = by_cosine(unit(7), points)[:10]
    assert [hit.case_id for hit in hits] == [name for name, _ in exact]
    assert [hit.similarity for hit in hits] == pytest.approx([cosine for _, cosine in exact], abs=1e-5)


async def test_only_own_cases_found_when_namespaces_share_a_bank(engine: VectorEngine) -> None:
    await engine.upsert([point(number, namespace="ab"[number % 2]) for number in range(6)])
    assert await found(engine, namespace="a") == {case_id(0), case_id(2), case_id(4)}
    assert await found(engine, namespace="b") == {case_id(1), case_id(3), case_id(5)}
    assert await found(engine, namespace="c") == set()
    assert await engine.count() == 6


@pytest.mark.parametrize("n_own", [1, 5, 300])
async def test_own_question_left_out_when_excluded(engine: VectorEngine, n_own: int) -> None:
    own = [point(number, question="mine") for number in range(n_own)]
    await engine.upsert([*own, *(point(number) for number in range(1000, 1010))])
    hits = await engine.search(own[0].vector, namespace="a", limit=10, exclude_question="mine")
    assert {hit.case_id for hit in hits} == {case_id(number) for number in range(1000, 1010)}
    assert (await engine.search(own[0].vector, namespace="a", limit=1))[0].case_id == own[0].case_id


async def test_only_active_cases_found_when_status_changes(engine: VectorEngine) -> None:
    await engine.upsert([point(0), point(1, status="quarantined"), point(2, status="retired")])
    assert await found(engine) == {case_id(0)}
    await engine.upsert([point(0, 2, status="retired"), point(1, 2)])
    assert await found(engine) == {case_id(1)}
    assert await engine.count() == 3


@pytest.mark.parametrize("seed", range(3))
async def test_highest_version_wins_when_deliveries_are_shuffled_and_repeated(engine: VectorEngine, seed: int) -> None:
    chance = random.Random(seed)
    last = {number: chance.randint(1, 5) for number in range(12)}
    deliveries = [point(number, version) for number in last for version in range(1, last[number] + 1)] * 3
    chance.shuffle(deliveries)
    batches = [deliveries[start : start + 7] for start in range(0, len(deliveries), 7)]
    for start in range(0, len(batches), 4):
        await asyncio.gather(*(engine.upsert(batch) for batch in batches[start : start + 4]))
    assert await engine.count() == len(last)
    for number, version in last.items():
        best = (await engine.search(point(number, version).vector, namespace="a", limit=1))[0]
        assert (best.case_id, best.similarity) == (case_id(number), pytest.approx(1.0, abs=1e-5))


async def test_nothing_changes_when_an_old_version_comes_late(engine: VectorEngine) -> None:
    await engine.upsert([point(0, 3, status="retired")])
    await engine.upsert([point(0, 1), point(0, 2)])
    assert await found(engine) == set()


async def test_position_survives_when_reopened(
    factory: Factory, engine: VectorEngine, request: pytest.FixtureRequest
) -> None:
    if not any(f"[{kept}" in request.node.name for kept in KEPT_ON_CLOSE):
        pytest.skip("the in-memory engine forgets everything by design")
    await engine.upsert([point(number) for number in range(9)])
    await engine.save_position(41)
    await engine.save_position(40)
    await engine.close()
    again = factory()
    await again.open(dim=DIM, encoder=ENCODER)
    assert (await again.position(), await again.count(), len(await found(again))) == (41, 9, 9)
    await again.close()


async def test_starts_empty_when_the_encoder_is_another(factory: Factory, engine: VectorEngine) -> None:
    await engine.upsert([point(0)])
    await engine.save_position(5)
    await engine.close()
    other = factory()
    await other.open(dim=DIM, encoder="toy/encoder@2")
    assert (await other.position(), await other.count()) == (0, 0)
    await other.close()


async def test_nothing_lost_when_opened_twice(engine: VectorEngine) -> None:
    await engine.upsert([point(0)])
    await engine.open(dim=DIM, encoder=ENCODER)
    assert await found(engine) == {case_id(0)}


async def test_bank_is_what_the_batches_held_when_rebuilt(engine: VectorEngine) -> None:
    await engine.upsert([point(number) for number in range(20)])
    await engine.save_position(20)
    await engine.rebuild(in_batches([point(number, 2) for number in range(30, 50)]), position=17)
    assert await found(engine) == {case_id(number) for number in range(30, 50)}
    assert (await engine.position(), await engine.count()) == (17, 20)


async def test_searcher_sees_no_error_and_no_gap_when_the_bank_is_rebuilt(engine: VectorEngine) -> None:
    points = [point(number) for number in range(60)]
    await engine.upsert(points)
    done = asyncio.Event()

    async def searcher() -> list[int]:
        sizes = []
        while not done.is_set():
            sizes.append(len(await found(engine)))
        return sizes

    searching = asyncio.create_task(searcher())
    for position in (60, 61):
        await engine.rebuild(in_batches(points), position=position)
    done.set()
    sizes = await searching
    assert set(sizes) == {60}
    assert len(sizes) > 3


async def test_write_is_kept_when_it_comes_during_a_rebuild(engine: VectorEngine) -> None:
    async def batches() -> AsyncIterator[Sequence[BankPoint]]:
        yield [point(0)]
        await engine.upsert([point(1)])
        yield [point(2)]

    await engine.rebuild(batches(), position=1)
    assert await found(engine) == {case_id(0), case_id(1), case_id(2)}


async def test_old_bank_serves_on_when_a_rebuild_fails(engine: VectorEngine) -> None:
    await engine.upsert([point(0)])
    await engine.save_position(3)

    async def batches() -> AsyncIterator[Sequence[BankPoint]]:
        yield [point(1)]
        raise LookupError("the ledger went away")

    with pytest.raises(LookupError):
        await engine.rebuild(batches(), position=9)
    assert (await found(engine), await engine.position()) == ({case_id(0)}, 3)
    await engine.rebuild(in_batches([point(2)]), position=9)
    assert (await found(engine), await engine.position()) == ({case_id(2)}, 9)


async def test_unavailable_when_used_after_close(engine: VectorEngine) -> None:
    await engine.close()
    await engine.close()
    for use in (engine.count, engine.position, lambda: engine.upsert([point(0)]), lambda: found(engine)):
        with pytest.raises(EngineUnavailable, match="not open"):
            await use()


async def test_rejected_when_the_vector_has_the_wrong_length(engine: VectorEngine) -> None:
    with pytest.raises(EngineRejected):
        await engine.upsert([point(0, vector=unit(1)[:5])])
    with pytest.raises(EngineRejected):
        await engine.upsert([point(0, case_id="no uuid")])
    await engine.upsert([point(0)])
    with pytest.raises(EngineRejected):
        await engine.search(unit(1)[:5], namespace="a", limit=3)
