"""PDF: text by page, with comments, form fields and links; scanned pages are rendered as images."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

from memento.tools.documents.document import Document, DocumentPart, PartRange, clean, numbers
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.pdf_annotations import attachments, beside, n_pictures
from memento.tools.errors import ToolInputError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

MAX_PAGES: Final = 5_000
"""Pages read by one call."""
_MAX_BROKEN: Final = 100
_SCAN_CHARS: Final = 25
"""A page with fewer characters and a picture on it is a picture of a page."""
_LOOKED_AT: Final = 50
"""Objects of a page among which a picture is looked for."""
_SIDE_PIXELS: Final = 1_600
_MAX_PAGE_CHARS: Final = 200_000


def pdf(file: BinaryIO, wanted: PartRange) -> Document:
    """Open a PDF.

    Raises:
        ToolInputError: it is protected or damaged, or has no such pages.
    """
    pages = _opened(file)
    n_pages = len(pages)
    if wanted.first > n_pages:
        raise ToolInputError(f"the document has {n_pages} pages, there is no page {wanted.first}")
    last = min(wanted.last or n_pages, n_pages, wanted.first + MAX_PAGES - 1)
    document = Document("page", (), LeftOut(), n_pages)
    document.notes += attachments(pages, document.left_out)
    if last < min(wanted.last or n_pages, n_pages):
        document.notes.append(f"no more than {MAX_PAGES:,} pages are read at once; call again with pages='{last + 1}-'")
    document.parts = _parts(pages, range(wanted.first, last + 1), document)
    return document


def _opened(file: BinaryIO) -> "PdfDocument":
    import pypdfium2

    try:
        pages = pypdfium2.PdfDocument(file)
        with contextlib.suppress(pypdfium2.PdfiumError):
            pages.init_forms()
        n_pages = len(pages)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise ToolInputError("it is protected by a password; ask for a copy without one") from None
        raise ToolInputError("the PDF is damaged or incomplete") from None
    if n_pages < 1:
        raise ToolInputError("the PDF has no pages, or is damaged")
    return pages


def _parts(pages: "PdfDocument", shown: range, document: Document) -> Iterator[DocumentPart]:
    broken: list[int] = []
    notes = document.notes
    n_read, others = 0, list(notes)
    for number in shown:
        part = _part(pages, number, document.left_out)
        if part is not None:
            n_read += 1
            yield part
            continue
        broken.append(number)
        notes[:] = [*others, f"pages that are damaged: {numbers(broken)}"]
        if len(broken) >= _MAX_BROKEN:
            notes.append("the pages after them were not tried")
            break
    if broken and not n_read:
        raise ToolInputError("the PDF is damaged: no page of it can be opened")


def _part(pages: "PdfDocument", number: int, left_out: LeftOut) -> DocumentPart | None:
    """Read one page; None when it cannot be opened."""
    import pypdfium2

    try:
        page = pages[number - 1]
        text_page = page.get_textpage()
        text = clean(text_page.get_text_range(0, min(text_page.count_chars(), _MAX_PAGE_CHARS))).strip()
    except pypdfium2.PdfiumError:
        return None
    is_scan = len(text) < _SCAN_CHARS and _is_picture(page, has_text=bool(text))
    if not is_scan:
        left_out.add("picture", n_pictures(page))
    text = "\n".join(line for line in (text, *beside(pages, page, text, left_out)) if line)
    text_page.close()
    page.close()
    return DocumentPart(number, text, is_scan=is_scan)


def _is_picture(page: "PdfPage", *, has_text: bool) -> bool:
    """Tell whether a page is a scan; on pages without any text, lines and curves may be letters."""
    from pypdfium2 import raw

    n_objects = raw.FPDFPage_CountObjects(page)
    if not has_text:
        return bool(n_objects > 0)
    kinds = (raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, n)) for n in range(min(n_objects, _LOOKED_AT)))
    return raw.FPDF_PAGEOBJ_IMAGE in kinds


def rendered(file: BinaryIO, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Render pages as PNG, at most 1,600 pixels a side; pages that cannot be rendered are left out."""
    import pypdfium2

    pages = _opened(file)
    for number in numbers:
        try:
            page = pages[number - 1]
            scale = _SIDE_PIXELS / max(page.get_width(), page.get_height(), 1.0)
            picture = page.render(scale=scale, grayscale=False).to_pil()
        except pypdfium2.PdfiumError:
            continue
        content = io.BytesIO()
        picture.save(content, "PNG")
        yield number, content.getvalue()
        page.close()
