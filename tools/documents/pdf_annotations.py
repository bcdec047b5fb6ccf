"""PDF annotations: comments, form fields, link addresses, embedded media; attached files."""

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from memento.tools.documents.document import clean
from memento.tools.documents.left_out import LeftOut

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

MAX_ANNOTATIONS: Final = 500
"""Read of one page; more are counted as not shown."""

_MAX_OBJECTS: Final = 2_000
_MAX_BYTES: Final = 20_000
_MARKED: Final = {9: "highlighted passage", 10: "underlined passage", 11: "underlined passage", 12: "crossed-out text"}
_COUNTED: Final = {
    13: "stamp",
    15: "piece of ink",
    17: "attached file",
    18: "sound",
    19: "video",
    21: "video",
    25: "3D model",
    26: "video",
}
_DRAWN: Final = (4, 5, 6, 7, 8)  # lines, squares, circles, polygons
_LINK, _FREE_TEXT, _POPUP, _WIDGET = 2, 3, 16, 20


def beside(pages: "PdfDocument", page: "PdfPage", text: str, left_out: LeftOut) -> list[str]:
    """Render a page's annotations, one line each.

    Args:
        pages: the document, its forms opened.
        page: one of its pages.
        text: of the page; addresses that it has are not repeated.
        left_out: counts what has no words.
    """
    from pypdfium2 import raw

    lines: list[str] = []
    links: dict[str, None] = {}
    n_annotations = max(raw.FPDFPage_GetAnnotCount(page), 0)
    left_out.add("annotation", n_annotations - MAX_ANNOTATIONS)
    for number in range(min(n_annotations, MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == _LINK:
            address = _address(pages, annotation)
            links |= {address: None} if address and address not in text else {}
        elif kind == _WIDGET:
            lines += _field(pages, annotation)
        elif kind != _POPUP:
            lines += _comment(annotation, kind, left_out)
        raw.FPDFPage_CloseAnnot(annotation)
    return [*lines, *([f"Links: {', '.join(links)}"] if links else [])]


def n_pictures(page: "PdfPage") -> int:
    """Count the pictures on a page."""
    from pypdfium2 import raw

    n_objects = min(raw.FPDFPage_CountObjects(page), _MAX_OBJECTS)
    kinds = (raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, n)) for n in range(n_objects))
    return sum(kind == raw.FPDF_PAGEOBJ_IMAGE for kind in kinds)


def attachments(pages: "PdfDocument", left_out: LeftOut) -> list[str]:
    """List the names of attached files."""
    import pypdfium2

    names = []
    n_files = max(pages.count_attachments(), 0)
    left_out.add("attached file", n_files)
    for number in range(min(n_files, 50)):
        try:
            names.append(clean(pages.get_attachment(number).get_name()))
        except pypdfium2.PdfiumError:
            continue
    return [f"attached files, which are not read: {', '.join(names)}"] if names else []


def _comment(annotation: Any, kind: int, left_out: LeftOut) -> list[str]:
    words = _string(annotation, b"Contents")
    if words and kind == _FREE_TEXT:
        return [f"[text box: {words}]"]
    if words:
        author = _string(annotation, b"T") or "somebody"
        return [f"[comment by {author}: {words}]"]
    name = _MARKED.get(kind) or _COUNTED.get(kind) or ("drawing" if kind in _DRAWN else "annotation")
    left_out.add(name)
    return []


def _string(annotation: Any, key: bytes) -> str:
    from pypdfium2 import raw

    return _read(lambda place, n_bytes: raw.FPDFAnnot_GetStringValue(annotation, key, place, n_bytes))


def _field(pages: "PdfDocument", annotation: Any) -> list[str]:
    """Render a form field with its value."""
    from pypdfium2 import raw

    form = pages.formenv
    if form is None:
        name, value = _string(annotation, b"T"), _string(annotation, b"V")
        return [f"{name or 'field'}: {value}"] if value else []
    name = _read(lambda place, n_bytes: raw.FPDFAnnot_GetFormFieldName(form, annotation, place, n_bytes))
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == raw.FPDF_FORMFIELD_PUSHBUTTON:
        return []
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        return [f"{name or 'field'}: [{'x' if raw.FPDFAnnot_IsChecked(form, annotation) else ' '}]"]
    if kind == raw.FPDF_FORMFIELD_SIGNATURE:
        return [f"{name or 'field'}: (signature field)"]
    value = _read(lambda place, n_bytes: raw.FPDFAnnot_GetFormFieldValue(form, annotation, place, n_bytes))
    return [f"{name or 'field'}: {value or '(empty)'}"]


def _address(pages: "PdfDocument", annotation: Any) -> str:
    from pypdfium2 import raw

    link = raw.FPDFAnnot_GetLink(annotation)
    action = raw.FPDFLink_GetAction(link) if link else None
    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    n_bytes = raw.FPDFAction_GetURIPath(pages, action, None, 0)
    if not 1 < n_bytes < _MAX_BYTES:
        return ""
    place = ctypes.create_string_buffer(n_bytes)
    raw.FPDFAction_GetURIPath(pages, action, place, n_bytes)
    return clean(place.value.decode("utf-8", "replace"))


def _read(call: Callable[[Any, int], int]) -> str:
    """Read a UTF-16 string from PDFium into a buffer."""
    n_bytes = min(call(None, 0), _MAX_BYTES)
    if n_bytes <= 2:
        return ""
    place = (ctypes.c_ushort * (n_bytes // 2 + 1))()
    if call(place, n_bytes + 2) > n_bytes + 2:
        return "(too long to be shown)"
    return " ".join(clean(bytes(place)[: n_bytes - 2].decode("utf-16-le", "replace")).split())
