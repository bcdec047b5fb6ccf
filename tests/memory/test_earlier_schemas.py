"""A folder as a process of schema 2 to 4 left it (ledger, weights, index slot) is opened, served and gone on with."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.ledger import migrations
from memento.memory.ledger.case_heads import heads_differ
from memento.memory.ledger.namespace_counts import counted, counts_of
from tests.releases.make_small_bank import Hashing

pytestmark = pytest.mark.allow_blocking("files are unpacked and looked at")

ARCHIVES = {2: "0.2.0-834ffaa-bank.tar.xz", 3: "0.2.0-ee4b995-bank.tar.xz", 4: "0.2.0-f2ddbf1-bank.tar.xz"}
"""By schema."""
NAMES = ("default", "other")


@pytest.fixture(params=ARCHIVES)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(Path(__file__).parents[1] / "releases" / ARCHIVES[request.param]) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "bank"


@pytest.fixture
def expected(left: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((left.parent / "expected.json").read_text())
    return found


def opened(left: Path, **given: Any) -> CaseMemory:
    return CaseMemory.open(left, encoder=Hashing(), policy="advantage", seed=0, **given)


def generations(left: Path) -> set[str]:
    return {path.name for path in left.glob("index-*/slot-0/gen-*")}


def graphs(left: Path) -> list[Path]:
    return list(left.glob("index-*/graph-*/segment.json"))


async def test_all_is_there_and_its_index_serves(left: Path, expected: dict[str, Any]) -> None:
    before = generations(left)
    async with opened(left) as memory:
        assert await memory.views.fact("schema") == str(migrations.HEAD)
        for name in NAMES:
            assert list(await memory.views.counts(namespace=name)) == expected["counts"][name]
            assert await memory.views.n_of_kinds(namespace=name) == {"plan": expected["counts"][name][0]}
            assert not (await memory.read("anything", namespace=name, policy="similarity", kind="step")).cases
            assert [case.id async for case in memory.views.walk(namespace=name)] == expected["cases"][name]
            active = await memory.views.active_ids(namespace=name, exclude_question=None)
            assert active == expected["active"][name]
            found = await memory.bank.search(
                (await Hashing().encode(["question 5"]))[0], namespace=name, limit=100, exclude_question=None
            )
            assert ({hit.case_id for hit in found.hits}, found.is_degraded) == (set(active), False)
        assert await memory.n_outcomes() == expected["n_outcomes"]
        assert await memory.bank.count() == expected["n_points"]
        assert not await memory._storage.ledger.query(heads_differ)
    assert generations(left) == before, "it was not rebuilt"


async def test_it_goes_on(left: Path, expected: dict[str, Any]) -> None:
    async with opened(left) as memory:
        reading = await memory.read("question 5, once more", k=3)
        assert reading.n_outcomes == expected["n_outcomes"]
        case_id = await memory.write(state="a new one", action="plan", reward=1.0, event_id=reading.event_id)
        counts = await memory.views.counts(namespace="default")
        assert counts.cases == expected["counts"]["default"][0] + 1
        kept, made = await memory._storage.ledger.query(
            lambda connection: (counts_of(connection, "default"), counted(connection, "default"))
        )
        assert kept == made
        async with opened(left) as second:
            again = await second.read("a new one of another process", k=64, policy="similarity")
            assert case_id in {slot.case_id for slot in again.slots}
            assert not again.is_degraded


async def test_its_points_go_into_a_graph(left: Path, expected: dict[str, Any]) -> None:
    async with opened(left, approximate_from=20) as memory:
        await memory._storage.bank._engine.settle()  # type: ignore[attr-defined]
        assert graphs(left)
        vector = (await Hashing().encode(["question 5"]))[0]
        found = await memory.bank.search(vector, namespace="default", limit=100, exclude_question=None)
        assert {hit.case_id for hit in found.hits} == set(expected["active"]["default"])
