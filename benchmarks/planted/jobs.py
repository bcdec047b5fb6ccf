"""Plays cells side by side."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.planted.cells import Task, load, run


def run_all(tasks: Sequence[Task], folder: Path, *, jobs: int) -> int:
    """Play what is not kept yet, in the order given, and show how long it will take.

    Returns:
        Number of cells played.
    """
    missing = [task for task in tasks if load(task, folder) is None]
    if not missing:
        return 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=600) as progress:
        bar = progress.add_task("simulated streams", total=len(missing))
        for _ in _played(missing, folder, min(jobs, len(missing))):
            progress.advance(bar)
    return len(missing)


def _played(tasks: Sequence[Task], folder: Path, jobs: int) -> Iterator[None]:
    """Play all, one at a time in this process or side by side in others; yields as each is done."""
    if jobs == 1:
        hosts = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for task in tasks:
                run(task, folder)
                yield
        finally:
            torch.set_num_threads(hosts)
        return
    for setting in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(setting, "1")  # what is spawned reads it as it starts
    spawn = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin) as pool:
        for done in as_completed([pool.submit(run, task, folder) for task in tasks]):
            done.result()
            yield


def _begin() -> None:
    """One core each; and no process outlives the one that started it, however that ended."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
