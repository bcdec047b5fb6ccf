"""Collects tasks from rows: drops duplicate questions, makes ids unique, records rejected rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from memento.evals.datasets.formats import MakeTask
from memento.evals.datasets.generic import at_path
from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import printable
from memento.evals.task import BadRow, EvalTask
from memento.memory.case import question_hash
from memento.memory.errors import InvalidInput

_MAX_REASON_CHARS = 300


class _Asked(NamedTuple):
    line: int
    task: EvalTask


class Gathering:
    """Collects tasks row by row.

    Args:
        make_task: of the format.
        folder: of the data set, where attachments lie.
        mapping: part of a task to field, as the caller gave it.
    """

    def __init__(self, make_task: MakeTask, folder: Path, mapping: Mapping[str, str]) -> None:
        self._make_task = make_task
        self._folder = folder
        self._asked: dict[str, _Asked] = {}
        self._unmet = set(mapping.values())
        self.bad_rows: list[BadRow] = []
        self.n_repeated = 0

    def add(self, row: SourceRow) -> None:
        """Add a row as a task, a duplicate question, or a rejected row."""
        self._unmet = {path for path in self._unmet if at_path(row.fields, path) is None}
        try:
            self._ask(row)
        except InvalidInput as error:
            self.bad_rows.append(BadRow(row.line, printable(str(error), _MAX_REASON_CHARS)))

    def unmet(self) -> list[str]:
        """Return mapped fields that are empty in every row."""
        return sorted(self._unmet)

    def tasks(self) -> list[EvalTask]:
        """Return all tasks in the order of the file, with unique ids."""
        taken: set[str] = set()
        return [_with_id(line, task, taken) for line, task in self._asked.values()]

    def _ask(self, row: SourceRow) -> None:
        if row.problem:
            raise InvalidInput(row.problem)
        task = self._make_task(row, self._folder)
        earlier = self._asked.setdefault(task.question_hash, _Asked(row.line, task))
        if earlier.task is task:
            return
        if earlier.task.attachments != task.attachments:  # a memory knows questions by their words alone
            raise InvalidInput(f"duplicates the question of line {earlier.line} with other files; reword one of them")
        if task.key and question_hash(earlier.task.question) != question_hash(task.question):
            raise InvalidInput(f"has the key of line {earlier.line} and another question; give each task its own key")
        self.n_repeated += 1
        accepted = list(dict.fromkeys([*earlier.task.references, *task.references]))
        self._asked[task.question_hash] = _Asked(earlier.line, earlier.task.model_copy(update={"references": accepted}))


def _with_id(line: int, task: EvalTask, taken: set[str]) -> EvalTask:
    wanted = unique = task.id or f"line-{line}"
    number = 1
    while unique in taken:
        number += 1
        unique = f"{wanted}-{number}"
    taken.add(unique)
    return task if unique == task.id else task.model_copy(update={"id": unique})
