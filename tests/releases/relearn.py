"""Writes what the `advantage` estimator learns of the frozen bank now: `python -m tests.releases.relearn`.

Only where what it learns is meant to change. Everything else of the golden file is as the release said it.
"""

import asyncio
import json
import lzma
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.frozen_bank import RELEARNED, unpacked
from tests.frozen_views import asked_of, learned_of, opened, readings_of


async def relearned(home: Path) -> dict[str, Any]:
    """By namespace: effects of cases, estimates for fixed tasks, and what the policy serves.

    Args:
        home: of the frozen bank, without weights.
    """
    asked = asked_of(home / "ledger.sqlite")
    async with opened(home) as memory:
        learned = await learned_of(memory, asked, estimators=["advantage"])
        readings = await readings_of(memory, asked, policies=["advantage"])
    return {
        name: {
            "effects": of["effects"],
            "estimates": of["estimates"]["advantage"],
            "readings": readings.get(name, {}).get("advantage", []),
        }
        for name, of in learned.items()
    }


def main() -> None:
    """Learn from the outcomes of the bank, whose old weights do not count."""
    with tempfile.TemporaryDirectory() as folder:
        home = unpacked(Path(folder))
        for weights in home.glob("weights-*"):
            shutil.rmtree(weights)
        told = json.dumps(asyncio.run(relearned(home)), sort_keys=True)
    RELEARNED.write_bytes(lzma.compress(told.encode()))


if __name__ == "__main__":
    main()
