"""The reference's recorded log as an estimator sees it, through the product's importer and encoder."""

import asyncio
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.recorded import RECORDED
from memento.memory.case_memory import CaseMemory
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.interchange import read_cases
from memento.memory.learning.examples import ExampleReader
from memento.memory.recorded_events import grouped

LOG = RECORDED / "training_data.jsonl"


class Recorded(NamedTuple):
    """The log as an estimator sees it."""

    examples: list[Example]
    bank: CaseRows
    """Every case; `similarity_N` is meaningless."""
    question_of_case: NDArray[np.str_]


async def recorded(folder: Path) -> Recorded:
    """Import the log, or find it imported."""
    async with CaseMemory.open(folder, policy="similarity") as memory:
        groups = await asyncio.to_thread(lambda: list(grouped(read_cases(LOG, namespace="default"))))
        selections = [group.selection for group in groups if group.selection]
        for start in range(0, len(selections), 16):
            await memory.keep_recorded(selections[start : start + 16])
        reader = ExampleReader(
            namespace="default", views=memory.views, texts=memory._storage.texts, wanted=("state", "text")
        )
        observations = await memory.views.observations(namespace="default", after=0, limit=10_000)
        examples = [example for example in await reader.examples(observations) if example]
        cases = [case async for case in memory.views.walk(namespace="default")]
        own_N = np.array([case.reward for case in cases], np.float32)
        bank = await reader.rows(cases, np.zeros(len(cases), np.float32), own_N)
    return Recorded(examples, bank, np.array([case.question for case in cases]))
