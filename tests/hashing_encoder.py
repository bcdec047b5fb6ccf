"""A bag of hashed words as an encoder: no weights, no wait, and texts that share words are near each other."""

import zlib

import numpy as np
from numpy.typing import NDArray


class HashingEncoder:
    """Unit rows by the hashing trick; the same text gives the same row in every process."""

    def __init__(self, *, dim: int = 64, name: str | None = None) -> None:
        self.dim = dim
        self.name = name or f"hashed-words-{dim}"
        self.n_encoded = 0
        """Texts encoded so far."""

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        self.n_encoded += len(texts)
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split() or [""]:
                code = zlib.crc32(word.encode("utf-8", "replace"))
                row[code % self.dim] += 1.0 if code & (1 << 31) else -1.0
            if not row.any():  # two words that cancel out
                row[0] = 1.0
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit
