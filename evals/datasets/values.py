"""Converts field values of rows to parts of a task: texts, references, files, printable names."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memento.memory.case import storable
from memento.memory.errors import InvalidInput

ALTERNATIVES = "<|answer_split|>"
MAX_NAME_CHARS = 200
_SPACES = re.compile(r"\s+")


def question_of(value: Any, field: str) -> str:
    """Return the question, stripped.

    Raises:
        InvalidInput: it is missing, not a text, or has neither a letter nor a digit.
    """
    text = text_of(value, field)
    if not any(character.isalnum() for character in text):
        raise InvalidInput(f"`{field}` is {'a question without words' if text else 'missing or empty'}")
    return text


def text_of(value: Any, field: str) -> str:
    """Return a text, stripped; numbers and booleans as in JSON; empty when there is none.

    Raises:
        InvalidInput: it is a list or an object.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return storable(value).strip()
    raise InvalidInput(f"`{field}` is {_kind(value)}; a text or a number is needed")


def name_of(value: Any, field: str) -> str:
    """Return a short printable text for ids and sources, on one line."""
    return printable(text_of(value, field))


def printable(text: str, max_chars: int = MAX_NAME_CHARS) -> str:
    """Put a text on one line, truncated, with a question mark for unprintable characters."""
    spaced = _SPACES.sub(" ", storable(text)).strip()
    return "".join(sign if sign.isprintable() else "?" for sign in spaced[:max_chars])


def answer_of(fields: Mapping[str, Any], field: str) -> list[str]:
    """Return the one reference of a row that must have one.

    Raises:
        InvalidInput: the field is empty.
    """
    text = text_of(fields.get(field), field)
    if not text:
        raise InvalidInput(f"`{field}` is missing or empty")
    return [text]


def references_of(value: Any, field: str, *, is_csv: bool = False) -> list[str]:
    """Return the distinct accepted answers: elements of a list, or parts of a text between `<|answer_split|>`.

    Args:
        value: what the row says.
        field: its name, for the error.
        is_csv: a JSON list of texts inside of a text counts as a list; elsewhere the text itself is the answer.

    Raises:
        InvalidInput: it is, or holds, an object or a list of lists.
    """
    if isinstance(value, dict):
        raise InvalidInput(f"`{field}` is an object; name what is inside of it: {_inside(value, field)}")
    if is_csv and isinstance(value, str):
        value = texts_in_cell(value)
    elements = value if isinstance(value, list) else [value]
    texts = [text_of(element, field) for element in elements]
    parts = [part.strip() for text in texts for part in text.split(ALTERNATIVES)]
    return list(dict.fromkeys(part for part in parts if part))


def texts_in_cell(cell: str) -> list[str] | str:
    """Parse a JSON list of texts in a CSV cell; other cells are returned unchanged.

    A list of numbers stays a text: it is rather an answer than a choice of answers.
    """
    if not cell.lstrip().startswith("["):
        return cell
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else cell


def files_of(names: Sequence[str], folder: Path) -> list[Path]:
    """Return the files of a row as absolute paths.

    Args:
        names: relative to the folder.
        folder: of the data set, outside of which no file may lie.

    Raises:
        InvalidInput: a file is missing or lies outside.
    """
    if not names:
        return []
    home = Path(os.path.realpath(folder))
    return [_file(printable(name), home / name, home) for name in names]


def _file(name: str, path: Path, home: Path) -> Path:
    try:
        real = Path(os.path.realpath(path))
    except ValueError:  # a null byte in its name
        real = path
    if not real.is_relative_to(home):
        raise InvalidInput(f"attachment {name!r} lies outside of the data set's folder; put a copy into it")
    if not os.path.isfile(real):  # unlike Path.is_file, False for a name that is too long
        raise InvalidInput(f"attachment {name!r} is not in the data set's folder")
    return real


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list"


def _inside(value: Mapping[str, Any], field: str) -> str:
    return ", ".join(f"{field}.{name}" for name in list(value)[:5]) or "it is empty"
