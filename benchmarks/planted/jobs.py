"""Runs kept pieces of work side by side, one process each; what is kept already is not run again."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Protocol

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from memento.worker_processes import end_with_parent


class KeptJob(Protocol):
    """A piece of work whose result is a file of its own; pickled for a worker process."""

    def is_kept(self, folder: Path) -> bool:
        """Whether its result is there, undamaged and not stale."""
        ...

    def run(self, folder: Path) -> None:
        """Do it and keep the result."""
        ...


def run_all(tasks: Sequence[KeptJob], folder: Path, *, jobs: int) -> int:
    """Run what is not kept yet, in the order given, and show how long it will take.

    Returns:
        Number of tasks run.
    """
    missing = [task for task in tasks if not task.is_kept(folder)]
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
        for _ in _run(missing, folder, min(jobs, len(missing))):
            progress.advance(bar)
    return len(missing)


def _run(tasks: Sequence[KeptJob], folder: Path, jobs: int) -> Iterator[None]:
    """Run all, one at a time in this process or side by side in others; yields as each is done."""
    if jobs == 1:
        hosts = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for task in tasks:
                task.run(folder)
                yield
        finally:
            torch.set_num_threads(hosts)
        return
    for setting in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(setting, "1")  # what is spawned reads it as it starts
    spawn = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin) as pool:
        for done in as_completed([pool.submit(task.run, folder) for task in tasks]):
            done.result()
            yield


def _begin() -> None:
    """One core each; and no process outlives the one that started it."""
    torch.set_num_threads(1)
    end_with_parent()
