"""Readings of a stream that a busy machine spoilt: searches without an answer in time, subtasks without a reading.

The product goes on without them. In an experiment that would make the figures depend on how busy the machine was, so
such a stream is run again from its start.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from memento.evals.runs.journal import JOURNAL, Journal
from memento.evals.runs.plan import RunPlan, StreamKey
from memento.evals.runs.runner import STREAMS


def drop_spoilt(folder: Path, plan: RunPlan) -> list[str]:
    """Delete streams with a spoilt reading. Blocking.

    Args:
        folder: of the run; no other process works on it.
        plan: what is run.

    Returns:
        The names of the streams deleted.
    """
    spoilt = [key for key in plan.streams() if _is_spoilt(folder / STREAMS / key.name, key)]
    for key in spoilt:
        shutil.rmtree(folder / STREAMS / key.name)
    return [key.name for key in spoilt]


def _is_spoilt(stream: Path, key: StreamKey) -> bool:
    """Whether the ledger has a degraded event, or a run lacks one of its two subtasks."""
    ledger = stream / "bank" / "ledger.sqlite"
    if not ledger.exists():
        return False
    with closing(sqlite3.connect(ledger)) as connection:
        ((n_degraded,),) = connection.execute("SELECT count(*) FROM events WHERE is_degraded").fetchall()
    journal = Journal(stream / JOURNAL)
    journal.read()
    held = [one.held.arguments for one in journal.results.values() if one.held is not None]
    n_wanted = 2 if key.arm.settings.get("subtask_k") else 0
    return bool(n_degraded) or any(len(one.get("subtasks", [])) != n_wanted for one in held)
