"""Rewrites the XML parts of a Word document so that mammoth loses none of their text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, tostring
from zipfile import ZipFile

from memento.tools.documents.equations import linear, local_name
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.word_comments import Comments, words

_ROOT: Final = re.compile(rb"<(?:\w+:)?(document|footnotes|endnotes|comments|hdr|ftr)[\s>]")
_HEAD_BYTES: Final = 20_000
# Elements around words that mammoth does not know: their words are kept, they are not.
_WRAPPERS: Final = frozenset({"fldSimple", "dir", "bdo", "rubyBase"})
# Shapes that mammoth does not know, though they may hold words.
_OUTLINES: Final = frozenset({"oval", "line", "polyline", "arc", "curve"})
_DRAWINGS: Final = {"chart": "chart", "diagram": "diagram", "chartex": "chart", "ink": "piece of ink"}
_COUNTED: Final = {
    "altChunk": "inserted document",
    "subDoc": "inserted document",
    "control": "control",
    "contentPart": "piece of ink",
    "ddList": "drop-down list",
}


def prepared(file: BinaryIO, left_out: LeftOut) -> tuple[dict[str, bytes], list[str]]:
    """Read and rewrite the parts of a document.

    Args:
        file: the open document.
        left_out: counts what has no words.

    Returns:
        Its XML parts by name, and what the reader should know of them.
    """
    from defusedxml.ElementTree import fromstring

    parts: dict[str, bytes] = {}
    found: dict[str, list[tuple[str, Element]]] = {}
    with ZipFile(file) as archive:
        for name in archive.namelist():
            if not name.endswith((".xml", ".rels")) or name.startswith(("customXml/", "docProps/")):
                continue
            content = archive.read(name)
            start = _ROOT.search(content[:_HEAD_BYTES]) if name.endswith(".xml") and "glossary" not in name else None
            if start is None:
                parts[name] = content
            else:
                found.setdefault(start[1].decode(), []).append((name, fromstring(content)))
        left_out.add("macro project", sum(name.endswith("vbaProject.bin") for name in archive.namelist()))
    changes: Counter[str] = Counter()
    for kind in ("document", "footnotes", "endnotes", "comments", "hdr", "ftr"):
        for _, root in found.get(kind, []):
            _Rewriter(root, left_out, changes).rewrite()
    comments = Comments([root for _, root in found.pop("comments", [])])
    above = list(_around("header", found.pop("hdr", []), left_out))
    below = list(_around("footer", found.pop("ftr", []), left_out))
    kept = [one for kind in ("document", "footnotes", "endnotes") for one in found.pop(kind, [])]
    for _, root in kept:
        comments.mark(root)
    for name, root in kept:
        _add_around(root, above, [*below, *comments.told()])
        parts[name] = tostring(root)
    return parts, _told(changes)


def _told(changes: Counter[str]) -> list[str]:
    if not changes:
        return []
    told = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in changes.items())
    return [f"tracked changes: {told}; what was deleted is shown ~~struck through~~"]


def _around(what: str, roots: list[tuple[str, Element]], left_out: LeftOut) -> Iterator[str]:
    """Return the text of headers or footers, equal ones once."""
    texts = []
    for _, root in roots:
        texts.append(words(root))
        left_out.add("picture", sum(local_name(one) in ("pic", "imagedata") for one in root.iter()))
    yield from (f"[{what}: {text}]" for text in dict.fromkeys(texts) if text)


def _add_around(root: Element, above: Sequence[str], below: Sequence[str]) -> None:
    """Insert lines before and after the body of a document."""
    body = next((one for one in root if local_name(one) == "body"), None)
    if body is None:
        return
    space = body.tag.rpartition("}")[0] + "}"
    for place, text in enumerate(above):
        body.insert(place, _paragraph(space, text))
    body.extend(_paragraph(space, text) for text in below)


def _paragraph(space: str, text: str) -> Element:
    paragraph = Element(f"{space}p")
    paragraph.append(word_run(space, text))
    return paragraph


def word_run(space: str, text: str, *, is_struck: bool = False) -> Element:
    """Make a run of text in the namespace of its document."""
    run = Element(f"{space}r")
    if is_struck:
        properties = Element(f"{space}rPr")
        properties.append(Element(f"{space}strike"))
        run.append(properties)
    content = Element(f"{space}t")
    content.text = text
    run.append(content)
    return run


class _Rewriter:
    """Rewrites one part in place."""

    def __init__(self, root: Element, left_out: LeftOut, changes: Counter[str]) -> None:
        self._root = root
        self._left_out = left_out
        self._changes = changes
        self._space = root.tag.rpartition("}")[0] + "}"

    def rewrite(self) -> None:
        """Visit all elements iteratively: a document may nest them arbitrarily deep."""
        waiting = [self._root]
        while waiting:
            parent = waiting.pop()
            for place, child in enumerate(list(parent)):
                rewritten = self._rewritten(child)
                if rewritten is not child:
                    rewritten.tail = child.tail
                    parent[place] = rewritten
                waiting.append(rewritten)

    def _rewritten(self, element: Element) -> Element:
        name = local_name(element)
        if name in ("oMath", "oMathPara"):
            return word_run(self._space, linear(element))
        if name in ("del", "moveFrom") and len(element):
            return self._deleted(element, name)
        if name in ("ins", "moveTo") and len(element):
            self._changes["insertion" if name == "ins" else "move"] += 1
        elif name == "AlternateContent":
            return self._alternative(element)
        elif name == "drawing":
            return self._drawing(element)
        elif name == "OLEObject":
            is_equation = (element.get("ProgID") or "").startswith("Equation")
            self._left_out.add("equation" if is_equation else "embedded object")
        elif name == "r":
            self._mark_hidden(element)
        elif name == "trPr":
            self._show_deleted_row(element)
        elif name in _OUTLINES:
            element.tag = f"{element.tag.rpartition('}')[0]}}}rect"
        elif name == "textpath" and element.get("string"):  # letters drawn as a shape
            return word_run(self._space, element.get("string") or "")
        elif name == "pict":
            holds = {local_name(one) for one in element.iter()}
            self._left_out.add("drawing", len(element) > 0 and not holds & {"txbxContent", "imagedata", "textpath"})
        elif name in ("cr", "ptab"):
            element.tag = f"{self._space}{'br' if name == 'cr' else 'tab'}"
        elif name == "ruby":
            return self._ruby(element)
        elif name in _COUNTED:
            self._left_out.add(_COUNTED[name])
        if name in _WRAPPERS:
            element.tag = f"{self._space}smartTag"
        return element

    def _deleted(self, element: Element, name: str) -> Element:
        """Show tracked deletions as struck through; moved text is shown at its new place."""
        if name == "moveFrom":
            element.clear()
            return element
        self._changes["deletion"] += 1
        kept = Element(f"{self._space}smartTag")
        for run in element.iter(f"{self._space}r"):
            text = "".join(one.text or "" for one in run if local_name(one) in ("delText", "t"))
            if text:
                kept.append(word_run(self._space, text, is_struck=True))
        return kept

    def _show_deleted_row(self, properties: Element) -> None:
        for mark in [one for one in properties if local_name(one) == "del"]:
            self._changes["deleted row"] += 1
            properties.remove(mark)

    def _alternative(self, element: Element) -> Element:
        """Prefer the fallback content, whose elements are known to readers."""
        forms = {local_name(one): one for one in element}
        newer, older = forms.get("Choice"), forms.get("Fallback")
        has_words = older is not None and any(local_name(one) in ("t", "imagedata") for one in older.iter())
        if older is not None and (has_words or newer is None):
            if newer is not None:
                self._count_drawings(newer)
            return self._wrapped([*older])
        return self._wrapped([] if newer is None else [*newer])

    def _drawing(self, drawing: Element) -> Element:
        self._count_drawings(drawing)
        boxes = [one for one in drawing.iter() if local_name(one) == "txbxContent"]
        if not boxes:
            return drawing
        outline = Element(f"{self._space}pict")
        outline.extend(boxes)
        return self._wrapped([outline])

    def _count_drawings(self, around: Element) -> None:
        for element in around.iter():
            if local_name(element) != "graphicData":
                continue
            kind = (element.get("uri") or "").rpartition("/")[2]
            is_told = any(local_name(one) in ("txbxContent", "pic") for one in element.iter())
            if not is_told:
                self._left_out.add(_DRAWINGS.get(kind, "drawing"))

    def _wrapped(self, elements: list[Element]) -> Element:
        wrapper = Element(f"{self._space}smartTag")
        wrapper.extend(elements)
        return wrapper

    def _mark_hidden(self, run: Element) -> None:
        properties = next((one for one in run if local_name(one) == "rPr"), None)
        if properties is None:
            return
        for mark in properties:
            is_off = any(value in ("0", "false") for value in mark.attrib.values())
            texts = [one for one in run if local_name(one) == "t"]
            if local_name(mark) in ("vanish", "webHidden") and not is_off and texts:
                texts[0].text = f"[hidden: {texts[0].text or ''}"
                texts[-1].text = f"{texts[-1].text or ''}]"
                return

    def _ruby(self, element: Element) -> Element:
        """Append a ruby reading to its base characters."""
        bases = [one for one in element if local_name(one) == "rubyBase"]
        readings = [words(one) for one in element if local_name(one) == "rt"]
        return self._wrapped([*bases, *(word_run(self._space, f"({text})") for text in readings if text)])
