"""Opens a document of any format and selects what to show; runs in a confined child."""

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, TypedDict
from zipfile import ZipFile

from memento.tools.documents import (
    archives,
    opendocument,
    opendocument_sheets,
    pdf,
    plain,
    presentations,
    rtf,
    spreadsheets,
    word,
)
from memento.tools.documents.document import Document, PartRange, clean, wanted_parts
from memento.tools.documents.file_types import NAMES, Kind, kind_of
from memento.tools.documents.selection import TextBlock, blocks, selected
from memento.tools.errors import ToolInputError

MAX_INDEXED_CHARS: Final = 3_000_000
"""Characters of one document that a search index takes."""

_READERS: Final[dict[str, Callable[[BinaryIO], Document]]] = {
    "docx": word.docx,
    "pptx": presentations.pptx,
    "odt": opendocument.odt,
    "odp": opendocument.odp,
    "rtf": rtf.rtf,
    "json": plain.json_text,
    "jsonl": plain.plain,
    "xml": plain.xml,
    "html": plain.html,
    "text": plain.plain,
}
_MEDIA_FOLDERS: Final = {"docx": "word/media/", "xlsx": "xl/media/", "odt": "Pictures/", "odp": "Pictures/"}


class DocumentText(TypedDict):
    """What the child returns for `read`."""

    kind: str
    text: str
    scans: list[int]
    notes: list[str]
    left_out: str
    """What of the parts that were read is not in the text; empty when nothing is."""


class Shot(TypedDict):
    """A picture of a document."""

    where: str
    content: str
    """Base64."""
    mime_type: str


def read(file: BinaryIO, *, name: str, pages: str, query: str, max_chars: int, can_look: bool) -> DocumentText:
    """Read a document.

    Raises:
        ToolInputError: it cannot be read, or the range makes no sense.
    """
    wanted = wanted_parts(pages)
    kind = kind_of(file, name)
    document = _opened(file, name, kind, wanted)
    selection = selected(document, wanted, query, max_chars=max_chars, can_look=can_look)
    sheets_note = [f"sheets: {', '.join(document.sheets)}"] if document.sheets else []
    notes = [*([kind.note] if kind.note else []), *sheets_note, *document.notes, *selection.notes]
    return {
        "kind": NAMES[kind.name] + _size(document),
        "text": selection.text,
        "scans": selection.scans,
        "notes": [clean(note) for note in notes],
        "left_out": clean(document.left_out.told()),
    }


def _size(document: Document) -> str:
    n_parts = document.n_parts
    return "" if n_parts is None else f", {n_parts:,} {document.unit}{'' if n_parts == 1 else 's'}"


def indexed(file: BinaryIO, *, name: str) -> list[tuple[str, str]]:
    """Cut a document into passages for the search index, each with the `pages` that show it."""
    document = _opened(file, name, kind_of(file, name), PartRange())
    found, n_chars = list[tuple[str, str]](), 0
    for block in blocks(document.unit, list(document.parts)):
        n_chars += len(block.text)
        if n_chars > MAX_INDEXED_CHARS:
            break
        found.append((_place(block), block.text))
    return found


def _place(block: TextBlock) -> str:
    part = block.parts[0]
    return f"{part.sheet}!{part.number}" if part.sheet else str(part.number)


def _opened(file: BinaryIO, name: str, kind: Kind, wanted: PartRange) -> Document:
    if kind.name == "pdf":
        return pdf.pdf(file, wanted)
    if kind.name == "xlsx":
        return spreadsheets.xlsx(file, wanted.sheet)
    if kind.name == "ods":
        return opendocument_sheets.ods(file, wanted.sheet)
    if kind.name in ("xls", "xlsb"):
        return spreadsheets.calamine(file, wanted.sheet)
    if kind.name == "csv":
        return plain.separated(file, name)
    if kind.name in ("zip", "tar", "gz"):
        return archives.archive(file, name, kind.name)
    return _READERS[kind.name](file)


def shots(file: BinaryIO, *, name: str, numbers: Sequence[int]) -> list[Shot]:
    """Render pages of a PDF."""
    del name
    return [_shot(f"page {number}", "image/png", content) for number, content in pdf.rendered(file, numbers)]


def _shot(where: str, mime_type: str, content: bytes) -> Shot:
    return {"where": where, "content": base64.b64encode(content).decode(), "mime_type": mime_type}


def pictures(file: BinaryIO, *, name: str, pages: str, max_pictures: int) -> list[Shot]:
    """Extract pictures of a document: of the slides asked for, or of all of it; small and duplicate ones are dropped.

    Raises:
        ToolInputError: there are none, or the format has none.
    """
    from memento.tools.media.images import encoded_picture

    wanted = wanted_parts(pages)
    kind = kind_of(file, name).name
    found: dict[bytes, Shot] = {}
    for where, content in _embedded(file, kind, wanted):
        if len(found) >= max_pictures:
            break
        if content in found:
            continue
        try:
            picture = encoded_picture(io.BytesIO(content))
        except (ToolInputError, OSError, ValueError, SyntaxError):  # a drawing, or damaged
            continue
        found[content] = {"where": where, "content": picture["content"], "mime_type": picture["mime_type"]}
    return list(found.values())


def _embedded(file: BinaryIO, kind: str, wanted: PartRange) -> Iterator[tuple[str, bytes]]:
    if kind == "pdf":
        last = wanted.last or wanted.first + 7
        yield from ((f"page {number}", one) for number, one in pdf.rendered(file, range(wanted.first, last + 1)))
    elif kind == "pptx":
        yield from presentations.slide_pictures(file, wanted)
    elif kind in _MEDIA_FOLDERS:
        with ZipFile(file) as archive:
            names = [one for one in archive.namelist() if one.startswith(_MEDIA_FOLDERS[kind])]
            yield from ((one.rpartition("/")[2], archive.read(one)) for one in names)
    else:
        raise ToolInputError("pictures are only taken out of pdf, docx, pptx, xlsx, odt and odp")
