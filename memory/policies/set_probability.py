"""Probability that a policy serves a set of cases, whatever their order in the slots.

A reward depends on the set that was served, so the weight of an event is pi(set) / mu(set), each the sum over all
orders that give the set. Ratios of *ordered* probabilities are unbiased too where the log holds every order, but
noisier; and a greedy policy that serves the logged cases in another order would count as not serving them at all.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from memento.memory.policies.port import Candidates, RetrievalPolicy, next_slot

ServedSet = frozenset[int]
"""Positions among the candidates, without null slots."""

MAX_ORDERED = 4
"""Slots up to which all orders are enumerated: 24. Of more, only the order that was served is looked at."""

_RENORMALISING = frozenset({"random", "soft"})
"""Policies that draw each slot from one weight per case, among what is left (Plackett-Luce)."""


_ONE_ORDER = frozenset({"uplift"})
"""Policies that serve no set in two orders: the first slot decides whether anything is served, the last one what."""


def few_sets(policy: RetrievalPolicy, candidates: Candidates, *, k: int, at_most: int) -> dict[ServedSet, float] | None:
    """Everything a policy may serve, with its probability; None when that takes more than `at_most` sequences.

    Exact for policies without chance, or with one slot that explores a few cases.
    """
    found: dict[ServedSet, float] = {}
    open_ends: list[tuple[tuple[int | None, ...], float]] = [((), 1.0)]
    while open_ends:
        chosen, probability = open_ends.pop()
        slot = next_slot(policy, candidates, chosen=chosen, k=k) if len(chosen) < k else None
        if slot is None:
            served = _set(chosen)
            found[served] = found.get(served, 0.0) + probability
            continue
        possible = np.flatnonzero(slot.probability_C)
        if len(possible) + len(open_ends) + len(found) > at_most:
            return None
        open_ends += [((*chosen, int(i)), probability * float(slot.probability_C[i])) for i in possible]
        if slot.null:
            open_ends.append(((*chosen, None), probability * slot.null))
    return found


def thinned(sets: dict[ServedSet, float], *, at_most: int, rng: np.random.Generator) -> dict[ServedSet, float]:
    """A distribution of the same mean over fewer sets: the likeliest as they are, the rest's mass on one of them.

    Args:
        sets: as `few_sets` gives them.
        at_most: how many to keep, the drawn one included.
        rng: draws it, by probability.
    """
    if len(sets) <= at_most:
        return sets
    ranked = sorted(sets.items(), key=lambda item: -item[1])
    likeliest, rest = dict(ranked[: at_most - 1]), ranked[at_most - 1 :]
    mass = np.array([probability for _, probability in rest])
    drawn, _ = rest[int(rng.choice(len(rest), p=mass / mass.sum()))]
    return {**likeliest, drawn: float(mass.sum())}


def set_probability(policy: RetrievalPolicy, candidates: Candidates, served: ServedSet, *, k: int) -> float:
    """Probability that a policy serves this set: the sum over all orders, null slots included."""

    def onward(chosen: tuple[int | None, ...]) -> float:
        slot = next_slot(policy, candidates, chosen=chosen, k=k) if len(chosen) < k else None
        if slot is None:
            return float(_set(chosen) == served)
        left = served.difference(_set(chosen))
        ways: list[tuple[int | None, float]] = [(index, float(slot.probability_C[index])) for index in left]
        if slot.null and len(chosen) + len(left) < k:
            ways.append((None, slot.null))
        return sum(probability * onward((*chosen, index)) for index, probability in ways if probability)

    return onward(())


def order_probability(policy: RetrievalPolicy, candidates: Candidates, order: Sequence[int | None], *, k: int) -> float:
    """Probability that a policy fills its slots with just these, in this order."""
    total = 1.0
    for position, index in enumerate(order):
        slot = next_slot(policy, candidates, chosen=order[:position], k=k) if position < k else None
        if slot is None:
            return 0.0
        total *= slot.null if index is None else float(slot.probability_C[index])
        if not total:
            return 0.0
    has_more = len(order) < k and next_slot(policy, candidates, chosen=order, k=k) is not None
    return 0.0 if has_more else total


def logged_set_probability(policy: str, propensity_K: Sequence[float], *, is_bound: bool = False) -> float | None:
    """Probability with which the logging policy served its set, from the logged propensities alone.

    Args:
        policy: name of the logging policy.
        propensity_K: of each slot, given the slots before.
        is_bound: a token budget may have changed which cases a slot could hold, by what the slots before it took.

    Returns:
        The probability; None when the log cannot tell that of the set, only that of the order, their product.
    """
    if (policy in _ONE_ORDER and not is_bound) or all(propensity == 1 for propensity in propensity_K[:-1]):
        return float(np.prod(propensity_K))  # the slots before the last are certain: there is no other order
    if is_bound or policy not in _RENORMALISING or len(propensity_K) > MAX_ORDERED:
        return None
    left, shares = 1.0, []
    for propensity in propensity_K:  # p_j = share_j / (1 - shares before), solved for the shares
        shares.append(propensity * left)
        left *= 1 - propensity
    others = list(permutations(shares))[1:]  # the first is the order that was served
    return float(np.prod(propensity_K)) + sum(map(_plackett_luce, others))


def _plackett_luce(shares: Sequence[float]) -> float:
    total, left = 1.0, 1.0
    for share in shares:
        total *= min(1.0, share / left) if left > 0 else 0.0
        left -= share
    return total


def _set(chosen: Sequence[int | None]) -> ServedSet:
    return frozenset(index for index in chosen if index is not None)
