"""The packaged encoder with what it has encoded kept: for streams side by side, which have the same texts."""

import numpy as np
from numpy.typing import NDArray

from memento.memory.minilm.encoder import MiniLmEncoder


class EncodedOnce(MiniLmEncoder):
    """Encodes each text once."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, NDArray[np.float32]] = {}

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows."""
        if fresh := [text for text in dict.fromkeys(texts) if text not in self._rows]:
            self._rows |= zip(fresh, await super().encode(fresh), strict=True)
        return np.stack([self._rows[text] for text in texts])
