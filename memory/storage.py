"""Opens and closes the parts of a memory: ledger, encoder, search index, folder of weights."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from memento.memory.embeddings import EmbeddingsEncoder
from memento.memory.encoder import EncodedTexts, Encoder
from memento.memory.encoders import as_encoder
from memento.memory.errors import EncoderMismatch, EncoderUnavailable, InvalidInput
from memento.memory.image_encoder import ImageEncoder, check_image_encoder, load_image_encoder
from memento.memory.index.breaker import Breaker
from memento.memory.index.case_bank import CaseBank
from memento.memory.index.case_vectors import CaseVectors
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.index.engines.port import VectorEngine
from memento.memory.index.projector_lease import ProjectorLease, ProjectorPoll
from memento.memory.learning.torch_thread import torch_thread
from memento.memory.ledger.backup import CopyProgress
from memento.memory.ledger.connections import sqlite_path
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.restore import RestoreReport, restore_file, restore_server
from memento.memory.ledger.settings_versions import SettingsVersions
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.picture_indexes import empty_indexes, remember_image_encoder
from memento.memory.picture_search import FOLDER, PictureSearch
from memento.memory.picture_vectors import PictureVectors
from memento.memory.placement import Placement, index_of, remove_derived, weights_of

T = TypeVar("T")

_SERVER_DEADLINE_S = 0.8
_EMBEDDED_DEADLINE_S = 10.0
"""Deadline of the in-process engine: long, so that a busy machine does not look like an outage."""


class Storage:
    """Ledger, index and threads of a memory. Opens nothing until `open`."""

    ledger: Ledger
    views: LedgerViews
    versions: SettingsVersions
    texts: EncodedTexts
    bank: CaseBank
    torch: ThreadPoolExecutor
    """The thread that runs estimators."""
    pictures: PictureSearch | None
    """The index by pictures; None without an image encoder."""
    no_pictures_because: str
    """Why the image encoder cannot be used; empty where it can, or there is none."""
    weights: Path | None
    """Folder of learned weights; None stores nothing."""
    index_folder: Path | None
    """Folder of the embedded index, which is not there where a server has always been used."""
    _polls: list[ProjectorPoll]

    def __init__(
        self,
        location: str | Path,
        *,
        encoder: Encoder | Any | str | None = None,
        ledger_url: str | None = None,
        api_key: str | None = None,
        collection: CollectionSettings | None = None,
        approximate_from: int = 200_000,
        home: str | Path | None = None,
        is_reindexing: bool = False,
        image_encoder: ImageEncoder | str | None = None,
    ) -> None:
        """Configure; the arguments are those of `CaseMemory.open`.

        Raises:
            InvalidInput: a place or an encoder does not parse, or the number of cases is below 1.
        """
        self.place = Placement(
            location,
            ledger_url=ledger_url,
            api_key=api_key,
            collection=collection,
            approximate_from=approximate_from,
            home=home,
        )
        self._encoder: Encoder = as_encoder(encoder)
        check_image_encoder(image_encoder)
        self._image_encoder = image_encoder
        self._is_own_encoder = encoder is None or isinstance(encoder, str)
        self._is_reindexing = is_reindexing
        self._is_open = False

    @property
    def is_temporary(self) -> bool:
        """Whether nothing is kept after closing."""
        return self.place.is_temporary

    async def open(self) -> None:
        """Open ledger and index.

        Raises:
            LedgerUnavailable: the ledger cannot be opened.
            EncoderMismatch: the bank was written by another encoder.
            EncoderUnavailable: the length of its vectors is not known yet, and it cannot be asked.
            InvalidInput: the import path of the image encoder leads to something else.
        """
        folder = await asyncio.to_thread(self.place.folder)
        self.ledger = await Ledger(self.place.ledger_url(folder), is_durable=not self.is_temporary).__aenter__()
        self._is_open = True
        self.torch = torch_thread()
        self._polls, self.pictures, self.no_pictures_because = [], None, ""
        try:
            self.views = LedgerViews(self.ledger)
            self.versions = SettingsVersions(self.ledger)
            self.texts = EncodedTexts(self._encoder, self.ledger)
            await self._check_encoder()
            await self._learn_dim()
            ledger_id = await self._ledger_id()
            self.weights = None if self.is_temporary else folder / weights_of(ledger_id)
            self.index_folder = None if self.is_temporary else folder / index_of(ledger_id)
            self._make_engine = partial(self.place.engine, folder, ledger_id)
            self.bank = self._bank(await asyncio.to_thread(self._make_engine), self.texts)
            await self.bank.open()
            if self._image_encoder is not None:
                await self._open_pictures(self._image_encoder)
            self.resume()
        except BaseException:  # a cancellation, too, must not leave what was opened so far
            await self.close()
            raise

    async def restore(self, source: Path, *, is_replacing: bool, on_progress: CopyProgress) -> RestoreReport:
        """Put a backup in the ledger's place, while nothing is open; see `ledger.restore`.

        Raises:
            InvalidInput: it is open, keeps nothing, or holds something that may not be replaced; no ledger to restore.
            LedgerTooNew: a newer release wrote the backup.
            LedgerUnavailable: the ledger is in use or cannot be written; it is as it was.
        """
        if self.is_temporary or self._is_open:
            raise InvalidInput("a backup is restored into a bank that is kept and not open")
        folder = await asyncio.to_thread(self.place.folder)
        url = self.place.ledger_url(folder)
        target = sqlite_path(url)
        if target is None:
            report = await restore_server(source, url, folder, is_replacing=is_replacing, on_progress=on_progress)
        else:
            report = await asyncio.to_thread(
                restore_file, source, target, is_replacing=is_replacing, on_progress=on_progress
            )
        if report.former_id is not None and report.former_id.isalnum():
            await asyncio.to_thread(remove_derived, folder, report.former_id)
        return report

    def resume(self) -> None:
        """Start what goes on in the background; again, on another event loop, when one has ended."""
        for poll in self._polls:
            poll.start()

    @property
    def is_open(self) -> bool:
        """Whether there is something to close."""
        return self._is_open

    async def close(self) -> None:
        """Close ledger, index and threads. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            for poll in self._polls:
                await poll.stop()
            try:
                if self.pictures is not None:
                    await self.pictures.bank.close()
            finally:
                if hasattr(self, "bank"):
                    await self.bank.close()
        finally:
            await self.ledger.aclose()
            await asyncio.to_thread(self.torch.shutdown)
            if self._is_own_encoder and isinstance(self._encoder, EmbeddingsEncoder):
                await self._encoder.aclose()
            await asyncio.to_thread(self.place.clean_up)

    async def compute(self, work: Callable[[], T]) -> T:
        """Run work in the thread of the estimators."""
        return await asyncio.get_running_loop().run_in_executor(self.torch, work)

    @property
    def is_writable(self) -> bool:
        """Whether ledger and index can be changed with the encoder at hand."""
        return not self._is_reindexing and not self.ledger.only_read_because

    @property
    def notices(self) -> list[str]:
        """Notices for users: the ledger is read-only, the collection has other settings than the configured ones."""
        reason = self.ledger.only_read_because
        told = [f"{reason}; it is opened read-only, and nothing is remembered"] if reason else []
        told += [self.no_pictures_because] if self.no_pictures_because else []
        return [*told, *self.place.notices]

    async def project(self) -> None:
        """Bring the indexes up to date, as far as their engines answer; never raises."""
        await self.bank.project()
        if self.pictures is not None:
            await self.pictures.bank.project()

    async def empty_picture_indexes(self) -> int:
        """Empty the indexes of pictures, those of image encoders that are not configured now included.

        Returns:
            How many engines of other processes hold a file of one: each rebuilds its own.

        Raises:
            EngineError: an engine failed.
        """
        return await empty_indexes(
            self.views,
            self.pictures,
            folder=None if self.index_folder is None else self.index_folder / FOLDER,
            make_engine=partial(self._make_engine, FOLDER) if self.place.kind == "server" else None,
        )

    async def adopt_encoder(self) -> None:
        """Remember the configured encoder as the bank's."""
        await self.ledger.transact(lambda writer: writer.set_fact("encoder", self._encoder.name))

    async def _check_encoder(self) -> None:
        stored = await self.views.fact("encoder")
        if stored is None or (stored != self._encoder.name and not await self.views.newest_offset()):
            if not self.ledger.only_read_because:
                await self.adopt_encoder()
        elif stored != self._encoder.name and not self._is_reindexing:
            raise EncoderMismatch(stored, self._encoder.name)

    async def _learn_dim(self) -> None:
        """Take the dimension from stored vectors, so that a known bank opens while the encoder service is down."""
        encoder = self._encoder
        if not isinstance(encoder, EmbeddingsEncoder) or encoder.dim:
            return
        known = None if self._is_reindexing else await self.views.vector_length(encoder=encoder.name)
        if known:
            encoder.dim = known
        else:
            await encoder.connect()

    async def _ledger_id(self) -> str:
        """Id of the ledger, so that two ledgers never share one index by accident."""
        identity = await self.views.fact("id")
        if identity is not None or self.ledger.only_read_because:
            return identity or "unknown"

        def named(writer: LedgerWriter) -> str:
            known = writer.fact("id")
            if known is None:
                known = uuid.uuid4().hex[:12]
                writer.set_fact("id", known)
            return known

        return await self.ledger.transact(named)

    def _bank(self, engine: VectorEngine, vectors: CaseVectors) -> CaseBank:
        """Make an index by these vectors; where several processes share it, one of them is elected to project.

        A ledger that is only read cannot tell who it is.
        """
        is_server, lease = engine.name == "server", None
        if is_server and not self.ledger.only_read_because:
            lease = ProjectorLease(ledger=self.ledger, index=f"{self.place.location}|{vectors.name}|{vectors.dim}")
        deadline_s = _SERVER_DEADLINE_S if is_server and vectors.covers_all else _EMBEDDED_DEADLINE_S
        bank = CaseBank(
            views=self.views, engine=engine, vectors=vectors, deadline_s=deadline_s, breaker=Breaker(), lease=lease
        )
        if lease is not None:
            self._polls.append(ProjectorPoll(lease, bank.project))
        return bank

    async def _open_pictures(self, given: ImageEncoder | str) -> None:
        """Open the index by pictures; without its encoder the memory goes on by texts."""
        try:
            encoder = await asyncio.to_thread(load_image_encoder, given)
        except EncoderUnavailable as error:
            self.no_pictures_because = f"cases are not searched by picture: {error}"
            return
        vectors = PictureVectors(encoder, self.ledger)
        await remember_image_encoder(self.ledger, self.views, vectors)
        engine = await asyncio.to_thread(self._make_engine, FOLDER)
        self.pictures = PictureSearch(vectors=vectors, bank=self._bank(engine, vectors))
        await self.pictures.bank.open()
