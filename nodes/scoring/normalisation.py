"""Texts as they are compared: what is form is taken out, what is content stays.

The field's standard (lower case, no ASCII punctuation, no articles, single spaces), and beyond it:
- compatibility forms are one (NFKC), what is invisible is left out, accents stay;
- punctuation of all scripts counts as such;
- the decimal point and the minus of a number stay: without them, 3.5 million would be 35 million, and -5 °C 5 °C.
"""

import re
import string
import unicodedata
from decimal import Decimal

_ARTICLES = re.compile(r"\b(a|an|the)\b")
# Of a number with one point, not of 1.2.3; a minus stands at the beginning of a word.
_PART_OF_NUMBER = re.compile(r"(?:(?<![\d.])\d+|(?<![\w.]))(\.)(?=\d+(?!\.?\d))|(?<![^\s(])(-)(?=\.?\d)")
_THOUSANDS_SPACE = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_THOUSANDS_COMMA = re.compile(r"(?<=\d),(?=\d)")
_MONEY = re.compile(r"^([-+]?)\s*[$€£¥]\s*")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,4})?", re.IGNORECASE)
_ASCII_PUNCTUATION = frozenset(string.punctuation)
# Apostrophes that count as letters or accents, dashes that stand for a minus, Arabic decimal and thousands separators.
_FOLDS = str.maketrans(
    dict.fromkeys("\u00b4\u02bb\u02bc", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
    | {"\u066b": ".", "\u066c": ","}
)


def normalized(text: str) -> str:
    """Case, punctuation, articles and spacing do not count."""
    return " ".join(_ARTICLES.sub(" ", without_punctuation(text)).split())


def without_punctuation(text: str) -> str:
    """Case, punctuation and spacing do not count; articles do."""
    text = unicodedata.normalize("NFKC", _folded(text).casefold())
    needed = {found.start(found.lastindex or 0) for found in _PART_OF_NUMBER.finditer(text)}
    kept = (letter for place, letter in enumerate(text) if place in needed or not _is_punctuation(letter))
    return " ".join("".join(kept).split())


def number(text: str) -> Decimal | None:
    """The number that a text is, if it is nothing else: thousands separators, currency and per cent signs allowed."""
    bare = _MONEY.sub(r"\1", _folded(text).strip().rstrip(".").strip())
    bare = _THOUSANDS_COMMA.sub("", bare.rstrip("$€£¥% "))
    return Decimal(bare) if _NUMBER.fullmatch(bare) else None


def _folded(text: str) -> str:
    text = _THOUSANDS_SPACE.sub("", text.translate(_FOLDS))
    text = unicodedata.normalize("NFKC", text).translate(_FOLDS)  # NFKC makes a minus of a raised one
    return text if text.isascii() else "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def _is_punctuation(letter: str) -> bool:
    return letter in _ASCII_PUNCTUATION or unicodedata.category(letter).startswith("P")
