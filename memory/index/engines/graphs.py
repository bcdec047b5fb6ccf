"""Folders of a bank's segments (see segment.py): built aside by a process of their own, put in place, removed.

bank/
  graph-3/         in use by some slot
  graph-4.new/     being built
  graphs.lock      held while a segment is put in place or removed, or a slot that uses it copied
  build.lock       held by the engine whose child process builds
"""

import contextlib
import json
import logging
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from memento.memory.errors import EngineUnavailable
from memento.memory.index.engines.slot import POLL_S, WRITES_TIMEOUT_S
from memento.memory.index.engines.slot_files import graph_folder, graph_in_use, graphs_lock, is_marked_erased
from memento.private_files import private_modes

_LOG = logging.getLogger(__name__)
_GRAPH = re.compile(r"graph-(\d+)(\.new)?")


def can_build() -> bool:
    """Whether the library that builds and searches graphs is installed."""
    return find_spec("usearch") is not None


def newest_graph(bank: Path) -> int:
    """Number of the newest segment of a bank; 0 where there is none."""
    return max((number for number, path in _graphs(bank) if path.suffix != ".new"), default=0)


def remove_graphs(bank: Path, numbers: Collection[int] | None = None) -> None:
    """Remove segments, in use or not: some, or all of them with those that are being built.

    Raises:
        EngineUnavailable: another process copies a slot for too long, or they cannot be removed.
    """
    if not _graphs(bank):
        return
    with _locked(bank):
        for number, path in _graphs(bank):
            if numbers is None or (number in numbers and path.suffix != ".new"):
                shutil.rmtree(path)


def remove_unused_graphs(bank: Path, *, but: int) -> None:
    """Remove the segments that no slot of the bank uses, but for one.

    Raises:
        EngineUnavailable: another process copies a slot for too long, or they cannot be removed.
    """
    if all(number == but for number, _ in _graphs(bank)):
        return
    with _locked(bank):
        kept = {but, *_in_use(bank)}
        for number, path in _graphs(bank):
            if number not in kept and path.suffix != ".new":
                shutil.rmtree(path)


@contextlib.contextmanager
def _locked(bank: Path) -> Iterator[None]:
    try:
        with graphs_lock(bank).acquire(timeout=WRITES_TIMEOUT_S, poll_interval=POLL_S):
            yield
    except Timeout:
        raise EngineUnavailable(f"the segments of {bank} are being copied by another process") from None
    except OSError as error:
        raise EngineUnavailable(f"the segments of {bank} cannot be removed: {error}") from error


class GraphBuild:
    """Builds the next segment of a bank in a child process. Blocking; `stop` may be called from anywhere.

    Args:
        slot: folder of the slot whose points are taken.
        graph: number of the segment that completes them; 0 for none.
        dim: length of the vectors.
        namespaces: those that get a graph.
    """

    def __init__(self, slot: Path, *, graph: int, dim: int, namespaces: list[str]) -> None:
        self._slot, self._bank = slot, slot.parent
        self._job = {"slot": str(slot), "graph": graph, "dim": dim, "namespaces": namespaces}
        self._lock = FileLock(self._bank / "build.lock", mode=private_modes(self._bank.stat()).file, thread_local=False)
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Lock()
        self.is_stopped = False

    def run(self) -> int:
        """Build, and put it in place.

        Returns:
            Its number; 0 if another process builds one, or it was stopped or failed.
        """
        try:
            self._lock.acquire(blocking=False)
        except (Timeout, OSError):
            return 0
        try:
            return self._built()
        except OSError as error:
            _LOG.warning("no graph was built for %s: %s", self._bank, error)
            return 0
        finally:
            self._lock.release()

    def stop(self) -> None:
        """End the child process; what it has built is not used, even if it is complete."""
        with self._stopping:
            self.is_stopped = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()

    def _built(self) -> int:
        for _, path in _graphs(self._bank):
            if path.suffix == ".new":  # of a process that died
                shutil.rmtree(path, ignore_errors=True)
        number = newest_graph(self._bank) + 1
        aside = self._bank / f"graph-{number}.new"
        job = json.dumps({**self._job, "target": str(aside)})
        with self._stopping:
            if self.is_stopped:
                return 0
            self._child = subprocess.Popen(
                [sys.executable, "-m", "memento.memory.index.engines.graph_build", job],
                stdin=subprocess.PIPE,  # it ends when this process does
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        with self._child as child:
            said = child.stderr.read() if child.stderr is not None else b""
            code = child.wait()
        try:
            if code and not self.is_stopped:
                _LOG.warning("the graph of %s was not built: %s", self._bank, said.decode(errors="replace")[-500:])
            return 0 if code else self._placed(aside, number)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _placed(self, aside: Path, number: int) -> int:
        try:
            with graphs_lock(self._bank).acquire(timeout=WRITES_TIMEOUT_S, poll_interval=POLL_S), self._stopping:
                # what was erased meanwhile may be in it: an erasure marks the slot, and a rebuild stops this
                if self.is_stopped or is_marked_erased(self._slot):
                    return 0
                aside.rename(graph_folder(self._bank, number))
                return number
        except Timeout:
            return 0


def _graphs(bank: Path) -> list[tuple[int, Path]]:
    found = [(_GRAPH.fullmatch(path.name), path) for path in bank.glob("graph-*")]
    return sorted((int(match[1]), path) for match, path in found if match)


def _in_use(bank: Path) -> set[int]:
    used = set[int]()
    for slot in bank.glob("slot-*"):
        if slot.is_dir() and _is_held(slot):
            with contextlib.suppress(EngineUnavailable):
                used |= graph_in_use(slot)
    return used


def _is_held(slot: Path) -> bool:
    lock = FileLock(slot.with_name(f"{slot.name}.lock"), thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False
