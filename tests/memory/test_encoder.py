"""Encoders: unit rows, checked weights, named failures; and texts that are encoded only once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.encoder import EncodedTexts, Encoder
from memento.memory.errors import EncoderUnavailable
from memento.memory.ledger.ledger import Ledger
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.minilm.model import packaged_folder
from tests.hashing_encoder import HashingEncoder


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", is_durable=False) as ledger:
        yield ledger


async def test_each_text_is_encoded_once(ledger: Ledger) -> None:
    encoder = HashingEncoder()
    texts = EncodedTexts(encoder, ledger)
    rows = await texts.rows(["a b", "c", "a b"], is_kept=True)
    assert rows.shape == (3, encoder.dim)
    assert np.array_equal(rows[0], rows[2])
    assert np.array_equal(await texts.one("c"), rows[1])
    assert np.array_equal(await EncodedTexts(encoder, ledger).one("c"), rows[1])  # another process
    assert encoder.n_encoded == 2
    assert (await texts.rows([])).shape == (0, encoder.dim)


async def test_vectors_of_another_length_are_not_used_when_only_the_name_is_the_same(ledger: Ledger) -> None:
    await EncodedTexts(HashingEncoder(dim=8, name="same"), ledger).rows(["a"], is_kept=True)
    assert (await EncodedTexts(HashingEncoder(dim=16, name="same"), ledger).one("a")).shape == (16,)


class Broken(HashingEncoder):
    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        return (await super().encode(texts)) * np.float32("nan")


class Short(HashingEncoder):
    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        return (await super().encode(texts))[1:]


@pytest.mark.parametrize("encoder", [Broken(), Short()])
async def test_named_error_when_an_encoder_answers_nonsense(ledger: Ledger, encoder: Encoder) -> None:
    with pytest.raises(EncoderUnavailable, match="answered with"):
        await EncodedTexts(encoder, ledger).rows(["a", "b"])


async def test_refused_when_the_weights_are_others() -> None:
    with pytest.raises(EncoderUnavailable, match="damaged"):
        await MiniLmEncoder(expected_sha256="0" * 64).encode(["a"])


async def test_refused_when_there_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no weights"):
        await MiniLmEncoder(model_folder=tmp_path).encode(["a"])


def test_packaged_weights_are_found() -> None:
    assert (packaged_folder() / "model.safetensors").is_file()


@pytest.mark.slow
async def test_near_meanings_are_near_when_encoded_by_many_at_once() -> None:
    encoder = MiniLmEncoder()
    texts = ["Who wrote Dune?", "The author of Dune", "How deep is the Pacific?", "long " * 1000]
    answers = await asyncio.gather(*(encoder.encode(texts[: 2 + n % 3]) for n in range(12)))
    rows = await encoder.encode(texts)
    assert rows.shape == (4, encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3
    assert all(np.allclose(answer, rows[: len(answer)], atol=1e-5) for answer in answers)
    assert (await encoder.encode([])).shape == (0, encoder.dim)
