"""Evaluation tasks: questions with references, and data sets of them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from memento.memory.case import question_hash, storable

ENVIRONMENT: Final = "environment"
"""Format of tasks that an environment gives, and scores."""


class EvalTask(BaseModel):
    """One question of a data set."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Unique in its data set."""
    question: str
    references: list[str] = []
    """Accepted answers; empty when none is known."""
    source: str = ""
    """Which part of the data set it belongs to: figures are also given by source."""
    level: str = ""
    """Difficulty, where the data set has levels."""
    attachments: list[Path] = []
    """Files that belong to the question, absolute."""
    metadata: dict[str, str] = {}
    """What else the data set says of it; never shown to a model."""
    key: str = Field(default="", exclude_if=lambda value: value == "")
    """Identity of the task, where many have the same text, as games have; empty: its question is."""

    @property
    def question_hash(self) -> str:
        """Hash by which the same task is recognised: of its key where it has one, else of its question."""
        return question_hash(self.question, self.key)

    @property
    def stored_hash(self) -> str:
        """The same hash of what a memory stores: of storable texts."""
        return question_hash(storable(self.question), storable(self.key))


class BadRow(NamedTuple):
    """A rejected row, and why."""

    line: int
    """Of the file, from 1: where the row begins."""
    reason: str


class Dataset(NamedTuple):
    """Tasks, and rejected rows."""

    name: str
    format: str
    tasks: list[EvalTask]
    bad_rows: list[BadRow]
    n_repeated: int
    """Rows whose question (or key) stood in an earlier row: it is asked once, and what any of its rows accepts is
    accepted."""


def fingerprint(tasks: Iterable[EvalTask]) -> str:
    """Hash tasks and their order: a resumed run must agree on it, wherever its files are by then."""
    digest = hashlib.sha256()
    for task in tasks:
        named = task.model_copy(update={"attachments": [Path(path.name) for path in task.attachments]})
        digest.update(named.model_dump_json().encode())
    return digest.hexdigest()
