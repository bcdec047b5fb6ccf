"""Move a memory: back it up whole, and carry cases to another bank as JSON lines.

    pip install memento-langgraph
    python examples/move_a_bank.py

A backup has everything (cases, readings, outcomes, propensities), so that what was learned comes back. An export has
the cases alone, for another bank or another program. The commands are `memento cases backup | restore | export |
import`. No model, no key and no network.
"""

import asyncio
import tempfile
from pathlib import Path

from memento import CaseMemory
from memento.memory.interchange import read_cases

TASKS = ("Ship a parcel to Norway", "Ship a letter to Norway", "Ship a parcel to Peru")


async def main(folder: Path) -> None:
    """Fill a bank; restore its backup elsewhere; import its cases elsewhere."""
    exported = folder / "cases.jsonl"
    async with CaseMemory.open(folder / "bank", seed=0) as memory:
        for task in TASKS:
            reading = await memory.read(task, k=4)
            await memory.write(state=task, action="fill in a customs form", reward=1.0, event_id=reading.event_id)
        report = await memory.backup(folder / "backup.sqlite")
        print(f"backed up: {report.cases} cases, {report.events} readings, {report.outcomes} outcomes")
        cases = [case async for case in memory.views.walk(namespace=memory.namespace)]
        lines = [case.model_dump_json() + "\n" for case in cases]
        await asyncio.to_thread(exported.write_text, "".join(lines), encoding="utf-8")

    await CaseMemory.open(folder / "restored").restore(folder / "backup.sqlite")
    async with CaseMemory.open(folder / "restored", seed=0) as memory:
        await memory.settle()
        print(f"restored: {await memory.n_outcomes()} outcomes learned from")

    parsed = await asyncio.to_thread(lambda: list(read_cases(exported, namespace="team")))
    problems = [f"line {line.number}: {line.problem}" for line in parsed if line.case is None]
    async with CaseMemory.open(folder / "other", namespace="team", seed=0) as memory:
        found = [line.case for line in parsed if line.case is not None]
        for turn in ("imported", "imported again"):
            print(f"{turn}: {await memory.keep(found)} new cases, {len(problems)} bad lines")
        print(f"recalled: {(await memory.read('Ship a crate to Norway', k=1)).cases[0].case.state}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(Path(made)))
