"""Text formats as documents: plain text and code, CSV and TSV, JSON, XML, HTML."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import Element, indent, tostring

from memento.tools.csv_reader import CsvReader
from memento.tools.documents.document import BY_CODE, Document, DocumentPart, clean
from memento.tools.documents.html_markdown import as_document
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.errors import ToolInputError
from memento.tools.files.passages import as_text
from memento.tools.files.text_files import decoded

MAX_TEXT_BYTES: Final = 20_000_000
"""Bytes read of a text."""

_MAX_LAID_OUT_BYTES: Final = 5_000_000
"""JSON, XML and HTML up to this size are taken apart and laid out anew."""
_MAX_LINE_CHARS: Final = 2_000
_SHORT_CHARS: Final = 120
_MAX_DEPTH: Final = 100
_SNIFFED_CHARS: Final = 20_000


def plain(file: BinaryIO) -> Document:
    """Read text line by line."""
    text, notes = _decoded(file)
    return _as_it_is(text, notes)


def _as_it_is(text: str, notes: list[str]) -> Document:
    found = text.removesuffix("\n").split("\n")
    if any(len(line) > _MAX_LINE_CHARS for line in found):
        found = [piece for line in found for piece in _pieces(line)]
        notes.append(f"lines over {_MAX_LINE_CHARS:,} characters were broken, so lines are counted otherwise here")
    parts = (DocumentPart(number, line) for number, line in enumerate(found, 1))
    return Document("line", parts, LeftOut(), len(found), notes=notes)


def _pieces(line: str) -> Iterator[str]:
    yield from (line[start : start + _MAX_LINE_CHARS] for start in range(0, len(line) or 1, _MAX_LINE_CHARS))


def _decoded(file: BinaryIO) -> tuple[str, list[str]]:
    content = file.read(MAX_TEXT_BYTES + 1)
    notes = []
    if is_cut := len(content) > MAX_TEXT_BYTES:
        content = content[:MAX_TEXT_BYTES]
        notes.append(f"only the first {MAX_TEXT_BYTES // 1_000_000} MB were read; use run_python for all of it")
    found = decoded(content, is_cut=is_cut)
    if found is None:
        raise ToolInputError("it is not text; run_python may read it")
    if found.is_guess:
        notes.append(f"read as {found.encoding}, which is a guess: some characters may be wrong")
    return clean(found.text), notes


def separated(file: BinaryIO, name: str) -> Document:
    """Read a delimited table (CSV, TSV, or another separator)."""
    text, notes = _decoded(file)
    try:
        dialect: Any = csv.Sniffer().sniff(text[:_SNIFFED_CHARS], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if name.lower().endswith((".tsv", ".tab")) else csv.excel
    return Document("row", _records(text, dialect), LeftOut(), notes=notes)


def _records(text: str, dialect: Any) -> Iterator[DocumentPart]:
    try:
        for number, row in enumerate(CsvReader(io.StringIO(text, newline=""), dialect), 1):
            if any(row):
                yield DocumentPart(number, cells=tuple(row))
    except csv.Error as error:
        raise ToolInputError(f"the table is damaged ({error}); {BY_CODE}") from None


def json_text(file: BinaryIO) -> Document:
    """Pretty-print JSON: short values on one line, long ones expanded."""
    text, notes = _decoded(file)
    if len(text) > _MAX_LAID_OUT_BYTES:
        return _as_it_is(text, notes)
    try:
        return _as_it_is("\n".join(_laid_out(json.loads(text, object_pairs_hook=_all_keys))), notes)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        return _as_it_is(text, [*notes, f"shown as it is, because it cannot be parsed as JSON: {why}"])


def _all_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; a duplicate key is refused instead of overwriting the first."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice in one object")
    return made


def _laid_out(value: Any, prefix: str = "", margin: str = "", end: str = "") -> Iterator[str]:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= _SHORT_CHARS or not isinstance(value, dict | list):
        yield f"{margin}{prefix}{short}{end}"
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    yield f"{margin}{prefix}{brackets[0]}"
    inner: Iterable[tuple[str, Any]] = (
        ((f"{json.dumps(key, ensure_ascii=False)}: ", one) for key, one in value.items())
        if isinstance(value, dict)
        else (("", one) for one in value)
    )
    for number, (name, one) in enumerate(inner, 1):
        yield from _laid_out(one, name, margin + " ", "," if number < len(value) else "")
    yield f"{margin}{brackets[1]}{end}"


def xml(file: BinaryIO) -> Document:
    """Pretty-print XML, one element to a line.

    Raises:
        ToolInputError: it defines entities, which only hostile documents need.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    text, notes = _decoded(file)
    content = text.encode()
    if len(content) > _MAX_LAID_OUT_BYTES:
        return _as_it_is(text, notes)
    depth = 0
    root: Element | None = None
    try:
        for event, element in iterparse(io.BytesIO(_without_declaration(content)), events=("start", "end")):
            root = element if root is None else root
            depth += 1 if event == "start" else -1
            if depth > _MAX_DEPTH:
                return _as_it_is(text, [*notes, "shown as it is, because it is nested too deep"])
    except DefusedXmlException:
        raise ToolInputError("it is not read: it defines entities or refers to other files") from None
    except ParseError as error:
        return _as_it_is(text, [*notes, f"shown as it is, because it cannot be parsed as XML: {error}"])
    if root is None:
        return _as_it_is(text, notes)
    indent(root, space=" ")
    left_out = LeftOut()
    left_out.add("comment", text.count("<!--"))
    left_out.add("processing instruction", text.count("<?") - text.lstrip().startswith("<?xml "))
    return lines(tostring(root, encoding="unicode"), left_out)


def _without_declaration(content: bytes) -> bytes:
    """Remove `<?xml … ?>`, whose encoding no longer applies."""
    start = content.lstrip()
    return start.partition(b"?>")[2].lstrip() if start.startswith(b"<?xml") else start


def html(file: BinaryIO) -> Document:
    """Convert a page to Markdown, with its tables; a page that is too large, to its visible text."""
    text, notes = _decoded(file)
    if len(text) <= _MAX_LAID_OUT_BYTES // 2:
        document = as_document(text, LeftOut())
    else:
        document = lines(as_text(text.encode(), is_html=True) or "", LeftOut())
        notes.append("it is too long to be converted, so only the bare text is shown")
    document.notes[:0] = notes
    return document
