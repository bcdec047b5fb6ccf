"""Word documents (docx) as Markdown, with comments, notes, equations, tracked changes, headers and footers."""

import io
import re
from typing import Any, BinaryIO, Final
from zipfile import ZipFile

from memento.tools.documents.document import Document
from memento.tools.documents.html_markdown import as_document
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.word_parts import prepared

_WORDLESS: Final = re.compile(r"(perm(Start|End)|tblPrEx|[sS]eparator|lock|path|stroke|fill|customXml\w+Range\w+)$")
_UNREAD: Final = "An unrecognised element was ignored: "


def docx(file: BinaryIO) -> Document:
    """Read a Word document as lines of Markdown.

    What mammoth drops without a word is put into words that it keeps first; its HTML keeps the tables that its Markdown
    loses.
    """
    import mammoth

    left_out = LeftOut()
    parts, notes = prepared(file, left_out)
    n_pictures = 0

    def named(image: Any) -> dict[str, str]:
        nonlocal n_pictures
        n_pictures += 1
        left_out.add("picture")
        return {"src": "", "alt": f"{n_pictures}: {image.alt_text}" if image.alt_text else f"{n_pictures}"}

    page = mammoth.convert_to_html(_zipped(parts), convert_image=mammoth.images.img_element(named))
    parts.clear()
    for message in page.messages:
        _, is_unread, name = message.message.partition(_UNREAD)
        if is_unread and not _WORDLESS.search(name):
            left_out.add(f"element {name.rpartition('}')[2]}")
        elif "w:sym" in message.message:
            left_out.add("symbol of a special font")
    document = as_document(page.value, left_out)
    document.notes[:0] = notes
    return document


def _zipped(parts: dict[str, bytes]) -> BinaryIO:
    """Repack the parts that hold text into a new archive, without pictures."""
    archive = io.BytesIO()
    with ZipFile(archive, "w") as written:
        for name, content in parts.items():
            written.writestr(name, content)
    archive.seek(0)
    return archive
