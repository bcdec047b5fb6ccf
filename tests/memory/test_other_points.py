"""A search without a filter finds what a filtered one finds, whatever else the shard holds and becomes."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.memory.index.engines import other_points
from memento.memory.index.engines.points import newest
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.shard import Shard
from memento.memory.index.engines.vector_cache import VectorCache
from tests.bank_points import DIM, case_id, point, unit

N = 120


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    made = Shard.create(tmp_path / "shard", dim=DIM)
    made.write([point(number) for number in range(N)])
    return made


def hits(shard: Shard, query: Vector, *, is_exact: bool, limit: int = 20, without: str | None = None) -> list[Hit]:
    return shard.search(query, namespace="a", limit=limit, exclude_question=without, is_exact=is_exact)


def revised(chance: np.random.Generator, version: int) -> BankPoint:
    """A case that is retired, or of another namespace, or active again."""
    number = int(chance.integers(N + 40))
    namespace = "b" if number >= N else "a"
    return point(number, version, namespace=namespace, status=str(chance.choice(["active", "retired", "quarantined"])))


def test_the_same_is_found_with_and_without_a_filter(shard: Shard) -> None:
    chance, known = np.random.default_rng(0), [point(number) for number in range(N)]
    for version in range(2, 40):
        written = [revised(chance, version) for _ in range(int(chance.integers(1, 5)))]
        shard.write(written)
        known = newest([*known, *written])
        query, without = unit(version), f"question-{version}" if version % 2 else None
        searched = [one for one in known if one.namespace == "a" and one.status == "active"]
        fit = {one.case_id: float(one.vector @ query) for one in searched if one.question != without}
        best = sorted(fit, key=lambda one: -fit[one])[:20]
        assert [one.case_id for one in hits(shard, query, is_exact=False, without=without)] == best
        filtered = hits(shard, query, is_exact=True, without=without)
        assert [one.case_id for one in filtered] == best


def test_a_late_older_version_changes_nothing(shard: Shard) -> None:
    hits(shard, unit(1), is_exact=False)
    shard.write([point(3, 5, status="retired")])
    shard.write([point(3, 4)])
    assert case_id(3) not in {one.case_id for one in hits(shard, unit(1), is_exact=False, limit=N)}


def test_a_filter_is_used_where_other_points_are_many_or_nearer(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    query = unit(7)
    for number in range(40):  # nearer than all active ones
        shard.write([point(N + number, namespace="b", vector=query)])
    found = hits(shard, query, is_exact=True)
    assert [one.case_id for one in hits(shard, query, is_exact=False)] == [one.case_id for one in found]
    monkeypatch.setattr(other_points, "MAX_OTHERS", 45)
    for number in range(10):
        shard.write([point(N + 40 + number, namespace="b", vector=query)])
    assert [one.case_id for one in hits(shard, query, is_exact=False)] == [one.case_id for one in found]


def test_points_that_were_deleted_or_copied_are_looked_up_again(shard: Shard, tmp_path: Path) -> None:
    query = unit(9)
    shard.write([point(N, namespace="b", vector=query)])
    hits(shard, query, is_exact=False)
    shard.delete([case_id(N), case_id(0)])
    other = Shard.create(tmp_path / "other", dim=DIM)
    other.write([point(number, namespace="b") for number in range(N, N + 3)])
    assert hits(other, query, is_exact=False) == []
    shard.copy_to(other, [case_id(number) for number in range(N)])
    found = [[one.case_id for one in hits(each, query, is_exact=False, limit=N)] for each in (shard, other)]
    assert found[0] == found[1]
    assert len(found[0]) == N - 1


class RandomRows:
    """An encoder whose rows say nothing: no two cosines are equal."""

    name, dim = "random-rows", DIM

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        return np.stack([unit(zlib.crc32(text.encode())) for text in texts])


async def test_reads_of_a_large_bank_are_the_same_with_and_without_a_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VectorCache.__init__.__kwdefaults__, "max_rows", 20)  # more cases are many
    unfiltered, n_unfiltered = Shard._unfiltered, 0

    def counted(shard: Shard, *given: Any, **named: Any) -> Any:
        nonlocal n_unfiltered
        found = unfiltered(shard, *given, **named)
        n_unfiltered += found is not None
        return found

    kept = [Experience(state=f"task {number}", action=f"plan {number % 7}", reward=number % 2) for number in range(90)]
    others = [Experience(state=f"task {number}", action="plan", reward=1.0, namespace="b") for number in range(8)]
    async with CaseMemory.open(tmp_path, encoder=RandomRows(), policy="advantage", seed=0) as memory:
        ids = await memory.write_all([*kept, *others])
        for number in range(6):
            reading = await memory.read(f"asked {number}", k=4)
            await memory.write(state=f"asked {number}", action="plan 1", reward=1.0, event_id=reading.event_id)
            await memory.feedback(reading.event_id, None if number % 3 else 0.0)  # None: the case is quarantined
        recalls = []
        for search in (lambda *_, **__: None, counted):
            monkeypatch.setattr(Shard, "_unfiltered", search)
            recalls.append([await memory.recall(f"task {number}") for number in range(0, 90, 9)])
    assert n_unfiltered >= 10
    for number, filtered, found in zip(range(0, 90, 9), *recalls, strict=True):
        assert found.candidates == filtered.candidates
        assert ids[number] not in {one.case_id for one in found.candidates}
