"""Stores that `benchmarks.peers` compares: ours, LangGraph's and mem0, each behind the same few calls.

All of them are given the same encoder object and return the texts and scores of the nearest k. Calls are synchronous;
an event loop in a thread of its own serves ours, and the encoder for the others, so that each pays the same hop.
"""

import asyncio
import importlib
import os
import threading
import uuid
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

from langchain_core.embeddings import Embeddings
from langgraph.store.base import PutOp
from langgraph.store.memory import InMemoryStore

from benchmarks.made_bank import BATCH, GivenVectors
from benchmarks.read_latency import learned
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory

NAMESPACE = ("bench",)
T = TypeVar("T")
Hit = tuple[str, float]
"""Text of a case, and its score."""


class Absent(Exception):
    """A peer cannot be measured here."""


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        """Start it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there, and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Store(Protocol):
    """What is compared."""

    name: str

    def load(self, cases: Sequence[Case]) -> None:
        """Take cases whose vectors are given, the fastest way there is."""

    def search(self, query: str, k: int) -> list[Hit]:
        """Nearest cases with their texts."""

    def write(self, case: Case) -> None:
        """Store one case whose text has to be encoded."""

    def close(self) -> None:
        """Close it."""


class SharedEmbeddings(Embeddings):
    """The encoder, as LangChain has one."""

    def __init__(self, loop: Loop, encoder: GivenVectors) -> None:
        """Share it."""
        self._loop, self._encoder = loop, encoder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Lists of numbers, shape (len(texts), dim)."""
        rows: list[list[float]] = self._loop.run(self._encoder.encode(texts)).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """List of dim numbers."""
        return self.embed_documents([text])[0]


class Ours:
    """This memory: every reading is committed to its ledger before it returns."""

    def __init__(self, loop: Loop, encoder: GivenVectors, folder: Path) -> None:
        """Open it."""
        self.name, self._loop = "ours", loop
        self.memory = CaseMemory.open(folder / "ours", encoder=encoder, policy="similarity", seed=0)
        loop.run(self.memory.__aenter__())

    def load(self, cases: Sequence[Case]) -> None:
        """Keep them."""
        for start in range(0, len(cases), BATCH):
            self._loop.run(self.memory.keep(cases[start : start + BATCH]))
        self._loop.run(self.memory.bank.project_all())

    def search(self, query: str, k: int, policy: str = "similarity") -> list[Hit]:
        """Read."""
        reading = self._loop.run(self.memory.read(query, k=k, policy=policy))
        assert not reading.is_degraded
        return [(one.case.state, one.similarity) for one in reading.cases]

    def learn(self, asked: list[str]) -> None:
        """Learn from outcomes of reads of these queries."""
        self._loop.run(learned(self.memory, asked))

    def write(self, case: Case) -> None:
        """Write without an event, as the others do."""
        work = self.memory.write(state=case.state, action=case.action, reward=case.reward)
        assert self._loop.run(work)

    def close(self) -> None:
        """Close it."""
        self._loop.run(self.memory.aclose())


class OursLearning:
    """The same bank, read with the policy that learns."""

    def __init__(self, ours: Ours, asked: list[str]) -> None:
        """Learn from outcomes of reads of these queries, once there are cases."""
        self.name, self._ours, self._asked = "ours, `advantage`", ours, asked

    def load(self, cases: Sequence[Case]) -> None:
        """Learn; the cases are those of the bank already."""
        if self._asked:
            self._ours.learn(self._asked)
        self._asked = []

    def search(self, query: str, k: int) -> list[Hit]:
        """Read."""
        return self._ours.search(query, k, policy="advantage")

    def write(self, case: Case) -> None:
        """A write is the same with every policy."""

    def close(self) -> None:
        """The other one closes it."""


class LangGraphStore:
    """A store of LangGraph with semantic search."""

    def __init__(self, name: str, store: Any) -> None:
        """Wrap it."""
        self.name, self._store = name, store

    def load(self, cases: Sequence[Case]) -> None:
        """Put them in batches."""
        for start in range(0, len(cases), BATCH):
            self._store.batch([_put(case) for case in cases[start : start + BATCH]])

    def search(self, query: str, k: int) -> list[Hit]:
        """Search."""
        return [(item.value["state"], item.score) for item in self._store.search(NAMESPACE, query=query, limit=k)]

    def write(self, case: Case) -> None:
        """Put it."""
        self._store.batch([_put(case)])

    def close(self) -> None:
        """Nothing to close."""


class Mem0:
    """mem0 with faiss, as it is installed without models of spaCy: no language model, no keywords, no entities."""

    def __init__(self, embeddings: Embeddings, dim: int, folder: Path) -> None:
        """Open it."""
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder / "mem0")}
        self.name = "mem0 + faiss"
        faiss = {
            "path": str(folder / "mem0" / "faiss"),
            "embedding_model_dims": dim,
            "distance_strategy": "cosine",
            "collection_name": "bench",
        }
        self._memory = _module("mem0").Memory.from_config(
            {
                "embedder": {"provider": "langchain", "config": {"model": embeddings}},
                "vector_store": {"provider": "faiss", "config": faiss},
                "llm": {"provider": "openai", "config": {"api_key": "unused"}},
                "history_db_path": str(folder / "mem0" / "history.db"),
            }
        )
        self._embeddings = embeddings

    def load(self, cases: Sequence[Case]) -> None:
        """Insert rows as its `add` makes them: one by one it writes its whole file each time."""
        vectors = self._embeddings.embed_documents([case.state for case in cases])
        at = "2026-01-01T00:00:00+00:00"
        rows = [_metadata(case) | {"user_id": "bench", "role": "user", "data": case.state} for case in cases]
        payloads = [row | {"hash": uuid.uuid4().hex, "created_at": at, "updated_at": at} for row in rows]
        self._memory.vector_store.insert(vectors, payloads, [str(uuid.uuid4()) for _ in cases])

    def search(self, query: str, k: int) -> list[Hit]:
        """Search."""
        found = self._memory.search(query, top_k=k, filters={"user_id": "bench"})
        return [(item["memory"], item["score"]) for item in found["results"]]

    def write(self, case: Case) -> None:
        """Add it, without a language model."""
        added = self._memory.add(case.state, user_id="bench", metadata=_metadata(case), infer=False)
        assert added["results"]

    def close(self) -> None:
        """Close its history."""
        self._memory.close()


def in_memory_store(embeddings: Embeddings, dim: int) -> LangGraphStore:
    """LangGraph's InMemoryStore."""
    return LangGraphStore("InMemoryStore", InMemoryStore(index={"dims": dim, "embed": embeddings}))


def sqlite_store(embeddings: Embeddings, dim: int, folder: Path) -> LangGraphStore:
    """LangGraph's SqliteStore with sqlite-vec, committing with SQLite's defaults.

    Raises:
        Absent: a package is missing.
    """
    sqlite, store = _module("pysqlite3"), _module("langgraph.store.sqlite")
    connection = sqlite.connect(str(folder / "store.sqlite"), check_same_thread=False, isolation_level=None)
    made = store.SqliteStore(connection, index={"dims": dim, "embed": embeddings})
    made.setup()
    return LangGraphStore("SqliteStore", made)


def _put(case: Case) -> PutOp:
    return PutOp(NAMESPACE, case.id, {"state": case.state} | _metadata(case), index=["state"])


def _metadata(case: Case) -> dict[str, Any]:
    return {"action": case.action, "reward": case.reward}


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Absent(f"{error}; install it: pip install -r benchmarks/requirements-peers.txt") from error
