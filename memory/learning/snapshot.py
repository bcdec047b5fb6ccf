"""What was learned, on disk: a safetensors file per namespace and estimator, put in the old one's place at once.

A snapshot only saves time. Without it, or with a damaged one, the ledger teaches the same again. A checksum over all
tensors and fields is in the file's metadata; files of releases until November 2026 have none and are read without.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from memento.memory.case import QUESTION_VERSION, text_hash
from memento.private_files import create_private_file, make_private_folder

_LOG = logging.getLogger(__name__)

_FIELDS: Final = "snapshot"
_CHECKSUM: Final = "sha256"


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
        told = json.dumps(fields)
        save_file(tensors, fresh, metadata={_FIELDS: told, _CHECKSUM: _checksum(told, tensors)})
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
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
        told = metadata.pop(_FIELDS)
        if metadata and metadata != {_CHECKSUM: _checksum(told, tensors)}:
            raise ValueError("it does not match its checksum")
        return Snapshot(tensors=tensors, **json.loads(told))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        _LOG.warning("the weights %s are damaged (%s); they are learned again from the ledger", path.name, error)
        return None


def newest_saved_offset(folder: Path, namespace: str, estimator: str) -> int:
    """Ledger offset up to which any snapshot of a namespace and estimator has learned; 0 without one. Blocks."""
    offsets = [0]
    for path in folder.glob(f"{text_hash(namespace)}.{estimator}.*"):
        damaged = contextlib.suppress(OSError, SafetensorError, KeyError, TypeError, ValueError)
        with damaged, safe_open(path, framework="np") as file:
            offsets.append(int(json.loads(file.metadata()[_FIELDS])["offset"]))
    return max(offsets)


def _checksum(told: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    """Of the fields as they are written, and of each tensor's name, type, shape and bytes."""
    hashed = hashlib.sha256(told.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        hashed.update(json.dumps([name, str(tensor.dtype), tensor.shape]).encode())
        hashed.update(np.ascontiguousarray(tensor).tobytes())
    return hashed.hexdigest()
