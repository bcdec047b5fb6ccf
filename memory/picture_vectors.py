"""Vectors of pictures: from a cache, else from the ledger, else from the image encoder, and then kept in the ledger."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import Case
from memento.memory.encoder import unit_rows
from memento.memory.errors import EncoderUnavailable
from memento.memory.image_encoder import IMAGE_PREFIX, ImageEncoder, embedded, sample_image
from memento.memory.index.engines.port import Vector
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.picture_rows import kept_pictures
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.pictures import CasePicture

_AT_ONCE: Final = 16
"""Images that are encoded together, and whose vectors are kept before the next."""
_MAX_RECENT: Final = 1_000


class PictureVectors:
    """Vectors of the pictures of cases, by which an index finds them (a `CaseVectors`)."""

    covers_all = False

    def __init__(self, encoder: ImageEncoder, ledger: Ledger) -> None:
        """Wire the parts."""
        # a text encoder may have the same name, and another dim
        self.name, self.dim = f"{IMAGE_PREFIX}{encoder.name}", int(encoder.dim)
        self._encoder, self._ledger, self._views = encoder, ledger, LedgerViews(ledger)
        self._recent: OrderedDict[str, Vector] = OrderedDict()

    def forget(self) -> None:
        """Forget this process' recent vectors: some may be of pictures that were erased."""
        self._recent.clear()

    async def one(self, picture: CasePicture) -> Vector:
        """The unit row of a picture, shape (dim,); zeros where it cannot be decoded. The ledger does not keep it.

        Raises:
            EncoderUnavailable: the image encoder failed.
        """
        found = await self._known([picture.hash])
        if picture.hash not in found:
            found = await self._encoded([picture])
        return found[picture.hash]

    async def of(self, cases: Sequence[Case]) -> list[Vector | None]:
        """The unit rows of the cases' pictures; None of a case without one, or whose stored row is damaged.

        Raises:
            EncoderUnavailable: the image encoder failed.
        """
        wanted = {(case.namespace, case.picture) for case in cases if case.picture}
        found = await self._known([picture for _, picture in wanted])
        missing: dict[str, list[str]] = {}
        for namespace, picture in sorted(wanted):
            if picture not in found:
                missing.setdefault(namespace, []).append(picture)
        for namespace, hashes in missing.items():
            for start in range(0, len(hashes), _AT_ONCE):
                part = [one for one in hashes[start : start + _AT_ONCE] if one not in found]
                pictures = await self._views.pictures(part, namespace=namespace)
                new = await self._encoded(list(pictures.values()))
                await self._save(new, namespace)
                found |= new
        return [found.get(case.picture) if case.picture else None for case in cases]

    async def _known(self, hashes: Iterable[str]) -> dict[str, Vector]:
        """Those vectors that need not be encoded."""
        asked = set(hashes)
        known = {one: self._recent[one] for one in asked if one in self._recent}
        if missing := asked - known.keys():
            kept, _ = await self._views.hashed_vectors_at({one: one for one in missing}, encoder=self.name)
            known |= {one: row for one, row in kept.items() if len(row) == self.dim}
        return known

    async def _encoded(self, pictures: Sequence[CasePicture]) -> dict[str, Vector]:
        if not pictures:
            return {}
        rows = unit_rows(await self._embedded([picture.content for picture in pictures]))
        new = {picture.hash: row for picture, row in zip(pictures, rows, strict=True)}
        self._recent.update(new)
        while len(self._recent) > _MAX_RECENT:
            self._recent.popitem(last=False)
        return new

    async def _embedded(self, images: Sequence[bytes]) -> NDArray[np.float32]:
        """Rows of images; zeros for one at which the encoder fails, although it takes others."""
        try:
            return await embedded(self._encoder, images)
        except EncoderUnavailable:
            if len(images) == 1:
                await embedded(self._encoder, [sample_image()])  # raises where it takes none
                return np.zeros((1, self.dim), np.float32)
        return np.concatenate([await self._embedded([image]) for image in images])

    async def _save(self, vectors: Mapping[str, Vector], namespace: str) -> None:
        """Keep vectors, of pictures that have not been erased meanwhile."""
        if not vectors or self._ledger.only_read_because:
            return

        def save(writer: LedgerWriter) -> None:
            kept = kept_pictures(writer, list(vectors), namespace=namespace)
            writer.save_hashed_vectors(self.name, {one: row for one, row in vectors.items() if one in kept})

        await self._ledger.transact(save)
