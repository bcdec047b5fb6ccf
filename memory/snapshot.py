"""Learned weights on disk: one safetensors file per namespace, written beside the old one and put in its place at once.

A snapshot only saves time. Without it, or with a damaged one, the ledger teaches the same weights again.
"""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from memento.memory.q_function import QFunction

_LOG = logging.getLogger(__name__)
_OPTIMIZER = "optimizer."


class Snapshot(NamedTuple):
    """What a learner knows, and from what."""

    q: QFunction
    optimizer: torch.optim.AdamW
    encoder: str
    seed: int
    offset: int
    """Ledger offset of the last outcome learned from."""
    n_outcomes: int


def save_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot; a failure is logged and costs nothing but time."""
    fresh = path.with_suffix(f".{os.getpid()}-{id(snapshot):x}.new")  # several learners may share a process
    tensors = dict(snapshot.q.state_dict())
    for index, state in snapshot.optimizer.state_dict()["state"].items():
        tensors |= {f"{_OPTIMIZER}{index}.{name}": value for name, value in state.items()}
    stamp = {name: getattr(snapshot, name) for name in ("encoder", "seed", "offset", "n_outcomes")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, fresh, metadata={"stamp": json.dumps(stamp)})
        fresh.replace(path)
    except (OSError, SafetensorError) as error:
        _LOG.warning("the learned weights were not saved (%s); the next start learns them again", error)
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def read_snapshot(path: Path, q: QFunction, optimizer: torch.optim.AdamW) -> Snapshot | None:
    """Read a snapshot into a fresh head and its optimizer.

    Returns:
        The snapshot, or None when there is none that can be read.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            stamp = json.loads(file.metadata()["stamp"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
        q.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(_OPTIMIZER)})
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(_OPTIMIZER):
                _, index, moment = name.split(".")
                state.setdefault(int(index), {})[moment] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return Snapshot(q, optimizer, stamp["encoder"], stamp["seed"], stamp["offset"], stamp["n_outcomes"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        _LOG.warning("the saved weights cannot be read (%s); they are learned again", type(error).__name__)
        return None
