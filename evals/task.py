"""What is evaluated: tasks with references, from whatever data set, in one form."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from memento.memory.case import question_hash


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

    @property
    def question_hash(self) -> str:
        """By which the same question is known again."""
        return question_hash(self.question)


class BadRow(NamedTuple):
    """A row that is no task, and why."""

    line: int
    """Of the file, from 1: where the row begins."""
    reason: str


class Dataset(NamedTuple):
    """Tasks, and what was left out."""

    name: str
    format: str
    tasks: list[EvalTask]
    bad_rows: list[BadRow]
    n_repeated: int
    """Rows whose question stood in an earlier row: it is asked once, and what any of its rows accepts is accepted."""


def fingerprint(tasks: Iterable[EvalTask]) -> str:
    """Hash of the tasks and their order: what a run that is resumed must agree on, wherever its files lie by then."""
    digest = hashlib.sha256()
    for task in tasks:
        named = task.model_copy(update={"attachments": [Path(path.name) for path in task.attachments]})
        digest.update(named.model_dump_json().encode())
    return digest.hexdigest()
