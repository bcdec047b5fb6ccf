"""Token F1: word overlap of an answer with a reference."""

from collections import Counter
from collections.abc import Sequence

from memento.nodes.scoring.amounts import amount
from memento.nodes.scoring.exact_match import is_same
from memento.nodes.scoring.normalisation import have_fractions, normalized


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over normalised words, with the best reference; in [0, 1].

    Two numbers have everything in common or nothing, so that an exact match is always worth 1.
    """
    return max((_f1(answer, reference) for reference in references), default=0.0)


def _f1(answer: str, reference: str) -> float:
    if is_same(answer, reference):
        return 1.0
    if amount(answer) is not None and amount(reference) is not None:
        return 0.0
    has_fractions = have_fractions(answer, reference)
    given, wanted = (normalized(text, has_fractions=has_fractions).split() for text in (answer, reference))
    n_common = (Counter(given) & Counter(wanted)).total()
    return 2 * n_common / (len(given) + len(wanted)) if n_common else 0.0
