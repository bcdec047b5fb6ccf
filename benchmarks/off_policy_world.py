"""A simulated world for off-policy evaluation: hidden effects of cases, hidden difficulty of tasks, known values.

Topics differ in difficulty, and in some of them the nearest cases mislead. Axes: N cases, T topics, D dimensions.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import Case, case_id
from memento.memory.case_tokens import case_tokens
from memento.memory.estimators.port import CaseRows, Estimates, EstimatorName, Example, SharedOutcomes
from memento.memory.event import Candidate, ObservedOutcome, RetrievalEvent, Slot
from memento.memory.offpolicy.past_bank import PastBank, Revision
from memento.memory.policies.port import Candidates, Distribution, Pool, RetrievalPolicy, choose, greedy

DIM = 8
TOPICS = 6


class Exploring:
    """Greedy by similarity; the last slot explores as `advantage` does: rate 10 %, floor 0.02, the null case an arm."""

    name = "exploring"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None
    arms = 4

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Certain but for the last slot."""
        best = greedy(candidates.similarity_C, chosen=chosen, k=k)
        if best is None or len(chosen) < k - 1:
            return best
        left_C = np.where(best.probability_C > 0, -np.inf, candidates.similarity_C)
        left_C[[index for index in chosen if index is not None]] = -np.inf
        best.probability_C[best.probability_C > 0] = 0.9
        best.probability_C[np.argsort(-left_C)[: self.arms]] = 0.02
        return best._replace(null=0.02)


class RewardLast:
    """Greedy by similarity, but the last slot takes a case that succeeded: within reach of `Exploring`."""

    name = "reward_last"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Of the five nearest that are left, the nearest that succeeded."""
        best = greedy(candidates.similarity_C, chosen=chosen, k=k)
        if best is None or len(chosen) < k - 1:
            return best
        left_C = candidates.similarity_C.copy()
        left_C[[index for index in chosen if index is not None]] = -np.inf
        near = np.argsort(-left_C, kind="stable")[:5]
        score_C = np.full(len(left_C), -np.inf, np.float32)
        score_C[near] = left_C[near] + candidates.reward_C[near]
        return greedy(score_C, chosen=chosen, k=k)


class Ridge(SharedOutcomes):
    """A small reward model: ridge regression of the reward on the task and on what the served set looks like."""

    name = "cross_entropy"
    views = ()
    replays = 0

    def __init__(self) -> None:
        """Know nothing yet."""
        n = 3 * DIM + 4
        self._precision, self._moment = np.eye(n), np.zeros(n)
        self._solution: NDArray[np.float64] | None = None

    def learn(self, example: Example) -> None:
        """Add one row."""
        row = self._features(example)
        self._precision += np.outer(row, row)
        self._moment += row * example.reward
        self._solution = None

    def predict(self, example: Example) -> float:
        """Clipped to [0, 1]."""
        if self._solution is None:
            self._solution = np.linalg.solve(self._precision, self._moment)
        return float(np.clip(self._features(example) @ self._solution, 0, 1))

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """Nothing about single cases."""
        del state_D, cases

    def _features(self, example: Example) -> NDArray[np.float64]:
        cases, state_D = example.cases, example.state_D.astype(np.float64)
        summary = [1.0, len(cases), float(cases.similarity_N.sum()), float(cases.reward_N.sum())]
        return np.concatenate([summary, state_D, state_D * summary[2], state_D * summary[3]])


class World:
    """Cases with hidden effects and tasks of hidden difficulty."""

    def __init__(self, seed: int, *, n_cases: int) -> None:
        """Draw it."""
        self.rng = np.random.default_rng(seed)
        self._centre_TD = _unit(self.rng.normal(size=(TOPICS, DIM)))
        self._difficulty_T = self.rng.normal(0, 0.8, TOPICS)
        topic_N = self.rng.integers(TOPICS, size=n_cases)
        self.vector_ND = self._near(topic_N)
        quality_N = self.rng.normal(0, 0.6, n_cases)
        fits_TT = np.where(np.eye(TOPICS) > 0, self.rng.choice([0.8, -0.6], size=TOPICS, p=[0.6, 0.4])[:, None], 0.0)
        self._effect_TN = 0.5 * (quality_N + fits_TT[:, topic_N])
        self.reward_N = (self.rng.random(n_cases) < 1 / (1 + np.exp(-2 * quality_N))).astype(np.float32)
        named = [(f"case {number}", f"plan {number}") for number in range(n_cases)]
        self.cases = [
            Case(id=case_id("w", state, plan), namespace="w", state=state, action=plan, reward=float(reward))
            for (state, plan), reward in zip(named, self.reward_N, strict=True)
        ]

    def task(self) -> tuple[int, NDArray[np.float32]]:
        """A topic and a task's vector."""
        topic = int(self.rng.integers(TOPICS))
        return topic, self._near(np.array([topic]))[0]

    def candidates(self, state_D: NDArray[np.float32], *, is_all: bool) -> tuple[NDArray[np.intp], Candidates]:
        """All cases, nearest first, or in an order drawn by lot."""
        similarity_N = self.vector_ND @ state_D
        rows = self.rng.permutation(len(similarity_N)) if is_all else np.argsort(-similarity_N, kind="stable")
        return rows, Candidates(similarity_N[rows], self.reward_N[rows], None, len(rows))

    def success(self, topic: int, rows: Sequence[int]) -> float:
        """The true probability of success with these cases."""
        logit = self._difficulty_T[topic] + float(self._effect_TN[topic, list(rows)].sum())
        return 1 / (1 + math.exp(-logit))

    def truth(self, policy: RetrievalPolicy, *, k: int, n_tasks: int) -> float:
        """Value of a policy by Monte Carlo over fresh tasks, with the known probabilities."""
        total = 0.0
        for _ in range(n_tasks):
            topic, state_D = self.task()
            rows, candidates = self.candidates(state_D, is_all=False)
            served = choose(policy, candidates, k=k, rng=self.rng)
            total += self.success(topic, [int(rows[one.candidate]) for one in served if one.candidate is not None])
        return total / n_tasks

    def log(self, policy: RetrievalPolicy, *, k: int, n: int) -> tuple[list[ObservedOutcome], list[Example]]:
        """Events with their outcomes, also as estimators are given them; every third task is asked twice."""
        observations, examples = [], []
        for number in range(n):
            if number % 3 != 2:
                topic, state_D = self.task()
                question = f"question {number}"
            rows, candidates = self.candidates(state_D, is_all=policy.pool == "uniform")
            served = choose(policy, candidates, k=k, rng=self.rng)
            chosen = [None if one.candidate is None else int(rows[one.candidate]) for one in served]
            slots = [
                Slot(
                    slot=position,
                    case_id=None if row is None else self.cases[row].id,
                    similarity=0.0 if row is None else float(self.vector_ND[row] @ state_D),
                    score=one.score,
                    propensity=one.propensity,
                    is_randomised=one.is_randomised,
                )
                for position, (row, one) in enumerate(zip(chosen, served, strict=True))
            ]
            event = RetrievalEvent(
                id=str(number),
                namespace="w",
                query=question,
                policy=policy.name,
                n_outcomes=0,
                bank_version=len(self.cases),
                candidates=[
                    Candidate(self.cases[row].id, float(cosine))
                    for row, cosine in zip(rows, candidates.similarity_C, strict=True)
                ],
                slots=slots,
            )
            reward = float(self.rng.random() < self.success(topic, [row for row in chosen if row is not None]))
            observations.append(ObservedOutcome(number, reward, 1.0, event))
            examples.append(self._example(observations[-1], state_D, [row for row in chosen if row is not None]))
        return observations, examples

    def _example(self, observation: ObservedOutcome, state_D: NDArray[np.float32], rows: list[int]) -> Example:
        places = np.array(rows, np.intp)
        ids = tuple(self.cases[row].id for row in rows)
        slots = [slot for slot in observation.event.slots if slot.case_id is not None]
        return Example(
            offset=observation.offset,
            event_id=observation.event_id,
            follows=None,
            question=observation.event.question,
            state_D=state_D,
            cases=CaseRows(ids, self.vector_ND[places] @ state_D, self.reward_N[places], {}),
            is_randomised_N=np.array([slot.is_randomised for slot in slots], np.bool_),
            propensity_N=np.array([slot.propensity for slot in slots], np.float64),
            reward=observation.reward or 0.0,
            confidence=1.0,
        )

    def bank(self) -> PastBank:
        """As the replay sees it."""
        revisions = [
            Revision(row + 1, row, is_active=True, reward=case.reward, tokens=case_tokens(case))
            for row, case in enumerate(self.cases)
        ]
        return PastBank(self.cases, revisions, {"state": self.vector_ND})

    def _near(self, topic_N: NDArray[np.intp]) -> NDArray[np.float32]:
        noise_ND = self.rng.normal(0, 0.35, (len(topic_N), DIM))
        return _unit(self._centre_TD[topic_N] + noise_ND).astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
