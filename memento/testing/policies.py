"""Conformance checks of retrieval policies: distributions, exact propensities, slots, repeatability.

Axes: C candidates.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, Final, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import Estimates, EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool, RetrievalPolicy, choose
from memento.testing.failures import expect, run_checks

_N_DRAWS: Final = 400
_FAR: Final = 5.0
"""Standard deviations by which a frequency may miss its probability: a right policy fails once in a million checks."""
_SUM_ERROR: Final = 1e-6
_MAX_NAME_CHARS: Final = 64


class _Slot(NamedTuple):
    """One call of a policy, and where it was made."""

    candidates: Candidates
    chosen: tuple[int | None, ...]
    k: int
    distribution: Distribution | None

    @property
    def where(self) -> str:
        """For messages."""
        estimates = "without estimates" if self.candidates.estimates is None else "with estimates"
        return f"with {len(self.candidates)} candidates {estimates}, k={self.k}, chosen={list(self.chosen)}"


def check_policy(policy: RetrievalPolicy, *, floor: float | None = None) -> None:
    """Check a policy against everything that the memory and off-policy evaluation rely on.

    Args:
        policy: the policy; it is called several thousand times.
        floor: least probability of anything that a slot may hold, where the policy promises one: no logged outcome
            then weighs more than 1 / floor.

    Raises:
        ConformanceError: a check failed.
    """
    checks = dict(POLICY_CHECKS)
    if floor is not None:
        checks["floor"] = partial(_floor, floor=floor)
    run_checks(checks, policy)


def _fields(policy: RetrievalPolicy) -> None:
    """Name, pool and estimator are of the kinds that the memory knows."""
    name: object = policy.name
    is_name = isinstance(name, str) and 0 < len(name.strip()) <= _MAX_NAME_CHARS
    expect(is_name, f"a name of 1 to {_MAX_NAME_CHARS} characters", repr(name))
    expect(policy.pool in get_args(Pool), f"a pool of {get_args(Pool)}", repr(policy.pool))
    known = (None, *get_args(EstimatorName))
    expect(policy.estimator in known, f"an estimator of {known}", repr(policy.estimator))


def _probabilities(policy: RetrievalPolicy) -> None:
    """Each slot is a distribution over what is left, with a score for each candidate."""
    for slot in _slots(policy):
        made = slot.distribution
        if made is None:
            continue
        shape = (len(slot.candidates),)
        held = np.append(made.probability_C, made.null)
        expect(made.probability_C.shape == shape, f"probability_C of shape {shape} {slot.where}", np.shape(held))
        expect(np.shape(made.score_C) == shape, f"score_C of shape {shape} {slot.where}", np.shape(made.score_C))
        expect(np.isfinite(made.score_C).all(), f"finite scores {slot.where}", made.score_C)
        expect((held >= 0).all() and np.isfinite(held).all(), f"probabilities of at least 0 {slot.where}", held)
        total, is_sample = float(held.sum()), slot.candidates.pool_size > len(slot.candidates)
        is_one = abs(total - 1) <= _SUM_ERROR or (is_sample and 0 < total < 1)
        expect(is_one, f"probabilities that sum to 1 {slot.where}", total)


def _no_case_twice(policy: RetrievalPolicy) -> None:
    """A case that a slot holds has no probability in later ones."""
    for slot in _slots(policy):
        served = [index for index in slot.chosen if index is not None]
        if slot.distribution is not None and served:
            again = slot.distribution.probability_C[served]
            expect(not again.any(), f"probability 0 for what is chosen already {slot.where}", again)


def _slot_count(policy: RetrievalPolicy) -> None:
    """There are no more slots than k, and none with nothing to choose from."""
    for candidates, k in product(_candidates(policy), (0, 1, 3)):
        n = len(choose(policy, candidates, k=k, rng=np.random.default_rng(0)))
        expect(n <= k, f"at most {k} slots for k={k} of {len(candidates)} candidates", n)
        full = policy.distribution(candidates, chosen=(None,) * k, k=k)
        expect(full is None, f"None once all {k} slots are filled", full)


def _few_candidates(policy: RetrievalPolicy) -> None:
    """Of fewer candidates than slots, each is served at most once; of none, none."""
    for candidates in _candidates(policy):
        for seed in range(5):
            drawn = choose(policy, candidates, k=100, rng=np.random.default_rng(seed))
            served = [one.candidate for one in drawn if one.candidate is not None]
            expect(len(set(served)) == len(served), "no case twice with k=100", served)


def _repeatable(policy: RetrievalPolicy) -> None:
    """The same question has the same answer: a policy neither draws by itself nor remembers what it was asked."""
    first = [slot.distribution for slot in _slots(policy)]
    for slot, before in zip(_slots(policy), first, strict=True):
        after = slot.distribution
        is_same = (before is None) == (after is None)
        if before is not None and after is not None:
            is_same = np.array_equal(before.probability_C, after.probability_C) and before.null == after.null
        expect(is_same, f"the same distribution when asked again {slot.where}", (before, after))


def _inputs(policy: RetrievalPolicy) -> None:
    """The arrays that a policy is given are as they were, and none of its probabilities is one of them."""
    for candidates in _candidates(policy):
        before = _copied(candidates)
        made = policy.distribution(candidates, chosen=(), k=2)
        if made is not None:
            made.probability_C[:] = -1.0  # a caller may
        same = all(np.array_equal(one, other) for one, other in zip(_arrays(before), _arrays(candidates), strict=True))
        expect(same, "unchanged candidates", "an array that was written to")


def _propensities(policy: RetrievalPolicy) -> None:
    """Sequences of slots come up as often as the product of their logged propensities says."""
    for candidates in _candidates(policy):
        if not 2 <= len(candidates) <= 5 or candidates.pool_size > len(candidates):
            continue
        rng, seen, told = np.random.default_rng(7), Counter[tuple[int | None, ...]](), {}
        for _ in range(_N_DRAWS):
            drawn = choose(policy, candidates, k=2, rng=rng)
            order = tuple(one.candidate for one in drawn)
            seen[order] += 1
            told[order] = float(np.prod([one.propensity for one in drawn]))
        n = seen.total()
        for order, probability in told.items():
            sd = (max(probability * (1 - probability), 1 / n) / n) ** 0.5
            gap = abs(seen[order] / n - probability)
            expect(gap <= _FAR * sd, f"slots {order} with frequency {probability:.4f}", f"{seen[order] / n:.4f}")


def _floor(policy: RetrievalPolicy, *, floor: float) -> None:
    """Whatever may be served has at least this probability."""
    for slot in _slots(policy):
        if slot.distribution is not None:
            held = np.append(slot.distribution.probability_C, slot.distribution.null)
            least = float(held[held > 0].min(initial=1.0))
            expect(least >= floor - _SUM_ERROR, f"probabilities of 0, or of at least {floor} {slot.where}", least)


def _slots(policy: RetrievalPolicy) -> Iterator[_Slot]:
    """Calls along the likeliest way of filling slots, and along some drawn ones."""
    for candidates, k, seed in product(_candidates(policy), (1, 4, 8), range(2)):
        rng, chosen = np.random.default_rng(seed), list[int | None]()
        while len(chosen) < k:
            made = policy.distribution(candidates, chosen=tuple(chosen), k=k)
            yield _Slot(candidates, tuple(chosen), k, made)
            held = np.zeros(0) if made is None else np.append(made.probability_C, made.null)
            if not len(held) or not np.isfinite(held).all() or not (held > 0).any() or (held < 0).any():
                break
            index = int(held.argmax()) if seed == 0 else int(rng.choice(len(held), p=held / held.sum()))
            if index in chosen:
                break
            chosen.append(None if index == len(candidates) else index)


def _candidates(policy: RetrievalPolicy) -> Iterator[Candidates]:
    """Few and many, alike and not, with and without estimates; of a sample where the policy draws from one."""
    chance = np.random.default_rng(0)
    for n in (0, 1, 2, 5, 64):
        similarity_C = np.sort(chance.uniform(-0.2, 1.0, n))[::-1].astype(np.float32)
        reward_C = chance.choice([0.0, 0.5, 1.0], n).astype(np.float32)
        exposures_C = chance.integers(0, 9, n)
        plain = Candidates(similarity_C, reward_C, None, n)
        yield plain
        normal_C, sd_C = chance.normal(size=n), np.abs(chance.normal(size=n)).astype(np.float32)
        for value_C, sd in (
            (normal_C, sd_C),
            (normal_C / 10, None),
            (np.zeros(n), np.zeros(n, np.float32)),
            (1e4 * normal_C, sd_C),
            (-np.abs(normal_C), sd_C),
        ):
            yield replace(plain, estimates=Estimates(value_C.astype(np.float32), sd, exposures_C))
        alike = np.full(n, 0.5, np.float32)
        yield Candidates(alike, alike, Estimates(alike, alike, exposures_C, alike), n)
        if policy.pool == "uniform":
            yield replace(plain, pool_size=10 * n + 1)


def _arrays(candidates: Candidates) -> list[NDArray[Any]]:
    estimates = () if candidates.estimates is None else candidates.estimates
    return [one for one in (candidates.similarity_C, candidates.reward_C, *estimates) if one is not None]


def _copied(candidates: Candidates) -> Candidates:
    estimates = candidates.estimates
    if estimates is not None:
        estimates = Estimates(*(None if one is None else one.copy() for one in estimates))  # type: ignore[arg-type]
    return replace(
        candidates,
        similarity_C=candidates.similarity_C.copy(),
        reward_C=candidates.reward_C.copy(),
        estimates=estimates,
    )


POLICY_CHECKS: Final[Mapping[str, Callable[[RetrievalPolicy], None]]] = {
    "fields": _fields,
    "probabilities": _probabilities,
    "no case twice": _no_case_twice,
    "number of slots": _slot_count,
    "few candidates": _few_candidates,
    "repeatable": _repeatable,
    "inputs unchanged": _inputs,
    "exact propensities": _propensities,
}
"""Checks by name; each raises AssertionError with what was expected and found."""
