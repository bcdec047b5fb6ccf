"""Keeps every core at work beside a benchmark: code that waits for other cores in a loop shows only then."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

_WORK: Final = """
import os
parent = os.getppid()
while os.getppid() == parent:  # a killed benchmark leaves nothing behind
    for _ in range(1_000_000):
        pass
"""


@contextlib.contextmanager
def busy_cores(*, is_wanted: bool = True) -> Iterator[int]:
    """A process that computes without end on each core, for the length of the block.

    Args:
        is_wanted: without it, nothing is started.

    Yields:
        How many there are.
    """
    started = [
        subprocess.Popen([sys.executable, "-c", _WORK]) for _ in range((os.cpu_count() or 1) if is_wanted else 0)
    ]
    try:
        yield len(started)
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()
