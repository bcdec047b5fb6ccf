"""Opening and closing a memory, on the event loop that it works on. Base of `CaseMemory`."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from memento.memory.arguments import check_share
from memento.memory.case import POSITIVE_FROM
from memento.memory.encoder import Encoder
from memento.memory.image_encoder import ImageEncoder
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.memory_parts import MemoryParts
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.storage import Storage
from memento.memory.success import PositiveFrom, checked_positive_from


class MemoryLifetime(MemoryParts):
    """Opens and closes a memory, from asynchronous and from blocking code."""

    @classmethod
    def open(
        cls,
        location: str | Path,
        *,
        encoder: Encoder | Any | str | None = None,
        policy: str | RetrievalPolicy = "advantage",
        namespace: str = "default",
        seed: int | None = None,
        ledger_url: str | None = None,
        api_key: str | None = None,
        collection: CollectionSettings | None = None,
        approximate_from: int = 200_000,
        home: str | Path | None = None,
        is_reindexing: bool = False,
        min_confidence: float = 0.5,
        positive_from: PositiveFrom = POSITIVE_FROM,
        in_thread: bool = False,
        image_encoder: ImageEncoder | str | None = None,
    ) -> Self:
        """Configure a memory; `async with` opens it.

        Args:
            location: a folder (embedded Qdrant engine), `":memory:"` (nothing is kept), or the URL of a Qdrant server,
                with `http://` or `https://`; a folder whose name holds a colon is written `./a:b`.
            encoder: texts to vectors: an object with `name`, `dim` and `async encode(texts)`, a LangChain `Embeddings`
                object, or `"openai:model"` of any server with OpenAI's protocol (OPENAI_API_KEY, OPENAI_BASE_URL); the
                packaged all-MiniLM-L6-v2 by default.
            policy: how cases are chosen when `read` does not say otherwise: a name, or a policy of your own (see
                docs/policies.md), which `read` then knows by its name, too.
            namespace: whose cases; a namespace sees only its own.
            seed: makes random choices repeatable.
            ledger_url: SQL database of the ledger, SQLite or Postgres; by default an SQLite file in the folder.
            api_key: of the Qdrant server.
            collection: how the Qdrant server keeps the cases (quantisation, disk, shards, replicas); a collection that
                exists takes over what can be changed, and a notice names the rest. Folders ignore it.
            approximate_from: in a folder, the number of active cases of a namespace from which on it is searched by an
                approximate index, built in the background; needs the extra `scale`.
            home: folder for ledger and weights when `location` is a URL; `~/.memento` by default.
            is_reindexing: open although the bank was written by another encoder, in order to call `reindex`.
            min_confidence: of an evaluator, in [0, 1]; what is judged with less goes into quarantine, not into use.
            positive_from: reward from which on a case is shown as one that worked, above 0 and at most 1; or `"usual"`:
                the mean of the namespace's newest 200 outcomes, .5 until ten are known. For scores that are earned bit
                by bit, of which .5 is not yet a success.
            in_thread: work on an event loop in a thread of its own, for a memory that several event loops share and
                none of which lives as long as it does; a call takes about .2 ms longer.
            image_encoder: images to vectors, for cases to be searched by picture, too: `"thumbnail"` (packaged, extra
                `pictures`), an object with `name`, `dim` and `async embed(images)`, or the import path of one or of a
                function that makes one. Without it pictures are kept, and searched by nobody.

        Raises:
            UnknownPolicy: no policy of that name.
            InvalidInput: the object is no policy, or has the name of a built-in one; the namespace is empty or too
                long, the confidence not in [0, 1], the number of cases below 1; the location, the home, the ledger's
                URL or an encoder does not parse.
        """
        storage = Storage(
            location,
            encoder=encoder,
            ledger_url=ledger_url,
            api_key=api_key,
            collection=collection,
            approximate_from=approximate_from,
            home=home,
            is_reindexing=is_reindexing,
            image_encoder=image_encoder,
        )
        check_share("confidence", min_confidence)
        return cls(
            storage,
            policy=policy,
            namespace=namespace,
            seed=seed,
            min_confidence=min_confidence,
            positive_from=checked_positive_from(positive_from),
            in_thread=in_thread,
        )

    async def __aenter__(self) -> Self:
        """Open ledger and index.

        Raises:
            InvalidInput: it is open already.
            LedgerUnavailable: the ledger cannot be opened.
            EncoderMismatch: the bank was written by another encoder.
            EncoderUnavailable: an embedding service that is used for the first time does not answer.
        """
        self.owner_loop.adopt()
        try:
            await self.owner_loop.run(self._open)
        except BaseException:
            await self.owner_loop.release()
            raise
        return self

    def open_blocking(self) -> None:
        """Do the same in a thread that may block; needs `in_thread`, as `open_sync` gives it."""
        self.owner_loop.adopt()
        try:
            self.owner_loop.run_blocking(self._open)
        except BaseException:
            self.owner_loop.release_blocking()
            raise

    def close_blocking(self) -> None:
        """Close as `aclose`, in a thread that may block."""
        if self._storage.is_open:
            try:
                self.owner_loop.run_blocking(self._close)
            finally:
                self.owner_loop.release_blocking()

    async def _open(self) -> None:
        await self._storage.open()
        try:
            if self._storage.is_writable:
                await self.lifecycle.finish_erasures()
        except BaseException:  # a cancellation, too, must not leave what was opened
            await self._close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish learning that has begun, then close. Idempotent.

        What was acknowledged a moment ago may be left for the next process to learn from the ledger; `settle` first,
        where it should not.
        """
        if self._storage.is_open:
            try:
                await self.owner_loop.run(self._close)
            finally:
                await self.owner_loop.release()

    async def _close(self) -> None:
        try:
            await self._learning.close()
        finally:
            await self._storage.close()
