"""An embedded bank in a directory, and another process that writes to it."""

import subprocess
import sys
from pathlib import Path

from memento.memory.index.engines.edge import EdgeEngine
from tests.bank_points import DIM, ENCODER, point, unit

POINTS = [point(number) for number in range(50)]


async def opened(bank: Path) -> EdgeEngine:
    engine = EdgeEngine(bank)
    await engine.open(dim=DIM, encoder=ENCODER)
    return engine


async def n_found(engine: EdgeEngine) -> int:
    return len(await engine.search(unit(1), namespace="a", limit=1000))


def generations(bank: Path) -> list[str]:
    return sorted(path.name for path in bank.glob("slot-0/gen-*"))


async def make_bank(bank: Path) -> Path:
    """Leave a closed bank with 50 saved cases."""
    engine = await opened(bank)
    await engine.upsert(POINTS)
    await engine.save_position(50)
    await engine.close()
    return bank


WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.append(sys.argv[3])
from memento.memory.index.engines.edge import EdgeEngine
from tests.bank_points import DIM, ENCODER, point

async def main():
    engine = EdgeEngine(Path(sys.argv[1]))
    await engine.open(dim=DIM, encoder=ENCODER)
    print("opened", await engine.position(), await engine.count(), flush=True)
    for start in range(0, int(sys.argv[2]), 5):
        await engine.upsert([point(number) for number in range(start, start + 5)])
        if start % 100 == 50:
            await engine.save_position(start + 5)
        print(start + 5, flush=True)
    sys.stdin.readline()
    await engine.close()

asyncio.run(main())
"""


def writer(bank: Path, n_points: int) -> "subprocess.Popen[str]":
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", WRITER, str(bank), str(n_points), str(root)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
