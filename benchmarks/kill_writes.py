"""Does kill -9 lose what was acknowledged? `python -m benchmarks.kill_writes --kills 50`.

A process writes cases (with a reading and its outcome each) and says every acknowledged id aloud; it is killed at a
random moment, while it starts or while it writes, again and again on the same bank. Then the bank is opened, and
everything that was said is looked for in the ledger and in the index.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from memento.memory.case_memory import CaseMemory
from memento.memory.ledger import schema

DIM = 32
LIMIT = 10_000


@dataclass(frozen=True)
class Figures:
    """What came of it."""

    n_kills: int
    n_acknowledged: int
    n_lost: int
    """Acknowledged, but not in the ledger, or not found through the index."""
    n_doubled: int
    """Cases, outcomes or index entries that are there more than once."""


class RandomRows:
    """An encoder that costs nothing: a random unit row, the same for the same text."""

    name, dim = "random-rows", DIM

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), DIM)."""
        rows = [np.random.default_rng(list(text.encode())).standard_normal(DIM) for text in texts]
        stacked = np.array(rows, np.float32)
        unit: NDArray[np.float32] = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
        return unit


def opened(bank: Path) -> CaseMemory:
    """The bank under test."""
    return CaseMemory.open(bank, encoder=RandomRows(), policy="similarity")


async def write_forever(bank: Path, name: str) -> None:
    """The victim: write until killed."""
    async with opened(bank) as memory:
        number = 0
        while True:
            number += 1
            state = f"{name} asks {number}"
            reading = await memory.read(state)
            case_id = await memory.write(state=state, action="a", reward=number % 2, event_id=reading.event_id)
            print(case_id, reading.event_id, flush=True)


async def killed(bank: Path, name: str, *, after_lines: int, after_s: float) -> list[str]:
    """Run a victim, let it say some lines, wait, kill it; the lines it could finish."""
    command = [sys.executable, "-m", "benchmarks.kill_writes", "--victim", name, "--bank", str(bank)]
    root = str(Path(__file__).parent.parent)
    victim = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=root)
    assert victim.stdout is not None
    said = [await victim.stdout.readline() for _ in range(after_lines)]
    reading = asyncio.create_task(victim.stdout.read())
    await asyncio.sleep(after_s)
    victim.kill()
    said += (await reading).splitlines(keepends=True)
    await victim.wait()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


async def kill_and_look(bank: Path, *, n_kills: int, seed: int) -> Figures:
    """Kill `n_kills` writers one after the other, then count."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for number in range(n_kills):
        if number % 5 == 4:  # while it starts
            moment: dict[str, Any] = {"after_lines": 0, "after_s": chance.uniform(0, 6)}
        else:
            moment = {"after_lines": chance.randint(1, 40), "after_s": chance.uniform(0, 0.05)}
        acknowledged += await killed(bank, f"writer {number}", **moment)
    cases, events = zip(*(line.split() for line in acknowledged), strict=True)
    async with opened(bank) as memory:
        await memory.bank.project_all()
        found = await memory.read("whoever asks", k=LIMIT)
        kept = await memory.views.cases(cases, namespace="default")
        vector = (await RandomRows().encode(["whoever asks"]))[0]
        hits = (await memory.bank.search(vector, namespace="default", limit=LIMIT)).hits
        ledger = memory._storage.ledger
        writes = await ledger.query(lambda found: found.scalars(select(schema.case_revisions.c.case_id)))
        outcomes = await ledger.query(lambda found: found.scalars(select(schema.outcomes.c.event_id)))
        assert not found.is_degraded
        indexed = [hit.case_id for hit in hits]
        n_doubled = doubled(writes) + doubled(outcomes) + doubled(indexed) + abs(len(set(writes)) - len(indexed))
    lost = [case for case in cases if case not in kept or case not in indexed]
    lost += [event for event in events if event not in outcomes]
    return Figures(n_kills, len(cases), len(lost), n_doubled)


def doubled(ids: Sequence[str]) -> int:
    """How many are there more than once."""
    return sum(count > 1 for count in Counter(ids).values())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--victim", help=argparse.SUPPRESS)
    parser.add_argument("--bank", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.victim:
        asyncio.run(write_forever(options.bank, options.victim))
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(kill_and_look(Path(folder) / "bank", n_kills=options.kills, seed=options.seed))
    if options.json:
        print(json.dumps(asdict(figures)))
    else:
        print(f"kills         {figures.n_kills:>8,}")
        print(f"acknowledged  {figures.n_acknowledged:>8,}")
        print(f"lost          {figures.n_lost:>8,}   bar 0")
        print(f"doubled       {figures.n_doubled:>8,}   bar 0")
    sys.exit(bool(figures.n_lost or figures.n_doubled))


if __name__ == "__main__":
    main()
