"""Protocol between a run and its worker processes: one JSON object a line."""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from memento.evals.runs.plan import RunPlan
from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput, MementoError
from memento.nodes.errors import ModelError, ModelUnavailable

_FAMILIES: tuple[type[MementoError], ...] = (ModelUnavailable, ModelError, InvalidInput, MementoError)
"""What callers tell apart, the special ones first; each is made from its sentence."""


class WorkerJob(BaseModel):
    """Everything a worker needs to build its streams: the first line it reads."""

    model_config = ConfigDict(frozen=True)

    plan: RunPlan
    tasks: list[EvalTask]
    folder: Path
    """Of the run."""
    subject: str | None
    """`package.module:function`, or None for the configured agent."""
    scorer: str | None
    """`package.module:function` of a scorer of one's own."""
    concurrency: int
    """How many of this worker's tasks are at work at most."""
    path: list[str]
    """Where modules are looked for, as in the run's own process."""


class WorkerFailed(Exception):
    """A bug in a worker; the message is its traceback."""


def told(error: BaseException) -> dict[str, Any]:
    """Serialise an error as a line."""
    for number, family in enumerate(_FAMILIES):
        if isinstance(error, family):
            return {"family": number, "error": str(error)}
    import traceback

    return {"family": None, "error": "".join(traceback.format_exception(error))}


def heard(line: dict[str, Any]) -> Exception:
    """Restore the error of a line, within its family of errors."""
    family = line["family"]
    return WorkerFailed(line["error"]) if family is None else _FAMILIES[family](line["error"])


def cores_per_worker(n_workers: int) -> int:
    """Return the number of threads per worker that together use the machine's cores once."""
    return max(1, (os.cpu_count() or 1) // n_workers)
