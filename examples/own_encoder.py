"""An encoder of your own, here of word parts without any model; and a bank that changes to another one.

    pip install memento-langgraph
    python examples/own_encoder.py

Any object with `name`, `dim` and `encode` will do, and so will LangChain's `Embeddings`, or `"openai:MODEL"` of any
server with OpenAI's protocol. The name stands for the weights: another name is another encoder. No key, no network.
"""

import asyncio
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from memento import CaseMemory
from memento.memory.errors import EncoderMismatch


class WordParts:
    """Texts as counts of their letter triples, hashed to a vector of length 1."""

    name, dim = "letter-triples-512", 512

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts to rows of length 1."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for start in range(len(text) + 1):
                row[crc32(f" {text.lower()} "[start : start + 3].encode()) % self.dim] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


QUESTIONS = ("Renew a passport", "Order a printer", "Book a flight")


async def main() -> None:
    """Recall by word parts, then re-encode the bank with the packaged model, which knows words of like meaning."""
    async with CaseMemory.open("./parts_bank", encoder=WordParts(), seed=0) as memory:
        for question in QUESTIONS:
            await memory.write(state=question, action=f"the form for: {question.lower()}", reward=1.0)
        best = (await memory.read("renewal of passports", k=1)).cases[0]
        print(f"by word parts: {best.case.state} ({best.similarity:.2f})")
    try:
        async with CaseMemory.open("./parts_bank"):
            pass
    except EncoderMismatch as error:
        print(f"refused: {error}")
    async with CaseMemory.open("./parts_bank", seed=0, is_reindexing=True) as memory:
        await memory.reindex()  # the same as `memento cases reindex`
        best = (await memory.read("I need an airplane ticket", k=1)).cases[0]
        print(f"by the packaged model: {best.case.state} ({best.similarity:.2f})")


if __name__ == "__main__":
    asyncio.run(main())
