"""What `CaseMemory.open` takes as an encoder: an object of the protocol, LangChain's, or a name."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_openai import OpenAIEmbeddings
from numpy.typing import NDArray

from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.embeddings import EmbeddingsEncoder
from memento.memory.encoders import as_encoder
from memento.memory.errors import EncoderMismatch, EncoderUnavailable, InvalidInput, MementoError
from memento.memory.minilm.encoder import MiniLmEncoder
from tests.embedding_server import DIM, EmbeddingServer, Said, refusal, vectors
from tests.hashing_encoder import HashingEncoder


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddingServer]:
    async with EmbeddingServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def cases(n: int) -> list[Case]:
    states = [f"task number {number}" for number in range(n)]
    return [
        Case(id=case_id("default", state, "do it"), namespace="default", state=state, action="do it", reward=1.0)
        for state in states
    ]


async def used(memory: CaseMemory) -> str:
    """Write one experience and read its neighbour; the state that was found."""
    await memory.write(state="how deep is the lake", action="measure", reward=1.0)
    reading = await memory.read("how deep is the sea", policy="similarity", k=1)
    assert not reading.is_degraded
    return next(case.case.state for case in reading.cases if case.case is not None)


async def test_an_embeddings_object_of_langchain_serves_when_given(server: EmbeddingServer) -> None:
    embeddings = OpenAIEmbeddings(
        model="e5",
        base_url=server.base_url,
        api_key="none",  # type: ignore[arg-type]
        check_embedding_ctx_length=False,
    )
    async with CaseMemory.open(":memory:", encoder=embeddings) as memory:
        assert await used(memory) == "how deep is the lake"
    async with CaseMemory.open(":memory:", encoder=DeterministicFakeEmbedding(size=8)) as memory:
        assert await used(memory) == "how deep is the lake"


async def test_a_name_serves_without_a_key_and_sends_texts_only(server: EmbeddingServer) -> None:
    async with CaseMemory.open(":memory:", encoder="openai:stub") as memory:
        assert await used(memory) == "how deep is the lake"
    assert set(server.keys) == {"Bearer none"}
    assert ["how deep is the lake", "measure"] in server.asked


async def test_an_import_ends_well_when_the_server_takes_ten_texts_at_a_time(server: EmbeddingServer) -> None:
    def answer(texts: list[str]) -> Said:
        return vectors(texts) if len(texts) <= 10 else refusal(400, "input.contents should not be larger than 10")

    server.answer = answer
    async with CaseMemory.open(":memory:", encoder="openai:stub") as memory:
        assert await memory.keep(cases(25)) == 25
        assert await memory.bank.count() == 25


async def test_a_known_bank_opens_and_is_listed_when_its_service_is_away(
    server: EmbeddingServer, tmp_path: Path
) -> None:
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        await memory.write(state="how deep is the lake", action="measure", reward=1.0)
    n_asked = len(server.asked)
    server.answer = lambda _texts: refusal(401, "no longer a customer")
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        assert len(server.asked) == n_asked
        assert (await memory.views.counts(namespace="default")).cases == 1
        assert [case.state async for case in memory.views.walk(namespace="default")] == ["how deep is the lake"]
        with pytest.raises(EncoderUnavailable, match="no longer a customer"):
            await memory.read("how deep is the sea")


async def test_a_new_bank_names_the_service_that_is_away(server: EmbeddingServer, tmp_path: Path) -> None:
    server.answer = lambda _texts: refusal(404, "no such model")
    with pytest.raises(EncoderUnavailable, match=r"openai:stub.*no such model"):
        async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub"):
            pass


async def test_reindexing_takes_the_new_model_when_the_service_has_exchanged_it(
    server: EmbeddingServer, tmp_path: Path
) -> None:
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        assert await used(memory) == "how deep is the lake"
    server.answer = lambda texts: vectors(texts, dim=24)
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        with pytest.raises(EncoderUnavailable, match=f"24 numbers for a text instead of {DIM}.*reindex"):
            await memory.read("how deep is the ocean")
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub", is_reindexing=True) as memory:
        await memory.reindex()
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        assert await used(memory) == "how deep is the lake"
        assert await memory.views.vector_length(encoder="openai:stub") == 24


async def test_another_name_is_another_encoder_when_a_bank_has_one(server: EmbeddingServer, tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path / "bank", encoder="openai:stub") as memory:
        await memory.write(state="how deep is the lake", action="measure", reward=1.0)
    with pytest.raises(EncoderMismatch, match="openai:stub"):
        async with CaseMemory.open(tmp_path / "bank", encoder="openai:other"):
            pass


class Failing(HashingEncoder):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("CUDA out of memory"),
        KeyError("x"),
        OSError("no route"),
        TimeoutError(),
        ConnectionResetError(),
        MementoError("its own"),
        None,
        "vectors",
        [],
        [[1.0]],
        [1.0] * 64,
        np.full((1, 64), np.nan, np.float32),
        np.full((1, 64), np.inf, np.float32),
        np.ones((3, 64), np.float32),
        np.ones((1, 63), np.float32),
        np.ones((64,), np.float32),
        np.ones((1, 1, 64), np.float32),
        np.full((1, 64), "x"),
    ],
)
async def test_whatever_goes_wrong_in_a_hosts_encoder_is_a_named_error(answer: Any) -> None:
    async with CaseMemory.open(":memory:", encoder=Failing(answer)) as memory:
        with pytest.raises(EncoderUnavailable, match=r"encoder 'hashed-words-64' (failed|answered)"):
            await memory.read("how deep is the sea")
        with pytest.raises(EncoderUnavailable):
            await memory.write(state="a", action="b", reward=1.0)


async def test_rows_are_made_unit_when_a_hosts_encoder_gives_others() -> None:
    class Long(HashingEncoder):
        async def encode(self, texts: list[str]) -> NDArray[np.float32]:
            return await super().encode(texts) * np.float32(7)

    async with CaseMemory.open(":memory:", encoder=Long()) as memory:
        await memory.write(state="how deep is the lake", action="measure", reward=1.0)
        reading = await memory.read("how deep is the sea", policy="similarity", k=1)
    assert 0.5 < reading.cases[0].similarity < 1.0


class Nameless(HashingEncoder):
    def __init__(self, name: Any, dim: Any) -> None:
        super().__init__()
        self.name, self.dim = name, dim


class Moody:
    name = "moody"

    @property
    def dim(self) -> int:
        raise RuntimeError("not loaded")

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        raise AssertionError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "not an encoder: int"),
        (object(), "not an encoder: object"),
        (HashingEncoder, "the class HashingEncoder"),
        (MiniLmEncoder, "the class MiniLmEncoder"),
        (Nameless("", 64), "name is a text"),
        (Nameless(None, 64), "name is a text"),
        (Nameless("n" * 201, 64), "1 to 200"),
        (Nameless("n", 0), "dim"),
        (Nameless("n", -1), "dim"),
        (Nameless("n", "64"), "dim"),
        (Nameless("n", True), "dim"),
        ("", "provider:model"),
        ("text-embedding-3-small", "provider:model"),
        ("openai:", "provider:model"),
        (":model", "provider:model"),
        ("http://127.0.0.1:8080/v1", "provider:model"),
        ("openai:" + "m" * 200, "at most 200"),
        ("cohere:embed-v4", r"init_embeddings\('cohere:embed-v4'\)"),
    ],
)
def test_refused_at_once_when_it_is_no_encoder(given: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        CaseMemory.open(":memory:", encoder=given)


def test_named_error_when_a_hosts_encoder_fails_at_being_looked_at() -> None:
    with pytest.raises(EncoderUnavailable, match="RuntimeError: not loaded"):
        CaseMemory.open(":memory:", encoder=Moody())


def test_nothing_is_opened_or_read_when_a_memory_is_described() -> None:
    assert isinstance(as_encoder(None), MiniLmEncoder)
    named = as_encoder("openai:text-embedding-3-small")  # neither a key nor a server
    assert isinstance(named, EmbeddingsEncoder)
    assert (named.name, named.dim) == ("openai:text-embedding-3-small", 0)
    assert "OPENAI_API_KEY" not in os.environ


async def test_many_memories_share_one_service(server: EmbeddingServer) -> None:
    shared = as_encoder("openai:stub")

    async def one() -> str:
        async with CaseMemory.open(":memory:", encoder=shared) as memory:
            return await used(memory)

    assert await asyncio.gather(*(one() for _ in range(4))) == ["how deep is the lake"] * 4
    assert isinstance(shared, EmbeddingsEncoder)
    await shared.aclose()
