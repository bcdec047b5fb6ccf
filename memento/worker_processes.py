"""Processes of a pool, which must not outlive the one that started them."""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """In a worker of a process pool: end as soon as the process that started it has, however that ended.

    A worker waits for work on a pipe that its neighbours hold open, too: it never hears that its parent was killed, and
    would keep its memory for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="memento-parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
