"""Empties the index slots of a bank after an erasure, so that no file of them holds what was erased."""

import shutil
from pathlib import Path

from filelock import FileLock, Timeout

from memento.memory.errors import EngineUnavailable
from memento.memory.index.engines.graphs import remove_graphs
from memento.memory.index.engines.slot import POLL_S, WRITES_TIMEOUT_S
from memento.memory.index.engines.slot_files import ERASED, mark_erased, writes_lock


def purge_slots(directory: Path) -> int:
    """Empty every slot of a bank directory that nobody holds, mark the others, and remove the segments they share.

    What is marked is rebuilt from the ledger.

    Returns:
        How many are held: each by an engine that rebuilds its own when it next follows the ledger, or is next opened.

    Raises:
        EngineUnavailable: a slot cannot be read or emptied.
    """
    held = dict[Path, bool]()
    try:
        # an engine may have made a slot from one that was not marked yet: it is found the second time
        while new := [path for path in sorted(directory.glob("slot-*")) if path.is_dir() and path not in held]:
            held.update({path: not _emptied(path) for path in new})
    except (OSError, NotImplementedError) as error:
        raise EngineUnavailable(f"the bank directory {directory} cannot be emptied: {error}") from error
    remove_graphs(directory)  # last: who builds one puts it in place only while its slot is not marked
    return sum(held.values())


def _emptied(path: Path) -> bool:
    """Empty a slot, unless somebody holds it."""
    mark_erased(path)  # first: whoever takes it in between, or finds it half emptied, rebuilds it
    lock = FileLock(path.with_name(f"{path.name}.lock"), thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    writes = writes_lock(path)
    try:
        writes.acquire(timeout=WRITES_TIMEOUT_S, poll_interval=POLL_S)  # nobody copies it half emptied
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != ERASED:
                entry.unlink()
        (path / ERASED).unlink()
    except Timeout as error:
        raise EngineUnavailable(f"{path} is being copied by another process") from error
    finally:
        writes.release()
        lock.release()
    return True
