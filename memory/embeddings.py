"""Encoders over embedding services: LangChain's `Embeddings` objects and OpenAI-compatible servers by name.

The service is asked in batches that it accepts, and what it answers is checked: unit rows, or a named error with the
service's reason and without its keys.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.encoder import check_rows, unit_rows
from memento.memory.errors import EncoderUnavailable, InvalidInput
from memento.memory.places import MAX_ENCODER_NAME
from memento.memory.reasons import brief_reason, masked, status_of

_AT_ONCE = 64
_REQUEST_S = 300.0
"""Timeout in seconds of one request to the given embeddings object, its retries included."""
_SMALLER = frozenset({400, 413, 422})
"""HTTP statuses that may mean a request is too large: too many texts, or too long ones."""
_SHORT = 40
"""Error messages of fewer characters are shown with their cause."""
_MIN_CHARS = 500
"""Minimum length to which a refused text is shortened."""
_MIN_KEY_CHARS = 6
"""Minimum length of a key to redact: shorter ones, such as placeholders, could be any word."""
_TOO_LONG = ("long", "large", "length", "tokens", "exceed", "size", "limit")


class EmbeddingsEncoder:
    """An `Encoder` over anything with LangChain's `aembed_documents` or `embed_documents`.

    Tasks are compared with tasks, so `aembed_documents` serves both sides. A request refused with 400, 413 or 422 is
    halved until it is accepted, and later ones begin at the size that was. A single text refused as too long is cut by
    halves, as every encoder cuts texts beyond its window.
    """

    def __init__(self, embeddings: Any, *, name: str | None = None, dim: int = 0) -> None:
        """Wrap the object; sends no request.

        Args:
            embeddings: the object; it stays the caller's to close.
            name: identifies the weights; class and model by default.
            dim: length of a vector; 0 when it is not known before `connect` or the first `encode`.
        """
        self._embeddings = embeddings
        self._ask = _asker(embeddings)
        self.name = name or _name_of(embeddings)
        self.dim = dim
        self._at_once = _AT_ONCE

    async def connect(self) -> None:
        """Learn the dimension by encoding one word.

        Raises:
            EncoderUnavailable: the service does not answer, or not with vectors.
        """
        await self.encode(["dimension"])

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode texts to unit rows, shape (len(texts), dim).

        Raises:
            EncoderUnavailable: the service failed, or answered with something that is not one vector per text.
        """
        parts: list[NDArray[np.float32]] = []
        start, size, is_cut = 0, self._at_once, False
        while start < len(texts):
            part = texts[start : start + size]
            try:
                rows = await self._rows(part)
            except _TooLargeError as refusal:
                if len(part) > 1:
                    size = (len(part) + 1) // 2
                    continue
                rows = await self._cut(part[0], refusal)
                size, is_cut = self._at_once, True  # one long text does not make later requests small
            parts.append(rows)
            start += len(part)
        if not is_cut:
            self._at_once = size
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    async def aclose(self) -> None:
        """Close the wrapped object where it can be closed."""
        if callable(close := getattr(self._embeddings, "aclose", None)):
            await close()

    async def _cut(self, text: str, refusal: "_TooLargeError") -> NDArray[np.float32]:
        """Vector of the longest accepted half, quarter, ... of a text."""
        while refusal.is_too_long and len(text) > 2 * _MIN_CHARS:
            text = text[: len(text) // 2]
            with suppress(_TooLargeError):
                return await self._rows([text])
        raise refusal.unavailable from refusal.__cause__

    async def _rows(self, texts: list[str]) -> NDArray[np.float32]:
        try:
            async with asyncio.timeout(_REQUEST_S):
                answer = await self._ask(texts)
        except EncoderUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  every provider raises errors of its own
            raise self._named(error) from (None if self._quotes_secret(error) else error)
        return self._checked(answer, len(texts))

    def _checked(self, answer: Any, n_texts: int) -> NDArray[np.float32]:
        try:
            with np.errstate(all="ignore"):
                rows = np.asarray(answer, np.float32)
        except Exception as error:
            raise EncoderUnavailable(
                f"encoder {self.name!r} did not answer with one vector of numbers for each text"
            ) from error
        check_rows(rows, name=self.name, n_texts=n_texts, dim=self.dim)
        if not rows.any(axis=1).all():
            raise EncoderUnavailable(f"encoder {self.name!r} answered with zeros only for at least one text")
        self.dim = rows.shape[1]
        return unit_rows(rows)

    def _named(self, error: Exception) -> "EncoderUnavailable | _TooLargeError":
        reason = brief_reason(error, self._redact)
        if not reason:
            reason = f"no answer within {_REQUEST_S:g} s" if isinstance(error, TimeoutError) else "it does not say why"
        if isinstance(cause := error.__cause__, Exception) and len(reason) < _SHORT:  # "Connection error."
            reason += f" ({type(cause).__name__}: {brief_reason(cause, self._redact)})"
        hint = ""
        if getattr(self._embeddings, "check_embedding_ctx_length", False) is True:
            hint = (
                "; this object sends token ids, whose vocabulary is downloaded: for servers that take texts, and "
                "offline, make it with check_embedding_ctx_length=False"
            )
        place = f" at {masked(place)}" if (place := str(getattr(self._embeddings, "place", ""))) else ""
        named = EncoderUnavailable(f"encoder {self.name!r}{place} failed: {type(error).__name__}: {reason}{hint}")
        status = status_of(error)
        is_too_long = status == 413 or any(word in reason.lower() for word in _TOO_LONG)
        if status in _SMALLER or (status == 500 and "too large to process" in reason):  # llama-server says it so
            return _TooLargeError(named, is_too_long=is_too_long)
        return named

    def _redact(self, text: str) -> str:
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _quotes_secret(self, error: Exception) -> bool:
        """Whether its message contains a key, which a printed chain of causes would show."""
        said = brief_reason(error)
        return self._redact(said) != said

    def _secrets(self) -> set[str]:
        """Keys that the object holds: LangChain's are pydantic secrets."""
        try:
            held = [getattr(value, "get_secret_value", None) for value in vars(self._embeddings).values()]
            given = [str(reveal()) for reveal in held if callable(reveal)]
            given += getattr(self._embeddings, "secrets", ())
        except Exception:  # noqa: BLE001  an object of the host's need not have them
            return set()
        return {key for key in given if len(key) >= _MIN_KEY_CHARS}


class _TooLargeError(Exception):
    """A request that was refused and may succeed when smaller."""

    def __init__(self, unavailable: EncoderUnavailable, *, is_too_long: bool) -> None:
        super().__init__(str(unavailable))
        self.unavailable = unavailable
        self.is_too_long = is_too_long


def is_embeddings(embeddings: Any) -> bool:
    """Whether it has a method of LangChain's `Embeddings`."""
    return any(callable(getattr(embeddings, verb, None)) for verb in ("aembed_documents", "embed_documents"))


def _asker(embeddings: Any) -> Callable[[list[str]], Awaitable[Any]]:
    if callable(ask := getattr(embeddings, "aembed_documents", None)):
        return ask  # type: ignore[no-any-return]
    if not callable(blocking := getattr(embeddings, "embed_documents", None)):
        raise InvalidInput(f"{type(embeddings).__name__} has neither aembed_documents nor embed_documents")

    async def ask_in_thread(texts: list[str]) -> Any:
        return await asyncio.to_thread(blocking, texts)

    return ask_in_thread


def _name_of(embeddings: Any) -> str:
    """Name of the encoder from class, model and requested dimensions: the same in every process."""
    model = ""
    for attribute in ("model", "model_name", "model_id", "deployment", "model_path", "repo_id"):
        value = getattr(embeddings, attribute, None)
        if value and isinstance(value, str):
            model = f":{value}"
            break
    dimensions = getattr(embeddings, "dimensions", None)
    shortened = f"@{dimensions}" if isinstance(dimensions, int) else ""
    return f"{type(embeddings).__name__}{model}{shortened}"[:MAX_ENCODER_NAME]
