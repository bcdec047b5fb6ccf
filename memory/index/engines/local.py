"""qdrant-client's in-memory mode as an engine: for tests and throw-away banks, gone when it is closed.

It filters in Python (about 10 microseconds per stored point and query) and is not thread safe, hence the lock. Without
`QdrantClient` around it, which would look for texts to embed, and copies the schemas that it does so by: ten
milliseconds for every bank.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from qdrant_client.local.qdrant_local import QdrantLocal

from memento.memory.errors import EngineError, EngineRejected, EngineUnavailable
from memento.memory.index.engines import wire
from memento.memory.index.engines.collection_config import new_collection
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.points import hit
from memento.memory.index.engines.port import BankPoint, Hit, Vector

T = TypeVar("T")


class LocalEngine:
    """A `VectorEngine` in this process's memory.

    Raises:
        EngineUnavailable: used before `open` or after `close`.
        EngineRejected: the client refused the points or the query (wrong dimension, not a UUID).
    """

    name = "memory"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: QdrantLocal | None = None
        self._identity = ("", 0)
        self._generation = 0
        self._live = ""
        self._next = ""
        self._position = 0

    async def open(self, *, dim: int, encoder: str) -> None:
        """Start empty, or keep what is there when it belongs to this encoder."""
        await self._run(lambda: self._open(dim, encoder))

    async def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule."""

        def apply() -> None:
            for name in filter(None, (self._live, self._next)):
                self._write(name, points)

        await self._run(apply)

    async def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points; those that are not there are no error."""

        def remove() -> None:
            for name in filter(None, (self._live, self._next)):
                self._need_client().delete(name, points_selector=list(case_ids))

        await self._run(remove)

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine; `vector` has shape (dim,)."""
        query = wire.nearest(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)
        found = await self._run(lambda: self._need_client().query_points(self._live, **query).points)
        return [hit(point.id, point.score) for point in found]

    async def count(self) -> int:
        """All points, of every namespace and status."""
        return await self._run(lambda: self._need_client().count(self._live, exact=True).count)

    async def position(self) -> int:
        """The ledger offset saved last; 0 for a fresh engine."""

        def read() -> int:
            self._need_client()
            return self._position

        return await self._run(read)

    async def save_position(self, offset: int) -> None:
        """Remember the ledger offset; never lowers it."""

        def save() -> None:
            self._need_client()
            self._position = max(self._position, offset)

        await self._run(save)

    async def rebuild(self, batches: AsyncIterator[Sequence[BankPoint]], *, position: int) -> None:
        """Fill a second collection, then serve it instead of the first."""
        name = await self._run(self._begin)
        try:
            async for batch in batches:
                await self._run(partial(self._write, name, batch))
        except BaseException:  # a cancellation, too, must not leave a half-filled copy behind
            await self._run(lambda: self._drop(name))
            raise
        await self._run(lambda: self._switch(name, position))

    async def settle(self) -> None:
        """Return at once: nothing is prepared in the background."""

    async def close(self) -> None:
        """Forget everything."""

        def release() -> None:
            if self._client is not None:
                self._client.close()
            self._client = None

        await self._run(release)

    def _open(self, dim: int, encoder: str) -> None:
        if self._client is not None and self._identity == (encoder, dim):
            return
        if self._client is not None:
            self._client.close()
        self._client = QdrantLocal(":memory:")
        self._identity, self._position, self._next = (encoder, dim), 0, ""
        self._live = self._create()

    def _create(self) -> str:
        encoder, dim = self._identity
        self._generation += 1
        name = f"cases-{self._generation}"
        self._need_client().create_collection(name, **new_collection(CollectionSettings(), dim=dim, encoder=encoder))
        return name

    def _write(self, name: str, points: Sequence[BankPoint]) -> None:
        for write in wire.writes(points):
            self._need_client().upsert(name, **write)

    def _begin(self) -> str:
        self._next = self._create()
        return self._next

    def _switch(self, name: str, position: int) -> None:
        old, self._live, self._next, self._position = self._live, name, "", position
        self._need_client().delete_collection(old)

    def _drop(self, name: str) -> None:
        self._next = ""
        self._need_client().delete_collection(name)

    def _need_client(self) -> QdrantLocal:
        if self._client is None:
            raise EngineUnavailable("the in-memory engine is not open")
        return self._client

    async def _run(self, call: Callable[[], T]) -> T:
        """Run `call` in a thread behind the lock; the client's own errors become ours here."""

        def guarded() -> T:
            with self._lock:
                try:
                    return call()
                except EngineError:
                    raise
                except (ValueError, KeyError, RuntimeError) as error:
                    raise EngineRejected(f"the in-memory engine refused: {error}") from error

        return await asyncio.to_thread(guarded)
