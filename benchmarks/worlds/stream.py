"""Plays a contestant on a stream of a world: recall, choose, attempt, tell, write back.

What the product's memory does around policy and estimator is done here without a ledger. Outcomes are told at once, or
wrong and corrected later by their event, or not at all; what is known is written as a case.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.bank import WrittenBank, number_of
from benchmarks.worlds.contestants import Contestant
from benchmarks.worlds.drawn import Drawn
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.policies.port import Candidates, choose
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED


class Played(NamedTuple):
    """What happened. Axes: T steps."""

    chance_T: NDArray[np.float64]
    """Of success given what was served, over what the attempt may follow: the score with the least noise."""
    reward_T: NDArray[np.float64]
    """True rewards, told or not."""
    n_served_T: NDArray[np.int64]


def play_world(drawn: Drawn, contestant: Contestant, *, k: int = 4, seed: int) -> Played:
    """Play a stream.

    Args:
        drawn: the stream.
        contestant: untrained; it is trained by this.
        k: slots per task.
        seed: of the policy's own draws.
    """
    stream = _WorldStream(drawn, contestant, k=k, seed=seed)
    for step in range(len(drawn.topic_T)):
        stream.advance(step)
    return Played(stream.chance_T, stream.reward_T, stream.n_served_T)


class _Choice(NamedTuple):
    """Cases served for a task. Axes: M cases."""

    case_M: NDArray[np.int64]
    rows: CaseRows
    is_randomised_M: NDArray[np.bool_]
    propensity_M: NDArray[np.float64]


class _WorldStream:
    """The state of one stream."""

    def __init__(self, drawn: Drawn, contestant: Contestant, *, k: int, seed: int) -> None:
        steps = len(drawn.topic_T)
        self.chance_T, self.reward_T, self.n_served_T = np.zeros(steps), np.zeros(steps), np.zeros(steps, np.int64)
        self._drawn, self._k = drawn, k
        self._policy, self._estimator = contestant.policy, contestant.estimator
        self._bank = WrittenBank(drawn)
        self._rng = np.random.default_rng([seed, k])
        self._offset = 0
        self._wrong: dict[int, list[tuple[int, Example]]] = {}
        """By the step at which they are settled: tasks whose outcomes were told wrong, and what was learned."""

    def advance(self, step: int) -> None:
        """One task."""
        for former, example in self._wrong.pop(step, []):
            self._settle(former, example)
        served = self._serve(step)
        action_L, reward = self._attempt(step, served.case_M)
        self.n_served_T[step] = len(served.case_M)
        if self._drawn.is_known_T[step]:
            self._tell(step, served, action_L, reward)

    def _serve(self, step: int) -> _Choice:
        state_D = self._drawn.task_TD[step]
        case_C, pool_size = self._recall(state_D)
        rows = self._bank.rows(case_C, self._bank.cosines(case_C, state_D))
        estimates = None
        if self._estimator is not None and len(case_C):
            estimates = self._estimator.estimate(state_D, rows)
        candidates = Candidates(rows.similarity_N, rows.reward_N, estimates, pool_size)
        choices = choose(self._policy, candidates, k=self._k, rng=self._rng)
        slots = [(choice, choice.candidate) for choice in choices if choice.candidate is not None]
        place_M = np.array([place for _, place in slots], np.intp)
        if estimates is not None and estimates.support_C is not None:
            rows = rows.supported(estimates.support_C)
        return _Choice(
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

    def _attempt(self, step: int, case_M: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
        """Follow one of the cases, or none; the last option is the attempt's own guess."""
        drawn, n = self._drawn, len(case_M)
        follows = 1.0 - (1.0 - drawn.world.follow) ** n
        weight_O = np.append(np.full(n, follows / max(n, 1)), 1.0 - follows)
        action_OL = np.concatenate([drawn.attempted(step, self._bank.actions(case_M)), drawn.guess_TL[step][None]])
        chance_O = drawn.chance(step, self._bank.read(step, case_M) / self._k, action_OL)
        picked = min(int(np.searchsorted(np.cumsum(weight_O), drawn.follow_T[step], side="right")), n)
        self.chance_T[step] = float((weight_O * chance_O).sum())
        self.reward_T[step] = float((drawn.luck_TQ[step] < chance_O[picked]).mean())
        return action_OL[picked], float(self.reward_T[step])

    def _tell(self, step: int, served: _Choice, action_L: NDArray[np.int64], reward: float) -> None:
        drawn = self._drawn
        is_turned = drawn.is_wrong_T[step] or drawn.is_flipped_T[step]
        example = Example(
            offset=self._next_offset(),
            event_id=f"event {step}",
            follows=None,
            question=f"question {step}",
            state_D=drawn.task_TD[step],
            cases=served.rows,
            is_randomised_N=served.is_randomised_M,
            propensity_N=served.propensity_M,
            reward=1.0 - reward if is_turned else reward,
            confidence=float(drawn.confidence_T[step]),
        )
        if self._estimator is not None:
            self._estimator.learn(example)
        self._bank.write(step, action_L, example.reward)
        if drawn.is_wrong_T[step]:
            self._wrong.setdefault(int(drawn.settled_T[step]), []).append((step, example))

    def _settle(self, former: int, example: Example) -> None:
        """Correct or withdraw an outcome that was told wrong."""
        offset = self._next_offset()
        if self._drawn.is_withdrawn_T[former]:
            self._bank.retire(former)
            if self._estimator is not None:
                self._estimator.withdraw(example.event_id)
            return
        reward = float(self.reward_T[former])
        self._bank.judge(former, reward)
        if self._estimator is not None:
            self._estimator.learn(example._replace(offset=offset, reward=reward))

    def _next_offset(self) -> int:
        self._offset += 1
        return self._offset
