"""Tasks of a family with their vectors, encoded once and kept as a file.

Axes: Q questions, A answers, D dimensions of the encoder.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_model.families import Family
from benchmarks.frozen_model.one_step import as_action
from memento.memory.minilm.encoder import MiniLmEncoder

_HABITS = 0.8
"""Each answer is guessed so much less often than the one before, in an order drawn by the family's seed."""


class TextTasks(NamedTuple):
    """Everything that a stream needs of a family."""

    tasks: list[str]
    """Ids of the questions."""
    sources: list[str]
    right_Q: NDArray[np.int64]
    """Position of the right answer."""
    state_QD: NDArray[np.float32]
    action_AD: NDArray[np.float32]
    actions: list[str]
    """Text of the action that gives each answer."""
    habit_A: NDArray[np.float64]
    """How often the reader gives each answer by itself."""


def kept_texts(family: Family, folder: Path, *, seed: int) -> Path:
    """The file of a family's tasks and vectors; encodes them when it is not there yet.

    Args:
        family: the tasks.
        folder: for the file.
        seed: of the reader's habits.
    """
    names, actions = list(family.names), [as_action(name) for name in family.names]
    questions = [task.question for task in family.tasks]
    key = hashlib.sha256("\n".join([*questions, *actions, str(seed)]).encode()).hexdigest()[:16]
    path = folder / f"{family.name}.{key}.npz"
    if not path.exists():
        rows = encoded([*questions, *actions])
        folder.mkdir(parents=True, exist_ok=True)
        habit_A = _HABITS ** np.random.default_rng(seed).permutation(len(names))
        fresh = path.with_suffix(".new.npz")
        np.savez(
            fresh,
            tasks=np.array([task.id for task in family.tasks]),
            sources=np.array([task.source for task in family.tasks]),
            right_Q=np.array([names.index(family.right(task)) for task in family.tasks]),
            state_QD=rows[: len(questions)],
            action_AD=rows[len(questions) :],
            actions=np.array(actions),
            habit_A=habit_A / habit_A.sum(),
        )
        fresh.replace(path)
    return path


@cache
def loaded(path: Path) -> TextTasks:
    """Tasks from a file of `kept_texts`."""
    with np.load(path, allow_pickle=False) as kept:
        return TextTasks(
            tasks=kept["tasks"].tolist(),
            sources=kept["sources"].tolist(),
            right_Q=kept["right_Q"],
            state_QD=kept["state_QD"],
            action_AD=kept["action_AD"],
            actions=kept["actions"].tolist(),
            habit_A=kept["habit_A"],
        )


def encoded(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of texts, at least one, shape (N, D)."""
    return asyncio.run(_encoded(texts))


async def _encoded(texts: Sequence[str]) -> NDArray[np.float32]:
    encoder = _encoder()
    parts = [await encoder.encode(list(texts[start : start + 64])) for start in range(0, len(texts), 64)]
    return np.concatenate(parts)


@cache
def _encoder() -> MiniLmEncoder:
    return MiniLmEncoder()
