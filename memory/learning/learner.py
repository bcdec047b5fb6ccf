"""The learner: trains one estimator on the ledger's outcomes, each exactly once, in the ledger's order.

What it knows is a pure fold over the ledger's outcomes. So a re-delivered outcome (which the ledger keeps once) cannot
train twice, every process that shares a bank arrives at the same estimates, and a lost snapshot costs nothing but time.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from memento.memory.case import PLAN, Case, CaseKind, text_hash
from memento.memory.coalescer import Coalescer
from memento.memory.encoder import EncodedTexts
from memento.memory.estimators.port import (
    NEED_ORIGINS,
    Answer,
    CaseEffect,
    Estimator,
    MakeEstimator,
    Suggestions,
)
from memento.memory.estimators.trials import GuideTrials
from memento.memory.event import RetrievalEvent
from memento.memory.guides import GuideTrial
from memento.memory.index.engines.port import Vector
from memento.memory.learning.examples import ExampleReader
from memento.memory.learning.saving import SnapshotWriter, is_due, is_worth_it
from memento.memory.learning.snapshot import read_snapshot
from memento.memory.learning.taught import Taught
from memento.memory.learning.torch_thread import OwnThread
from memento.memory.ledger.learning_reads import LearningNews, learning_news
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersion, SettingsVersions, built_in
from memento.memory.loop_lock import LoopLock
from memento.memory.shielded import shielded

_PAGE = 512
"""Outcomes read from the ledger at a time."""
_TURN = 32
"""Outcomes learned in one turn of the thread, which others wait for: some 50 ms."""

T = TypeVar("T")


class Learner:
    """Follows the outcomes of one namespace's reads of one kind of case, with one estimator."""

    def __init__(
        self,
        *,
        namespace: str,
        make: MakeEstimator,
        views: LedgerViews,
        versions: SettingsVersions,
        texts: EncodedTexts,
        thread: Executor,
        folder: Path | None,
        kind: CaseKind = PLAN,
    ) -> None:
        """Prepare, without reading anything; call it in `thread`, because estimators make tensors.

        Args:
            namespace: whose outcomes to learn from.
            make: makes an estimator that knows nothing yet.
            views: the ledger.
            versions: which settings serve, and which outcomes count.
            texts: vectors of queries and cases.
            thread: for everything that computes; a single one, so that results do not depend on the machine's load.
            folder: where snapshots are kept; None keeps none.
            kind: of the cases that the reads asked for. Reads of several kinds in one run share its outcome, so that
                each would seem to have succeeded without what the others served.
        """
        self._namespace = namespace
        self._views = views
        self._versions = versions
        self._texts = texts
        self._thread = thread
        self._folder = folder
        self._kind = kind
        self._taught = Taught(make)
        self.serving = built_in(namespace, self.estimator.name)
        self._reader = ExampleReader(
            namespace=namespace,
            views=views,
            texts=texts,
            wanted=self.estimator.views,
            has_origins=self.estimator.name in NEED_ORIGINS,
        )
        self._n_saved = self._n_erasures = 0
        self._is_loaded = False
        self._writer = SnapshotWriter(namespace=namespace, views=views)
        self._learning = LoopLock()
        self._together = Coalescer(self._catch_up)

    @property
    def estimator(self) -> Estimator:
        """The estimator as it is taught now; another one after its settings have changed."""
        return self._taught.estimator

    @property
    def version(self) -> int:
        """Number of outcomes learned from."""
        return self._taught.n_outcomes

    async def estimates(
        self, query: Vector, cases: Sequence[Case], similarity_C: Vector, *, is_caught_up: bool = False
    ) -> Answer:
        """Estimate the value of each case for this task, from all outcomes in the ledger.

        Args:
            query: encoded task, shape (D,).
            cases: candidates.
            similarity_C: their cosines to the task.
            is_caught_up: whether this read has asked for suggestions already: then the ledger is not looked at again.
        """
        if not is_caught_up:
            await self.catch_up()
        rows = await self._reader.rows(cases, similarity_C, np.array([case.reward for case in cases], np.float32))
        async with self._learning:
            estimates = await self._in_thread(lambda: self.estimator.estimate(query, rows)) if cases else None
            return Answer(estimates, self._taught.n_outcomes, self.serving.version)

    async def suggest(self, query: Vector) -> Suggestions:
        """Suggest cases and directions to recall for this task beside the nearest cases."""
        await self.catch_up()
        async with self._learning:
            return await self._in_thread(lambda: self.estimator.suggest(query))

    async def trials(self, case_ids: Sequence[str]) -> list[GuideTrial]:
        """What the trials of guides say, from all outcomes in the ledger; empty where the estimator has none."""
        await self.catch_up()
        async with self._learning:
            estimator = self.estimator
            if not isinstance(estimator, GuideTrials):
                return []
            return await self._in_thread(lambda: [estimator.trial(case_id) for case_id in case_ids])

    async def effects(self) -> list[CaseEffect]:
        """Estimated effect of serving each case, from all outcomes in the ledger.

        Of many cases that takes a while, so it is done on a copy in a thread of its own: reads and learning go on.
        """
        await self.catch_up()
        async with self._learning:
            if self.estimator.replays:  # a copy would have to learn some examples again
                return await self._in_thread(self.estimator.effects)
            copied = await self._in_thread(self._taught.copied)
        async with OwnThread() as thread:
            return await thread.run(lambda _: copied().effects())

    async def catch_up(self) -> int:
        """Learn from all outcomes since the last call. Safe to cancel at any point.

        Whoever asks while it is at work shares the next.

        Returns:
            Number of outcomes learned from now.
        """
        return await self._together(None)

    async def prepare(self, version: SettingsVersion, *, is_fresh: bool = False) -> int:
        """Learn with a version that does not serve yet, and save it, so that switching to it is quick.

        Args:
            version: which settings, and which outcomes count.
            is_fresh: learn again what a snapshot would tell.

        Returns:
            Number of outcomes learned from.
        """
        async with self._learning:
            self._is_loaded = False
            self._n_erasures = await self._views.n_erasures(namespace=self._namespace)
            await shielded(self._in_thread(partial(self._begin, version)))
            if not is_fresh:
                await self._load()
            await self._read_on(await self._look())
            await self._save()
            self._is_loaded = True
            await self._writer.finish()
            return self._taught.n_outcomes

    async def close(self) -> None:
        """Save a snapshot if there is enough that is new."""
        async with self._learning:
            if is_worth_it(self._taught.n_outcomes, self._n_saved):
                await self._save()
            await self._writer.finish()

    async def _catch_up(self, asked: Sequence[None]) -> list[int]:
        async with self._learning:
            news = await self._look(limit=_PAGE if self._is_loaded else 0)
            if not self._is_loaded or (news.serving, news.n_erasures) != (self.serving.version, self._n_erasures):
                await self._follow_version(news.n_erasures)
                news = await self._look()
            n_before = self._taught.n_outcomes
            await self._read_on(news)
            if is_due(self._taught.n_outcomes, self._n_saved) and not self._writer.is_busy:
                await self._save()
            return [self._taught.n_outcomes - n_before] * len(asked)

    async def _look(self, *, limit: int = _PAGE) -> LearningNews:
        look = partial(learning_news, namespace=self._namespace, estimator=self.estimator.name)
        look = partial(look, after=self._taught.offset, limit=limit, skipped=self.serving.skipped)
        return await self._views.ledger.query(look)

    async def _read_on(self, news: LearningNews) -> None:
        while True:
            observations = [one for one in news.observations if self._is_mine(one.event)]
            examples = await self._reader.examples(observations)
            steps = list(zip(observations, examples, strict=True))
            for start in range(0, len(steps), _TURN):
                await shielded(self._in_thread(partial(self._taught.take, steps[start : start + _TURN])))
            self._taught.offset = news.seen_until
            if news.is_all:
                return
            news = await self._look()

    async def _follow_version(self, n_erasures: int) -> None:
        """Start over when what is to be learned has changed, and on the first call."""
        serving = await self._versions.serving(self._namespace, self.estimator.name)
        if not self._is_loaded or (serving.recipe, n_erasures) != (self.serving.recipe, self._n_erasures):
            self._is_loaded = False
            self._n_erasures = n_erasures
            await shielded(self._in_thread(partial(self._begin, serving)))
            await self._load()
            self._is_loaded = True
        self.serving = serving

    def _begin(self, version: SettingsVersion) -> None:
        self._taught.begin(version)
        self.serving = version
        self._n_saved = 0

    def _is_mine(self, event: RetrievalEvent) -> bool:
        """Whether outcomes of an event are learned: of its kind, and those of trials alone where these are judged."""
        return event.kind == self._kind and (event.is_trial or self.estimator.name != "trials")

    async def _load(self) -> None:
        """Restore the snapshot if it fits; else learn from the first outcome on.

        A snapshot ahead of the ledger belongs to what a restored backup has undone.
        """
        path = self._path
        snapshot = None if path is None else await asyncio.to_thread(read_snapshot, path)
        is_ours = snapshot is not None and snapshot.fits(self._texts.encoder.name, self._recipe)
        if snapshot is not None and is_ours and snapshot.offset <= await self._views.newest_outcome_offset():
            recent = await self._views.newest_observations(
                namespace=self._namespace,
                until=snapshot.offset,
                limit=self.estimator.replays,
                skipped=self.serving.skipped,
                kind=self._kind,
            )
            examples = await self._reader.examples(recent)
            replay = [example for example in examples if example is not None]
            if await shielded(self._in_thread(lambda: self._taught.restore(snapshot, replay))):
                self._n_saved = snapshot.n_outcomes

    @property
    def _recipe(self) -> str:
        """The serving version's, and how often something was erased: what was learned before that fits no more."""
        return f"{self.serving.recipe}-{self._n_erasures}" if self._n_erasures else self.serving.recipe

    @property
    def _path(self) -> Path | None:
        """Each recipe has a file of its own, so that what will serve can be saved before it does."""
        if self._folder is None:
            return None
        name = self.estimator.name if self._kind == PLAN else f"{self.estimator.name}-{self._kind}"
        parts = [text_hash(self._namespace), name, self._recipe, "safetensors"]
        return self._folder / ".".join(part for part in parts if part)

    async def _save(self) -> None:
        """Collect a snapshot, which reads wait for, and begin to write it, which they do not."""
        if (path := self._path) is not None:
            collect = partial(self._taught.snapshot, encoder=self._texts.encoder.name, recipe=self._recipe)
            snapshot = await shielded(self._in_thread(collect))
            await self._writer.begin(path, snapshot, n_erasures=self._n_erasures)
        self._n_saved = self._taught.n_outcomes

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
