"""What was learned, on disk: a safetensors file per namespace and estimator, put in the old one's place at once.

A snapshot only saves time. Without it, or with a damaged one, the ledger teaches the same again.
"""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from memento.memory.case import QUESTION_VERSION
from memento.private_files import create_private_file, make_private_folder

_LOG = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """Saved state of an estimator, with the offset and recipe it was learned with."""

    tensors: dict[str, NDArray[Any]]
    stamp: dict[str, Any]
    """The estimator's own state as JSON values."""
    encoder: str
    offset: int
    """Ledger offset of the last outcome learned from."""
    n_outcomes: int
    recipe: str
    """Recipe of the version it was learned with; see `SettingsVersion.recipe`."""

    question_version: int = 1
    """Version of the question hash; see `QUESTION_VERSION`."""

    def fits(self, encoder: str, recipe: str) -> bool:
        """Whether it was learned from this encoder's vectors, with this recipe and the current question hash."""
        return (self.encoder, self.recipe, self.question_version) == (encoder, recipe, QUESTION_VERSION)


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot; a failure is only logged, as a snapshot only saves time."""
    fresh = path.with_suffix(f".{os.getpid()}-{id(snapshot):x}.new")  # several learners may share a process
    fields = snapshot._asdict()
    tensors = {name: np.ascontiguousarray(value) for name, value in fields.pop("tensors").items()}
    try:
        make_private_folder(path.parent)
        create_private_file(fresh)
        save_file(tensors, fresh, metadata={"snapshot": json.dumps(fields)})
        fresh.replace(path)
    except (OSError, SafetensorError) as error:
        _LOG.warning("what was learned was not saved (%s); the next start learns it again", error)
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def read_snapshot(path: Path) -> Snapshot | None:
    """Read a snapshot.

    Returns:
        The snapshot, or None when there is none that can be read.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            fields = json.loads(file.metadata()["snapshot"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
        return Snapshot(tensors=tensors, **fields)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        _LOG.warning("what was saved cannot be read (%s); it is learned again", type(error).__name__)
        return None
