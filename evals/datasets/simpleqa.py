"""SimpleQA: a CSV file of problems and answers, with the topic inside a Python literal."""

import ast
from pathlib import Path
from typing import Any

from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import answer_of, name_of, question_of
from memento.evals.task import EvalTask
from memento.memory.case import storable
from memento.memory.errors import InvalidInput

FIELDS = frozenset({"metadata", "problem", "answer"})


def simpleqa_task(row: SourceRow, folder: Path) -> EvalTask:
    """Convert a row to a task; none has files.

    Raises:
        InvalidInput: the row is not a valid task.
    """
    metadata = _literal(row.fields.get("metadata"))
    notes = {name: note for name, note in metadata.items() if isinstance(name, str) and isinstance(note, str)}
    return EvalTask(
        id=name_of(row.fields.get("id"), "id"),
        question=question_of(row.fields.get("problem"), "problem"),
        references=answer_of(row.fields, "answer"),
        source=name_of(metadata.get("topic"), "topic"),
        metadata={storable(name): storable(note) for name, note in notes.items() if name != "topic"},
    )


def _literal(value: Any) -> dict[Any, Any]:
    """Return the dictionary of a row, given as such or as the text of a Python literal."""
    try:
        found = ast.literal_eval(value) if isinstance(value, str) and value.strip() else value or {}
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidInput("`metadata` is not a Python dictionary, so the topic is not known") from error
    if not isinstance(found, dict):
        raise InvalidInput("`metadata` is not a Python dictionary, so the topic is not known")
    return found
