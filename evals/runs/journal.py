"""Journal of one stream: one durable line per finished task."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout

from memento.evals.runs.result import TaskResult
from memento.memory.errors import InvalidInput

JOURNAL = "journal.jsonl"
"""In the folder of a stream."""
_PATIENCE_S = 30.0
"""How long to wait for the workers of a run that was killed: they end by themselves."""


class Journal:
    """Append-only file; a last line torn by a crash is dropped. Blocking: call it off the event loop."""

    def __init__(self, path: Path) -> None:
        """Prepare; `open` reads and opens the file."""
        self._path = path
        self._lock = FileLock(path.with_suffix(".lock"), timeout=_PATIENCE_S, thread_local=False)
        self._file: TextIO | None = None
        self._n_whole = 0
        self._writing = threading.Lock()
        self.results: dict[int, TaskResult] = {}
        """By position; while the journal is open, only those of rounds whose cases are not in the memory yet."""
        self.finished: set[int] = set()
        """Positions of all results."""
        self.written: set[int] = set()
        """Rounds whose cases are in the memory."""

    def open(self) -> None:
        """Read the journal and open it for appending, by this process alone.

        Raises:
            InvalidInput: a line before the last cannot be read, or another process does not let go of it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise InvalidInput(f"another process is working on {self._path.parent}; wait until it has ended") from error
        self.read()
        self._forget_written()
        if self._path.exists() and self._path.stat().st_size > self._n_whole:
            os.truncate(self._path, self._n_whole)
        self._file = self._path.open("a", encoding="utf-8")

    def read(self) -> None:
        """Read the journal without a torn end; changes nothing, so a report may read while the run goes on."""
        if not self._path.exists():
            return
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        self._n_whole = len(whole)
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):  # answers hold every other kind of line end
            try:
                entry = json.loads(line)
                if "written" in entry:
                    self.written.add(entry["written"])
                else:
                    result = TaskResult.model_validate(entry)
                    self._add(result)
            except (ValueError, TypeError) as error:
                raise InvalidInput(f"{self._path}, line {number} is damaged: {error}") from error

    def append(self, results: Sequence[TaskResult]) -> None:
        """Append results; they are durable when this returns."""
        self._write("".join(result.model_dump_json() + "\n" for result in results))
        for result in results:
            self._add(result)

    def mark_written(self, number: int) -> None:
        """Record that a round's cases are in the memory."""
        self._write(json.dumps({"written": number}) + "\n")
        self.written.add(number)
        self._forget_written()

    def close(self) -> None:
        """Close the file, after a line being written; idempotent."""
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._lock.release()

    def _add(self, result: TaskResult) -> None:
        self.results[result.position] = result
        self.finished.add(result.position)

    def _forget_written(self) -> None:
        self.results = {place: result for place, result in self.results.items() if result.round not in self.written}

    def _write(self, lines: str) -> None:
        with self._writing:
            if self._file is None:
                raise RuntimeError("the journal is not open")
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
