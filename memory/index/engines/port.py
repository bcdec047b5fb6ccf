"""Interface of a vector engine, as the case bank uses it.

An engine holds a *projection* of the ledger: points it can search, and the ledger offset up to which it has been
projected. It may be lost at any time; the ledger rebuilds it.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""One unit row, shape (dim,), float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPoint:
    """One revision of one case, as the engine stores it."""

    case_id: str
    """A UUID in canonical text form; also the point's id."""
    version: int
    """Revision of the case, from 1; a point never goes back to a lower version."""
    namespace: str
    """As `indexed_namespace` gives it: each kind of case is apart, like another namespace."""
    question: str
    """Hash of the task's key or of its normalised text: a question never retrieves its own case."""
    status: str
    """active | quarantined | retired; only active points are searched."""
    reward: float
    state: str
    """Beginning of the state text, for people who inspect Qdrant."""
    vector: Vector
    """The encoded state, unit length."""


class Hit(NamedTuple):
    """One search result."""

    case_id: str
    similarity: float
    """Cosine in [-1, 1]."""


class VectorEngine(Protocol):
    """A searchable projection of the ledger. Every method raises only `EngineError`s.

    Safe for concurrent use by the tasks of one event loop; never blocks that loop.
    """

    name: str
    """edge | server | memory"""

    async def open(self, *, dim: int, encoder: str) -> None:
        """Open or create the projection for one encoder. Idempotent.

        Raises:
            IndexDamaged: what is there cannot be used; call `rebuild`, which starts afresh.
            EngineUnavailable: it cannot be reached now; `open` may be called again.
        """
        ...

    async def upsert(self, points: Sequence[BankPoint]) -> None:
        """Apply revisions; idempotent and order-free: a point never goes back to a lower version."""
        ...

    async def delete(self, case_ids: Sequence[str]) -> None:
        """Remove points of cases that were erased; ids that are not there are no error.

        Raises:
            IndexDamaged: they are gone from searches, but the engine's files still hold their texts; call `rebuild`.
        """
        ...

    async def search(
        self, vector: Vector, *, namespace: str, limit: int, exclude_question: str | None = None
    ) -> list[Hit]:
        """Active points of `namespace` by descending cosine, without those of the question given."""
        ...

    async def count(self) -> int:
        """All points, of every namespace and status."""
        ...

    async def position(self) -> int:
        """The ledger offset up to which this projection is complete; 0 when it is empty or unknown."""
        ...

    async def save_position(self, offset: int) -> None:
        """Make everything applied so far durable, then remember `offset` with the projection."""
        ...

    async def rebuild(self, batches: AsyncIterator[Sequence[BankPoint]], *, position: int) -> None:
        """Build a fresh projection from `batches` aside, then put it in the place of the old one at once."""
        ...

    async def settle(self) -> None:
        """Wait until what is being prepared in the background for faster searches is in use, or has failed."""
        ...

    async def close(self) -> None:
        """Flush and let go of files, locks and connections. Idempotent."""
        ...
