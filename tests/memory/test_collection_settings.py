"""Settings of a Qdrant collection: what reaches the server, what an existing collection takes over, what is refused."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from memento.graph.settings import Settings
from memento.graph.variables.collection import CollectionVariables
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.index.engines.collection_config import difference, new_collection, payload_indexes, search_params
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.server import ServerEngine
from tests.bank_points import DIM, ENCODER, in_batches, point, unit
from tests.hashing_encoder import HashingEncoder
from tests.wire_shim import WireShim

ALL = CollectionSettings(
    quantization="turbo4",
    quantization_in_ram=True,
    rescore=True,
    oversampling=2.5,
    vectors_on_disk=True,
    hnsw_m=24,
    hnsw_ef_construct=200,
    hnsw_on_disk=True,
    hnsw_ef=256,
    payload_on_disk=True,
    payload_index_on_disk=True,
    shard_number=6,
    replication_factor=3,
    write_consistency_factor=2,
    read_consistency="majority",
)


@pytest.fixture
def shim() -> Iterator[WireShim]:
    with WireShim() as shim:
        yield shim


async def opened(shim: WireShim, settings: CollectionSettings | None) -> ServerEngine:
    engine = ServerEngine(shim.url, settings=settings, timeout_s=30)
    await engine.open(dim=DIM, encoder=ENCODER)
    return engine


def test_nothing_is_asked_for_when_nothing_is_set() -> None:
    made = new_collection(CollectionSettings(), dim=DIM, encoder=ENCODER)
    assert set(made) == {"vectors_config", "hnsw_config", "metadata"}
    assert made["vectors_config"].model_dump(exclude_none=True) == {"size": DIM, "distance": models.Distance.COSINE}
    assert made["hnsw_config"].model_dump(exclude_none=True) == {"m": 0, "payload_m": 16}
    assert search_params(CollectionSettings()) == {}
    assert payload_indexes(CollectionSettings())["namespace"].is_tenant


async def test_every_setting_reaches_a_new_collection(shim: WireShim) -> None:
    engine = await opened(shim, ALL)
    (made,) = shim.configs.values()
    assert made["vectors"]["on_disk"] is True
    assert made["hnsw_config"] == {"m": 0, "payload_m": 24, "ef_construct": 200, "on_disk": True}
    assert made["quantization_config"] == {"turbo": {"always_ram": True, "bits": "bits4"}}
    assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (6, 3, 2)
    assert made["on_disk_payload"] is True
    (indexes,) = shim.indexes.values()
    assert indexes["namespace"] == {"type": "keyword", "is_tenant": True, "on_disk": True}
    assert all(index["on_disk"] for index in indexes.values())
    assert engine.notices == []
    await engine.upsert([point(0)])
    await engine.search(unit(0), namespace="a", limit=3)
    await engine.close()


async def test_search_parameters_and_consistency_are_sent(shim: WireShim) -> None:
    engine = await opened(shim, ALL)
    await engine.search(unit(0), namespace="a", limit=3)
    target, sent = shim.sent[-1]
    body = json.loads(sent)
    assert target.endswith("/points/query?consistency=majority")
    assert body["params"] == {"hnsw_ef": 256, "quantization": {"rescore": True, "oversampling": 2.5}}
    await engine.close()


async def test_existing_collection_is_changed_once_and_not_again(shim: WireShim) -> None:
    await (await opened(shim, None)).close()
    live = CollectionSettings(
        quantization="int8", quantization_in_ram=True, vectors_on_disk=True, payload_on_disk=True, hnsw_ef_construct=300
    )
    await (await opened(shim, live)).close()
    (kept,) = shim.configs.values()
    assert kept["quantization_config"] == {"scalar": {"type": "int8", "always_ram": True}}
    assert (kept["vectors"]["on_disk"], kept["on_disk_payload"]) == (True, True)
    assert kept["hnsw_config"]["ef_construct"] == 300
    n_before = sum(method == "PATCH" for method, *_ in shim.requests)
    await (await opened(shim, live)).close()
    assert sum(method == "PATCH" for method, *_ in shim.requests) == n_before
    await (await opened(shim, CollectionSettings(quantization="none"))).close()
    assert kept["quantization_config"] is None


async def test_told_what_only_a_new_generation_takes_over(shim: WireShim) -> None:
    await (await opened(shim, CollectionSettings(shard_number=1))).close()
    engine = await opened(shim, CollectionSettings(shard_number=4))
    (notice,) = engine.notices
    assert "shard_number 1, not 4" in notice
    assert "memento cases reindex" in notice
    await engine.rebuild(in_batches([point(0)]), position=1)
    assert engine.notices == []
    assert [made["shard_number"] for name, made in shim.configs.items() if name in shim.names()] == [4]
    await engine.close()


async def test_serves_as_it_is_when_the_server_refuses_a_change(shim: WireShim) -> None:
    await (await opened(shim, None)).close()
    shim.faults.refused = "PATCH"
    engine = await opened(shim, CollectionSettings(quantization="turbo2"))
    (notice,) = engine.notices
    assert "keeps its settings" in notice
    await engine.upsert([point(0)])
    assert len(await engine.search(unit(0), namespace="a", limit=3)) == 1
    await engine.close()


async def test_memory_passes_settings_on_and_tells_the_notice(shim: WireShim, tmp_path: Path) -> None:
    def memory(settings: CollectionSettings) -> CaseMemory:
        return CaseMemory.open(shim.url, home=tmp_path, encoder=HashingEncoder(), collection=settings, seed=0)

    async with memory(CollectionSettings(quantization="binary", shard_number=2)) as first:
        await first.write(state="s", action="a", reward=1.0)
    assert [made["shard_number"] for made in shim.configs.values()] == [2]
    async with memory(CollectionSettings(shard_number=3)) as second:
        assert any("shard_number 2, not 3" in notice for notice in second.notices)
        await second.reindex()
        assert second.notices == []


def test_one_look_finds_no_difference_when_the_server_tells_more_than_was_asked() -> None:
    said = models.CollectionInfo.model_validate(FOUND)
    told = CollectionSettings(quantization="int8", hnsw_on_disk=False, vectors_on_disk=False)
    assert difference(told, said) == ({}, [])


FOUND: dict[str, Any] = {
    "status": "green",
    "optimizer_status": "ok",
    "segments_count": 1,
    "payload_schema": {},
    "config": {
        "params": {"vectors": {"size": 4, "distance": "Cosine"}, "shard_number": 1, "replication_factor": 1},
        "hnsw_config": {"m": 0, "payload_m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0,
                             "flush_interval_sec": 5},
        "quantization_config": {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quantization": "int4"}, "not one of"),
        ({"hnsw_m": 0}, "at least 1"),
        ({"hnsw_ef": 10**30}, "hnsw_ef must be at least 1 and at most"),
        ({"shard_number": True}, "whole number"),
        ({"replication_factor": 2.0}, "whole number"),
        ({"vectors_on_disk": 1}, "true or false"),
        ({"oversampling": 0.5}, "from 1"),
        ({"oversampling": float("nan")}, "from 1"),
        ({"oversampling": float("inf")}, "from 1"),
        ({"read_consistency": 10**30}, "majority"),
        ({"read_consistency": "some"}, "majority"),
        ({"read_consistency": 0}, "majority"),
        ({"replication_factor": 2, "write_consistency_factor": 3}, "more replicas"),
        ({"replication_factor": 2, "read_consistency": 3}, "more replicas"),
    ],
)
def test_refused_when_it_is_no_setting(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        CollectionSettings(**given)


def test_variables_are_those_of_the_settings() -> None:
    names = {f"qdrant_{one.name}" for one in fields(CollectionSettings)}
    assert set(CollectionVariables.model_fields) == names


def test_variables_become_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALL.given.items():
        monkeypatch.setenv(f"MEMENTO_QDRANT_{name.upper()}", str(value))
    assert Settings().collection() == ALL


@pytest.mark.live
async def test_a_real_server_keeps_every_setting_and_takes_changes_over() -> None:
    url = os.environ.get("QDRANT_URL")
    if not url:
        pytest.skip("QDRANT_URL is not set: a real Qdrant server is needed")
    key, prefix = os.environ.get("QDRANT_API_KEY"), f"memento_test_{uuid.uuid4().hex[:8]}"
    client = QdrantClient(url=url, api_key=key, check_compatibility=False)
    one = replace(ALL, shard_number=1, replication_factor=1, write_consistency_factor=1, read_consistency=None)
    try:
        for settings in (one, one, replace(one, quantization="int8", hnsw_ef_construct=80, vectors_on_disk=False)):
            engine = ServerEngine(url, api_key=key, collection=prefix, settings=settings, timeout_s=10)
            await engine.open(dim=DIM, encoder=ENCODER)
            await engine.upsert([point(0)])
            assert len(await engine.search(unit(0), namespace="a", limit=3)) == 1
            (name,) = (found.name for found in client.get_collections().collections if found.name.startswith(prefix))
            assert difference(settings, client.get_collection(name)) == ({}, [])
            await engine.close()
    finally:
        for found in client.get_collections().collections:
            if found.name.startswith(prefix):
                client.delete_collection(found.name)
        client.close()
