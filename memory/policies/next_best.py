"""The best candidate that a selection did not serve, and why not: no gain, no room, no slot, or chance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from memento.memory.event import WhyNotServed
from memento.memory.policies.port import Candidates, RetrievalPolicy, next_slot


class NextBest(NamedTuple):
    """A candidate that was not served."""

    candidate: int
    """Position among the candidates."""
    score: float
    why_not: WhyNotServed


def next_best(
    policy: RetrievalPolicy, candidates: Candidates, chosen: Sequence[int | None], *, k: int
) -> NextBest | None:
    """What one more slot would hold if tokens did not count.

    Args:
        policy: that chose.
        candidates: what it chose from.
        chosen: what fills the slots.
        k: number of slots.

    Returns:
        The candidate; None where all that may be chosen were served, or the policy ranks none.
    """
    served = [index for index in chosen if index is not None]
    open_C = candidates.open_C
    if policy.pool != "nearest" or len(served) == (len(candidates) if open_C is None else open_C.sum()):
        return None
    freely = candidates if candidates.budget is None else replace(candidates, budget=None)
    slot = next_slot(policy, freely, chosen=served, k=len(served) + 2)  # not the last slot, which may explore
    if slot is None:
        return None
    best = int(np.argmax(slot.probability_C))
    if slot.probability_C[best] < slot.null:
        left_C = slot.score_C.astype(np.float64)
        left_C[served] = -np.inf
        if open_C is not None:
            left_C[~open_C] = -np.inf
        best = int(np.argmax(left_C))
        return NextBest(best, float(slot.score_C[best]), "gain")
    return NextBest(best, float(slot.score_C[best]), _why_not(candidates, best, chosen, n_served=len(served), k=k))


def _why_not(candidates: Candidates, best: int, chosen: Sequence[int | None], *, n_served: int, k: int) -> WhyNotServed:
    if n_served >= k:
        return "slots"
    if candidates.budget is not None and not candidates.budget.after(chosen).fits_C[best]:
        return "budget"
    return "chance"
