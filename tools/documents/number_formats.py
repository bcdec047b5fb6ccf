"""Formats spreadsheet numbers by their number format: per cent, currency, leading zeros, units."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from memento.tools.documents.document import clean

# Quoted text, an escaped character, room or filling, a bracket, an exponent, `General`, anything else.
_TOKEN: Final = re.compile(r'"([^"]*)"|\\(.)|[_*](.)|\[([^\]]*)\]|(E[+-])|(General)|(.)', re.IGNORECASE | re.DOTALL)
_CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)")
_CURRENCY: Final = re.compile(r"\$([^-]*)")
_DIGITS: Final = frozenset("0#?")
_SEPARATORS: Final = {".": "point", ",": "comma"}
_MAX_EXPONENT: Final = 20


class _Section(NamedTuple):
    """One of the up to four sections of a number format."""

    before: str
    integer: tuple[str, ...]
    """Placeholders of digits, and text between them."""
    n_decimals: int
    """At least shown."""
    after: str
    shift: int
    """Powers of ten by which the number is multiplied before it is shown."""
    condition: tuple[str, Decimal] | None
    is_plain: bool
    """Whether it is a fraction, a power or a text, in place of which the plain number stands."""


def cell_text(value: Any, number_format: str | None = None) -> str:
    """Format the value of a cell.

    Every digit that the cell has is shown, whatever its format rounds to, and without separators of thousands; dates
    and times are ISO 8601, durations hours, minutes and seconds.

    Args:
        value: as openpyxl or calamine gives it.
        number_format: such as `0.0%` or `#,##0.00 [$€-407]`; None when it is not known.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, number_format or "")
    return clean(str(value))


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(abs(value).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    sign = "-" if value < timedelta() else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:02.0f}"


def _plain(value: float) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _number(value: float, number_format: str) -> str:
    plain = _plain(value)
    if number_format in ("", "General", "@"):
        return plain
    number = Decimal(plain)
    if not number.is_finite():
        return plain
    section = _chosen(_sections(number_format), number)
    if section is None or section.is_plain or abs(number.adjusted()) > _MAX_EXPONENT:
        return plain
    if not section.integer:
        words = f"{section.before}{section.after}".strip(" -\u2013\u2014")
        return clean(f"{words} ({plain})") if words else plain
    shown = abs(number).scaleb(section.shift)
    whole, _, decimals = f"{shown:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(section.n_decimals, "0")
    sign = "-" if number < 0 else ""
    point = "." if decimals else ""
    return clean(f"{sign}{section.before}{_filled(section.integer, whole)}{point}{decimals}{section.after}").strip()


def _filled(placeholders: tuple[str, ...], whole: str) -> str:
    """Fill the digits of a whole number into the format's places, from the right."""
    first_zero = next((n for n, one in enumerate(placeholders) if one == "0"), len(placeholders))
    n_zeros = sum(one in _DIGITS for one in placeholders[first_zero:])
    digits = list(whole.lstrip("0").rjust(n_zeros, "0") or "0")
    written: list[str] = []
    for one in reversed(placeholders):
        if one not in _DIGITS:
            written.append(one if digits else "")
        elif digits:
            written.append(digits.pop())
    return "".join([*digits, *reversed(written)])


def _chosen(sections: tuple[_Section, ...], number: Decimal) -> _Section | None:
    """Choose the section that applies to a number."""
    conditional = [section for section in sections[:2] if section.condition is not None]
    if conditional:
        matching = [section for section in conditional if section.condition and _holds(*section.condition, number)]
        return matching[0] if matching else sections[len(conditional)] if len(sections) > len(conditional) else None
    if number < 0 and len(sections) > 1:
        return sections[1]
    return sections[2] if number == 0 and len(sections) > 2 else sections[0]


def _holds(sign: str, bound: Decimal, number: Decimal) -> bool:
    return {
        "<": number < bound,
        ">": number > bound,
        "=": number == bound,
        "<=": number <= bound,
        ">=": number >= bound,
        "<>": number != bound,
    }[sign]


@lru_cache(maxsize=512)
def _sections(number_format: str) -> tuple[_Section, ...]:
    found: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(number_format[:300]):
        if token[7] == ";":
            found.append([])
        else:
            found[-1].append(token)
    is_signed = len(found) > 1
    return tuple(_section(tokens, is_negative=is_signed and place == 1) for place, tokens in enumerate(found))


def _section(tokens: list[re.Match[str]], *, is_negative: bool) -> _Section:
    pieces: list[str] = []  # text, and placeholders as one character each
    kinds: list[str] = []
    shift, condition, is_odd = 0, None, False
    for token in tokens:
        text, escaped, room, bracket, exponent, general, other = token.groups()
        if text is not None or escaped is not None:
            kinds.append("text")
            pieces.append(text if text is not None else escaped)
        elif bracket is not None:
            currency, found = _CURRENCY.match(bracket), _CONDITION.fullmatch(bracket)
            condition = (found[1], Decimal(found[2])) if found else condition
            if currency:
                kinds.append("text")
                pieces.append(currency[1])
        elif exponent or general or other in ("/", "@"):
            is_odd = True
        elif room is None:
            kinds.append("digit" if other in _DIGITS else _SEPARATORS.get(other, "text"))
            pieces.append(other)
            shift += 2 if other == "%" else 0
    return _assembled(pieces, kinds, shift, condition, is_odd=is_odd, is_negative=is_negative)


def _assembled(
    pieces: list[str],
    kinds: list[str],
    shift: int,
    condition: tuple[str, Decimal] | None,
    *,
    is_odd: bool,
    is_negative: bool,
) -> _Section:
    places = [n for n, kind in enumerate(kinds) if kind == "digit"]
    if not places:
        return _Section("".join(pieces), (), 0, "", shift, condition, is_odd)
    point = kinds.index("point") if "point" in kinds else len(kinds)
    last = places[-1]
    end = last + 1
    while end < len(kinds) and kinds[end] in ("comma", "point"):
        shift -= 3 if kinds[end] == "comma" else 0
        end += 1
    before, after = "".join(pieces[: places[0]]), "".join(pieces[end:])
    if is_negative:  # the sign is written, so what stands for it is not
        before, after = before.replace("(", "").replace("-", ""), after.replace(")", "")
    whole = [n for n in range(places[0], min(point, last + 1)) if kinds[n] != "comma"]
    n_decimals = sum(pieces[n] == "0" for n in range(point, last + 1) if n < len(kinds) and kinds[n] == "digit")
    integer = tuple(pieces[n] for n in whole) or ("0",)
    return _Section(before, integer, n_decimals, after, shift, condition, is_odd)
