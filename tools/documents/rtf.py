"""RTF as text, with notes, comments, links and tracked changes."""

import re
from collections.abc import Callable
from typing import BinaryIO, Final, NamedTuple

from memento.tools.documents.document import Document, clean
from memento.tools.documents.equations import raised
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.documents.plain import MAX_TEXT_BYTES

# A control word with its number, an encoded character, a control symbol, a brace, line ends, or text.
_TOKEN: Final = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.IGNORECASE
)
_UNSEEN: Final = re.compile(
    "fonttbl|colortbl|stylesheet|info|pict|object|themedata|datastore|listtable|listoverridetable|rsidtbl|generator|"
    "xmlnstbl|latentstyles|filetbl|revtbl|nonshppict|sp|objdata|atnid|atndate|atnref|atntime|atnparent|bkmkstart|bkmkend"
)
# Of the groups that old readers pass over, those that hold words or pictures.
_NEWER: Final = re.compile("annotation|atnauthor|fldinst|shpinst|shppict|shptxt|footnote|moMath|mmath|objattph")
_GROUPS: Final = re.compile("header[lrf]?|footer[lrf]?|footnote|annotation|atnauthor|fldinst|fldrslt|shptxt|shpinst")
_RUNS: Final = {"super": "^", "sub": "_", "deleted": "~~", "v": "hidden"}
_ENDS: Final = {"nosupersub": ("^", "_"), "plain": ("^", "_", "~~", "hidden")}
_COUNTED: Final = {"pict": "picture", "object": "embedded object", "mmath": "equation", "ffdata": "form field"}
_ADDRESS: Final = re.compile(r'HYPERLINK\s+"([^"]+)"')
_SIGNS: Final = {
    "par": "\n",
    "line": "\n",
    "sect": "\n",
    "page": "\n",
    "row": "\n",
    "cell": " | ",
    "nestcell": " ; ",
    "nestrow": " / ",
    "tab": "\t",
    "emdash": "\u2014",
    "endash": "\u2013",
    "bullet": "- ",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "~": " ",
    "_": "-",
    "{": "{",
    "}": "}",
    "\\": "\\",
}


def rtf(file: BinaryIO) -> Document:
    """Read an RTF document line by line."""
    source = file.read(MAX_TEXT_BYTES).decode("latin-1")
    left_out = LeftOut()
    words = _Reader(left_out).read(source)
    # A character beyond 16 bits is written as two halves.
    return lines(clean(words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")), left_out)


class _Run(NamedTuple):
    """A stretch of text with common properties."""

    kind: str
    depth: int
    start: int
    """Where it begins among the pieces."""


class _Reader:
    """Tokenises and converts one document."""

    def __init__(self, left_out: LeftOut) -> None:
        self._left_out = left_out
        self._pieces: list[str] = []
        self._runs: list[_Run] = []
        self._hidden_from: int | None = None  # depth of the outermost group that is not shown
        self._depth = 0
        self._is_newer = False
        self._n_replaced = 0
        self._encoding = "cp1252"
        self._author = ""
        self._address = ""

    def read(self, source: str) -> str:
        """Convert the document to text."""
        for token in _TOKEN.finditer(source):
            word, number, encoded, symbol, brace, text = token.groups()
            if brace:
                self._group(is_open=brace == "{")
            elif word in _COUNTED and (self._hidden_from is None or self._is_newer):
                self._count(word)
            elif self._hidden_from is not None and not (self._is_newer and word and _NEWER.fullmatch(word)):
                self._is_newer = False
            elif word:
                self._word(word, number)
            elif symbol == "*":
                self._hidden_from, self._is_newer = self._depth, True
            elif encoded:
                self._pieces.append("" if self._n_replaced else _decoded(encoded, self._encoding))
                self._n_replaced = 0
            elif text:
                self._pieces.append(text[self._n_replaced :])
                self._n_replaced = 0
            else:
                self._pieces.append(_SIGNS.get(symbol or "", ""))
        while self._runs:
            self._close(self._runs.pop())
        return "".join(self._pieces)

    def _group(self, *, is_open: bool) -> None:
        self._is_newer = False
        self._depth += 1 if is_open else -1
        if self._hidden_from is not None and self._depth < self._hidden_from:
            self._hidden_from = None
        while self._runs and self._runs[-1].depth > self._depth:
            self._close(self._runs.pop())

    def _count(self, word: str) -> None:
        self._left_out.add(_COUNTED[word])
        if self._hidden_from is None:
            self._hidden_from = self._depth
        self._is_newer = False

    def _word(self, word: str, number: str | None) -> None:
        if self._is_newer:  # a group that is shown all the same
            self._hidden_from, self._is_newer = None, False
        if _GROUPS.fullmatch(word):
            self._runs.append(_Run(word, self._depth, len(self._pieces)))
        elif _UNSEEN.fullmatch(word):
            self._hidden_from = self._depth
        elif word == "ansicpg" and number:
            self._encoding = f"cp{number}"
        elif word == "u" and number:
            self._pieces.append(chr(int(number) % 65_536))
            self._n_replaced = 1  # the character that old readers show in its place
        elif word in _RUNS and number != "0":
            self._runs.append(_Run(_RUNS[word], self._depth, len(self._pieces)))
        elif word in _ENDS or word in _RUNS:
            ended = _ENDS.get(word) or (_RUNS[word],)
            while self._runs and self._runs[-1].kind in ended:
                self._close(self._runs.pop())
        else:
            self._pieces.append(_SIGNS.get(word, ""))

    def _close(self, run: _Run) -> None:
        """Write a finished stretch of text according to its properties."""
        text = "".join(self._pieces[run.start :])
        del self._pieces[run.start :]
        words = " ".join(text.split())
        if run.kind == "atnauthor":
            self._author = words
        elif run.kind == "fldinst":
            found = _ADDRESS.search(text)
            self._address = found[1] if found else ""
        elif run.kind == "fldrslt":
            self._pieces.append(f"{text} ({self._address})" if self._address and self._address not in text else text)
            self._address = ""
        elif run.kind in ("^", "_"):
            self._pieces.append(raised("", words, run.kind))
        elif words:
            self._pieces.append(self._told(run.kind, text, words))

    def _told(self, kind: str, text: str, words: str) -> str:
        if kind == "annotation":
            return f"[comment by {self._author or 'somebody'}: {words}]"
        if kind.startswith(("header", "footer")):
            return f"[{kind[:6]}: {words}]\n"
        write: dict[str, Callable[[], str]] = {
            "footnote": lambda: f"[note: {words}]",
            "shptxt": lambda: f"[text box: {words}]",
            "~~": lambda: f"~~{words}~~",
            "hidden": lambda: f"[hidden: {words}]",
        }
        return write[kind]() if kind in write else text


def _decoded(encoded: str, encoding: str) -> str:
    try:
        return bytes.fromhex(encoded).decode(encoding, "replace")
    except LookupError:
        return bytes.fromhex(encoded).decode("cp1252", "replace")
