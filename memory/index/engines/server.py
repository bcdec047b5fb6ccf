"""A Qdrant server or cluster as an engine, over REST.

One alias per encoder points at the live generation; every read and write goes through it:

    memento_cases__minilm-1f0c2d3e  ->  memento_cases__minilm-1f0c2d3e__3

A rebuild fills the next generation and moves the alias in one call, so no search ever sees a half-filled bank.
"""

import asyncio
import contextlib
import math
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from memento.memory.errors import EngineError, EngineRejected, EngineUnavailable, IndexDamaged
from memento.memory.index.engines import collection_config, wire
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.points import SCHEMA, hit
from memento.memory.index.engines.port import BankPoint, Hit, Vector
from memento.memory.index.engines.server_errors import named_errors
from memento.memory.loop_lock import LoopLock

STRUCTURE_S = 30.0
"""Deadline for creating, filling and deleting collections, which a cluster agrees on first."""

# the client turns keep-alive off on localhost, which costs a connection per search
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30.0)


class ServerEngine:
    """A `VectorEngine` on a Qdrant server; any number of processes may share one collection.

    Args:
        url: of the REST port, as `http://localhost:6333`.
        api_key: sent with every request; never part of a message.
        collection: prefix of everything this engine creates.
        settings: of the collection; what is left at None is the server's own.
        timeout_s: deadline in seconds of one read or one write.

    Raises:
        EngineUnavailable: not open, no answer within the deadline, connection lost, 5xx.
        EngineThrottled: 429; says when to come back.
        EngineRejected: any other 4xx.
        IndexDamaged: the collection has vanished, or is not what its name says.
    """

    name = "server"

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        collection: str = "memento_cases",
        settings: CollectionSettings | None = None,
        timeout_s: float = 2.0,
    ) -> None:
        self._url, self._api_key, self._collection, self._timeout_s = url, api_key, collection, timeout_s
        self._settings = settings or CollectionSettings()
        self._search_params = collection_config.search_params(self._settings)
        self.notices: list[str] = []
        """Settings that the live collection does not have and cannot take over, each with the way to them."""
        parts = urlsplit(url)
        self._place = f"Qdrant at {parts.hostname}:{parts.port or 6333}"  # without the credentials a URL may carry
        self._client: AsyncQdrantClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._encoder, self._dim, self._alias = "", 0, ""
        self._live = ""  # the generation that was live when this engine opened or rebuilt
        self._next = ""
        self._opening, self._rebuilding = LoopLock(), LoopLock()

    def __repr__(self) -> str:
        return f"ServerEngine({self._place!r}, collection={self._collection!r})"

    async def open(self, *, dim: int, encoder: str) -> None:
        """Connect on the running loop, and create the collection of this encoder if there is none.

        Args:
            dim: length of the encoder's vectors.
            encoder: name and version of the encoder; each has an alias of its own.

        Raises:
            IndexDamaged: the collection behind the alias belongs to another layout, encoder or dimension.
        """
        if self._api_key is not None and not (self._api_key.isascii() and self._api_key.isprintable()):
            raise EngineRejected("the Qdrant api key holds characters that an HTTP header cannot carry")
        await self._connected()
        self._encoder, self._dim = encoder, dim
        self._alias = f"{self._collection}__{wire.slug(encoder, dim)}"
        try:
            self._live = await self._ensure()
        except IndexDamaged:  # perhaps another process rebuilt between our two looks
            self._live = await self._ensure()

    async def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions by the version rule; a call whose reply was lost may simply be repeated."""
        await self._write(self._alias, points, seconds=self._timeout_s)
        if self._next:  # a write during our rebuild must not be lost when the new generation takes over
            await self._write(self._next, points, seconds=self._timeout_s)

    async def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points; those that are not there are no error. A rebuild drops the collection that held them."""
        for name in filter(None, (self._alias, self._next)):
            async with self._deadline("deleting erased cases", seconds=STRUCTURE_S) as client:
                await client.delete(name, points_selector=list(case_ids), wait=True)

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine; `vector` has shape (dim,)."""
        query = wire.nearest(vector, namespace=namespace, limit=limit, exclude_question=exclude_question)
        try:
            return await self._search(query)
        except IndexDamaged:  # the generation may have been replaced and deleted while the request was under way
            return await self._search(query)

    async def count(self) -> int:
        """All points, of every namespace and status."""
        async with self._deadline("counting cases") as client:
            return (await client.count(self._alias, exact=True)).count

    async def position(self) -> int:
        """The ledger offset up to which the live generation is complete."""
        async with self._deadline("reading the position") as client:
            return wire.position(await client.get_collection(self._alias))

    async def save_position(self, offset: int) -> None:
        """Remember the offset with the live generation; never lowers it.

        Does nothing once another process has put a generation in the place of ours: our earlier writes may have gone
        to the old one, and a position that is too low only costs repeated work.
        """
        async with self._deadline("saving the position") as client:
            if (
                await self._target(client) != self._live
                or wire.position(await client.get_collection(self._live)) >= offset
            ):
                return
            await client.update_collection(self._live, metadata={"position": offset})

    async def rebuild(self, batches: AsyncIterator[Sequence[BankPoint]], *, position: int) -> None:
        """Fill the next generation, then move the alias to it in one call and delete the older ones."""
        async with self._rebuilding:
            name = self._next = await self._create_next()
            try:
                async for batch in batches:
                    await self._write(name, batch, seconds=STRUCTURE_S)
                replaced = await self._switch(name, position)
            except BaseException:  # a cancellation, too, must not leave a half-filled copy behind
                with contextlib.suppress(EngineError):  # the first error is the one to report
                    await self._delete([name])
                raise
            finally:
                self._next = ""
            with contextlib.suppress(EngineError):  # leftovers cost space only; the next rebuild tries again
                await self._delete(await self._older(name, replaced))

    async def settle(self) -> None:
        """Return at once: nothing is prepared in the background."""

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    async def _connected(self) -> AsyncQdrantClient:
        """Return the client of the running loop, to which its connections belong."""
        loop = asyncio.get_running_loop()
        async with self._opening:
            if self._client is None or self._loop is not loop:
                # in a thread: building a client reads certificates and package metadata
                self._client, self._loop = await asyncio.to_thread(self._connect), loop
            return self._client

    def _connect(self) -> AsyncQdrantClient:
        return AsyncQdrantClient(
            url=self._url,
            api_key=self._api_key,
            timeout=math.ceil(max(self._timeout_s, STRUCTURE_S)),  # a backstop; `_deadline` sets the real ones
            check_compatibility=False,  # it would ask from a thread of its own, and warn when the server is down
            limits=_LIMITS,
        )

    @contextlib.asynccontextmanager
    async def _deadline(
        self, doing: str, *, seconds: float | None = None, missing: type[EngineError] = IndexDamaged
    ) -> AsyncIterator[AsyncQdrantClient]:
        """Yield the client under a deadline; exceptions become named engine errors."""
        if self._client is None:
            raise EngineUnavailable(f"{self._place} is not open")
        client = self._client if self._loop is asyncio.get_running_loop() else await self._connected()
        with named_errors(f"{self._place}: {doing}", secret=self._api_key, missing=missing):
            async with asyncio.timeout(seconds or self._timeout_s):
                yield client

    async def _search(self, query: dict[str, Any]) -> list[Hit]:
        async with self._deadline("searching") as client:
            found = await client.query_points(self._alias, **query, **self._search_params)
            return [hit(point.id, point.score) for point in found.points]

    async def _write(self, name: str, points: Sequence[BankPoint], *, seconds: float) -> None:
        for write in wire.writes(points):
            async with self._deadline("writing cases", seconds=seconds) as client:
                await client.upsert(name, wait=True, **write)

    async def _ensure(self) -> str:
        """The live generation, created if there is none; several processes may do this at once."""
        async with self._deadline("looking for the collection", missing=EngineRejected) as client:
            live = await self._target(client)
        if live is None:
            first = f"{self._alias}__1"
            await self._create(first)  # or another process has: both then point the alias at the same name
            async with self._deadline("naming the collection", seconds=STRUCTURE_S) as client:
                live = await self._target(client) or first
                await client.update_collection_aliases([wire.alias_to(live, self._alias)])
        async with self._deadline("reading the collection") as client:
            found = await client.get_collection(live)
        metadata = found.config.metadata or {}
        if (metadata.get("schema"), metadata.get("encoder"), metadata.get("dim")) != (SCHEMA, self._encoder, self._dim):
            raise IndexDamaged(f"{self._place}: {live} was not written for encoder {self._encoder!r}, dim {self._dim}")
        await self._apply_settings(live, found)
        return live

    async def _apply_settings(self, live: str, found: models.CollectionInfo) -> None:
        """Change what an existing collection has otherwise than the settings say; note what cannot be changed."""
        update, fixed = collection_config.difference(self._settings, found)
        self.notices = []
        if update:  # the server rebuilds segments in the background, and answers meanwhile
            try:
                async with self._deadline("changing the collection", seconds=STRUCTURE_S) as client:
                    await client.update_collection(live, **update)
            except EngineRejected as error:  # it serves as it is
                self.notices.append(f"the collection {live} keeps its settings: {error}")
        if fixed:
            self.notices.append(
                f"the collection {live} has {', '.join(fixed)}; `memento cases reindex` makes a new one with the "
                "configured settings"
            )

    async def _create(self, name: str) -> bool:
        """Create a generation with its indexes; False when it exists already."""
        async with self._deadline("creating the collection", seconds=STRUCTURE_S) as client:
            is_new = True
            try:
                made = collection_config.new_collection(self._settings, dim=self._dim, encoder=self._encoder)
                await client.create_collection(name, **made)
            except UnexpectedResponse as error:
                if error.status_code not in (400, 409) or not await client.collection_exists(name):
                    raise
                is_new = False
            for field, schema in collection_config.payload_indexes(self._settings).items():
                await client.create_payload_index(name, field, field_schema=schema, wait=True)
        return is_new

    async def _create_next(self) -> str:
        number = max(await self._generations(), default=0) + 1
        while not await self._create(f"{self._alias}__{number}"):  # another process is rebuilding too
            number += 1
        return f"{self._alias}__{number}"

    async def _switch(self, name: str, position: int) -> str | None:
        """Replace the live generation by a filled one; return the name of the old one."""
        async with self._deadline("switching to the rebuilt collection", seconds=STRUCTURE_S) as client:
            await client.update_collection(name, metadata={"position": position})
            replaced = await self._target(client)
            remove = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._alias))
            await client.update_collection_aliases([*([remove] if replaced else []), wire.alias_to(name, self._alias)])
        self._live, self.notices = name, []
        return replaced

    async def _older(self, name: str, replaced: str | None) -> list[str]:
        """Generations up to the live and the replaced one; a higher number is another process's rebuild at work."""
        newest = max(wire.number(name), wire.number(replaced or name))
        return [f"{self._alias}__{n}" for n in await self._generations() if n <= newest and n != wire.number(name)]

    async def _generations(self) -> list[int]:
        async with self._deadline("listing collections", seconds=STRUCTURE_S, missing=EngineRejected) as client:
            names = [found.name for found in (await client.get_collections()).collections]
        return [wire.number(name) for name in names if re.fullmatch(re.escape(self._alias) + r"__\d+", name)]

    async def _delete(self, names: Iterable[str]) -> None:
        async with self._deadline("deleting old collections", seconds=STRUCTURE_S) as client:
            for name in names:
                await client.delete_collection(name)

    async def _target(self, client: AsyncQdrantClient) -> str | None:
        """The generation behind our alias."""
        for found in (await client.get_aliases()).aliases:
            if found.alias_name == self._alias:
                return found.collection_name
        return None
