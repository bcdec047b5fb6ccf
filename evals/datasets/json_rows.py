"""Rows of JSON files: JSON lines, or a list of objects (top level, or inside one object)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memento.evals.datasets.row import SourceRow, WrittenNumber
from memento.memory.errors import InvalidInput

_DECODER = json.JSONDecoder(parse_int=WrittenNumber, parse_float=WrittenNumber, parse_constant=lambda _: None)
_SPACES = " \t\n\r"
_NOT_AN_OBJECT = "not a JSON object"


def line_rows(path: Path) -> Iterator[SourceRow]:
    """Yield one object a line; blank lines are skipped."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if raw.removeprefix(b"\xef\xbb\xbf").strip():
                yield _line_row(number, raw)


def json_rows(path: Path) -> Iterator[SourceRow]:
    """Yield the rows of a list, each with its line number.

    Raises:
        InvalidInput: it is not JSON, or there is no list, or more than one.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        start = _list_start(text, path)
        yield from _elements(text, start)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"{path}, line {line}: not UTF-8") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{path}, line {error.lineno}: not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise InvalidInput(f"{path} is nested too deep to be read") from error


def complete_object(raw: bytes) -> dict[str, Any] | None:
    """Parse the bytes as one JSON object; None when they are not one."""
    try:
        value = _DECODER.decode(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def rows_inside(value: dict[str, Any]) -> list[str]:
    """Return the keys under which an object holds a list of objects."""
    return [name for name, inner in value.items() if isinstance(inner, list) and inner and isinstance(inner[0], dict)]


def _line_row(number: int, raw: bytes) -> SourceRow:
    try:
        value = _DECODER.decode(raw.rstrip(b"\r\n").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return SourceRow(number, {}, f"not UTF-8 at byte {error.start + 1} of the line")
    except json.JSONDecodeError as error:
        return SourceRow(number, {}, f"not JSON: {error.msg} (column {error.colno})")
    except RecursionError:
        return SourceRow(number, {}, "nested too deep to be read")
    return SourceRow(number, value) if isinstance(value, dict) else SourceRow(number, {}, _NOT_AN_OBJECT)


def _list_start(text: str, path: Path) -> int:
    """Return the position of the bracket that opens the list of rows."""
    start = _after_spaces(text, 0)
    if text[start] == "[":
        return start
    whole = _DECODER.decode(text)
    names = rows_inside(whole)
    if len(names) != 1:
        found = f"it holds several: {', '.join(names)}" if names else f"its fields are: {', '.join(whole)}"
        raise InvalidInput(f"{path} is one JSON object that should hold one list of objects; {found[:300]}")
    return _member_start(text, start, names[0])


def _member_start(text: str, start: int, wanted: str) -> int:
    """Return the position of a member's value; of duplicate keys the last counts, as in JSON."""
    found, position = start, _after_spaces(text, start + 1)
    while text[position] != "}":
        name, position = _DECODER.raw_decode(text, position)
        begin = _after_spaces(text, _after_spaces(text, position) + 1)  # over the colon
        found = begin if name == wanted else found
        position = _after_comma(text, _DECODER.raw_decode(text, begin)[1])
    return found


def _elements(text: str, start: int) -> Iterator[SourceRow]:
    position, line, counted = _after_spaces(text, start + 1), 1, 0
    number = 0
    while text[position : position + 1] != "]":
        value, end = _DECODER.raw_decode(text, position)
        line, counted, number = line + text.count("\n", counted, position), position, number + 1
        if isinstance(value, dict):
            yield SourceRow(line, value)
        else:
            yield SourceRow(line, {}, f"{_NOT_AN_OBJECT} (element {number} of the list)")
        position = _after_comma(text, end)
    if not text.startswith("{", _after_spaces(text, 0)) and _after_spaces(text, position + 1) < len(text):
        raise json.JSONDecodeError("Extra data", text, _after_spaces(text, position + 1))


def _after_comma(text: str, position: int) -> int:
    """Return the position of the next element, or of the closing bracket.

    Raises:
        json.JSONDecodeError: there is neither.
    """
    position = _after_spaces(text, position)
    sign = text[position : position + 1]
    if sign in ("]", "}"):
        return position
    following = _after_spaces(text, position + 1)
    if sign != "," or text[following : following + 1] in ("", "]", "}"):
        raise json.JSONDecodeError("Expecting ',' and another value, or the end", text, min(position, len(text)))
    return following


def _after_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACES:
        position += 1
    return position
