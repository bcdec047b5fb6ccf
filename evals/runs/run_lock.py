"""File lock on a run's folder: one process at a time counts its journals and its budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from memento.memory.errors import InvalidInput

_LOCK = "run.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run's folder; the system releases it when the process ends. Blocking, but never waits.

    Raises:
        InvalidInput: another process works on it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be used for the run: {error.strerror}; give another --out") from error
    lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InvalidInput(
            f"another process is working on {folder}; wait until it has ended, or give another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()
