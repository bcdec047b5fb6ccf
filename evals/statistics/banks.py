"""The cases that a run's streams have kept, read from their ledgers."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import STREAMS
from memento.memory.case import Case
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews

_LEDGER = "ledger.sqlite"

Cases = Mapping[str, Case]
"""By id."""


async def bank_cases(folder: Path, plan: RunPlan) -> dict[str, Case]:
    """Every case of a run by id; ids differ from stream to stream. Streams with a memory elsewhere have none here.

    Args:
        folder: of the run.
        plan: its plan.

    Raises:
        LedgerUnavailable: a bank cannot be read.
    """
    cases: dict[str, Case] = {}
    for key in plan.streams():
        path = folder / STREAMS / key.name / "bank" / _LEDGER
        if not await asyncio.to_thread(path.exists):
            continue
        async with Ledger(f"sqlite:///{path}") as ledger:
            async for case in LedgerViews(ledger).walk(namespace=key.name):
                cases[case.id] = case
    return cases
