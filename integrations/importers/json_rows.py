"""Reads JSON files of any size as a stream of values: JSON lines, arrays, and documents that are read whole.

A file that begins with `[` is an array, whose elements are parsed one by one. Otherwise it is JSON lines, unless it is
one value over several lines (or a single line): a document, which is read whole and therefore limited in size.
"""

import codecs
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from memento.memory.errors import InvalidInput

MAX_ROW_BYTES: Final = 16 << 20
"""Maximum size of one line, or of one element of an array."""
MAX_DOCUMENT_BYTES: Final = 256 << 20
"""Maximum size of a document."""
SUFFIXES: Final = (".jsonl", ".json", ".ndjson", ".af")
"""Endings of the files that are read of a folder."""

_CHUNK: Final = 1 << 20
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BETWEEN: Final = " \t\r\n"
_AFTER: Final = (",", "]", *_BETWEEN)


class JsonRow(NamedTuple):
    """One value of a file, or what is wrong with it."""

    number: int
    """From 1: the line, or the place in an array."""
    value: Any
    problem: str
    n_bytes: int
    """Bytes read since the row before."""


def files_of(path: Path) -> list[Path]:
    """The file, or all files of a folder and the folders in it whose ending is one of `SUFFIXES`, by name.

    Symbolic links inside a folder are left out.

    Raises:
        InvalidInput: there is nothing to read.
    """
    if path.is_dir():
        found: list[Path] = []
        for folder, folders, names in os.walk(path):
            folders.sort()
            paths = (Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES))
            found += [one for one in paths if one.is_file() and not one.is_symlink()]
        if not found:
            raise InvalidInput(f"{path} has no file that ends in {', '.join(SUFFIXES)}")
        return found
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file or a folder" if path.exists() else f"there is no file {path}")
    return [path]


def json_rows(path: Path) -> Iterator[JsonRow]:
    """Yield the values of a file. What cannot be parsed becomes a problem; in an array it is the last row.

    Raises:
        InvalidInput: it cannot be read, is not UTF-8 but UTF-16, or is a document beyond `MAX_DOCUMENT_BYTES`.
    """
    try:
        yield from _rows(path)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error


def rows_within(path: Path, *containers: str) -> Iterator[JsonRow]:
    """Yield the values of a file, and in place of `{container: [...]}` the elements of that array, numbered on.

    Raises:
        InvalidInput: as `json_rows`.
    """
    n_more = 0
    for row in json_rows(path):
        named = row.value if isinstance(row.value, dict) else {}
        inner = next((named[name] for name in containers if isinstance(named.get(name), list)), None)
        if inner is None:
            yield row._replace(number=n_more + row.number)
            continue
        for place, value in enumerate(inner):
            yield JsonRow(n_more + row.number + place, value, "", 0 if place else row.n_bytes)
        n_more += len(inner) - 1


def parsed(text: str) -> Any:
    """Parse JSON.

    Raises:
        InvalidInput: it is not JSON, or has numbers or nesting that cannot be parsed.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets in brackets
        raise InvalidInput(f"JSON that cannot be parsed: {type(error).__name__}") from error


def as_text(value: Any) -> str:
    """A value where a text is expected; empty for anything else."""
    return value if isinstance(value, str) else ""


def _rows(path: Path) -> Iterator[JsonRow]:
    with path.open("rb") as file:
        beginning = file.read(4096)
    if beginning.startswith(_UTF16):
        raise InvalidInput(f"{path} is UTF-16; save it as UTF-8")
    if beginning.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        yield from _array_rows(path)
    elif (document := _document(path)) is not None:
        yield document
    else:
        yield from _line_rows(path)


def _line_rows(path: Path) -> Iterator[JsonRow]:
    """Rows of JSON lines. Blank lines are no rows, but count."""
    number, n_blank = 0, 0
    with path.open("rb") as file:
        while raw := file.readline(MAX_ROW_BYTES + 1):
            number, n_bytes = number + 1, len(raw)
            if len(raw) > MAX_ROW_BYTES:
                while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    n_bytes += len(rest)
                problem = f"a line of more than {MAX_ROW_BYTES >> 20} MB, at most that is read"
                yield JsonRow(number, None, problem, n_bytes + len(rest) + n_blank)
                n_blank = 0
            elif raw.removeprefix(codecs.BOM_UTF8).strip():
                yield _line(number, raw, n_bytes + n_blank)
                n_blank = 0
            else:
                n_blank += n_bytes


def _line(number: int, raw: bytes, n_bytes: int) -> JsonRow:
    try:
        return JsonRow(number, parsed(raw.decode("utf-8-sig")), "", n_bytes)
    except UnicodeDecodeError as error:
        return JsonRow(number, None, f"not UTF-8 at byte {error.start}", n_bytes)
    except InvalidInput as error:
        return JsonRow(number, None, str(error), n_bytes)


def _document(path: Path) -> JsonRow | None:
    """The only value of a file that is one document; None where it is JSON lines."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.readline(MAX_ROW_BYTES + 1)
        while first and not first.strip():
            first = file.readline(MAX_ROW_BYTES + 1)
        second = file.readline(MAX_ROW_BYTES + 1)
    is_whole = len(first) <= MAX_ROW_BYTES and not _line(1, first, 0).problem
    is_followed = second.startswith(b"{") and not _line(2, second, 0).problem
    if is_whole or is_followed or not first.strip():
        return None  # JSON lines, perhaps with a first one that is bad
    if size > MAX_DOCUMENT_BYTES:
        raise InvalidInput(
            f"{path} is one JSON document of {size >> 20:,} MB; at most {MAX_DOCUMENT_BYTES >> 20} MB are read whole. "
            "Make JSON lines or an array of it, such as with `jq -c '.data[]'`"
        )
    row = _line(1, path.read_bytes(), size)
    return None if row.problem else row


def _array_rows(path: Path) -> Iterator[JsonRow]:
    """Elements of an array. One that cannot be parsed ends it: where the next one begins is not known."""
    decoder, number, n_told = json.JSONDecoder(), 0, 0
    with path.open("rb") as file:
        window = _Window(file)
        window.skip(_BETWEEN + "\ufeff")
        window.at += 1  # the bracket
        while True:
            window.skip(_BETWEEN + ("," if number else ""))
            found = window.text[window.at : window.at + 1]
            if found in ("]", ""):
                if not found:
                    yield JsonRow(number + 1, None, "the array has no end; the file was cut off", 0)
                return
            number += 1
            value, problem = _element(decoder, window)
            n_bytes, n_told = window.n_read - n_told, window.n_read
            yield JsonRow(number, value, problem, n_bytes)
            if problem and value is None:
                return


def _element(decoder: json.JSONDecoder, window: "_Window") -> tuple[Any, str]:
    """The next element of an array, or why there is none."""
    while True:
        try:
            value, end = decoder.raw_decode(window.text, window.at)
        except json.JSONDecodeError as error:
            if len(window.text) - window.at > MAX_ROW_BYTES:
                return None, f"an element of more than {MAX_ROW_BYTES >> 20} MB, or not JSON: {error.msg}"
            if not window.grow():
                return None, f"not JSON: {error.msg}; what follows in the array is not read"
            continue
        except (ValueError, RecursionError) as error:
            return None, f"JSON that cannot be parsed: {type(error).__name__}; what follows in the array is not read"
        is_short = not isinstance(value, dict | list | str) and window.text[end : end + 1] not in _AFTER
        if is_short and window.grow():  # a number may go on
            continue
        raw, window.at = window.text[window.at : end], end
        try:
            raw.encode()
        except UnicodeEncodeError as error:
            return {}, f"not UTF-8 at character {error.start}"
        return value, ""


class _Window:
    """The part of a text file that is being parsed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.n_read = "", 0, 0

    def grow(self) -> bool:
        """Drop what is parsed and read on: as much again as there is; False at the end of the file."""
        raw = self._file.read(max(_CHUNK, len(self.text) - self.at))
        self.n_read += len(raw)
        self.text, self.at = self.text[self.at :] + self._decode.decode(raw, final=not raw), 0
        return bool(raw)

    def skip(self, characters: str) -> None:
        """Go to the next other character, or to the end of the file."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in characters:
                self.at += 1
            if self.at < len(self.text) or not self.grow():
                return
