"""Banks of any size for benchmarks: recorded cases, then made ones of two recorded texts whose vectors are given.

A made text is two recorded ones with their numbers, and its vector lies between the vectors of the two: so a bank of a
million has the density of a real one, and making it takes no million forwards of an encoder. Fresh queries are recorded
questions that no case has, encoded for real, or made of two of them where there are not enough.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.recorded import cases, queries
from memento.memory.bulk_load import without_collector
from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder

BATCH = 512
_LOADED_FROM, _PART = 5000, 50_000
"""Cases from which on they are loaded from files, and cases of one file."""
_STRIDE = 7919  # a prime: numbers beyond the recorded ones meet a new partner in every round
_NOISE = 0.5
_MADE = re.compile(r" \((\d+), (\d+), (\d+)\)$")


class GivenVectors:
    """The packaged encoder, with vectors at hand for the texts that are recorded or made of recorded ones."""

    def __init__(self, encoder: Encoder) -> None:
        """Use `load` before encoding.

        Args:
            encoder: of every other text.
        """
        self.name, self.dim = encoder.name, encoder.dim
        self.inner = encoder
        self._texts: list[str] = []
        self._known: dict[str, int] = {}
        self._rows_ND: NDArray[np.float32] = np.empty((0, encoder.dim), np.float32)

    async def load(self, texts: Sequence[str]) -> None:
        """Encode the texts that others are made of."""
        self._texts = list(dict.fromkeys(texts))
        self._known = {text: number for number, text in enumerate(self._texts)}
        self._rows_ND = await self.inner.encode(self._texts)

    def made(self, number: int) -> str:
        """Text number so much, of two loaded ones."""
        first = number % len(self._texts)
        second = (first + 1 + (number // len(self._texts)) * _STRIDE) % len(self._texts)
        return f"{self._texts[first]} {self._texts[second]} ({first}, {second}, {number})"

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), dim): given ones, and those of the encoder for texts that are neither."""
        found = [self._given(text) for text in texts]
        absent = [text for text, row in zip(texts, found, strict=True) if row is None]
        if not absent:
            return np.stack(found) if found else np.empty((0, self.dim), np.float32)
        encoded = iter(await self.inner.encode(absent))
        return np.stack([next(encoded) if row is None else row for row in found])

    def _given(self, text: str) -> NDArray[np.float32] | None:
        if (number := self._known.get(text)) is not None:
            return self._rows_ND[number]
        if (made := _MADE.search(text)) is None or not self._texts:
            return None
        first, second, number = map(int, made.groups())
        noise = np.random.default_rng(number).standard_normal(self.dim, np.float32) * _NOISE / self.dim**0.5
        row = self._rows_ND[first] + self._rows_ND[second] + noise
        unit: NDArray[np.float32] = (row / np.linalg.norm(row)).astype(np.float32)
        return unit


def bank(encoder: GivenVectors, start: int, stop: int) -> Iterator[Case]:
    """Cases `start` to `stop` of an endless bank: the recorded ones, then made ones with their plans.

    Args:
        encoder: loaded with the states of `cases()`.
        start: number of the first case.
        stop: number after the last.
    """
    recorded = cases()
    for number in range(start, stop):
        if number < len(recorded):
            yield recorded[number]
            continue
        state, plan = encoder.made(number), recorded[number % len(recorded)]
        fields = {"namespace": "default", "state": state, "action": plan.action}
        yield Case(id=case_id(**fields), reward=plan.reward, **fields)


async def filled(memory: CaseMemory, encoder: GivenVectors, start: int, stop: int) -> None:
    """Keep cases `start` to `stop` of the endless bank, and bring the index up to date.

    Many are loaded from files, with their vectors: that takes a fraction of the time.
    """
    cases_ = bank(encoder, start, stop)
    if stop - start < _LOADED_FROM:
        while batch := list(islice(cases_, BATCH)):
            await memory.keep(batch)
    else:
        with tempfile.TemporaryDirectory(prefix="filling-") as folder, without_collector():
            while batch := list(islice(cases_, _PART)):
                files = await asyncio.to_thread(
                    _write, Path(folder), batch, await encoder.encode([one.state for one in batch])
                )
                loaded = await memory.load(files[0], vectors=files[1], is_checked=False)
                assert loaded.n_loaded == len(batch), loaded.bad[:3]
    await memory.bank.project_all()


def _write(folder: Path, part: list[Case], vectors_ND: NDArray[np.float32]) -> tuple[Path, Path]:
    """Write cases and their vectors to files that `CaseMemory.load` reads."""
    lines, vectors = folder / "cases.jsonl", folder / "vectors.npy"
    with lines.open("w", encoding="utf-8") as file:
        for case in part:
            fields = {"state": case.state, "action": case.action, "reward": case.reward}
            file.write(json.dumps(fields) + "\n")
    np.save(vectors, vectors_ND)
    return lines, vectors


def fresh_queries(n: int) -> list[str]:
    """Distinct texts that no case has and that are encoded for real: recorded questions, then two of them joined."""
    asked = queries(n)
    round_, found = 1, list(asked)
    while len(found) < n:
        found += [f"{one} {asked[(number + round_) % len(asked)]}" for number, one in enumerate(asked)]
        round_ += 1
    return found[:n]
