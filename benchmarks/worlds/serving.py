"""Serves cases for a task as the product's memory does: recall, estimate, choose; without a ledger."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.contestants import Contestant
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.policies.port import Candidates, choose
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED


class CasesByNumber(Protocol):
    """A bank whose cases are numbered. Axes: A active cases, C chosen ones."""

    def active(self) -> NDArray[np.int64]:
        """Numbers of the active cases, in the order written, shape (A,)."""
        ...

    def cosines(self, case_C: NDArray[np.int64], direction_D: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of a direction with cases' states."""
        ...

    def rows(self, case_C: NDArray[np.int64], similarity_C: NDArray[np.float32]) -> CaseRows:
        """Cases as an estimator sees them."""
        ...


class ServedCases(NamedTuple):
    """Cases served for a task, best first. Axes: M cases."""

    state_D: NDArray[np.float32]
    case_M: NDArray[np.int64]
    rows: CaseRows
    is_randomised_M: NDArray[np.bool_]
    propensity_M: NDArray[np.float64]

    def example(self, step: int, *, offset: int, reward: float, confidence: float = 1.0) -> Example:
        """What an estimator learns of it, from the outcome of a step's event."""
        return Example(
            offset=offset,
            event_id=f"event {step}",
            follows=None,
            question=f"question {step}",
            state_D=self.state_D,
            cases=self.rows,
            is_randomised_N=self.is_randomised_M,
            propensity_N=self.propensity_M,
            reward=reward,
            confidence=confidence,
        )


class CaseServer:
    """A contestant at work on a bank."""

    def __init__(
        self, bank: CasesByNumber, contestant: Contestant, *, k: int, seed: int, worked_only: bool = False
    ) -> None:
        """Wire the parts.

        Args:
            bank: whose active cases are served.
            contestant: chooses.
            k: slots.
            seed: of the policy's own draws.
            worked_only: serve none whose own reward is below 1.
        """
        self._bank = bank
        self._policy, self._estimator = contestant.policy, contestant.estimator
        self._k, self._worked_only = k, worked_only
        self._rng = np.random.default_rng([seed, k])

    def serve(self, state_D: NDArray[np.float32]) -> ServedCases:
        """Choose cases for a task."""
        case_C, pool_size = self._recall(state_D)
        rows = self._bank.rows(case_C, self._bank.cosines(case_C, state_D))
        estimates = None
        if self._estimator is not None and len(case_C):
            estimates = self._estimator.estimate(state_D, rows)
        open_C = rows.reward_N >= 1.0 if self._worked_only else None
        candidates = Candidates(rows.similarity_N, rows.reward_N, estimates, pool_size, open_C=open_C)
        choices = choose(self._policy, candidates, k=self._k, rng=self._rng)
        slots = [(choice, choice.candidate) for choice in choices if choice.candidate is not None]
        place_M = np.array([place for _, place in slots], np.intp)
        if estimates is not None and estimates.support_C is not None:
            rows = rows.supported(estimates.support_C)
        return ServedCases(
            state_D,
            case_C[place_M],
            rows.only(place_M),
            np.array([choice.is_randomised for choice, _ in slots], np.bool_),
            np.array([choice.propensity for choice, _ in slots], np.float64),
        )

    def _recall(self, state_D: NDArray[np.float32]) -> tuple[NDArray[np.int64], int]:
        """Candidates, nearest first and then what the estimator suggests, and from how many they were drawn."""
        active_A = self._bank.active()
        if self._policy.pool == "empty" or not len(active_A):
            return active_A[:0], 0
        if self._policy.pool == "uniform":
            n = min(N_CANDIDATES, len(active_A))
            return self._rng.choice(active_A, size=n, replace=False), len(active_A)
        found = self._nearest(active_A, state_D, N_CANDIDATES)
        if self._estimator is not None:
            suggestions = self._estimator.suggest(state_D)
            here = set(active_A.tolist())
            found += [number for number in map(number_of, suggestions.ids) if number in here]
            for direction_D in suggestions.direction_MD:
                found += self._nearest(active_A, direction_D, N_SUGGESTED)
        case_C = np.array(list(dict.fromkeys(found)), np.int64)
        return case_C, len(case_C)

    def _nearest(self, active_A: NDArray[np.int64], direction_D: NDArray[np.float32], n: int) -> list[int]:
        order = np.argsort(-self._bank.cosines(active_A, direction_D), kind="stable")[:n]
        return [int(number) for number in active_A[order]]


def case_id_of(number: int) -> str:
    """A case's id, by its number."""
    return f"case {number}"


def number_of(case_id: str) -> int:
    """The number of a case, by its id."""
    return int(case_id.removeprefix("case "))
