"""Loads a file into tasks and rejected rows."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from memento.evals.datasets.benchmarks import recognised, refused_without_choices
from memento.evals.datasets.formats import AUTO, GENERIC, chosen_format, listed
from memento.evals.datasets.gaia import METADATA, gaia_file
from memento.evals.datasets.gathering import Gathering
from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.rows import read_rows
from memento.evals.datasets.values import printable
from memento.evals.task import BadRow, Dataset, EvalTask
from memento.memory.arguments import checked_count
from memento.memory.errors import InvalidInput

_ROWS_THAT_TELL = 100
"""How many readable rows are looked at to know the format."""
_ASKED = frozenset(("question", "references", "choices"))
"""Parts of a task that, when they are mapped, leave it to the mapping what is asked."""
_SHOWN = 3
"""Bad rows that the error of a file without tasks shows."""


def load_dataset(
    path: Path,
    *,
    format: str = AUTO,  # noqa: A002  what everybody calls it
    fields: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Dataset:
    """Load a data set. Blocks while reading: call it in a thread where an event loop runs.

    A question that stands in several rows is asked once, as its first row has it, and what any of its rows accepts is
    accepted. Ids that rows share get a number behind them (`q7`, `q7-2`); a row without one is called by its line
    (`line-12`). A question with choices is asked with them, a lettered line each; its letter and its text are accepted.

    Args:
        path: a file of JSON lines, JSON or csv, or GAIA's folder. Attachments lie in its folder.
        format: deepresearcher, gaia, simpleqa, hle or generic; `auto` knows it by the fields of the first rows.
        fields: part of a task (question, references, choices, id, source, level, attachments) to the path of its
            field; makes the format generic.
        limit: at most so many tasks. They are drawn at random, always the same (data sets are sorted by source, so the
            first would be of one), and stay in the order of the file; a larger limit keeps the tasks of a smaller one.

    Raises:
        InvalidInput: the file cannot be read, its format is not known, or it holds no task at all.
    """
    limit = None if limit is None else checked_count("the limit", limit, least=1)
    file = gaia_file(path) if path.is_dir() else path
    rows = read_rows(file)
    if format in (AUTO, GENERIC):
        rows = map(refused_without_choices if _ASKED & (fields or {}).keys() else recognised, rows)
    first = _first_rows(rows)
    seen = list(dict.fromkeys(name for row in first for name in row.fields))
    if not seen:
        raise _without_tasks(file, [BadRow(row.line, row.problem or "no fields") for row in first])
    chosen = chosen_format(format, fields, seen, file)
    gathering = Gathering(chosen.make_task, file.parent, fields or {})
    for row in chain(first, rows):
        gathering.add(row)
    if unmet := gathering.unmet():
        raise InvalidInput(f"{file}: no row has anything in {listed(unmet)}. Its fields: {listed(seen)}")
    tasks = gathering.tasks()
    if not tasks:
        raise _without_tasks(file, gathering.bad_rows)
    return Dataset(_name(file), chosen.name, _sample(tasks, limit), gathering.bad_rows, gathering.n_repeated)


def _first_rows(rows: Iterator[SourceRow]) -> list[SourceRow]:
    """Read as many rows with fields as are needed to detect the format."""
    first: list[SourceRow] = []
    n_readable = 0
    while n_readable < _ROWS_THAT_TELL and (row := next(rows, None)):
        first.append(row)
        n_readable += bool(row.fields)
    return first


def _sample(tasks: list[EvalTask], limit: int | None) -> list[EvalTask]:
    if limit is None or limit >= len(tasks):
        return tasks
    drawn = np.random.default_rng(0).permutation(len(tasks))[:limit]
    return [tasks[index] for index in sorted(drawn)]


def _without_tasks(file: Path, bad_rows: Sequence[BadRow]) -> InvalidInput:
    if not bad_rows:
        return InvalidInput(f"{file} contains no rows")
    shown = "; ".join(f"line {line}: {reason}" for line, reason in bad_rows[:_SHOWN])
    return InvalidInput(f"{file}: none of its {len(bad_rows):,} rows is a task. {shown}")


def _name(file: Path) -> str:
    """Return the data set's name: that of its file, for GAIA that of its folder."""
    return printable(file.resolve().parent.name if file.name == METADATA else file.stem)
