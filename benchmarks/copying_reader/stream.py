"""Plays a contestant on one order of a family's tasks, round by round, with the reader that copies.

As `memento eval run` does it: cases of a round are written together, attempts of whatever outcome, and after a wrong
one the right action where corrections are told.
"""

import zlib
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.reader import Failures, answers
from benchmarks.copying_reader.texts import TextTasks
from benchmarks.worlds.bank import rows_of
from benchmarks.worlds.contestants import Contestant
from benchmarks.worlds.serving import CaseServer
from memento.memory.estimators.port import CaseRows, Example

FeedbackKept = Literal["reward", "correction"]
FEEDBACK: tuple[FeedbackKept, ...] = get_args(FeedbackKept)


class Rules(NamedTuple):
    """How a stream is played."""

    feedback: FeedbackKept = "reward"
    failures: Failures = "hidden"
    k: int = 4
    round: int = 4
    """Tasks whose cases are written together."""
    luck: str = ""
    """Streams of the same order and luck share the reader's draws; give each arm its own to draw them apart."""


class OrderPlayed(NamedTuple):
    """What happened. Axes: T tasks, in the order played."""

    question_T: NDArray[np.int64]
    chance_T: NDArray[np.float64]
    """Of a right answer, given what was shown."""
    reward_T: NDArray[np.float64]


def order_of(n: int, seed: int) -> NDArray[np.int64]:
    """The order in which an evaluation with this seed meets n tasks."""
    return np.random.default_rng([seed, 1, False]).permutation(n)


def play_order(
    texts: TextTasks, question_T: NDArray[np.int64], contestant: Contestant, *, seed: int, rules: Rules
) -> OrderPlayed:
    """Play tasks in this order.

    Args:
        texts: of the family.
        question_T: positions of the tasks among its questions.
        contestant: untrained; it is trained by this.
        seed: of the reader's draws and the policy's own.
        rules: how it is played.
    """
    steps = len(question_T)
    bank = _TextBank(texts, room=2 * steps)
    server = CaseServer(bank, contestant, k=rules.k, seed=seed)
    draw_T = np.random.default_rng([seed, zlib.crc32(rules.luck.encode())]).random(steps)
    chance_T, reward_T = np.zeros(steps), np.zeros(steps)
    for start in range(0, steps, rules.round):
        attempts: list[tuple[int, int, Example]] = []
        for step in range(start, min(start + rules.round, steps)):
            question = int(question_T[step])
            served = server.serve(texts.state_QD[question])
            answer_A = answers(*bank.shown(served.case_M), texts.habit_A, failures=rules.failures)
            edges_A = np.cumsum(answer_A)
            answer = min(int(np.searchsorted(edges_A, draw_T[step] * edges_A[-1], side="right")), len(answer_A) - 1)
            chance_T[step] = answer_A[texts.right_Q[question]]
            reward_T[step] = float(answer == texts.right_Q[question])
            attempts.append((question, answer, served.example(step, offset=step + 1, reward=reward_T[step])))
        for question, answer, example in attempts:
            if contestant.estimator is not None:
                contestant.estimator.learn(example)
            bank.write(question, answer, example.reward)
            if rules.feedback == "correction" and not example.reward:
                bank.write(question, int(texts.right_Q[question]), 1.0)
    return OrderPlayed(question_T, chance_T, reward_T)


class _TextBank:
    """Cases in the order written. Axes: N cases, of which C are asked for."""

    def __init__(self, texts: TextTasks, *, room: int) -> None:
        self._texts = texts
        self._question_N, self._answer_N = np.zeros(room, np.int64), np.zeros(room, np.int64)
        self._reward_N = np.zeros(room, np.float32)
        self._n = 0

    def write(self, question: int, answer: int, reward: float) -> None:
        self._question_N[self._n], self._answer_N[self._n], self._reward_N[self._n] = question, answer, reward
        self._n += 1

    def shown(self, case_M: NDArray[np.int64]) -> tuple[list[int], list[bool]]:
        """What cases did, and whether it was right."""
        return self._answer_N[case_M].tolist(), (self._reward_N[case_M] > 0).tolist()

    def active(self) -> NDArray[np.int64]:
        return np.arange(self._n)

    def cosines(self, case_C: NDArray[np.int64], direction_D: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._texts.state_QD[self._question_N[case_C]] @ direction_D

    def rows(self, case_C: NDArray[np.int64], similarity_C: NDArray[np.float32]) -> CaseRows:
        answer_C = self._answer_N[case_C]
        return rows_of(
            case_C,
            similarity_C,
            reward_C=self._reward_N[case_C],
            state_CD=self._texts.state_QD[self._question_N[case_C]],
            action_CD=self._texts.action_AD[answer_C],
            lines=[(self._texts.actions[answer],) for answer in answer_C],
        )
