"""What is learned from a fixed stream stays the same, whatever is made faster."""

import json
from typing import Any

import numpy as np
import pytest

from memento.memory.learning.torch_thread import torch_thread
from tests.learned_numbers import GOLDEN, SETTINGS, learned


@pytest.mark.parametrize("run", SETTINGS)
def test_the_same_is_learned_as_by_earlier_releases(run: str) -> None:
    with torch_thread() as thread:
        found = thread.submit(learned, run).result()
    expected = json.loads(GOLDEN.read_text("utf-8"))[run]
    assert len(found) == len(expected)
    for now, then in zip(found, expected, strict=True):
        assert (now["exposures"], now["suggested"]) == (then["exposures"], then["suggested"])
        assert list(now["effects"]) == list(then["effects"])
        for name in ("value", "sd", "predicted", "directions"):
            np.testing.assert_allclose(now[name], then[name], rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose(_effects(now), _effects(then), rtol=1e-5, atol=2e-6)


def _effects(told: dict[str, Any]) -> list[list[float]]:
    return list(told["effects"].values())
