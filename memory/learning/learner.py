"""The learner: keeps one estimator in step with the ledger, every known outcome exactly once, in the ledger's order.

What it knows is a pure fold over the ledger's outcomes. So a re-delivered outcome (which the ledger keeps once) cannot
train twice, every process that shares a bank arrives at the same estimates, and a lost snapshot costs nothing but time.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from memento.memory.case import Case, text_hash
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import Vector
from memento.memory.event import Experience, Slot
from memento.memory.learning.estimator import CaseRows, CaseView, Estimates, Estimator, Example, Suggestions
from memento.memory.learning.snapshot import Snapshot, read_snapshot, save_snapshot
from memento.memory.ledger_views import LedgerViews
from memento.memory.uncancelled import to_the_end

_OUTCOMES_PER_SNAPSHOT = 16
"""A kill costs learning so many outcomes again."""

T = TypeVar("T")


class Answer(NamedTuple):
    """Estimates for one read, and how much they rest on."""

    estimates: Estimates | None
    """None while evidence is thin."""
    version: int
    """Number of outcomes learned from."""


class Learner:
    """Follows one namespace's outcomes with one estimator."""

    def __init__(
        self,
        *,
        namespace: str,
        make: Callable[[], Estimator],
        views: LedgerViews,
        texts: EncodedTexts,
        thread: Executor,
        folder: Path | None,
    ) -> None:
        """Prepare, without reading anything; call it in `thread`, because estimators make tensors.

        Args:
            namespace: whose outcomes to learn from.
            make: makes an estimator that knows nothing yet.
            views: the ledger.
            texts: vectors of queries and cases.
            thread: for everything that computes; a single one, so that results do not depend on the machine's load.
            folder: where snapshots are kept; None keeps none.
        """
        self._namespace = namespace
        self._make = make
        self._views = views
        self._texts = texts
        self._thread = thread
        self.estimator = make()
        self._path = None
        if folder is not None:
            self._path = folder / f"{text_hash(namespace)}.{self.estimator.name}.safetensors"
        self._offset = 0
        self._n_outcomes = 0
        self._n_saved = 0
        self._is_loaded = False
        self._learning = asyncio.Lock()

    @property
    def version(self) -> int:
        """Number of outcomes learned from."""
        return self._n_outcomes

    async def estimates(self, query: Vector, cases: Sequence[Case], similarity_C: Vector) -> Answer:
        """What each case is worth for this task, from everything the ledger knows by now.

        Args:
            query: encoded task, shape (D,).
            cases: candidates.
            similarity_C: their cosines to the task.
        """
        await self.catch_up()
        if not cases:
            return Answer(None, self._n_outcomes)
        rows = await self._rows(cases, similarity_C, np.array([case.reward for case in cases], np.float32))
        async with self._learning:
            return Answer(await self._in_thread(lambda: self.estimator.estimate(query, rows)), self._n_outcomes)

    async def suggest(self, query: Vector) -> Suggestions:
        """What recall should look at for this task beside the nearest cases."""
        await self.catch_up()
        async with self._learning:
            return await self._in_thread(lambda: self.estimator.suggest(query))

    async def catch_up(self) -> int:
        """Learn from every outcome that is new since the last call. May be cancelled anywhere.

        Returns:
            Number of outcomes learned from now.
        """
        async with self._learning:
            if not self._is_loaded:
                await self._load()
            n_before = self._n_outcomes
            while news := await self._views.experiences(namespace=self._namespace, after=self._offset, limit=100):
                for experience in news:
                    await self._take(experience)
            if self._n_outcomes - self._n_saved >= _OUTCOMES_PER_SNAPSHOT:
                await self._save()
            return self._n_outcomes - n_before

    async def close(self) -> None:
        """Save what the last snapshot lacks."""
        async with self._learning:
            if self._n_outcomes > self._n_saved:
                await self._save()

    async def _take(self, experience: Experience) -> None:
        example = await self.example(experience)

        def learn() -> None:
            self._offset = experience.offset
            if example is None:
                self.estimator.withdraw(experience.event_id)
            else:
                self._n_outcomes += 1
                self.estimator.learn(example)

        await to_the_end(self._in_thread(learn))

    async def example(self, experience: Experience) -> Example | None:
        """What the estimator is given of an experience; None when its outcome is not known."""
        if experience.reward is None:
            return None
        found = await self._views.cases(experience.event.case_ids, namespace=self._namespace)
        slots = [slot for slot in experience.event.slots if slot.case_id in found]
        cases = [found[slot.case_id or ""] for slot in slots]
        return Example(
            offset=experience.offset,
            event_id=experience.event_id,
            follows=experience.event.follows,
            question=experience.event.question,
            state_D=await self._texts.one(experience.event.query),
            cases=await self._rows(
                cases,
                np.array([slot.similarity for slot in slots], np.float32),
                np.array([_own_reward(slot, case) for slot, case in zip(slots, cases, strict=True)], np.float32),
            ),
            is_randomised_N=np.array([slot.is_randomised for slot in slots], np.bool_),
            propensity_N=np.array([slot.propensity for slot in slots], np.float64),
            reward=experience.reward,
            confidence=experience.confidence,
        )

    async def _rows(self, cases: Sequence[Case], similarity_N: Vector, reward_N: Vector) -> CaseRows:
        vectors: dict[CaseView, Vector] = {}
        for view in self.estimator.views:
            # a state is encoded when its case is written; the others when they are first learned from
            vectors[view] = await self._texts.rows([getattr(case, view) for case in cases], is_kept=view != "state")
        return CaseRows(tuple(case.id for case in cases), similarity_N, reward_N, vectors)

    async def _load(self) -> None:
        """Take the snapshot, if it fits; else learn from the first outcome on.

        A snapshot ahead of the ledger belongs to what a restored backup has undone.
        """
        path = self._path
        snapshot = None if path is None else await self._in_thread(lambda: read_snapshot(path))
        is_ours = snapshot is not None and snapshot.encoder == self._texts.encoder.name
        if snapshot is not None and is_ours and snapshot.offset <= await self._views.newest_outcome_offset():
            recent = await self._views.newest_experiences(
                namespace=self._namespace, until=snapshot.offset, limit=self.estimator.replays
            )
            examples = [await self.example(experience) for experience in recent]
            replay = [example for example in examples if example is not None]
            await to_the_end(self._in_thread(lambda: self._restore(snapshot, replay)))
        self._is_loaded = True

    def _restore(self, snapshot: Snapshot, replay: list[Example]) -> None:
        estimator = self._make()
        try:
            estimator.restore(snapshot.tensors, snapshot.stamp, replay)
        except (KeyError, ValueError, RuntimeError):  # of another seed, shape or time
            return
        self.estimator = estimator
        self._offset, self._n_outcomes = snapshot.offset, snapshot.n_outcomes
        self._n_saved = snapshot.n_outcomes

    async def _save(self) -> None:
        if self._path is not None:
            path = self._path
            await to_the_end(self._in_thread(lambda: save_snapshot(path, self._snapshot())))
        self._n_saved = self._n_outcomes

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            tensors=self.estimator.tensors(),
            stamp=self.estimator.stamp(),
            encoder=self._texts.encoder.name,
            offset=self._offset,
            n_outcomes=self._n_outcomes,
            policy_version=0,
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _own_reward(slot: Slot, case: Case) -> float:
    """As it was when the case was served, so that learning again from the start learns the same."""
    return case.reward if slot.own_reward is None else slot.own_reward
