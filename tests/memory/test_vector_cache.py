"""Cached vectors of small namespaces: the answers of the shard, whatever is written; bounded, and never stale."""

import asyncio
import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as edge

from memento.memory.errors import EngineError, EngineUnavailable, IndexDamaged
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.shard import Shard
from memento.memory.index.engines.vector_cache import FROM_SEARCH, VectorCache
from memento.memory.index.exact_search import in_order
from tests.bank_points import DIM, ENCODER, by_cosine, case_id, in_batches, point, unit


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[Shard]:
    made = Shard.create(tmp_path / "shard", dim=DIM)
    yield made
    made.close()


def caching(shard: Shard, *namespaces: str, **limits: int) -> VectorCache:
    """A cache of these namespaces."""
    cache = VectorCache(shard, dim=DIM, from_search=1, **limits)
    for namespace in namespaces:
        wish(cache, namespace)
    return cache


def wish(cache: VectorCache, namespace: str) -> list[Hit] | None:
    """Search a namespace, and cache what is wanted then."""
    found = cache.search(unit(1), namespace=namespace, limit=5, exclude_question=None)
    while cache.fill():
        pass
    return found


def nearest(shard: Shard, cache: VectorCache, seed: int, *, limit: int = 9, question: str | None = None) -> list[Hit]:
    """What the cache finds, which must be what an exact search of the shard's points would find."""
    cached = cache.search(unit(seed), namespace="a", limit=limit, exclude_question=question)
    assert cached is not None
    stored = [one for page in shard.stored() for one in page if one.is_active and one.namespace == "a"]
    exact = by_cosine(unit(seed), [one for one in stored if one.question != question])[:limit]
    assert [one.case_id for one in cached] == [found for found, _ in exact]
    assert [one.similarity for one in cached] == pytest.approx([cosine for _, cosine in exact], abs=2e-6)
    return cached


def test_exactly_the_shards_nearest_when_points_come_change_and_retire_in_any_order(shard: Shard) -> None:
    chance = random.Random(0)
    shard.write([point(number) for number in range(300)])
    cache = caching(shard, "a")
    for step in range(120):
        number, version = chance.randrange(320), chance.randrange(1, 5)
        status = chance.choice(["active", "active", "retired", "quarantined"])
        namespace = "a" if number % 3 else "b"
        written = [
            point(number, version, status=status, namespace=namespace),
            point(number + 1, chance.randrange(1, 3), question=f"question-{number}"),
        ]
        shard.write(written)
        cache.follow(written)
        nearest(shard, cache, step, limit=chance.choice([1, 7, 64, 500]))
        nearest(shard, cache, step, question=f"question-{number}")
    assert 150 < cache.n_rows["a"] < 321


def test_a_lower_version_that_is_delivered_late_brings_no_retired_case_back(shard: Shard) -> None:
    shard.write([point(0, 2, status="retired"), point(1)])
    cache = caching(shard, "a")
    late = [point(0, 1)]
    shard.write(late)
    cache.follow(late)
    assert [found.case_id for found in nearest(shard, cache, 3)] == [case_id(1)]


def test_what_is_written_while_rows_are_read_is_not_lost(shard: Shard) -> None:
    shard.write([point(number) for number in range(0, 800, 2)])
    cache = VectorCache(shard, dim=DIM, from_search=1)
    assert cache.search(unit(1), namespace="a", limit=5, exclude_question=None) is None
    written = 1
    while cache.fill():
        change = [point(written), point(800 - written), point(written - 1, 2, status="retired"), point(written + 1, 3)]
        shard.write(change)
        cache.follow(change)
        written += 2
    assert written > 5
    for seed in range(20):
        nearest(shard, cache, seed, limit=300)


def test_vectors_and_queries_need_no_unit_length(shard: Shard) -> None:
    points = [point(number, vector=unit(number) * np.float32(1 + number)) for number in range(30)]
    shard.write(points)
    cache = caching(shard, "a")
    found = cache.search(unit(3) * np.float32(7), namespace="a", limit=3, exclude_question=None) or []
    expected = by_cosine(unit(3), [point(number, vector=unit(number)) for number in range(30)])[:3]
    assert [(one.case_id, pytest.approx(one.similarity, abs=1e-5)) for one in found] == expected


def test_nothing_is_found_in_an_empty_namespace_or_for_no_limit(shard: Shard) -> None:
    cache = caching(shard, "a")
    assert cache.n_rows == {"a": 0}
    assert nearest(shard, cache, 1) == []
    written = [point(0)]
    shard.write(written)
    cache.follow(written)
    assert nearest(shard, cache, 1, limit=0) == []
    assert nearest(shard, cache, 1, question="question-0") == []
    assert len(nearest(shard, cache, 1, question="")) == 1


def test_a_large_namespace_is_not_cached_and_one_that_grows_large_no_longer(shard: Shard) -> None:
    shard.write([point(number) for number in range(40)])
    assert caching(shard, "a", max_rows=39).n_rows == {}
    cache = caching(shard, "a", max_rows=40)
    assert cache.n_rows == {"a": 40}
    more = [point(40)]
    shard.write(more)
    cache.follow(more)
    assert cache.n_rows == {}
    assert wish(cache, "a") is None
    assert (cache.wanted, cache.n_rows) == ("", {})


def test_idle_namespaces_make_room_and_busy_ones_do_not(shard: Shard) -> None:
    shard.write([point(number, namespace="abc"[number % 3]) for number in range(30)])
    cache = caching(shard, "a", "b", max_cached_rows=20, idle_after=50)
    assert wish(cache, "c") is None
    assert cache.n_rows == {"a": 10, "b": 10}
    for _ in range(50):
        wish(cache, "b")
    wish(cache, "c")
    assert cache.n_rows == {"b": 10, "c": 10}


def test_a_namespace_that_is_not_searched_again_stands_in_nobodys_way(shard: Shard) -> None:
    shard.write([point(number, namespace="ab"[number % 2]) for number in range(20)])
    cache = VectorCache(shard, dim=DIM, from_search=3)
    for namespace in "aaabbb":
        cache.search(unit(1), namespace=namespace, limit=5, exclude_question=None)
    assert cache.wanted == "b"
    while cache.fill():
        pass
    assert cache.n_rows == {"b": 10}


def test_no_stale_row_is_left_when_a_write_or_a_look_at_it_fails(shard: Shard) -> None:
    shard.write([point(0)])
    cache = caching(shard, "a")
    with pytest.raises(EngineError):
        cache.follow([point(0), BankPoint(**{**vars_of(point(1)), "case_id": "no UUID"})])
    assert cache.n_rows == {}


@pytest.mark.parametrize("payload", [{}, {"active_in": "a"}, {"active_in": "a", "version": 1}])
async def test_a_point_that_has_lost_its_fields_is_damage_and_no_raw_error(tmp_path: Path, payload: object) -> None:
    engine = EdgeEngine(tmp_path / "bank")
    await engine.open(dim=DIM, encoder=ENCODER)
    await engine.upsert([point(number) for number in range(40)])
    held = engine._index.need().shard
    lost = edge.Point(case_id(99), unit(99).tolist(), {"active_in": "a"} | dict(payload))  # type: ignore[call-overload]
    held._shard.update(edge.UpdateOperation.upsert_points([lost]))
    for read in (lambda: list(held.retrieved([case_id(99)])), lambda: list(held.stored())):
        with pytest.raises(IndexDamaged):
            read()
    for _ in range(FROM_SEARCH):
        await engine.search(unit(1), namespace="a", limit=9)
    with pytest.raises(IndexDamaged):  # its rows are read for the cache
        await engine.search(unit(1), namespace="a", limit=9)
    await engine.rebuild(in_batches([point(number) for number in range(40)]), position=40)
    assert len(await engine.search(unit(1), namespace="a", limit=99)) == 40
    await engine.close()


def vars_of(one: BankPoint) -> dict[str, object]:
    return {name: getattr(one, name) for name in BankPoint.__slots__}


async def test_an_engine_caches_what_is_searched_often_and_forgets_what_is_erased(tmp_path: Path) -> None:
    engine = EdgeEngine(tmp_path / "bank")
    await engine.open(dim=DIM, encoder=ENCODER)
    points = [point(number, case_id=str(uuid.UUID(int=number + 1))) for number in range(60)]
    await engine.upsert(points)
    first = await engine.search(unit(1), namespace="a", limit=9)
    assert engine._index.need().cache.n_rows == {}
    for _ in range(FROM_SEARCH):
        await engine.search(unit(1), namespace="a", limit=9)
    assert engine._index.need().cache.n_rows == {"a": 60}
    assert dict(await engine.search(unit(1), namespace="a", limit=9)) == pytest.approx(dict(first), abs=2e-6)
    gone = first[0].case_id
    with pytest.raises(IndexDamaged):
        await engine.delete([gone])
    assert gone not in {one.case_id for one in await engine.search(unit(1), namespace="a", limit=60)}
    await engine.rebuild(in_batches([one for one in points if one.case_id != gone]), position=60)
    assert gone not in {one.case_id for one in await engine.search(unit(1), namespace="a", limit=60)}
    await engine.close()


async def test_closing_waits_for_rows_that_are_being_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = EdgeEngine(tmp_path / "bank")
    await engine.open(dim=DIM, encoder=ENCODER)
    await engine.upsert([point(number) for number in range(2_000)])
    for _ in range(FROM_SEARCH):
        await engine.search(unit(1), namespace="a", limit=9)
    searches = [asyncio.create_task(engine.search(unit(1), namespace="a", limit=9)) for _ in range(5)]
    await asyncio.sleep(0)
    searches[0].cancel()
    await asyncio.sleep(0)
    await engine.close()
    for outcome in await asyncio.gather(*searches, return_exceptions=True):
        assert isinstance(outcome, asyncio.CancelledError | EngineUnavailable)
    assert not caplog.records


def few_words(seed: int) -> Vector:
    """A text of few words, hashed: many cosines are the same number, computed of other numbers."""
    row = np.zeros(DIM, np.float32)
    for place in np.random.default_rng(seed).integers(DIM, size=3):
        row[place] += 1
    return row / np.linalg.norm(row)


def test_a_scan_and_the_cache_give_the_same_digits_and_ties(shard: Shard) -> None:
    shard.write([point(number, vector=few_words(number)) for number in range(250)])
    shard.write([point(250 + number, vector=unit(number)) for number in range(250)])
    cache = caching(shard, "a")
    for seed in range(150):
        query = few_words(seed) if seed % 2 else unit(seed)
        scanned = shard.search(query, namespace="a", limit=250, exclude_question=None)
        cached = cache.search(query, namespace="a", limit=500, exclude_question=None) or []
        known = dict(in_order(cached))
        assert len(scanned) == 250
        for one in in_order(scanned):
            assert known[one.case_id] == one.similarity, "to the last digit that counts"
