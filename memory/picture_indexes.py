"""The image encoders that a bank has had, and how the indexes by their vectors are emptied when something is erased."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from memento.memory.index.engines.port import VectorEngine
from memento.memory.index.projection import empty_index
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.picture_search import PictureSearch
from memento.memory.picture_vectors import PictureVectors

_ENCODERS: Final = "image_encoders"
"""Fact with the names and dims of all image encoders of a bank."""


async def image_encoders(views: LedgerViews) -> dict[str, int]:
    """All image encoders that the bank has been opened with: name to dim."""
    known: dict[str, int] = json.loads(await views.fact(_ENCODERS) or "{}")
    return known


async def remember_image_encoder(ledger: Ledger, views: LedgerViews, vectors: PictureVectors) -> None:
    """Record an image encoder, so that its index is found when something is erased without it."""
    if ledger.only_read_because or (await image_encoders(views)).get(vectors.name) == vectors.dim:
        return

    def remember(writer: LedgerWriter) -> None:
        known = json.loads(writer.fact(_ENCODERS) or "{}")
        writer.set_fact(_ENCODERS, json.dumps({**known, vectors.name: vectors.dim}))

    await ledger.transact(remember)


async def empty_indexes(
    views: LedgerViews,
    search: PictureSearch | None,
    *,
    folder: Path | None,
    make_engine: Callable[[], VectorEngine] | None,
) -> int:
    """Empty the indexes of pictures, of every image encoder; the one in use is rebuilt from the ledger.

    Args:
        views: of the ledger.
        search: what uses one of them; None without an image encoder.
        folder: of the embedded index, which need not be there; None where nothing is kept.
        make_engine: makes an engine of those on a server, and blocks; None where there is no server.

    Returns:
        How many engines of other processes hold a slot of the embedded index: each rebuilds its own.

    Raises:
        EngineError: an engine failed.
    """
    n_held = 0
    if folder is not None and await asyncio.to_thread(folder.is_dir):
        from memento.memory.index.engines.purging import purge_slots

        n_held = await asyncio.to_thread(purge_slots, folder)
    if search is not None:
        await search.rebuild()
        n_held = max(0, n_held - (search.bank.engine_name == "edge"))
    if make_engine is not None:
        for name, dim in (await image_encoders(views)).items():
            if search is None or name != search.vectors.name:
                await empty_index(await asyncio.to_thread(make_engine), name, dim)
    return n_held
