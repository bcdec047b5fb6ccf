"""Text folding: Unicode forms that say the same become one, without what NFKC alone loses.

NFKC makes 28 of 2⁸, 11/2 of 1½, 51 of 5①. Here, before NFKC:

- raised and lowered signs get a `^` or `_`: x² is x^2, 2ⁿ⁺¹ is 2^(n+1), xₙ is x_n, 101₂ is 101_2. Lowered digits behind
  a letter are as good as plain ones, so CO₂, CO_2 and CO2 are one. Raised letters that are no exponent (5ᵗʰ, nº, ™)
  stay letters.
- a fraction keeps its bar (U+2044) and stands alone: 1½ is 1 and 1/2.
- a sign that stands for several (①, ㎡) never joins the digits beside it.

What can be typed in other ways is brought to one: `x**2`, `x^{2}`, `x<sup>2</sup>`; quotes, dashes and the minus
sign; digits of all scripts; `<=`; and the thousands of a number, where all groups have three digits. A comma elsewhere
between digits stays: 3,14 is not 314, and whether it is 3.14 cannot be known.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

FRACTION_BAR: Final = "\u2044"
"""Separator of the parts of a fraction that was one character."""

_SIGNS = str.maketrans(
    dict.fromkeys("\u00b4\u02bb\u02bc\u2018\u2019\u201a\u201b\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
    | dict.fromkeys("\u2266\u2a7d", "\u2264")
    | dict.fromkeys("\u2267\u2a7e", "\u2265")
    | {"\u066a": "%", "\u066b": ".", "\u066c": ",", "\u2215": "/"}
)
_KINDS = {"<super>": "^", "<sub>": "_"}
_SHIFTED = frozenset(("^", "_"))
_ONE_SIGN = frozenset(("<wide>", "<narrow>", "<font>", "<noBreak>"))
_LETTERS = frozenset("\u00aa\u00ba\u2120\u2122")
_ORDINALS = frozenset(("st", "nd", "rd", "th", "er", "re"))
_PARTED_FRACTION = re.compile(
    "([\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)\u2044([\u2080-\u2089]+)"  # raised digits, a bar, lowered digits
)
_SEPARATORS = (",", "\u00a0", "\u2009", "\u202f", "'", "_")
_GROUPS = "|".join(rf"(?:{sign}\d{{3}})+" for sign in _SEPARATORS)
_GROUPED = re.compile(rf"\d[{''.join(_SEPARATORS)}]\d", re.ASCII)
_THOUSANDS = re.compile(rf"(?<![\d.])(?<!\d,)[1-9]\d{{0,2}}(?:{_GROUPS})(?!\d|,\d)", re.ASCII)
_NO_DIGIT = re.compile(r"\D")

_MAX_CHARS: Final = 60
_BASE = r"(?:(?<=[^\W_])|(?<=[)\]]))"
_TAGS = re.compile(rf"<su([bp])>([^<>]{{1,{_MAX_CHARS}}})</su[bp]>", re.IGNORECASE)
_POWERS = re.compile(rf"{_BASE}(?:\*\*(?=[-+(]?\w)| ?\^ ?(?=[-+({{\w]))")
_SCRIPTS = re.compile(
    rf"{_BASE}(?:([\^_])\{{([^{{}}]{{1,{_MAX_CHARS}}})\}}|(\^)\(([^()]{{1,{_MAX_CHARS}}})\)|(_)(\d{{1,{_MAX_CHARS}}})(?!\d))"
)
_ONE_TERM = re.compile(r"[-+]?(?:\d+|[^\W\d_])|[-+]")
_SIGNED = re.compile(r"\(([-+]\d+)\)")
_CHARGE = re.compile(r"\d+[-+]")
_NTH = re.compile(r"(?<!\w)\w")
_AT_MOST = re.compile(r"(?<![<=>])<=(?![<=>])")
_AT_LEAST = re.compile(r"(?<![<=>])>=(?![<=>])")
_UNEQUAL = re.compile(r"(?<!\S)!=(?!\S)")


class _Piece(NamedTuple):
    """A part of a text, or of the expansion of a character."""

    kind: str
    """`^` raised, `_` lowered, `1` one sign for several letters or digits; empty: as it is."""
    text: str


def folded(text: str) -> str:
    """Normalise Unicode forms of a text; case, spacing and most punctuation stay."""
    if not text.isascii():
        text = text.translate(_SIGNS)
        text = text.translate({ord(sign): _plain(sign) for sign in set(text) if not sign.isascii()})
        text = _without_separators(text)  # before the spaces among them become spaces like others
        text = unicodedata.normalize("NFKC", _unpacked(text)).translate(_SIGNS)
    text = _without_separators(text)
    if "</su" in text.lower():
        text = _TAGS.sub(lambda found: f"{'^' if found[1] in 'pP' else '_'}{{{found[2]}}}", text)
    if "^" in text or "_" in text or "**" in text:
        text = _SCRIPTS.sub(_braced, _POWERS.sub("^", text))
    if "=" in text:
        text = _UNEQUAL.sub("\u2260", _AT_LEAST.sub("\u2265", _AT_MOST.sub("\u2264", text)))
    return text


def _plain(sign: str) -> str:
    """Map a digit of any script to ASCII; drop invisible characters."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return "" if unicodedata.category(sign) == "Cf" else sign


def _without_separators(text: str) -> str:
    # most texts have commas, few have them between digits
    if not any(sign in text for sign in _SEPARATORS) or not _GROUPED.search(text):
        return text
    return _THOUSANDS.sub(lambda found: _NO_DIGIT.sub("", found[0]), text)


def _unpacked(text: str) -> str:
    """Write out superscripts, subscripts and ligatures, which NFKC would flatten."""
    text = _PARTED_FRACTION.sub(_fraction, text)
    if not any(piece.kind for sign in set(text) for piece in _pieces(sign)):
        return text
    runs: list[_Piece] = []
    for sign in text:
        for piece in _pieces(sign):
            if runs and runs[-1].kind == piece.kind != "1":
                runs[-1] = _Piece(piece.kind, runs[-1].text + piece.text)
            else:
                runs.append(piece)
    written, before = [], ""
    for run, following in zip(runs, [*runs[1:], _Piece("", "")], strict=True):
        after = "" if following.kind in _SHIFTED else following.text[:1]
        written.append(_written(run, before, after))
        before = (before + written[-1])[-2:]
    return "".join(written)


@lru_cache(maxsize=4096)
def _pieces(sign: str) -> tuple[_Piece, ...]:
    tag, _, codes = unicodedata.decomposition(sign).partition(" ")
    if not tag.startswith("<") or tag in _ONE_SIGN:
        return (_Piece("", sign),)
    plain = unicodedata.normalize("NFKC", sign).translate(_SIGNS)
    if tag in _KINDS and sign not in _LETTERS:
        return (_Piece(_KINDS[tag], plain),)
    parts = [piece for code in codes.split() for piece in _pieces(chr(int(code, 16)))]
    is_mixed = any(part.kind in _SHIFTED for part in parts)  # the raised 2 of a square metre
    return tuple(part if part.kind else _Piece("1", part.text) for part in parts) if is_mixed else (_Piece("1", plain),)


def _written(run: _Piece, before: str, after: str) -> str:
    """Write a run of one kind, given the two characters before it and the one after."""
    if not run.kind:
        return run.text
    if run.kind == "1":
        return _apart(run.text, before, after)
    is_ordinal = run.text in _ORDINALS and before[-1:].isdigit()
    if run.kind == "^" and (is_ordinal or (run.text == "th" and _NTH.fullmatch(before.strip()))):
        return run.text
    return _shifted(run.kind, run.text, before[-1:], after)


def _apart(text: str, before: str, after: str) -> str:
    has_digit = any(letter.isdigit() for letter in text)
    left = " " if has_digit and before[-1:].isdigit() else ""
    right = " " if has_digit and after.isdigit() and text[-1] != FRACTION_BAR else ""
    return left + text + right


def _fraction(found: re.Match[str]) -> str:
    text = "".join(unicodedata.normalize("NFKC", part) for part in (found[1], FRACTION_BAR, found[2]))
    return _apart(text, *_around(found))


def _around(found: re.Match[str]) -> tuple[str, str]:
    """The characters before and after; empty at the ends of the text."""
    start, end = found.span()
    return found.string[max(start - 1, 0) : start], found.string[end : end + 1]


def _braced(found: re.Match[str]) -> str:
    """Write typed superscripts and subscripts (^, _) in the same form as the Unicode ones."""
    sign = found[1] or found[3] or found[5]
    inner = found[2] or found[4] or found[6]
    term = "".join(inner.split())
    if found[3]:
        term = f"({term})"
    return _shifted(sign, term, *_around(found)) if term.strip("()") else found[0]


def _shifted(sign: str, term: str, before: str, after: str) -> str:
    if sign == "_" and term.isdecimal() and (before.isalpha() or before in (")", "]")) and not after.isdecimal():
        return term
    term = _SIGNED.sub(r"\1", term)
    is_charge = _CHARGE.fullmatch(term) and not (after.isalnum() or after == "(")
    is_one = _ONE_TERM.fullmatch(term) or is_charge or (term[0], term[-1]) == ("(", ")")
    written = sign + (term if is_one else f"({term})")
    return written + (" " if written[-1].isdigit() and after.isdigit() else "")
