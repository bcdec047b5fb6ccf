"""Search by picture: a second index of the cases that have one, by the vectors of an image encoder."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from memento.memory.case import Case, CaseKind
from memento.memory.errors import EncoderUnavailable
from memento.memory.index.case_bank import CaseBank, Search
from memento.memory.index.engines.port import Vector
from memento.memory.picture_vectors import PictureVectors
from memento.memory.pictures import CasePicture
from memento.memory.products import exact_cosines

FOLDER: Final = "pictures"
"""Of an embedded index of pictures, in the folder of the bank's index."""

_SAYS: Final = "search by picture"


class PictureQuery(NamedTuple):
    """The picture of a read, as it is searched for."""

    vector: Vector | None = None
    """None where cases are searched by text alone."""
    is_degraded: bool = False
    """Whether that is because the image encoder failed."""
    notices: tuple[str, ...] = ()


class PictureSearch:
    """Searches cases by the pictures of their situations, and compares pictures."""

    def __init__(self, *, vectors: PictureVectors, bank: CaseBank) -> None:
        """Wire the parts.

        Args:
            vectors: of pictures.
            bank: the index by these vectors.
        """
        self.vectors, self.bank = vectors, bank

    @property
    def notices(self) -> list[str]:
        """Current notices for users."""
        return [f"{_SAYS}: {notice}" for notice in self.bank.notices]

    async def query(self, picture: CasePicture) -> PictureQuery:
        """Encode the picture of a read; never raises because of the image encoder."""
        try:
            vector = await self.vectors.one(picture)
        except EncoderUnavailable as error:
            return PictureQuery(None, is_degraded=True, notices=(f"{_SAYS}: not done, since {error}",))
        if not vector.any():
            return PictureQuery(notices=(f"{_SAYS}: not done, since the image encoder cannot decode the picture",))
        return PictureQuery(vector)

    async def nearest(
        self, vector: Vector, *, namespace: str, kind: CaseKind, limit: int, exclude_question: str, until: int
    ) -> Search:
        """The cases with the nearest pictures, as `CaseBank.search` gives them."""
        found = await self.bank.search(
            vector, namespace=namespace, kind=kind, limit=limit, exclude_question=exclude_question, until=until
        )
        return found._replace(notices=[f"{_SAYS}: {notice}" for notice in found.notices])

    async def similarities(self, cases: Sequence[Case], vector: Vector) -> dict[str, float]:
        """Cosines of the cases' pictures with a vector, by case id; without cases that have no picture.

        Raises:
            EncoderUnavailable: the vector of a picture is lost, and the image encoder failed.
        """
        rows = await self.vectors.of(cases)
        row_of = {case.id: row for case, row in zip(cases, rows, strict=True) if row is not None and row.any()}
        if not row_of:
            return {}
        cosine_C = exact_cosines(np.stack(list(row_of.values())), vector)
        return dict(zip(row_of, map(float, cosine_C), strict=True))

    async def rebuild(self) -> None:
        """Rebuild the index from the ledger.

        Raises:
            EngineError: the engine failed.
        """
        self.vectors.forget()
        await self.bank.rebuild()
