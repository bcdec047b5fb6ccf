"""Humanity's Last Exam: expert questions, some with an image."""

from pathlib import Path
from typing import Any

from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import answer_of, files_of, name_of, question_of, text_of
from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput

FIELDS = frozenset({"question", "answer", "answer_type"})
_NOTES = ("answer_type", "raw_subject")


def hle_task(row: SourceRow, folder: Path) -> EvalTask:
    """Convert a row to a task; its image is attached when it names a file in the folder.

    Raises:
        InvalidInput: the row is not a valid task, or its picture is not a file in the folder.
    """
    notes = {name: name_of(row.fields.get(name), name) for name in _NOTES}
    return EvalTask(
        id=name_of(row.fields.get("id"), "id"),
        question=question_of(row.fields.get("question"), "question"),
        references=answer_of(row.fields, "answer"),
        source=name_of(row.fields.get("category"), "category") or notes["raw_subject"],
        attachments=files_of(_picture(row.fields.get("image")), folder),
        metadata={name: note for name, note in notes.items() if note},
    )


def _picture(value: Any) -> list[str]:
    if isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip()[:5].lower() == "data:"):
        raise InvalidInput(
            "its picture is embedded in the row; save it as a file beside the data set and name that file"
        )
    name = text_of(value, "image")
    if name.lower().startswith(("http://", "https://")):
        raise InvalidInput("its picture is a web address; save it as a file beside the data set and name that file")
    return [name] if name else []
