"""Text normalisation for comparison: form is removed, content kept.

The field's standard, SQuAD's (lower case, no ASCII punctuation, no articles, single spaces), and beyond it:
- forms of one sign are one (see memory/folding.py), accents stay;
- punctuation of all scripts counts as such;
- what makes another number stays: the decimal point, a comma or dot between digits, the minus, `^` and `_` of raised
  and lowered signs, the per mille. Without them, 3.5 million would be 35 million, -5 °C 5 °C, 3,14 314, and 10² 102;
- `<` and `>` between two operands or before a number stay.

The standard's kindness is kept elsewhere, because figures are compared with others': 12:30 is 1230, 5-6 is 56, 1/2 is
12, 5! is 5, C++ is C, x + 1 is x - 1, mW is MW and vitamin A is vitamin. Where that matters, let a judge or a function
of your own score. Only beside a fraction that was written as one sign does the slash count: ½ is 1/2, and not 12.
"""

import re
import string
import unicodedata

from memento.memory.folding import FRACTION_BAR, folded

_ARTICLES = re.compile(r"(?<![\^_(+\-<>])\b(?:a|an|the)\b(?![\^)+\-<>])")  # the a of x^a and of a<b is none
_CONTENT = re.compile(
    # The point of a number with one point, not of 1.2.3; a minus stands at the beginning of a word.
    r"(?:(?<![\d.])\d+|(?<![\w.]))(\.)(?=\d+(?!\.?\d))|(?<![^\s(])(-)(?=\.?\d)"
    r"|(?<=\d)([,\u00b7])(?=\d)"
    r"|(\^(?:\([^()\s]*\)|[-+](?=[^\W_])|\d+[-+](?![\w(])|(?=[^\W_])|[-+]))"
    r"|(?<=[^\W_])(_(?:\([^()\s]*\)|(?<=\d_)(?=\d)|(?=[^\W\d_](?![^\W_]))))"
    r"|(?:(?<=[^\W_])|(?<=[^\W_] )|(?<=\)))([<>])(?= ?[-+.(]?[^\W_])|([<>])(?= ?[-+]?\.?\d)"
)
_SLASH = re.compile(r"(?<=\d)/(?=\d)")
_ASCII_PUNCTUATION = frozenset(string.punctuation)
_CONTENT_SIGNS = frozenset("\u2030\u2031")


def normalized(text: str, *, has_fractions: bool = False) -> str:
    """Normalise case, punctuation, articles and spacing.

    Args:
        text: an answer or a reference.
        has_fractions: whether it, or what it is compared with, has a fraction that was one sign; then slashes count.
    """
    return " ".join(_ARTICLES.sub(" ", without_punctuation(text, has_fractions=has_fractions)).split())


def without_punctuation(text: str, *, has_fractions: bool = False) -> str:
    """Normalise case, punctuation and spacing; articles are kept."""
    text = unicodedata.normalize("NFKC", folded(text).casefold())
    if has_fractions:
        text = _SLASH.sub(FRACTION_BAR, text)
    needed = {at for found in _CONTENT.finditer(text) for at in range(*found.span(found.lastindex or 0))}
    kept = (letter for place, letter in enumerate(text) if place in needed or not _is_punctuation(letter))
    return " ".join("".join(kept).split())


def have_fractions(*texts: str) -> bool:
    """Whether any of the texts has a fraction character, such as ½."""
    return any(not text.isascii() and FRACTION_BAR in folded(text) for text in texts)


def _is_punctuation(letter: str) -> bool:
    if letter in _CONTENT_SIGNS:
        return False
    return letter in _ASCII_PUNCTUATION or unicodedata.category(letter).startswith("P")
