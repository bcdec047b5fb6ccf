"""Plays a contestant on a stream of a world: serve, attempt, tell, write back.

Outcomes are told at once, or wrong and corrected later by their event, or not at all; what is known is written as a
case.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.bank import WrittenBank
from benchmarks.worlds.contestants import Contestant
from benchmarks.worlds.drawn import Drawn
from benchmarks.worlds.serving import CaseServer, ServedCases
from memento.memory.estimators.port import Example


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


class _WorldStream:
    """The state of one stream."""

    def __init__(self, drawn: Drawn, contestant: Contestant, *, k: int, seed: int) -> None:
        steps = len(drawn.topic_T)
        self.chance_T, self.reward_T, self.n_served_T = np.zeros(steps), np.zeros(steps), np.zeros(steps, np.int64)
        self._drawn, self._k = drawn, k
        self._estimator = contestant.estimator
        self._bank = WrittenBank(drawn)
        self._server = CaseServer(self._bank, contestant, k=k, seed=seed)
        self._offset = 0
        self._wrong: dict[int, list[tuple[int, Example]]] = {}
        """By the step at which they are settled: tasks whose outcomes were told wrong, and what was learned."""

    def advance(self, step: int) -> None:
        """One task."""
        for former, example in self._wrong.pop(step, []):
            self._settle(former, example)
        served = self._server.serve(self._drawn.task_TD[step])
        action_L, reward = self._attempt(step, served.case_M)
        self.n_served_T[step] = len(served.case_M)
        if self._drawn.is_known_T[step]:
            self._tell(step, served, action_L, reward)

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

    def _tell(self, step: int, served: ServedCases, action_L: NDArray[np.int64], reward: float) -> None:
        drawn = self._drawn
        told = 1.0 - reward if drawn.is_wrong_T[step] or drawn.is_flipped_T[step] else reward
        confidence = float(drawn.confidence_T[step])
        example = served.example(step, offset=self._next_offset(), reward=told, confidence=confidence)
        if self._estimator is not None:
            self._estimator.learn(example)
        self._bank.write(step, action_L, told)
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
