"""Text encoders: the interface, checks of what one answers, and vectors by text, cached in the ledger.

Any object with `name`, `dim` and `async encode(texts)` serves; its weights must not change under one name. Built in are
the packaged all-MiniLM-L6-v2, `minilm.encoder.MiniLmEncoder`, which needs no network, and
`embeddings.EmbeddingsEncoder` around services.
"""

from collections import OrderedDict
from collections.abc import Sequence, Set
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import Case, text_hash
from memento.memory.coalescer import Coalescer
from memento.memory.errors import EncoderUnavailable
from memento.memory.index.engines.port import Vector
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.minilm.encoder import MiniLmEncoder as MiniLmEncoder  # noqa: PLC0414  its path in 0.1
from memento.memory.reasons import brief_reason

_RECENT_NUMBERS = 8 << 20
"""Maximum number of numbers in the vectors kept in memory: 32 MB, 21,845 texts where a vector has 384."""

_UNIT_TOLERANCE = 1e-3


@runtime_checkable
class Encoder(Protocol):
    """Interface of a text encoder."""

    name: str
    """Identifies the weights: vectors of different names are never compared."""
    dim: int

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), dim), float32. Must not block the event loop."""
        ...


class EncodedTexts:
    """Vectors by text: from a cache, else from the ledger, else from the encoder.

    Those of cases, by their states, are an index's `CaseVectors`.
    """

    covers_all = True

    def __init__(self, encoder: Encoder, ledger: Ledger) -> None:
        self.encoder = encoder
        self._ledger = ledger
        self._views = LedgerViews(ledger)
        self._recent: OrderedDict[str, Vector] = OrderedDict()
        self._kept = Coalescer(self._look_up)

    @property
    def name(self) -> str:
        """Of the encoder."""
        return self.encoder.name

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.encoder.dim

    def forget(self) -> None:
        """Forget this process' recent vectors: some may be of texts that were erased."""
        self._recent.clear()

    async def of(self, cases: Sequence[Case]) -> list[Vector]:
        """Unit rows of the cases' states."""
        return list(await self.rows([case.state for case in cases]))

    async def one(self, text: str) -> Vector:
        """The unit row of one text, shape (dim,)."""
        vector: Vector = (await self.rows([text]))[0]
        return vector

    async def located(self, text: str) -> tuple[Vector, int]:
        """The unit row of one text, and the ledger's newest offset, looked up on the same way."""
        hashed = {text: text_hash(text)}
        if (vector := self._recent.get(hashed[text])) is not None:
            return vector, await self._views.newest_offset()
        found, offset = await self._kept(hashed)
        if text in found and len(found[text]) == self.encoder.dim:
            self._remember(found, hashed)
            return found[text], offset
        return (await self._new([text]))[text], offset

    async def rows(self, texts: Sequence[str], *, is_kept: bool | Set[str] = False) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), dim); each distinct text is encoded at most once.

        Args:
            texts: what to encode.
            is_kept: the ledger keeps what had to be encoded, so that no later process encodes it again; of all texts,
                or of some.
        """
        if not texts:
            return np.empty((0, self.encoder.dim), np.float32)
        hashed = {text: text_hash(text) for text in dict.fromkeys(texts)}
        known = {text: self._recent[key] for text, key in hashed.items() if key in self._recent}
        missing = {text: key for text, key in hashed.items() if text not in known}
        if missing:
            kept, _ = await self._kept(missing)
            known |= {text: kept[text] for text in missing if text in kept and len(kept[text]) == self.encoder.dim}
        unseen = [text for text in missing if text not in known]
        if unseen:
            new = await self._new(unseen)
            kept_of = new.keys() if is_kept is True else new.keys() & (is_kept or set())
            if kept_of and not self._ledger.only_read_because:
                saved = {text: new[text] for text in new if text in kept_of}
                await self._ledger.transact(lambda writer: writer.save_vectors(self.encoder.name, saved))
            known |= new
        self._remember(known, missing)
        return np.stack([known[text] for text in texts])

    async def _new(self, texts: list[str]) -> dict[str, Vector]:
        new = dict(zip(texts, await self._encoded(texts), strict=True))
        self._remember(new, {text: text_hash(text) for text in texts})
        return new

    async def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode texts; any failure of an encoder, also a custom one, is raised as `EncoderUnavailable`."""
        name = self.encoder.name
        try:
            rows = np.asarray(await self.encoder.encode(texts), np.float32)
        except EncoderUnavailable:
            raise
        except Exception as error:
            reason = brief_reason(error)
            raise EncoderUnavailable(f"encoder {name!r} failed: {type(error).__name__}: {reason}") from error
        check_rows(rows, name=name, n_texts=len(texts), dim=self.encoder.dim)
        return unit_rows(rows)

    async def _look_up(self, asked: Sequence[dict[str, str]]) -> list[tuple[dict[str, Vector], int]]:
        hashed = {text: key for part in asked for text, key in part.items()}
        return [await self._views.hashed_vectors_at(hashed, encoder=self.encoder.name)] * len(asked)

    def _remember(self, vectors: dict[str, Vector], hashed: dict[str, str]) -> None:
        for text, key in hashed.items():
            self._recent[key] = vectors[text]
        while len(self._recent) * self.encoder.dim > _RECENT_NUMBERS:
            self._recent.popitem(last=False)


def check_rows(rows: NDArray[np.float32], *, name: str, n_texts: int, dim: int) -> None:
    """Raise `EncoderUnavailable` unless there is one row of finite numbers for each text.

    Args:
        rows: what an encoder answered.
        name: of the encoder.
        n_texts: how many texts it was given.
        dim: length that a row should have; 0 when it is not known.
    """
    problem = ""
    if rows.ndim != 2 or len(rows) != n_texts or not rows.shape[-1]:
        problem = f"shape {rows.shape} for {n_texts} texts"
    elif dim and rows.shape[1] != dim:
        problem = (
            f"{rows.shape[1]} numbers for a text instead of {dim}: it is not the bank's model; "
            "configure that model, or run `memento cases reindex`"
        )
    elif not np.isfinite(rows).all():
        problem = "numbers that are not finite"
    if problem:
        raise EncoderUnavailable(f"encoder {name!r} answered with {problem}")


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalise rows to length 1; rows of length 1 or 0 are unchanged."""
    norm_N1 = np.linalg.norm(rows, axis=1, keepdims=True)
    norm_N1[(np.abs(norm_N1 - 1) < _UNIT_TOLERANCE) | (norm_N1 == 0)] = 1
    unit: NDArray[np.float32] = (rows / norm_N1).astype(np.float32, copy=False)
    return unit
