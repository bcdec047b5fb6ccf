"""Controls of which cases are shown: random successes of the stream, fixed demonstrations, and empty slots filled.

By them, arms that choose cases are compared with ones that show as many without choosing.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from memento.memory.case import POSITIVE_FROM, Case, Provenance, ScoredCase
from memento.memory.experience import Experience


class Successes:
    """The attempts of one stream that worked, corrections included; of a task the newest."""

    def __init__(self, *, namespace: str, seed: int, worked_from: float = POSITIVE_FROM) -> None:
        """Start without any.

        Args:
            namespace: of the stream.
            seed: of the draws.
            worked_from: reward from which on an attempt worked.
        """
        self._worked_from = worked_from
        self._namespace = namespace
        self._seed = seed
        self._by_question: dict[str, Case] = {}

    def add(self, experiences: Sequence[Experience]) -> None:
        """Add those of a round that worked."""
        for one in experiences:
            if one.reward is not None and one.reward >= self._worked_from:
                self._by_question[one.question] = demonstration(one, self._namespace)

    def drawn(self, question: str, n: int, *, beside: Sequence[ScoredCase] = ()) -> list[ScoredCase]:
        """Draw successes uniformly, the same for the same task.

        Args:
            question: hash of the task's; its own are not shown.
            n: how many; fewer where there are no more.
            beside: cases that are shown anyway: their tasks are left out.
        """
        taken = {question, *(one.case.question for one in beside if one.case is not None)}
        left = [case for name, case in self._by_question.items() if name not in taken]
        material = hashlib.sha256(f"successes {self._seed} {question}".encode()).digest()
        order = np.random.default_rng(int.from_bytes(material[:8])).permutation(len(left))[: max(0, n)]
        return [as_shown(left[place], len(beside) + slot) for slot, place in enumerate(order)]

    def filled(self, question: str, cases: Sequence[ScoredCase], k: int) -> list[ScoredCase]:
        """Return the cases, with random successes after them until k of all have worked."""
        n_worked = sum(one.case is not None and one.case.reward >= self._worked_from for one in cases)
        return [*cases, *self.drawn(question, k - n_worked, beside=cases)]


def demonstration(told: Experience, namespace: str) -> Case:
    """Return an experience with a known outcome as a case."""
    assert told.reward is not None  # noqa: S101  the caller has looked
    return Case(
        id=told.id_in(namespace),
        namespace=namespace,
        key=told.key,
        kind=told.kind,
        state=told.state,
        action=told.action,
        reward=told.reward,
        answer=told.answer,
        confidence=told.confidence,
        lesson=told.lesson,
        provenance=Provenance(event_id=told.event_id, evaluator=told.evaluator),
    )


def as_shown(case: Case, slot: int) -> ScoredCase:
    """Return a case as a served one; nothing has chosen it, so it has neither similarity nor score."""
    return ScoredCase(case, similarity=0.0, score=0.0, slot=slot, propensity=1.0)
