"""Data set formats, and detection of a file's format."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from memento.evals.datasets import deepresearcher, gaia, hle, simpleqa
from memento.evals.datasets.choices import has_choices
from memento.evals.datasets.generic import USUAL, checked, make_generic_task
from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import printable
from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput

MakeTask = Callable[[SourceRow, Path], EvalTask]
AUTO = "auto"
GENERIC = "generic"


class _Known(NamedTuple):
    fields: frozenset[str]
    """All of which its rows have, and rows of no other format."""
    make_task: MakeTask


_KNOWN = {
    "deepresearcher": _Known(deepresearcher.FIELDS, deepresearcher.deepresearcher_task),
    "gaia": _Known(gaia.FIELDS, gaia.gaia_task),
    "simpleqa": _Known(simpleqa.FIELDS, simpleqa.simpleqa_task),
    "hle": _Known(hle.FIELDS, hle.hle_task),
}
FORMATS = (*_KNOWN, GENERIC)


class Format(NamedTuple):
    """Converts a file's rows to tasks."""

    name: str
    make_task: MakeTask


def chosen_format(name: str, mapping: Mapping[str, str] | None, seen: Collection[str], path: Path) -> Format:
    """Return the requested format, or detect it from the fields.

    Args:
        name: one of `FORMATS`, or `auto`.
        mapping: part of a task to field; only the generic format has one.
        seen: names of the fields of the first rows.
        path: of the file, for the error.

    Raises:
        InvalidInput: no such format, a mapping for a format that has none, or the fields fit no format.
    """
    if name not in (AUTO, *FORMATS):
        raise InvalidInput(f"unknown format {name!r}; choose one of: {', '.join((AUTO, *FORMATS))}")
    if mapping and name not in (AUTO, GENERIC):
        raise InvalidInput(f"a field mapping goes with the format {GENERIC}, not with {name}")
    if name in _KNOWN:
        return Format(name, _without_choices(name))
    generic = Format(GENERIC, make_generic_task(checked(mapping or {})))
    if name == GENERIC or mapping:
        return generic
    for known, (fields, _) in _KNOWN.items():
        if fields <= set(seen):
            return Format(known, _without_choices(known))
    if {field.casefold() for field in seen} & set(USUAL["question"]):
        return generic
    raise InvalidInput(_undecided(seen, path))


def _without_choices(name: str) -> MakeTask:
    """Wrap a known format so that it rejects rows with choices, which it would otherwise omit."""

    def make_task(row: SourceRow, folder: Path) -> EvalTask:
        if field := has_choices(row):
            raise InvalidInput(f"it has choices in `{field}`, which the format {name} does not ask; use {GENERIC}")
        return _KNOWN[name].make_task(row, folder)

    return make_task


def listed(names: Collection[str]) -> str:
    """List names for an error."""
    return printable(", ".join(names), 500) or "none"


def _undecided(seen: Collection[str], path: Path) -> str:
    wanted = "; ".join(f"{name} has {', '.join(sorted(known.fields))}" for name, known in _KNOWN.items())
    return (
        f"{path} is in no known format. Its fields: {listed(seen)}. Formats: {wanted}; {GENERIC} has one of "
        f"{', '.join(USUAL['question'])}. Give a mapping of the question's and the references' fields"
    )
