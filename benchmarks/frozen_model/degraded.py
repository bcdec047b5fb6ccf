"""Degraded readings: a search that got no answer in time shows fewer cases, so its stream is run again from the start.

The product goes on without a search that is late. In an experiment that would make the figures depend on how busy the
machine was.
"""

import shutil
from pathlib import Path

from memento.evals.runs.journal import Journal
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS
from memento.memory.errors import EngineUnavailable


def checked(result: TaskResult) -> None:
    """End the run at the first degraded reading.

    Raises:
        EngineUnavailable: this was one.
    """
    if result.is_degraded:
        raise EngineUnavailable(
            f"a search of {result.arm}-{result.seed} got no answer in time, the machine is too busy; run the same "
            "command again when it is less so: this stream is then run from its start"
        )


def drop_degraded(folder: Path, plan: RunPlan) -> list[str]:
    """Delete streams with a degraded reading. Blocking.

    Args:
        folder: of the run; no other process works on it.
        plan: what is run.

    Returns:
        The names of the streams deleted.
    """
    dropped = []
    for key in plan.streams():
        stream = folder / STREAMS / key.name
        journal = Journal(stream / "journal.jsonl")
        journal.read()
        if any(result.is_degraded for result in journal.results.values()):
            shutil.rmtree(stream)
            dropped.append(key.name)
    return dropped
