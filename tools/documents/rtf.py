"""RTF: its words, without what only describes their looks."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from memento.tools.documents.document import Document, clean
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.documents.plain import MAX_TEXT_BYTES

# A control word with its number, an encoded character, a control symbol, a brace, line ends, or text.
_TOKEN: Final = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.IGNORECASE
)
_UNSEEN: Final = re.compile(
    "fonttbl|colortbl|stylesheet|info|pict|object|themedata|datastore|listtable|listoverridetable|rsidtbl|generator|"
    "xmlnstbl|latentstyles|fldinst|filetbl|revtbl|header[lrf]?|footer[lrf]?"
)
_SIGNS: Final = {
    "par": "\n",
    "line": "\n",
    "sect": "\n",
    "page": "\n",
    "row": "\n",
    "cell": " | ",
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
    words = "".join(_words(source))
    # A character beyond 16 bits is written as two halves.
    return lines(clean(words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")), LeftOut())


def _words(source: str) -> Iterator[str]:
    hidden_from: int | None = None  # depth of the outermost group that is not shown
    depth, n_replaced, encoding = 0, 0, "cp1252"
    for token in _TOKEN.finditer(source):
        word, number, encoded, symbol, brace, text = token.groups()
        if brace:
            depth += 1 if brace == "{" else -1
            if hidden_from is not None and depth < hidden_from:
                hidden_from = None
        elif hidden_from is not None:
            continue
        elif symbol == "*" or (word and _UNSEEN.fullmatch(word)):
            hidden_from = depth
        elif word == "ansicpg" and number:
            encoding = f"cp{number}"
        elif word == "u" and number:
            yield chr(int(number) % 65_536)
            n_replaced = 1  # the character that old readers show in its place
        elif encoded:
            yield "" if n_replaced else _decoded(encoded, encoding)
            n_replaced = 0
        elif text:
            yield text[n_replaced:]
            n_replaced = 0
        else:
            yield _SIGNS.get(word or symbol or "", "")


def _decoded(encoded: str, encoding: str) -> str:
    try:
        return bytes.fromhex(encoded).decode(encoding, "replace")
    except LookupError:
        return bytes.fromhex(encoded).decode("cp1252", "replace")
