"""Comments of a Word document: a mark at each place, then author, quoted words and text."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from memento.tools.documents.equations import local_name

_MAX_ABOUT_CHARS: Final = 80


class _Comment(NamedTuple):
    author: str
    text: str


class Comments:
    """The comments of one document."""

    def __init__(self, roots: Sequence[Element]) -> None:
        """Read the comments.

        Args:
            roots: of the parts that hold comments.
        """
        self._comments: dict[str, _Comment] = {}
        for root in roots:
            for one in root:
                if local_name(one) == "comment":
                    self._comments[_value(one, "id")] = _Comment(_value(one, "author"), words(one))
        self._about: dict[str, str] = {}

    def mark(self, root: Element) -> None:
        """Insert `[comment 1]` where each comment stands, and record the words it refers to."""
        open_: dict[str, list[str]] = {}
        for element in root.iter():
            name = local_name(element)
            if name == "commentRangeStart":
                open_[_value(element, "id")] = []
            elif name == "commentRangeEnd":
                self._about.setdefault(_value(element, "id"), "".join(open_.pop(_value(element, "id"), [])))
            elif name == "t":
                for pieces in open_.values():
                    pieces.append(element.text or "")
            elif name == "commentReference" and _value(element, "id") in self._comments:
                number = self._number(_value(element, "id"))
                element.tag = f"{element.tag.rpartition('}')[0]}}}t"
                element.attrib.clear()
                element.text = f"[comment {number}]"

    def _number(self, key: str) -> int:
        self._about.setdefault(key, "")
        return list(self._about).index(key) + 1

    def told(self) -> list[str]:
        """Render each comment: `[comment 1] Ann, about "the mill": Which one?`."""
        for key in self._comments:
            self._about.setdefault(key, "")
        return [self._line(number, key, about) for number, (key, about) in enumerate(self._about.items(), 1)]

    def _line(self, number: int, key: str, about: str) -> str:
        comment = self._comments.get(key)
        if comment is None:
            return f"[comment {number}] (its text is missing)"
        about = about if len(about) <= _MAX_ABOUT_CHARS else f"{about[:_MAX_ABOUT_CHARS]}…"
        place = f', about "{about.strip()}"' if about.strip() else ""
        return f"[comment {number}] {comment.author or 'somebody'}{place}: {comment.text}"


def words(element: Element) -> str:
    """Return the text below an element, paragraphs separated by ` / `."""
    paragraphs = [one for one in element.iter() if local_name(one) == "p"] or [element]
    texts = ("".join(map(_piece, paragraph.iter())).strip() for paragraph in paragraphs)
    return " / ".join(text for text in texts if text)


def _piece(element: Element) -> str:
    name = local_name(element)
    if name == "t":
        return element.text or ""
    return " " if name in ("tab", "br", "ptab") else ""


def _value(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
