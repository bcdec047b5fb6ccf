"""GAIA's quasi-exact match, by the rules published with the benchmark.

- The reference is a number: the answer, without $, % and commas, must be the same number.
- The reference has a comma or a semicolon: both are lists, split at either; they must be of one length, and each
  element must be the same: as a number where the reference's is one, else as text in which case and spaces do not
  count.
- Else both are texts in which case, spaces and ASCII punctuation do not count.

Articles count, and so do accents. An answer that is no number never equals one. The rules stay as published, so that
figures can be compared: Unicode forms are not folded (10² is neither 102 nor 10^2), every comma of a number goes (3,14
is 314, unlike in exact match), and of currencies only $ is known.
"""

import re
import string
from collections.abc import Sequence

_UNITS = str.maketrans("", "", "$%,")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SEPARATOR = re.compile("[,;]")


def gaia_match(answer: str, references: str | Sequence[str]) -> bool:
    """Whether the answer matches the reference, or any of several.

    Args:
        answer: as it would be submitted: the final answer alone.
        references: GAIA itself has one per question.
    """
    given = [references] if isinstance(references, str) else references
    return any(_matches(answer, reference) for reference in given)


def _matches(answer: str, reference: str) -> bool:
    if _number(reference) is not None:
        return _is_number(answer, reference)
    if not _SEPARATOR.search(reference):
        return _text(answer).translate(_PUNCTUATION) == _text(reference).translate(_PUNCTUATION)
    given, wanted = _SEPARATOR.split(answer), _SEPARATOR.split(reference)
    if len(given) != len(wanted):
        return False
    return all(_is_same_element(one, other) for one, other in zip(given, wanted, strict=True))


def _is_same_element(answer: str, reference: str) -> bool:
    if _number(reference) is not None:
        return _is_number(answer, reference)
    return _text(answer) == _text(reference)


def _is_number(answer: str, reference: str) -> bool:
    return _number(answer.translate(_UNITS)) == _number(reference)


def _text(text: str) -> str:
    return "".join(text.split()).lower()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
