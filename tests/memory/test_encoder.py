"""Encoders: unit rows, named failures; and texts that are encoded only once."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.encoder import EncodedTexts, Encoder
from memento.memory.errors import EncoderUnavailable
from memento.memory.ledger.ledger import Ledger
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
