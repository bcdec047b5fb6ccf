"""Scorers: how an answer becomes a reward. The workflow's evaluate node and the offline evaluations share them."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Evaluation(NamedTuple):
    """A reward, or the reason why there is none."""

    reward: float | None
    """In [0, 1]; None when it cannot be known."""
    evaluator: str
    confidence: float = 1.0
    reason: str = ""


class Verdict(BaseModel):
    """A judge's reply."""

    correct: Literal["yes", "no", "unsure"]
    reason: str = Field(default="", description="One sentence.")


def normalized(text: str) -> str:
    """The field's standard normalisation for exact match: case, punctuation, articles and spacing do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", folded).split())


def exact_match(answer: str, references: Sequence[str]) -> bool:
    """Whether the answer equals any reference after normalisation; numbers are compared as numbers."""
    return any(_is_same(answer, reference) for reference in references)


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over normalised words, with the best reference; in [0, 1]."""
    return max((_f1(normalized(answer).split(), normalized(one).split()) for one in references), default=0.0)


def judged(verdict: Verdict) -> Evaluation:
    """A judge's verdict as a reward; an unsure judge gives none."""
    reward = {"yes": 1.0, "no": 0.0, "unsure": None}[verdict.correct]
    return Evaluation(reward, "judge", reason=verdict.reason)


def _f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    if not given or not wanted:  # where nothing is left to compare, only nothing is the same
        return float(given == wanted)
    n_common = (Counter(given) & Counter(wanted)).total()
    return 2 * n_common / (len(given) + len(wanted))


def _number(text: str) -> float | None:
    """The number that a text is, if it is nothing else: thousands separators, currency and per cent signs allowed."""
    bare = text.strip().rstrip(".").strip("$€£% ").replace(",", "").replace("\u2212", "-")
    return float(bare) if _NUMBER.fullmatch(bare) else None


def _is_same(answer: str, reference: str) -> bool:
    given, number = _number(answer), _number(reference)
    if given is not None and number is not None:  # without its punctuation, 3.5 would equal 35, and -5 equal 5
        return given == number
    wanted = normalized(reference)
    if not wanted:  # "The", "!!!": nothing of it is left to compare, and nothing would equal anything
        return answer.strip().casefold() == reference.strip().casefold()
    return normalized(answer) == wanted
