"""A memory that begins full: LangSmith runs with their feedback become cases, which a person releases.

    pip install 'memento-langgraph[cli]'
    python examples/import_langsmith.py

It writes a small export itself, in the shape that `client.list_runs` and `client.list_feedback` of LangSmith give, and
does with Python what `memento import langsmith FILE` and `memento cases release --from langsmith` do. No model, no key
and no network.
"""

import asyncio
import json
from pathlib import Path

from memento import CaseMemory
from memento.integrations.case_texts import format_cases
from memento.integrations.importers.door import import_records
from memento.integrations.importers.report import WaitingAttempt

QUESTIONS = [
    ("Refund an order from last week", "look up the order; refund it; write to the customer", 1.0, "done at once"),
    ("Refund an order from two years ago", "refund it", 0.0, "refunds end after one year: offer a voucher"),
    ("Change the address of an order", "change it before it is shipped", None, ""),
]


def export(file: Path) -> None:
    """Write runs and feedback as JSON lines."""
    rows: list[dict[str, object]] = []
    for number, (question, answer, score, comment) in enumerate(QUESTIONS):
        run_id = f"00000000-0000-4000-8000-{number:012d}"
        run = {
            "id": run_id,
            "trace_id": run_id,
            "parent_run_id": None,
            "run_type": "chain",
            "name": "support",
            "error": None,
        }
        rows.append(run | {"inputs": {"question": question}, "outputs": {"answer": answer}})
        if score is not None:
            feedback = {"id": f"feedback-{number}", "run_id": run_id, "key": "solved", "score": score}
            rows.append(feedback | {"comment": f"{comment} (token=abc123def456)"})
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


async def main() -> None:
    """Import, look at what came, release, recall."""
    file = Path("langsmith.jsonl")
    await asyncio.to_thread(export, file)
    waiting: list[WaitingAttempt] = []
    async with CaseMemory.open("./imported_bank", seed=0) as memory:
        report = await import_records(memory, "langsmith", file, on_waiting=waiting.append)
        print(f"{report.n_cases} new cases in quarantine, {report.n_waiting} waiting, {report.n_known} already there")
        reading = await memory.read("Refund an old order", k=2)
        print(f"recalled before their release: {len(reading.cases)}")

        held = [case async for case in memory.views.walk(namespace=memory.namespace, status="quarantined")]
        await memory.lifecycle.release(*(case.id for case in held), reason="looked through")
        await memory.feedback(waiting[0].event_id, 1.0, lesson="the customer confirmed it")
        reading = await memory.read("Refund an old order", k=3)
        print(format_cases(reading.cases))

        again = await import_records(memory, "langsmith", file)
        print(f"imported again: {again.n_cases} new, {again.n_known} already there")


if __name__ == "__main__":
    asyncio.run(main())
