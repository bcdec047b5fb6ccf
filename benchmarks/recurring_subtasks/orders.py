"""Streams of one order of the tasks, run side by side in one process, and the success of an arm."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.recurring_subtasks.readings import drop_spoilt
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner
from memento.evals.statistics.orders import is_ordered
from memento.evals.subject import Subject
from memento.evals.task import EvalTask
from memento.memory.minilm.encoder import MiniLmEncoder
from memento.memory.stats import table_mean

_TRIES: Final = 3
"""Of an order, on a busy machine."""


class EncodedOnce(MiniLmEncoder):
    """Encodes each text once for all streams, which have the same ones."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, NDArray[np.float32]] = {}

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows."""
        if fresh := [text for text in dict.fromkeys(texts) if text not in self._rows]:
            self._rows |= zip(fresh, await super().encode(fresh), strict=True)
        return np.stack([self._rows[text] for text in texts])


def run_order(
    plan: RunPlan, seed: int, *, tasks: Sequence[EvalTask], subject: Subject, folder: Path, encoder: EncodedOnce
) -> None:
    """Run the streams of one order, those again that a busy machine spoilt. Blocking.

    Args:
        plan: of the run.
        seed: of the order.
        tasks: of the plan.
        subject: of the plan.
        folder: of the run.
        encoder: shared by all streams.
    """
    names = [key.name for key in plan.streams() if key.seed == seed]
    for _ in range(_TRIES):
        given: Any = {"tasks": tasks, "subject": subject, "folder": folder, "encoder": encoder}
        asyncio.run(EvalRunner(plan, **given, concurrency=4, only=names).run())
        if not (spoilt := drop_spoilt(folder, plan)):
            return
        print(f"run again, for a search that got no answer in time: {', '.join(spoilt)}", flush=True)
    raise SystemExit("the machine is too busy: searches get no answer in time; run the same again when it is less so")


def success(results: Sequence[TaskResult]) -> list[str]:
    """An arm's success with its interval, that of each half of its streams, and the seconds of a task."""
    half = (max(one.position for one in results) + 1) / 2
    parts = [results, [one for one in results if one.position < half], [one for one in results if one.position >= half]]
    seconds = sum(one.seconds for one in results) / len(results)
    return [*(_share(part) for part in parts), f"{seconds:.2f}"]


def _share(results: Sequence[TaskResult]) -> str:
    """Success with its interval."""
    rows, columns = ({name: place for place, name in enumerate(sorted(names))} for names in _axes(results))
    reward_QS = np.full((len(rows), len(columns)), np.nan)
    for one in results:
        if one.reward is not None:
            reward_QS[rows[one.task_id], columns[one.seed]] = one.reward
    found = table_mean(reward_QS, is_ordered=is_ordered(results[0].arm)).interval
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _axes(results: Sequence[TaskResult]) -> tuple[set[str], set[int]]:
    return {one.task_id for one in results}, {one.seed for one in results}
