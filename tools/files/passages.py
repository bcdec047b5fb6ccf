"""Splits text into passages for full-text search, and turns questions into FTS5 queries.

Chinese and Japanese have no spaces, so the index would take a whole sentence for one word. An invisible break
(zero width space) between their characters makes each a word of its own; a query asks for neighbouring pairs of them.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from memento.tools.files.text_files import decoded
from memento.tools.text import without_controls

PASSAGE_CHARS: Final = 800
MARK_START: Final = "\x02"
MARK_END: Final = "\x03"
MAX_QUERY_WORDS: Final = 64

_BREAK: Final = "\u200b"
_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_STOPS: Final = "\u3002\uff01\uff1f"
_BESIDE_CJK: Final = re.compile(rf"(?<=[{_CJK}])(?=\S)|(?<=\S)(?=[{_CJK}])")
_WORD: Final = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_BLANK_LINES: Final = re.compile(r"(\n\s*\n)")
# Possessive and atomic, so that a page of unclosed tags takes linear time.
_MARKUP: Final = re.compile(
    r"<(script|style)\b[^<]*+(?>(?!</\1)<[^<]*+)*+|<!--[^-]*+(?>(?!-->)-[^-]*+)*+(?:-->)?|</?[a-z!][^<>]*+>",
    re.IGNORECASE,
)
_STOP_WORD: Final = re.compile(
    "a|an|and|are|as|at|be|been|but|by|can|could|did|do|does|for|from|had|has|have|how|i|if|in|into|is|it|its|me|my|of|"
    "on|or|our|should|so|that|the|their|them|there|these|they|this|those|to|was|we|were|what|when|where|which|who|whom|"
    "whose|why|will|with|would|you|your"
)


class Passage(NamedTuple):
    """A passage of a text, and the number of its first line (from 1)."""

    line: int
    text: str


def as_text(content: bytes, *, is_html: bool) -> str | None:
    """Decode a file; None when it is binary. Line numbers stay those of the file, in HTML too."""
    found = decoded(content)
    if found is None:
        return None
    text = found.text.replace("\r\n", "\n").replace("\r", "\n")
    if is_html:
        text = html.unescape(_MARKUP.sub(lambda markup: "\n" * markup[0].count("\n") or " ", text))
    return cleaned(text)


def cleaned(text: str) -> str:
    """Remove control and invisible characters, and normalise accents."""
    return unicodedata.normalize("NFC", without_controls(text).replace(_BREAK, ""))


def passages(text: str, *, max_chars: int = PASSAGE_CHARS) -> Iterator[Passage]:
    """Split a text at paragraphs into passages of at most about that length; only blank ones are dropped."""
    line, passage = 1, ""
    for unit in _units(text, max_chars):
        if passage and len(passage) + len(unit) > max_chars:
            if passage.strip():
                yield Passage(line, _BESIDE_CJK.sub(_BREAK, passage))
            line += passage.count("\n")
            passage = ""
        passage += unit
    if passage.strip():
        yield Passage(line, _BESIDE_CJK.sub(_BREAK, passage))


def without_breaks(passage: str) -> str:
    """Return a passage as it stood in the text."""
    return passage.replace(_BREAK, "")


def _units(text: str, max_chars: int) -> Iterator[str]:
    """Yield paragraphs with the blank lines after them, long ones in pieces."""
    # Ends a piece at a line, else at a sentence, else at a space, else anywhere.
    most = rf".{{1,{max_chars}}}"
    piece = re.compile(rf"{most}(?:\n|\Z)|{most}(?:(?<=[.!?])\s|(?<=[{_CJK_STOPS}]))|{most}\s|{most}", re.DOTALL)
    parts = _BLANK_LINES.split(text)
    for start in range(0, len(parts), 2):
        unit = "".join(parts[start : start + 2])
        if len(unit) <= max_chars:
            yield unit
        else:
            yield from piece.findall(unit)


def query_expression(query: str) -> str:
    """Convert a question to an FTS5 expression that matches any of its words; empty when it has none.

    Every word is quoted, so nothing a query contains is read as FTS5 syntax.
    """
    words = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", query))]
    telling = [word for word in words if not _STOP_WORD.fullmatch(word)] or words
    phrases = dict.fromkeys(phrase for word in telling for phrase in _phrases(word))
    return " OR ".join(f'"{phrase}"' for phrase in list(phrases)[:MAX_QUERY_WORDS])


def _phrases(word: str) -> list[str]:
    """Return a word as it is, or, in scripts without spaces, as pairs of neighbouring characters."""
    if not re.match(f"[{_CJK}]", word) or len(word) == 1:
        return [word]
    return [f"{first}{_BREAK}{second}" for first, second in pairwise(word)]


def located(body: str, snippet: str, *, first_line: int) -> tuple[int, str]:
    """Find the line of a marked snippet's first match, and clean the snippet.

    Args:
        body: the passage that the snippet was cut from.
        snippet: with marks around the matches and `…` where it was cut.
        first_line: line number of the start of the body.

    Returns:
        The line of the first match (of the snippet's start when only the file name matched), and the text to show.
    """
    cut = snippet.removeprefix("…")
    plain = cut.replace(MARK_START, "").replace(MARK_END, "").removesuffix("…")
    start = max(body.find(plain), 0) + max(cut.find(MARK_START), 0)
    shown = snippet.replace(MARK_START, "").replace(MARK_END, "").replace(_BREAK, "")
    return first_line + body.count("\n", 0, start), re.sub(r"\s*\n\s*", "\n", shown.strip())
