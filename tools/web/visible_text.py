"""Extracts all visible text of a page in linear time: the fallback when no main text is found."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final, NamedTuple

from memento.tools.documents.equations import exponent

_UNSEEN: Final = frozenset({"script", "style", "template", "svg", "noscript", "iframe", "object", "select"})
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "mark", "q"}
    | {"ruby", "rt", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_NAMED: Final = {"iframe": ("frame", "src"), "frame": ("frame", "src"), "img": ("picture", "alt")}
_SIGNS: Final = {"sup": "^", "sub": "_"}
_MAX_TOLD: Final = 500
_REFRESH: Final = re.compile(r"\s*\d*(?:\.\d*)?\s*[;,]?\s*url\s*=\s*[\"']?\s*([^\"'\s]{1,2000})", re.IGNORECASE)


class Visible(NamedTuple):
    """Visible content of a page."""

    title: str
    text: str
    forward: str
    """Where it sends its reader on to, as written; empty when it does not."""
    n_scripts: int


def visible(html: str) -> Visible:
    """Extract the visible text without analysing the page's structure."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    text = "\n".join(line for line in lines if line)
    return Visible(" ".join(reader.title.split()), text, reader.forward, reader.n_scripts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.title = ""
        self.forward = ""
        self.n_scripts = 0
        self._unseen = ""
        self._is_in_title = False
        self._raised_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen:
            return
        self._raised_from = len(self.pieces) + 1
        if tag in _NAMED and (told := dict(attrs).get(_NAMED[tag][1])):
            self.pieces.append(f" [{_NAMED[tag][0]}: {told[:_MAX_TOLD]}] ")
        if tag in _UNSEEN:
            self._unseen = tag
            self.n_scripts += tag == "script"
        elif tag == "title" and not self.title:
            self._is_in_title = True
        elif tag == "meta":
            self.forward = self.forward or _forward(dict(attrs))
        elif tag not in _INLINE:
            self.pieces.append("\t" if tag in {"td", "th"} else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SIGNS and self._raised_from == len(self.pieces):
            self.pieces[-1] = exponent(self.pieces[-1], _SIGNS[tag]) or self.pieces[-1]
        if tag == self._unseen:
            self._unseen = ""
        elif tag == "title":
            self._is_in_title = False
        elif tag not in _INLINE and not self._unseen:
            self.pieces.append("\t" if tag in {"td", "th"} else "\n")

    def handle_data(self, data: str) -> None:  # the base class gives the argument its name
        if self._is_in_title:
            self.title += data
        elif not self._unseen:
            self.pieces.append(data)


def _forward(attributes: Mapping[str, str | None]) -> str:
    """Read the target of a meta refresh."""
    if (attributes.get("http-equiv") or "").lower() != "refresh":
        return ""
    found = _REFRESH.match(attributes.get("content") or "")
    return found[1] if found else ""
