"""Memory for the runs of one stream: reads pass through, writes are deferred to the end of the round.

So tasks of a round see exactly the cases of earlier rounds, whatever is finished first, at any concurrency; and a
stream that was killed goes on as if it had not been. A frozen bank is one whose writes are never applied.
"""

import hashlib
import time
from collections.abc import Callable

from memento.memory.case import PLAN, CaseKind, ScoredCase, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.memory.reading import Reading, Recall

ShownCases = Callable[[str, list[ScoredCase]], list[ScoredCase]]
"""Gives what a planner sees, by the hash of its question and the cases that the memory has chosen."""


def _as_chosen(question: str, cases: list[ScoredCase]) -> list[ScoredCase]:
    """Return the cases as they are."""
    del question
    return cases


def _asked(text: str, key: str, kind: CaseKind) -> str:
    """Return the hash of the task that a reading is for; the key of parts and guides is that of the task already."""
    return key if kind != PLAN and key else question_hash(text, key)


class HeldMemory:
    """A `RunMemory` that defers the writes of a `CaseMemory`."""

    def __init__(self, memory: CaseMemory, *, seed: int, shown: ShownCases = _as_chosen) -> None:
        """Wrap a memory.

        Args:
            memory: open; reads go to it.
            seed: of the stream; each reading's random choices follow from it, the task and the iteration.
            shown: gives the cases that the planner sees.
        """
        self.namespace = memory.namespace
        self.iteration = 1
        self._memory = memory
        self._seed = seed
        self._shown = shown
        self._held: dict[str, Experience] = {}
        self._seconds: dict[str, float] = {}

    async def __call__(self) -> "HeldMemory":
        """Return itself, as a `MemorySource`."""
        return self

    async def recall(
        self,
        query: str,
        *,
        policy: str | None = None,
        namespace: str | None = None,
        task: str | None = None,
        follows: str | None = None,
        key: str = "",
        kind: CaseKind = PLAN,
        picture: bytes | str = b"",
    ) -> Recall:
        """Recall from the memory, with reproducible random choices."""
        question, start = _asked(query if task is None else task, key, kind), time.perf_counter()
        material = f"{self._seed} {self.iteration} {question} {follows is not None}"
        if kind != PLAN:  # one run may make several readings of another kind, each for another query
            material += f" {kind} {query}"
        seed = int.from_bytes(hashlib.sha256(material.encode()).digest()[:8])
        try:
            return await self._memory.recall(
                query,
                policy=policy,
                namespace=namespace,
                task=task,
                follows=follows,
                seed=seed,
                key=key,
                kind=kind,
                picture=picture,
            )
        finally:
            self._took(question, start)

    async def select(self, recall: Recall, *, k: int = 4, max_tokens: int | None = None) -> Reading:
        """Select from the memory, and show what the arm shows of it."""
        asked = recall.query if recall.task is None else recall.task
        question, start = _asked(asked, recall.key, recall.kind), time.perf_counter()
        try:
            reading = await self._memory.select(recall, k=k, max_tokens=max_tokens)
            if recall.kind != PLAN:  # what an arm shows in place of cases is for whole tasks
                return reading
            return reading._replace(cases=self._shown(question, reading.cases))
        finally:
            self._took(question, start)

    async def write(self, experience: Experience, /) -> str | None:
        """Defer the write to the end of the round, with the run's subtasks and steps in it; there is no case id yet."""
        self._held[experience.question] = experience
        return None

    def taken(self, question: str) -> tuple[Experience | None, float]:
        """Take a task's deferred write, and the seconds its run spent on the memory.

        Args:
            question: `EvalTask.stored_hash` of the task.
        """
        return self._held.pop(question, None), self._seconds.pop(question, 0.0)

    def _took(self, question: str, start: float) -> None:
        self._seconds[question] = self._seconds.get(question, 0.0) + time.perf_counter() - start
