"""How fast an embedded bank takes cases over: `python -m benchmarks.import_rate`.

The reference's recorded bank (made-up cases where it is absent), the packaged encoder, a new folder: encoding, ledger
with every commit on the disk, index. Then the same import again, which must add nothing. Bar: 40 cases/s.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.recorded import cases, median
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder

BAR = 40.0
BATCH = 256


async def imported(folder: Path, bank: list[Case], encoder: MiniLmEncoder) -> tuple[float, int]:
    """Import everything into a folder; cases per second, and how many were new."""
    began, n_new = time.perf_counter(), 0
    async with CaseMemory.open(folder, encoder=encoder) as memory:
        for start in range(0, len(bank), BATCH):
            n_new += await memory.keep(bank[start : start + BATCH])
        await memory.bank.project_all()
        assert await memory.bank.count() == len(bank)
    return len(bank) / (time.perf_counter() - began), n_new


async def run(n_rounds: int) -> dict[str, float]:
    """Measure; figures by name."""
    encoder, bank, rates = MiniLmEncoder(), cases(), []
    await encoder.encode(["loads the weights"])
    encoding = time.perf_counter()
    await encoder.encode([case.state for case in bank])
    encoding = len(bank) / (time.perf_counter() - encoding)
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory() as folder:
            rate, n_first = await imported(Path(folder), bank, encoder)
            again, n_second = await imported(Path(folder), bank, encoder)
        assert n_first == len(bank)
        rates.append(rate)
    first = median(rates)
    return {
        "cases": len(bank),
        "cases_per_s": first.value,
        "low": first.low,
        "high": first.high,
        "encoder_alone_per_s": encoding,
        "again_per_s": again,
        "new_when_again": n_second,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = asyncio.run(run(options.rounds))
    if options.json:
        print(json.dumps(found))
    else:
        interval = f"[{found['low']:.1f}, {found['high']:.1f}]"
        print(f"cases                        {found['cases']:9,.0f}")
        print(f"import, cases/s              {found['cases_per_s']:9.1f}   {interval}   bar {BAR:.0f}")
        print(f"encoder alone, texts/s       {found['encoder_alone_per_s']:9.1f}")
        print(f"the same import again        {found['again_per_s']:9.1f}   new: {found['new_when_again']:.0f}, bar 0")
    sys.exit(found["cases_per_s"] < BAR or found["new_when_again"] > 0)


if __name__ == "__main__":
    main()
