"""Exact match: the answer equals a reference after normalisation."""

from collections.abc import Sequence

from memento.nodes.scoring.amounts import amount
from memento.nodes.scoring.normalisation import have_fractions, normalized, without_punctuation


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether the answer equals any reference after normalisation; numbers are compared as numbers.

    Two numbers that name other currencies differ; one that names none equals both. What the field's standard takes for
    equal all the same (12:30 and 1230, C++ and C) is listed in normalisation.py.
    """
    return any(is_same(answer, reference) for reference in references)


def is_same(answer: str, reference: str) -> bool:
    """Whether two texts are equal after normalisation."""
    given, wanted = amount(answer), amount(reference)
    if given is not None and wanted is not None:  # without its sign, -5 would equal 5
        return given.agrees(wanted)
    has_fractions = have_fractions(answer, reference)
    # Of "A" or "!!!" normalisation leaves nothing, and nothing would equal anything.
    for form in (normalized, without_punctuation):
        if wanted_form := form(reference, has_fractions=has_fractions):
            return form(answer, has_fractions=has_fractions) == wanted_form
    return _plain(answer) == _plain(reference)


def _plain(text: str) -> str:
    return text.strip().casefold()
