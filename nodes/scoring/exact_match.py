"""Exact match: an answer equals a reference but for its form."""

from collections.abc import Sequence

from memento.nodes.scoring.normalisation import normalized, number, without_punctuation


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether the answer equals any reference after normalisation; numbers are compared as numbers."""
    return any(is_same(answer, reference) for reference in references)


def is_same(answer: str, reference: str) -> bool:
    """Whether two texts say the same but for their form."""
    given, wanted = number(answer), number(reference)
    if given is not None and wanted is not None:  # without its sign, -5 would equal 5
        return given == wanted
    # Of "A" or "!!!" normalisation leaves nothing, and nothing would equal anything.
    form = next((form for form in (normalized, without_punctuation) if form(reference)), _plain)
    return form(answer) == form(reference)


def _plain(text: str) -> str:
    return text.strip().casefold()
