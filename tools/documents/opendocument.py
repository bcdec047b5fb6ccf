"""OpenDocument texts and presentations: headings, paragraphs, lists, tables, slides and notes."""

from typing import BinaryIO, Final
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from memento.tools.documents.document import Document, Part, clean
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.documents.tables import table
from memento.tools.errors import ToolInputError

_MAX_DEPTH: Final = 100
_MAX_REPEATED: Final = 100
_BLANKS: Final = {"s": " ", "tab": "\t", "line-break": "\n"}


def odt(file: BinaryIO) -> Document:
    """Read a text document as lines of Markdown."""
    return lines(clean("\n".join(_blocks(_body(file), 0))), LeftOut())


def odp(file: BinaryIO) -> Document:
    """Read a presentation slide by slide."""
    slides = [element for element in _body(file).iter() if _name(element) == "page"]
    parts = [Part(number, clean("\n".join(_blocks(slide, 0)))) for number, slide in enumerate(slides, 1)]
    return Document("slide", parts, LeftOut(), len(parts))


def _body(file: BinaryIO) -> Element:
    from defusedxml.ElementTree import fromstring

    with ZipFile(file) as archive:
        try:
            content = archive.read("content.xml")
        except (KeyError, RuntimeError):
            raise ToolInputError("it is damaged, or protected by a password") from None
    root: Element = fromstring(content)
    return next((element for element in root.iter() if _name(element) == "body"), root)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _blocks(parent: Element, depth: int) -> list[str]:
    """Write the blocks below an element, one string each."""
    if depth > _MAX_DEPTH:
        return [" ".join(parent.itertext())]
    written: list[str] = []
    for element in parent:
        name = _name(element)
        if name == "h":
            level = next((value for key, value in element.items() if key.endswith("}outline-level")), "1")
            written += [f"{'#' * min(int(level) if level.isdigit() else 1, 6)} {_text(element)}", ""]
        elif name == "p":
            written += [_text(element), ""]
        elif name == "table":
            written += [table([_cells(row) for row in element.iter() if _name(row) == "table-row"]), ""]
        elif name == "list-item":
            items = [line for line in _blocks(element, depth + 1) if line]
            written += [f"- {items[0]}", *(f"  {line}" for line in items[1:])] if items else []
        elif name == "notes":
            notes = " ".join(line for line in _blocks(element, depth + 1) if line)
            written += [f"Notes: {notes}"] if notes else []
        elif name not in ("tracked-changes", "sequence-decls"):
            written += _blocks(element, depth + 1)
    return written


def _cells(row: Element) -> list[str]:
    cells: list[str] = []
    for cell in row:
        repeated = next((value for key, value in cell.items() if key.endswith("}number-columns-repeated")), "1")
        text = " ".join(_text(paragraph) for paragraph in cell.iter() if _name(paragraph) in ("p", "h"))
        cells += [text] * (min(int(repeated), _MAX_REPEATED) if repeated.isdigit() else 1)
    return cells


def _text(element: Element) -> str:
    """Write the text of a paragraph; blanks are elements of their own."""
    for child in element.iter():
        if child is not element and _name(child) in _BLANKS:
            child.text = _BLANKS[_name(child)]
    return "".join(element.itertext()).strip()
