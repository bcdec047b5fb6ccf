"""How fast an embedded bank takes cases over: `python -m benchmarks.import_rate`.

The reference's recorded bank (made-up cases where it is absent), the packaged encoder, a new folder: encoding, ledger
with every commit on the disk, index. Then the same import again, which must add nothing. Bar: 40 cases/s of the wall.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.busy import busy_cores
from benchmarks.recorded import cases
from benchmarks.results import Figure, argument_parser, at_least, at_most, measured, report
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder

BATCH = 256


class Rate(NamedTuple):
    """Cases per second."""

    wall: float
    cpu: float


async def imported(folder: Path, bank: list[Case], encoder: MiniLmEncoder) -> tuple[Rate, int]:
    """Import everything into a folder; the rate, and how many cases were new."""
    began, cpu, n_new = time.perf_counter(), time.process_time(), 0
    async with CaseMemory.open(folder, encoder=encoder) as memory:
        for start in range(0, len(bank), BATCH):
            n_new += await memory.keep(bank[start : start + BATCH])
        await memory.bank.project_all()
        assert await memory.bank.count() == len(bank)
    n = len(bank)
    return Rate(n / (time.perf_counter() - began), n / (time.process_time() - cpu)), n_new


async def run(n_rounds: int, *, is_busy: bool) -> list[Figure]:
    """Measure."""
    encoder, bank, n_again = MiniLmEncoder(), cases(), 0
    first: list[Rate] = []
    second: list[Rate] = []
    encoding = []
    await encoder.encode(["loads the weights"])
    for _ in range(n_rounds):
        cpu = time.process_time()
        await encoder.encode([case.state for case in bank])
        encoding.append(len(bank) / (time.process_time() - cpu))
        with tempfile.TemporaryDirectory() as folder:
            rate, n_first = await imported(Path(folder), bank, encoder)
            again, n_second = await imported(Path(folder), bank, encoder)
        assert n_first == len(bank)
        first.append(rate)
        second.append(again)
        n_again += n_second
    what, n = f"import of {len(bank):,} cases, encoding included", len(bank) * n_rounds
    bar = at_least(40)
    return [
        measured(what, [one.wall for one in first], "cases/s", of="imports", bar=bar, is_busy=is_busy),
        measured(f"{what}, CPU", [one.cpu for one in first], "cases/CPU s", of="imports", is_busy=is_busy),
        measured("the encoder alone, in batches", encoding, "texts/CPU s", of="rounds", is_busy=is_busy),
        measured(f"{what}, again", [one.wall for one in second], "cases/s", of="imports", is_busy=is_busy),
        Figure("new cases when imported again", n_again, f"of {n:,}", n=n, bar=at_most(0), is_busy=is_busy),
    ]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with busy_cores(is_wanted=options.busy):
        figures = asyncio.run(run(options.rounds, is_busy=options.busy))
    sys.exit(report("import_rate", figures, options))


if __name__ == "__main__":
    main()
