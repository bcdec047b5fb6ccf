"""Parses amounts: a number with an optional currency or per cent sign."""

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

from memento.memory.folding import folded

_AMOUNT = re.compile(
    r"([-+]?)([^\d.+-]{0,6}?)([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,4})?)(\D{0,6})", re.IGNORECASE | re.ASCII
)
_CODES = (
    *("AED", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "JPY"),
    *("KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SAR", "SEK", "SGD", "THB", "TWD", "UAH", "USD", "VND"),
    "ZAR",
)
"""Of ISO 4217, those that are much used and no English words in capitals."""
_DOLLARS = {
    "US$": "USD", "AU$": "AUD", "A$": "AUD", "CA$": "CAD", "CAN$": "CAD", "C$": "CAD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "NT$": "TWD", "MX$": "MXN",
}  # fmt: skip
_SIGNS = {
    "\u20ac": "EUR", "\u00a3": "GBP", "\u20b9": "INR", "Rs": "INR", "\u20bd": "RUB", "\u20a9": "KRW", "R$": "BRL",
    "\u20aa": "ILS", "\u20ab": "VND", "\u20b4": "UAH", "\u20b1": "PHP", "\u0e3f": "THB", "%": "%",
}  # fmt: skip
_UNITS = {
    **{name: frozenset((code,)) for name, code in (_SIGNS | _DOLLARS).items()},
    **{code: frozenset((code,)) for code in _CODES},
    "$": frozenset(_DOLLARS.values()),
    "\u00a5": frozenset(("JPY", "CNY")),
    "": frozenset[str](),
}


class Amount(NamedTuple):
    """A number and its unit."""

    value: Decimal
    units: frozenset[str]
    """What its sign may stand for: codes of currencies (several for `$` and `¥`), or `%`; empty when it names none."""

    def agrees(self, other: "Amount") -> bool:
        """Whether the numbers are equal, and so are the units where both have one."""
        is_one_bare = not self.units or not other.units
        return self.value == other.value and (is_one_bare or not self.units.isdisjoint(other.units))


def amount(text: str) -> Amount | None:
    """Parse a text that is nothing but an amount: `-5`, `$1,234.50`, `17 %`, `EUR 5`."""
    found = _AMOUNT.fullmatch(folded(text).strip().rstrip(".").strip())
    if found is None:
        return None
    sign, before, number, after = found.groups()
    units = [_units(before.strip()), _units(after.strip())]
    if None in units or (sign and number[0] in "+-"):
        return None
    named = [unit for unit in units if unit]
    both = frozenset.intersection(*named) if named else _UNITS[""]
    return None if named and not both else Amount(Decimal(sign + number), both)


def _units(name: str) -> frozenset[str] | None:
    """Return the units that a name may stand for; None when it is not a unit."""
    is_currency_sign = len(name) == 1 and unicodedata.category(name) == "Sc"
    return _UNITS.get(name, frozenset((name,)) if is_currency_sign else None)
