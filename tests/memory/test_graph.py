"""The approximate index of large namespaces: built aside, exact where it must be, never a case that is gone."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.errors import IndexDamaged
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.port import BankPoint
from memento.memory.index.engines.purging import purge_slots
from tests.bank_points import case_id, in_batches, point

DIM = 48
N = 3_000
GRAPH_FROM = 1_200


def clustered(n: int, seed: int) -> NDArray[np.float32]:
    """Unit rows round shared centres, shape (n, DIM), as sentences of a few subjects have them."""
    centres = np.random.default_rng(0).standard_normal((N // 50, DIM))
    rng = np.random.default_rng(seed)
    rows = centres[rng.integers(len(centres), size=n)] + 0.7 * rng.standard_normal((n, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


ROWS = clustered(N, 1)
QUERIES = clustered(40, 2)
POINTS = [point(number, vector=ROWS[number]) for number in range(N)]


async def opened(bank: Path, graph_from: int = GRAPH_FROM) -> EdgeEngine:
    engine = EdgeEngine(bank, graph_from=graph_from)
    await engine.open(dim=DIM, encoder="toy")
    return engine


async def filled(bank: Path, points: Sequence[BankPoint] = POINTS) -> EdgeEngine:
    engine = await opened(bank)
    await engine.upsert(points)
    await engine.save_position(len(points))
    await engine.settle()
    return engine


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed bank of N points with a graph."""
    bank = tmp_path_factory.mktemp("made") / "bank"

    async def make() -> None:
        await (await filled(bank)).close()

    asyncio.run(make())
    return bank


@pytest.fixture
async def engine(made: Path, tmp_path: Path) -> AsyncIterator[EdgeEngine]:
    await asyncio.to_thread(shutil.copytree, made, tmp_path / "bank")
    engine = await opened(tmp_path / "bank")
    assert graph_of(engine) == 1
    yield engine
    await engine.close()


def graph_of(engine: EdgeEngine) -> int:
    assert engine._index.live is not None
    return engine._index.live.graph


def graphs(bank: Path) -> list[str]:
    return sorted(path.name for path in bank.glob("graph-*"))


def in_shard(engine: EdgeEngine) -> int:
    assert engine._index.live is not None
    return engine._index.live.shard.count()


async def found(engine: EdgeEngine, number: int, *, limit: int = 1, without: str | None = None) -> list[str]:
    hits = await engine.search(ROWS[number], namespace="a", limit=limit, exclude_question=without)
    return [hit.case_id for hit in hits]


async def recall(engine: EdgeEngine, rows: NDArray[np.float32] = ROWS, k: int = 64) -> float:
    shares = []
    for query in QUERIES:
        right = {case_id(int(number)) for number in np.argsort(-(rows @ query))[:k]}
        hits = await engine.search(query, namespace="a", limit=k)
        shares.append(len(right & {hit.case_id for hit in hits}) / k)
    return float(np.mean(shares))


async def test_nearest_are_found_with_their_cosines_and_the_shard_is_small(engine: EdgeEngine) -> None:
    assert in_shard(engine) == 0
    assert (await engine.count(), await engine.position()) == (N, N)
    assert await recall(engine) > 0.98
    hits = await engine.search(QUERIES[0], namespace="a", limit=20)
    rows = [int(hit.case_id.replace("-", ""), 16) - 1 for hit in hits]
    assert [hit.similarity for hit in hits] == pytest.approx(ROWS[rows] @ QUERIES[0], abs=1e-6)
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)


async def test_search_is_exact_below_the_threshold(tmp_path: Path) -> None:
    engine = await filled(tmp_path / "bank", POINTS[: GRAPH_FROM - 1])
    assert graph_of(engine) == 0
    assert await recall(engine, ROWS[: GRAPH_FROM - 1]) == 1.0
    await engine.upsert(POINTS[GRAPH_FROM - 1 : GRAPH_FROM])
    await engine.save_position(GRAPH_FROM)
    await engine.settle()
    assert graph_of(engine) == 1
    await engine.close()


async def test_small_namespace_is_exact_in_a_big_bank(tmp_path: Path) -> None:
    """The nearest of another namespace are far more than the graph is asked for."""
    small = [point(number, namespace="b", vector=ROWS[number]) for number in range(300)]
    big = [point(N + number, vector=ROWS[number]) for number in range(N)]
    engine = await filled(tmp_path / "bank", [*small, *big])
    assert (graph_of(engine), in_shard(engine)) == (1, 300)
    for query in QUERIES:
        hits = await engine.search(query, namespace="b", limit=64)
        assert {hit.case_id for hit in hits} == {
            case_id(int(number)) for number in np.argsort(-(ROWS[:300] @ query))[:64]
        }
    assert await engine.count() == N + 300
    await engine.close()


async def test_changes_count_at_once_when_the_case_is_in_the_graph(engine: EdgeEngine) -> None:
    await engine.upsert([point(7, 2, status="retired", vector=ROWS[7]), point(8, 2, vector=-ROWS[8])])
    assert case_id(7) not in await found(engine, 7, limit=20)
    assert case_id(8) not in await found(engine, 8, limit=20)
    hits = await engine.search(-ROWS[8], namespace="a", limit=1)
    assert hits[0].case_id == case_id(8)
    await engine.upsert([point(7, 1, vector=ROWS[7])])  # an old version comes late
    assert case_id(7) not in await found(engine, 7, limit=20)
    await engine.upsert([point(7, 3, vector=ROWS[7]), point(N, vector=ROWS[9])])
    assert await found(engine, 7) == [case_id(7)]
    assert set(await found(engine, 9, limit=2)) == {case_id(9), case_id(N)}
    assert await engine.count() == N + 1


async def test_own_question_is_left_out_when_its_case_is_in_the_graph(engine: EdgeEngine) -> None:
    assert await found(engine, 3) == [case_id(3)]
    without = await found(engine, 3, limit=64, without="question-3")
    assert len(without) == 64
    assert case_id(3) not in without


async def test_all_that_is_left_is_found_when_nearly_everything_was_retired(engine: EdgeEngine) -> None:
    await engine.upsert([point(number, 2, status="retired", vector=ROWS[number]) for number in range(N - 10)])
    assert set(await found(engine, 0, limit=64)) == {case_id(number) for number in range(N - 10, N)}


@pytest.mark.slow
async def test_graph_grows_and_leaves_out_what_has_changed(engine: EdgeEngine, tmp_path: Path) -> None:
    more = clustered(700, 3)
    await engine.upsert([point(number, 2, status="retired", vector=ROWS[number]) for number in range(50)])
    await engine.upsert([point(N + number, vector=row) for number, row in enumerate(more)])
    await engine.save_position(N + 1000)
    await engine.settle()
    assert (graph_of(engine), in_shard(engine), await engine.count()) == (2, 0, N + 700)
    assert await asyncio.to_thread(graphs, tmp_path / "bank") == ["graph-2"]
    rows = np.concatenate([ROWS, more])
    rows[:50] = 0
    assert await recall(engine, rows) > 0.98
    await engine.upsert([point(number, 2, status="retired", vector=ROWS[number]) for number in range(2000)])
    await engine.save_position(N + 5000)
    await engine.settle()
    assert (graph_of(engine), await engine.count()) == (3, N + 700)
    rows[:2000] = 0
    assert await recall(engine, rows) > 0.98


async def test_stored_graph_is_used_when_opened_again(engine: EdgeEngine, tmp_path: Path) -> None:
    await engine.upsert([point(7, 2, status="retired", vector=ROWS[7])])
    await engine.save_position(N + 1)
    await engine.close()
    again = await opened(tmp_path / "bank")
    assert (graph_of(again), in_shard(again)) == (1, 1)
    assert (await again.count(), await again.position()) == (N, N + 1)
    assert case_id(7) not in await found(again, 7, limit=20)
    assert await recall(again) > 0.98
    await again.close()


async def test_second_engine_shares_the_graph(engine: EdgeEngine, tmp_path: Path) -> None:
    second = await opened(tmp_path / "bank")
    assert (graph_of(second), in_shard(second), await second.count()) == (1, 0, N)
    for query in QUERIES[:5]:
        both = [await one.search(query, namespace="a", limit=64) for one in (engine, second)]
        assert both[0] == both[1]
    await second.close()


@pytest.mark.slow
async def test_engine_with_points_of_its_own_takes_a_graph_that_another_has_built(tmp_path: Path) -> None:
    first, second = await opened(tmp_path / "bank"), await opened(tmp_path / "bank", graph_from=10 * N)
    await second.upsert([*POINTS, point(N, vector=ROWS[0])])
    await first.upsert(POINTS)
    await first.save_position(N)
    await first.settle()
    assert (graph_of(first), graph_of(second)) == (1, 0)
    second._graph_from = GRAPH_FROM
    await second.save_position(N + 1)
    await second.settle()
    assert (graph_of(second), in_shard(second), await second.count()) == (1, 1, N + 1)
    assert await asyncio.to_thread(graphs, tmp_path / "bank") == ["graph-1"]
    await asyncio.gather(first.close(), second.close())


async def test_what_is_written_while_the_graph_is_built_is_kept(tmp_path: Path) -> None:
    engine = await opened(tmp_path / "bank")
    await engine.upsert(POINTS)
    await engine.save_position(N)
    n = 0
    while not graph_of(engine):
        if n < 400:
            await engine.upsert([point(N + n, vector=-ROWS[n]), point(n, 2, status="retired", vector=ROWS[n])])
            n += 1
        await asyncio.sleep(0.01)
    for number in range(n):
        assert (await engine.search(-ROWS[number], namespace="a", limit=1))[0].case_id == case_id(N + number)
        assert case_id(number) not in await found(engine, number, limit=5)
    assert (await engine.count(), n > 0) == (N + n, True)
    await engine.close()


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _gone(path: Path) -> None:
    path.unlink()


def _garbage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * 64)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("graph-0.usearch", _garbage),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in (("graph-0.usearch", _cut), ("vectors.bin", _gone), ("segment.json", _cut))
        ),
    ],
)
async def test_damaged_then_whole_again_when_its_files_are_broken(
    engine: EdgeEngine, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    await engine.close()
    await asyncio.to_thread(damage, tmp_path / "bank" / "graph-1" / name)
    again = EdgeEngine(tmp_path / "bank", graph_from=GRAPH_FROM)
    with pytest.raises(IndexDamaged):
        await again.open(dim=DIM, encoder="toy")
    await again.rebuild(in_batches(POINTS, 256), position=N)
    await again.settle()
    assert (graph_of(again), await again.count()) == (1, N)
    assert await recall(again) > 0.98
    await again.close()


async def test_erased_case_leaves_no_graph(engine: EdgeEngine, tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    with pytest.raises(IndexDamaged, match="erased"):
        await engine.delete([case_id(5)])
    assert await asyncio.to_thread(purge_slots, bank) == 1
    assert await asyncio.to_thread(graphs, bank) == []
    await engine.rebuild(in_batches([*POINTS[:5], *POINTS[6:]], 256), position=N + 1)
    await engine.settle()
    assert (graph_of(engine), await engine.count()) == (1, N - 1)
    assert case_id(5) not in await found(engine, 5, limit=20)


async def test_graph_of_before_an_erasure_is_not_put_in_place(tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    engine = await opened(bank)
    await engine.upsert(POINTS)
    await engine.save_position(N)
    assert await asyncio.to_thread(purge_slots, bank) == 1
    await engine.settle()
    assert (graph_of(engine), await asyncio.to_thread(graphs, bank)) == (0, [])
    await engine.close()


async def test_slot_starts_anew_when_the_graph_it_needs_is_gone(engine: EdgeEngine, tmp_path: Path) -> None:
    await engine.close()
    await asyncio.to_thread(lambda: [path.unlink() for path in (tmp_path / "bank" / "graph-1").iterdir()])
    await asyncio.to_thread((tmp_path / "bank" / "graph-1").rmdir)
    again = await opened(tmp_path / "bank")
    assert (await again.position(), await again.count()) == (0, 0)
    await again.close()
