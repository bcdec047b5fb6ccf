"""Every kind of stored row, damaged in every way, in every use: `python -m benchmarks.damage_suite [--workers 2]`.

A cell is one damaged row in one use of the memory, which must answer as the same bank without the row (see
tests/damage_cells.py). Bars: no error but named ones, no other answer.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from memento.worker_processes import end_with_parent
from tests.damage_bank import Bank, made
from tests.damage_cells import NAMES, damaged_rows, differing
from tests.damage_consumers import CONSUMERS


def wrong_cells(bank: Bank, name: str) -> list[str]:
    """Do all damages of one row, each in copies of the bank; a line for each cell that answers something else."""
    return [line for lines in _each(bank, name) for line in lines]


def _each(bank: Bank, name: str) -> Iterator[list[str]]:
    known: dict[str, dict[str, object]] = {}
    for row in damaged_rows(name):
        with tempfile.TemporaryDirectory() as folder:
            yield asyncio.run(differing(bank, Path(folder), row, known))


def main() -> int:
    """Print rows, cells, raw errors and wrong values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="number of processes (default: %(default)s)")
    parser.add_argument("--rows", nargs="+", default=NAMES, metavar="NAME", choices=NAMES, help="only these rows")
    options = parser.parse_args()
    wrong, start = [], time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(
            options.workers, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
        ) as workers,
    ):
        bank = asyncio.run(made(Path(folder) / "ledger.sqlite"))
        done = {workers.submit(wrong_cells, bank, name): name for name in options.rows}
        for future in as_completed(done):
            name = done[future]
            lines = future.result()
            print(f"{name}: {len(damaged_rows(name))} damaged rows, {len(lines)} cells wrong", flush=True)
            print("".join(f"  {line}\n" for line in lines), end="", flush=True)
            wrong += lines
    n_rows, n_raw = sum(len(damaged_rows(name)) for name in options.rows), sum(": RAW: " in line for line in wrong)
    print(
        f"{n_rows} damaged rows, {n_rows * len(CONSUMERS):,} cells, {n_raw} raw errors, {len(wrong) - n_raw} other "
        f"wrong answers, {time.perf_counter() - start:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
