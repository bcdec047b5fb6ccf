"""A memory that begins full: LangSmith runs with their feedback become cases, which a person releases.

    pip install 'memento-langgraph[cli]'
    python examples/import_langsmith.py                 # imports examples/langsmith.jsonl
    python examples/import_langsmith.py runs.jsonl      # or an export of your own

An export holds runs and feedback as `client.list_runs` and `client.list_feedback` of LangSmith give them, a JSON object
a line. `memento import langsmith FILE` and `memento cases release --from langsmith` do the same. No model, no key and
no network.
"""

import asyncio
import sys
from pathlib import Path

from memento import CaseMemory
from memento.integrations.case_texts import format_cases
from memento.integrations.importers.door import import_records
from memento.integrations.importers.report import WaitingAttempt


async def main(file: Path) -> None:
    """Import, look at what came, release, recall."""
    waiting: list[WaitingAttempt] = []
    async with CaseMemory.open("./imported_bank", seed=0) as memory:
        report = await import_records(memory, "langsmith", file, on_waiting=waiting.append)
        print(f"{report.n_cases} new cases in quarantine, {report.n_waiting} waiting, {report.n_known} already there")
        reading = await memory.read("Refund an old order", k=2)
        print(f"recalled before their release: {len(reading.cases)}")

        held = [case async for case in memory.views.walk(namespace=memory.namespace, status="quarantined")]
        await memory.lifecycle.release(*(case.id for case in held), reason="looked through")
        for attempt in waiting[:1]:  # a run without a score waits for its outcome
            await memory.feedback(attempt.event_id, 1.0, lesson="the customer confirmed it")
        reading = await memory.read("Refund an old order", k=3)
        print(format_cases(reading.cases))

        again = await import_records(memory, "langsmith", file)
        print(f"imported again: {again.n_cases} new, {again.n_known} already there")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("langsmith.jsonl")))
