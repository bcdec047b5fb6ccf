"""GAIA data set: metadata.jsonl in a folder with the questions' files."""

from pathlib import Path
from typing import Any

from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import files_of, name_of, question_of, text_of
from memento.evals.task import EvalTask
from memento.memory.case import storable
from memento.memory.errors import InvalidInput

FIELDS = frozenset({"task_id", "Question", "Level"})
METADATA = "metadata.jsonl"
_HIDDEN = "?"
"""Stands for the answers of the test split, which only the leaderboard knows."""


def gaia_task(row: SourceRow, folder: Path) -> EvalTask:
    """Convert a row to a task, with its file.

    Raises:
        InvalidInput: the row is not a valid task, or its file is missing.
    """
    answer = text_of(row.fields.get("Final answer"), "Final answer")
    file_name = text_of(row.fields.get("file_name"), "file_name")
    return EvalTask(
        id=name_of(row.fields.get("task_id"), "task_id"),
        question=question_of(row.fields.get("Question"), "Question"),
        references=[] if answer in ("", _HIDDEN) else [answer],
        source="GAIA",
        level=name_of(row.fields.get("Level"), "Level"),
        attachments=files_of([file_name] if file_name else [], folder),
        metadata=_annotations(row.fields.get("Annotator Metadata")),
    )


def gaia_file(folder: Path) -> Path:
    """Return the file of questions in a folder.

    Raises:
        InvalidInput: the folder has none; the message names those in subfolders.
    """
    if (folder / METADATA).is_file():
        return folder / METADATA
    below = sorted([*folder.glob(f"*/{METADATA}"), *folder.glob(f"*/*/{METADATA}")])
    if below:
        raise InvalidInput(
            f"{folder} contains no {METADATA}; give one of: {', '.join(str(one.parent) for one in below[:5])}"
        )
    hint = "; save metadata.parquet as JSON lines" if (folder / "metadata.parquet").is_file() else ""
    raise InvalidInput(f"{folder} is a folder without {METADATA}, so it is not GAIA's{hint}; name a file of questions")


def _annotations(value: Any) -> dict[str, str]:
    """Return the annotators' notes (steps, tools, time) as a flat object of texts; other values are dropped."""
    if not isinstance(value, dict):
        return {}
    return {storable(name): storable(note) for name, note in value.items() if isinstance(note, str)}
