"""Retrieval policies, mu(c | s, M): which of the recalled cases are served. A policy chooses; it does not learn.

Every choice carries the exact probability with which it was made, so that what another policy would have earned can be
estimated later. Axes: C candidates, K slots.
"""

from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from memento.memory.errors import UnknownPolicy

PolicyName = Literal["none", "random", "similarity", "parametric"]

POLICY_NAMES: tuple[str, ...] = get_args(PolicyName)

Pool = Literal["empty", "nearest", "uniform"]
"""Where a policy's candidates come from: nowhere, the nearest by cosine, or a uniform sample of the namespace."""


class SlotChoice(NamedTuple):
    """One slot of a choice."""

    candidate: int | None
    """Position among the candidates; None is the null case."""
    score: float
    propensity: float
    """Probability of this choice for this slot, given the slots before it."""
    is_randomised: bool


class Candidates(NamedTuple):
    """What a policy chooses from."""

    similarity_C: NDArray[np.float32]
    """Cosine of each candidate, shape (C,)."""
    value_C: NDArray[np.float32] | None
    """Q(s, c) of each candidate, shape (C,), or None while there is too little evidence to have one."""
    pool_size: int
    """Number of cases that the candidates were drawn from; at least C."""


class RetrievalPolicy(Protocol):
    """mu(c | s, M)."""

    name: str
    pool: Pool
    needs_values: bool
    """Whether `Candidates.value_C` is to be computed for it."""

    def choose(self, candidates: Candidates, *, k: int) -> list[SlotChoice]:
        """Fill at most `k` slots, best first."""
        ...


class NonePolicy:
    """No cases: the control that shows what memory adds."""

    name = "none"
    pool: Pool = "empty"
    needs_values = False

    def choose(self, candidates: Candidates, *, k: int) -> list[SlotChoice]:
        """Nothing, whatever the candidates."""
        del candidates, k
        return []


class RandomPolicy:
    """Uniformly drawn cases: the control that shows what *choosing* adds."""

    name = "random"
    pool: Pool = "uniform"
    needs_values = False

    def choose(self, candidates: Candidates, *, k: int) -> list[SlotChoice]:
        """The first k candidates: they come uniformly drawn without replacement, so slot j has 1 / (pool_size - j)."""
        n = min(k, len(candidates.similarity_C))
        return [SlotChoice(j, 0.0, 1.0 / (candidates.pool_size - j), is_randomised=True) for j in range(n)]


class SimilarityPolicy:
    """Top-K by cosine: the paper's non-parametric read (Eq. 13)."""

    name = "similarity"
    pool: Pool = "nearest"
    needs_values = False

    def choose(self, candidates: Candidates, *, k: int) -> list[SlotChoice]:
        """The k most similar, for certain."""
        return _greedy(candidates.similarity_C, k)


class ParametricPolicy:
    """Top-K by Q(s, c): the paper's parametric read (Eq. 16), inside the recalled shortlist."""

    name = "parametric"
    pool: Pool = "nearest"
    needs_values = True

    def choose(self, candidates: Candidates, *, k: int) -> list[SlotChoice]:
        """The k of highest value, for certain; the most similar while there is too little evidence for a value."""
        return _greedy(candidates.similarity_C if candidates.value_C is None else candidates.value_C, k)


_POLICIES: tuple[RetrievalPolicy, ...] = (NonePolicy(), RandomPolicy(), SimilarityPolicy(), ParametricPolicy())


def policy_named(name: str) -> RetrievalPolicy:
    """The policy of this name.

    Raises:
        UnknownPolicy: there is none.
    """
    for policy in _POLICIES:
        if policy.name == name:
            return policy
    raise UnknownPolicy(name, POLICY_NAMES)


def _greedy(score_C: NDArray[np.float32], k: int) -> list[SlotChoice]:
    best = np.argsort(-score_C, kind="stable")[:k]  # stable: ties keep the order of recall
    return [SlotChoice(int(index), float(score_C[index]), 1.0, is_randomised=False) for index in best]
