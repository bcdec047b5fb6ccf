"""Cache of what the frozen model said: a file that any number of runs add to, one line for each prompt.

The model is frozen and a prompt's numbers do not depend on what is read beside it, so a reading holds for every arm,
order and run; a run that was killed finds there what it had read.
"""

import hashlib
import os
import tempfile
from pathlib import Path

REVISION = 2
"""Of the numbers that reader.py gives; raise it when they change, so that no older reading is used."""
_END = "."
"""Last word of a whole line."""


class Readings:
    """Key of a prompt to the probabilities of its next tokens."""

    def __init__(self, path: Path | None) -> None:
        """Load what is there. Blocking.

        Args:
            path: the file; None keeps readings in memory only.
        """
        self._known: dict[str, tuple[float, ...]] = {}
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            with path.open(encoding="ascii", errors="replace") as lines:
                for line in lines:
                    self._take(line)
            os.write(self._file, b"\n")  # ends a line that a killed run left torn

    def get(self, key: str) -> tuple[float, ...] | None:
        """The probabilities; None where the prompt was never read."""
        return self._known.get(key)

    def add(self, key: str, probabilities: tuple[float, ...]) -> None:
        """Keep a reading."""
        self._known[key] = probabilities
        if self._file is not None:
            os.write(self._file, f"{key} {' '.join(map(repr, probabilities))} {_END}\n".encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self, line: str) -> None:
        """Take a whole line; what a torn one held is read again by whoever asks."""
        words = line.split()
        if len(words) < 3 or words[-1] != _END:
            return
        try:
            self._known[words[0]] = tuple(float(word) for word in words[1:-1])
        except ValueError:
            return


def readings_file(weights: Path) -> Path:
    """The default file: of these very weights and this revision of the reader, in the temporary folder. Blocking."""
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    return Path(tempfile.gettempdir()) / "memento-frozen-model" / f"{digest}-{REVISION}.txt"
