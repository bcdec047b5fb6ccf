"""DeepResearcher's data set as in the reference implementation: alternative answers in one text, sources by name."""

from pathlib import Path

from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import name_of, question_of, references_of
from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput

FIELDS = frozenset({"question", "ground_truth", "data_source"})


def deepresearcher_task(row: SourceRow, folder: Path) -> EvalTask:
    """Convert a row to a task; none has files.

    Raises:
        InvalidInput: the row is not a valid task.
    """
    references = references_of(row.fields.get("ground_truth"), "ground_truth", is_csv=row.is_csv)
    if not references:
        raise InvalidInput("`ground_truth` is missing or empty")
    return EvalTask(
        id=name_of(row.fields.get("id"), "id"),
        question=question_of(row.fields.get("question"), "question"),
        references=references,
        source=name_of(row.fields.get("data_source"), "data_source"),
    )
