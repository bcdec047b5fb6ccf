"""Interface of a retrieval policy: for each slot, a distribution over the candidates and the null case.

Every choice carries the exact probability with which it was made, so that what another policy would have earned can be
estimated later. Axes: C candidates, K slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Estimates, EstimatorName
from memento.memory.policies.token_budget import TokenBudget

Pool = Literal["empty", "nearest", "uniform"]
"""Where candidates come from: nowhere, the nearest by cosine (and what an estimator suggests), or a uniform sample."""


class SlotChoice(NamedTuple):
    """One slot of a choice."""

    candidate: int | None
    """Position among the candidates; None is the null case."""
    score: float
    propensity: float
    """Probability of this choice for this slot, given the slots before it."""
    is_randomised: bool
    """Whether anything else could have been chosen."""
    withheld: int | None = None
    """The one candidate that the null case was drawn against; None where it was not, or against several."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a policy chooses from; `dataclasses.replace` changes a copy."""

    similarity_C: NDArray[np.float32]
    """Cosine of each candidate, shape (C,)."""
    reward_C: NDArray[np.float32]
    """The candidates' own rewards, shape (C,)."""
    estimates: Estimates | None
    """Their estimated values, or None while there are too few outcomes."""
    pool_size: int
    """Number of cases that the candidates were drawn from; at least C."""
    budget: TokenBudget | None = None
    """Tokens that the slots to come may take; None where tokens decide nothing."""
    open_C: NDArray[np.bool_] | None = None
    """Which of them may be chosen; None: all. The others are known all the same, as evidence."""

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self.similarity_C)

    def only(self, rows: NDArray[np.intp], *, pool_size: int) -> "Candidates":
        """The candidates at these positions.

        Args:
            rows: positions.
            pool_size: number of such cases in the pool that they were drawn from.
        """
        return Candidates(
            self.similarity_C[rows],
            self.reward_C[rows],
            None if self.estimates is None else self.estimates.only(rows),
            pool_size,
            None if self.budget is None else self.budget.only(rows),
            None if self.open_C is None else self.open_C[rows],
        )


class Distribution(NamedTuple):
    """Probabilities with which one slot is filled."""

    probability_C: NDArray[np.float64]
    """Of each candidate; 0 for those already chosen. With `null` it sums to 1, or to less when the candidates are
    themselves a random sample of a larger pool: the rest belongs to what was not drawn."""
    null: float
    """Probability of the null case."""
    score_C: NDArray[np.float32]
    """What the policy ranked by."""


class RetrievalPolicy(Protocol):
    """mu(c | s, M)."""

    name: str
    pool: Pool
    estimator: EstimatorName | None
    """Name of the estimator that `Candidates.estimates` come from."""

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Distribution over candidates for the next slot.

        Args:
            candidates: what there is.
            chosen: what fills the slots before, in order.
            k: number of slots in all.

        Returns:
            The distribution, or None when no slot remains to be filled.
        """
        ...


def next_slot(
    policy: RetrievalPolicy, candidates: Candidates, *, chosen: Sequence[int | None], k: int
) -> Distribution | None:
    """A policy's distribution for the next slot, over the candidates that are open and fit into what is left of tokens.

    A policy is asked as if the others had not been recalled. So it need not know of tokens, and the probabilities are
    those with which it chooses among what fits. Of a sample of a larger pool, how much of the pool fits is taken from
    the sample.
    """
    if candidates.budget is None and candidates.open_C is None:
        return policy.distribution(candidates, chosen=chosen, k=k)
    fits_C = np.ones(len(candidates), np.bool_) if candidates.open_C is None else candidates.open_C.copy()
    if candidates.budget is not None:
        budget = candidates.budget.after(chosen)
        candidates = replace(candidates, budget=budget)
        fits_C &= budget.fits_C
    taken = [index for index in chosen if index is not None]
    fits_C[taken] = True
    if fits_C.all():
        return policy.distribution(candidates, chosen=chosen, k=k)
    rows = np.flatnonzero(fits_C)
    n_taken = len(taken)
    fitting_share = (len(rows) - n_taken) / (len(candidates) - n_taken)
    pool_size = n_taken + round((candidates.pool_size - n_taken) * fitting_share)
    place = {index: number for number, index in enumerate(rows.tolist())}
    slot = policy.distribution(
        candidates.only(rows, pool_size=max(pool_size, len(rows))),
        chosen=[None if index is None else place[index] for index in chosen],
        k=k,
    )
    if slot is None:
        return None
    probability_C, score_C = np.zeros(len(candidates)), np.zeros(len(candidates), np.float32)
    probability_C[rows], score_C[rows] = slot.probability_C, slot.score_C
    return Distribution(probability_C, slot.null, score_C)


def choose(policy: RetrievalPolicy, candidates: Candidates, *, k: int, rng: np.random.Generator) -> list[SlotChoice]:
    """Fill at most `k` slots, best first, with the exact probability of each choice."""
    chosen: list[int | None] = []
    choices: list[SlotChoice] = []
    while len(chosen) < k and (slot := next_slot(policy, candidates, chosen=chosen, k=k)) is not None:
        weight = np.append(slot.probability_C, slot.null)
        possible = np.flatnonzero(weight)
        drawn = possible[0]
        if len(possible) > 1:
            edges = np.cumsum(weight[possible])
            place = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
            drawn = possible[min(place, len(possible) - 1)]  # rounding may put the last edge a hair too low
        index = None if drawn == len(candidates) else int(drawn)
        score = 0.0 if index is None else float(slot.score_C[index])
        is_randomised = len(possible) > 1 or weight[drawn] < 1
        withheld = int(possible[0]) if index is None and len(possible) == 2 else None
        choices.append(SlotChoice(index, score, float(weight[drawn]), is_randomised, withheld))
        chosen.append(index)
    return choices


def greedy(score_C: NDArray[np.float32], *, chosen: Sequence[int | None], k: int) -> Distribution | None:
    """The best of what is left, for certain; ties keep the order of recall."""
    if len(chosen) >= min(k, len(score_C)):
        return None
    left_C = score_C.astype(np.float64)
    left_C[[index for index in chosen if index is not None]] = -np.inf
    probability_C = np.zeros(len(score_C))
    probability_C[int(np.argmax(left_C))] = 1.0
    return Distribution(probability_C, 0.0, score_C)


def greedy_or_null(
    score_C: NDArray[np.float32], is_eligible_C: NDArray[np.bool_], *, chosen: Sequence[int | None], k: int
) -> Distribution | None:
    """The best of what is eligible and left, for certain; the null case where nothing is."""
    if len(chosen) >= min(k, len(score_C)):
        return None
    left_C = np.where(is_eligible_C, score_C.astype(np.float64), -np.inf)
    left_C[[index for index in chosen if index is not None]] = -np.inf
    probability_C = np.zeros(len(score_C))
    best = int(np.argmax(left_C))
    if np.isneginf(left_C[best]):
        return Distribution(probability_C, 1.0, score_C)
    probability_C[best] = 1.0
    return Distribution(probability_C, 0.0, score_C)
