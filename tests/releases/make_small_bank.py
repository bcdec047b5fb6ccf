"""Makes a small bank: `python make_small_bank.py FOLDER`, run at 834ffaa for schema 2, ee4b995 for 3, f2ddbf1 for 4.

A folder as a process leaves it: ledger, weights, and the index with its slot. Texts are encoded by a hash.
"""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from memento.memory.case_memory import CaseMemory


class Hashing:
    """Unit vectors that depend on nothing but the text."""

    name, dim = "hashing", 32

    async def encode(self, texts: list[str]) -> np.ndarray:
        """Rows, shape (len(texts), 32)."""
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        rows = np.array([[byte - 127.5 for byte in digest] for digest in digests], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


async def make(folder: Path) -> dict[str, object]:
    """Live in the folder for a while; what is there then."""
    async with CaseMemory.open(folder / "bank", encoder=Hashing(), policy="advantage", seed=0) as memory:
        ids = []
        for number in range(70):
            namespace = "other" if number % 10 == 9 else "default"
            reading = await memory.read(f"question {number % 23}", k=2, namespace=namespace)
            reward = None if number % 11 == 10 else float(number % 3 == 0)
            ids.append(
                await memory.write(
                    state=f"question {number % 23}",
                    action=f"plan {number}",
                    reward=reward,
                    event_id=reading.event_id,
                    namespace=namespace,
                )
            )
        await memory.settle()
        await memory.lifecycle.retire(*[one for one in ids[:3] if one])
        await memory.lifecycle.erase(cases=[one for one in ids[3:4] if one])
        names = ("default", "other")
        return {
            "counts": {name: list(await memory.views.counts(namespace=name)) for name in names},
            "cases": {name: [case.id async for case in memory.views.walk(namespace=name)] for name in names},
            "active": {name: await memory.views.active_ids(namespace=name, exclude_question=None) for name in names},
            "n_outcomes": await memory.n_outcomes(),
            "n_points": await memory.bank.count(),
        }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir()
    (target / "expected.json").write_text(json.dumps(asyncio.run(make(target)), indent=1))
