"""Renders HTML elements that have no text (frames, equations, pictures, form fields) as words, or counts them."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from memento.tools.documents.equations import exponent, linear, local_name
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.page_tables import fill_spans

_FILES: Final = (".pdf", ".docx", ".doc", ".xlsx", ".xls", ".csv", ".tsv", ".pptx", ".ppt", ".odt", ".ods", ".zip")
_FIELDS: Final = frozenset({"input", "select"})
_MAX_ADDRESS: Final = 500


def shown(page: Any, left_out: LeftOut, *, address: str = "", has_fields: bool = True) -> None:
    """Replace elements without text by words: frames, equations, exponents, pictures, form fields.

    Args:
        page: an lxml tree, changed in place.
        left_out: counts what cannot be told.
        address: of the page, for those within it; empty when it has none.
        has_fields: whether the fields of forms are shown with their values.
    """
    fill_spans(page, left_out)
    write = partial(_written, left_out=left_out, address=address)
    for element in list(page.iter(*_WRITERS, "m:math", "mml:math")):
        if element.getparent() is not None and (has_fields or element.tag not in _FIELDS):
            write(element)


def _written(element: Any, left_out: LeftOut, address: str) -> None:
    words = _WRITERS[local_name(element)](element, left_out, address)
    if words is not None:
        replace(element, words)


def replace(element: Any, words: str) -> None:
    """Replace an element by text, keeping the blanks around it."""
    mark = element.makeelement("span")
    mark.text, mark.tail = words, element.tail
    element.getparent().replace(element, mark)


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _sup(element: Any, _: LeftOut, __: str, sign: str = "^") -> str | None:
    """Render an exponent; references to notes and parts of words stay as they are."""
    is_reference = next(element.iter("a"), None) is not None
    words = exponent(_text(element), sign) if not is_reference and _follows_text(element) else None
    if words is None:
        element.drop_tag()
    return words


def _follows_text(element: Any) -> bool:
    before = element.getprevious()
    text = element.getparent().text if before is None else before.tail or "".join(before.itertext())
    return bool(text and not text[-1].isspace())


def _math(element: Any, _: LeftOut, __: str) -> str:
    """Render an equation, and drop the fallback picture beside it."""
    words = linear(element) or element.get("alttext") or ""
    around = element.getparent()
    while around.tag == "span" and not _has_other_words(around, element):
        around.attrib.pop("style", None)  # which hides it where the picture is to be seen
        around = around.getparent()
    for picture in [one for one in around.iter("img") if "math" in (one.get("class") or "")]:
        picture.drop_tree()
    return words


def _has_other_words(around: Any, element: Any) -> bool:
    return len(_text(around)) > len(_text(element))


def _frame(element: Any, left_out: LeftOut, address: str) -> str:
    where, name = element.get("src") or "", element.get("title") or element.get("name") or ""
    inner = element.get("srcdoc")
    if inner:
        return f" {_inner_text(inner)} "
    if not where.startswith(("http", "//", "/")) and ":" in where.split("/")[0]:  # about:blank, javascript:
        return ""
    if {element.get("width"), element.get("height")} & {"0", "1"} or "display:none" in _style(element):
        return ""
    if not where:
        left_out.add("frame without an address")
        return ""
    return f" [frame: {' '.join(one for one in (name, _absolute(where, address)) if one)}] "


def _inner_text(html: str) -> str:
    from lxml.html import fragment_fromstring

    return _text(fragment_fromstring(html, create_parent=True))


def _style(element: Any) -> str:
    return "".join((element.get("style") or "").lower().split())


def _absolute(where: str, address: str) -> str:
    try:
        return urljoin(address, where.strip())[:_MAX_ADDRESS]
    except ValueError:
        return where[:_MAX_ADDRESS]


def _picture(element: Any, left_out: LeftOut, _: str) -> str:
    words = (element.get("alt") or element.get("title") or "").strip()
    if words:
        return f" [picture: {words}] "
    if next(element.iterancestors("figure"), None) is not None:
        return " [picture] "
    left_out.add("picture")
    return ""


def _media(element: Any, left_out: LeftOut, address: str) -> str:
    name = local_name(element)
    sources = [element, *element.iter("source")]
    where = next((one.get("src") or one.get("data") for one in sources if one.get("src") or one.get("data")), "")
    inner = _text(element)
    if not where and not inner:
        left_out.add(name)
        return ""
    told = f" [{name}: {_absolute(where, address)}] " if where else ""
    return f"{told} {inner}".rstrip(" ") + " "


def _drawing(element: Any, left_out: LeftOut, _: str) -> str:
    words = " ".join(_text(one) for one in element.iter() if local_name(one) in ("text", "title", "desc"))
    if not words.strip():
        left_out.add("drawing")
        return ""
    return f" [drawing: {words.strip()}] "


def _field(element: Any, _: LeftOut, __: str) -> str:
    kind = (element.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return "[x] " if element.get("checked") is not None else "[ ] "
    value = (element.get("value") or element.get("placeholder") or "").strip()
    return f" [{value}] " if value and kind not in ("hidden", "password") else ""


def _choices(element: Any, _: LeftOut, __: str) -> str:
    options = [f"{_text(one)}{'*' if one.get('selected') is not None else ''}" for one in element.iter("option")]
    return f" [one of: {', '.join(options)}] " if options else ""


def _area(element: Any, _: LeftOut, address: str) -> str:
    words = (element.get("alt") or "").strip()
    where = _absolute(element.get("href") or "", address)
    return f" [{words}: {where}] " if where else ""


def _ruby(element: Any, _: LeftOut, __: str) -> str | None:
    return None if next(element.getparent().iter("rp"), None) is not None else f"({_text(element)})"


_WRITERS: Final[dict[str, Callable[[Any, LeftOut, str], str | None]]] = {
    "sup": _sup,
    "sub": partial(_sup, sign="_"),
    "math": _math,
    "iframe": _frame,
    "frame": _frame,
    "img": _picture,
    "video": _media,
    "audio": _media,
    "object": _media,
    "embed": _media,
    "canvas": _media,
    "svg": _drawing,
    "input": _field,
    "select": _choices,
    "area": _area,
    "rt": _ruby,
}


def file_addresses(page: Any, address: str) -> None:
    """Append the address of each linked file to its words, for readers that drop addresses."""
    for link in list(page.iter("a")):
        where = link.get("href") or ""
        try:
            is_file = urlsplit(where).path.lower().endswith(_FILES)
        except ValueError:
            continue
        if is_file:
            mark = link.makeelement("span")
            mark.text, mark.tail, link.tail = f" ({_absolute(where, address)})", link.tail, None
            link.addnext(mark)
