"""Interface of the vectors by which an index finds cases: of their texts, or of their pictures."""

from collections.abc import Sequence
from typing import Protocol

from memento.memory.case import Case
from memento.memory.index.engines.port import Vector


class CaseVectors(Protocol):
    """Gives the vectors of cases."""

    @property
    def name(self) -> str:
        """Of the encoder; an index of another one is made again."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def covers_all(self) -> bool:
        """Whether every case has a vector, so that an index with fewer points than cases is damaged."""
        ...

    async def of(self, cases: Sequence[Case]) -> Sequence[Vector | None]:
        """Unit rows in the order of the cases; None of a case that this index does not have.

        Raises:
            EncoderUnavailable: a vector is lost and cannot be made again.
        """
        ...
