"""Counts files and bytes below a folder that untrusted code writes to, without following links."""

import os
from pathlib import Path
from typing import NamedTuple

from memento.tools.files.walking import Walk


class Footprint(NamedTuple):
    """Number and size of everything below a folder: files, folders, links, pipes."""

    n_files: int
    n_bytes: int
    is_whole: bool = True
    """Whether every folder could be looked at; one that code has closed to its owner cannot."""

    def exceeds(self, other: "Footprint") -> bool:
        """Whether it is larger in any way."""
        return self.n_files > other.n_files or self.n_bytes > other.n_bytes or self.is_whole < other.is_whole


def footprint(folder: Path, *, at_most: Footprint) -> Footprint:
    """Measure everything below a folder; blocks. Stops once there is more than `at_most`."""
    n_files = n_bytes = 0
    walk = Walk(folder)
    for found in walk:
        n_files += 1
        n_bytes += _size(found.status)
        if n_files > at_most.n_files or n_bytes > at_most.n_bytes:
            break
    return Footprint(n_files, n_bytes, not walk.n_closed)


def _size(found: os.stat_result) -> int:
    # A file may take more room than its length says, and be longer than the room it takes.
    return max(found.st_size, getattr(found, "st_blocks", 0) * 512)
