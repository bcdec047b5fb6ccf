"""Generic format: any rows with a question, with fields mapped explicitly or recognised by usual names."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from memento.evals.datasets.choices import CHOICES, RIGHT, choices_of, right_of
from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import files_of, name_of, question_of, references_of, text_of, texts_in_cell
from memento.evals.task import EvalTask
from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.memory.task_keys import checked_key

USUAL = {
    "question": ("question", "prompt", "input", "problem", "task"),
    "references": (
        *("answer", "answers", "reference", "references", "target", "gold", "golden_answers", "expected_output"),
        *("ground_truth", "final_answer"),
    ),
    "choices": CHOICES,
    "id": ("id", "task_id", "question_id"),
    "source": ("source", "data_source", "category", "subject"),
    "level": ("level",),
    "attachments": ("attachments", "files"),
    "key": ("key",),
}
"""Names of fields, of which the first that a row has counts; capitals do not matter."""


def field_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Parse `question=prompt`, as the command line has it, into a mapping of a task's parts to paths into a row.

    Raises:
        InvalidInput: there is no equals sign, or one part is given twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        part, sign, path = (piece.strip() for piece in pair.partition("="))
        if not sign or not path or part in mapping:
            raise InvalidInput(f"field {pair!r} is not PART=PATH, or repeats a part; write as in question=prompt")
        mapping[part] = path
    return checked(mapping)


def checked(mapping: Mapping[str, str]) -> dict[str, str]:
    """Validate that a mapping names only parts of a task.

    Raises:
        InvalidInput: it maps something else.
    """
    unknown = [part for part in mapping if part not in USUAL]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is not a part of a task; fields can be mapped for: {', '.join(USUAL)}")
    return dict(mapping)


def make_generic_task(mapping: Mapping[str, str]) -> Callable[[SourceRow, Path], EvalTask]:
    """Make the function that converts a row to a task.

    Args:
        mapping: part of a task to the path of its field; parts that are not in it have their usual names.
    """

    def generic_task(row: SourceRow, folder: Path) -> EvalTask:
        known = {part: _named(row.fields, part, mapping) for part in USUAL}
        values = {part: value for part, (_, value) in known.items()}
        names = {part: name for part, (name, _) in known.items()}
        question, told = question_of(values["question"], names["question"]), [names["references"]]
        if choices := choices_of(values["choices"], names["choices"], is_csv=row.is_csv):
            rights = _rights(row.fields, names, mapping)
            right, question, told = right_of(choices, rights), choices.asked_with(question), list(rights)
            references = [] if right is None else choices.references(right)
        else:
            references = references_of(values["references"], names["references"], is_csv=row.is_csv)
        return EvalTask(
            id=name_of(values["id"], names["id"]),
            question=question,
            references=references,
            source=name_of(values["source"], names["source"]),
            level=name_of(values["level"], names["level"]),
            attachments=files_of(_file_names(values["attachments"], names["attachments"], row), folder),
            metadata=_rest(row.fields, {*names.values(), *told}),
            key=checked_key(text_of(values["key"], names["key"])),
        )

    return generic_task


def at_path(fields: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as `item.answers.text`; None when it is missing.

    A field whose name has dots in it comes before a path. A number is a place in a list; a name goes into every object
    of a list.
    """
    if path in fields:
        return fields[path]
    found: Any = fields
    for name in path.split("."):
        found = _step(found, name)
    return found


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal():
        return value[int(name)] if int(name) < len(value) else None
    if isinstance(value, list):
        inner = [one[name] for one in value if isinstance(one, dict) and name in one]
        return inner or None
    return None


def _named(fields: Mapping[str, Any], part: str, mapping: Mapping[str, str]) -> tuple[str, Any]:
    """Return field and value of a part of the task: the mapped one, or the first usual one that is not empty."""
    if part in mapping:
        return mapping[part], at_path(fields, mapping[part])
    taken = {path.partition(".")[0] for path in mapping.values()} | set(mapping.values())
    own = {name.casefold(): name for name in reversed(list(fields)) if name not in taken}
    for usual in USUAL[part]:
        if usual in own and fields[own[usual]] not in (None, "", []):
            return own[usual], fields[own[usual]]
    return USUAL[part][0], None


def _rights(fields: Mapping[str, Any], names: Mapping[str, str], mapping: Mapping[str, str]) -> dict[str, Any]:
    """Return fields that mark the right choice: the mapped one, or all of usual names."""
    if "references" in mapping:
        return {mapping["references"]: at_path(fields, mapping["references"])}
    own = {name.casefold(): name for name in reversed(list(fields)) if name != names["choices"]}
    return {own[usual]: fields[own[usual]] for usual in RIGHT if usual in own}


def _file_names(value: Any, field: str, row: SourceRow) -> list[str]:
    if row.is_csv and isinstance(value, str):
        value = texts_in_cell(value)
    names = [text_of(one, field) for one in (value if isinstance(value, list) else [value])]
    return [name for name in names if name]


def _rest(fields: Mapping[str, Any], used: set[str]) -> dict[str, str]:
    """Return texts, numbers and booleans that are not part of the task."""
    tops = used | {name.partition(".")[0] for name in used}
    left = {name: value for name, value in fields.items() if name not in tops and isinstance(value, str | bool)}
    return {storable(name): text_of(value, name) for name, value in left.items() if value != ""}
