"""The learner of Q: one online step per known outcome (paper Eq. 15), in the ledger's order.

The weights are a pure fold over the ledger's outcomes: seeded by the outcome's offset, taken in order, each exactly
once. So a re-delivered outcome (which the ledger keeps once) cannot train twice, every process that shares a bank
arrives at the same weights, and a lost snapshot costs nothing but time. What is replayed is what is believed now: a
corrected outcome replaces the one it corrects, a withdrawn one leaves.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from memento.memory.case import POSITIVE_FROM, Case, text_hash
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import Vector
from memento.memory.event import Experience
from memento.memory.ledger_views import LedgerViews
from memento.memory.q_function import QFunction
from memento.memory.snapshot import Snapshot, read_snapshot, save_snapshot
from memento.memory.uncancelled import to_the_end

MIN_OUTCOMES = 10
"""Known outcomes, of both kinds, of reads that served cases, before Q is trusted; similarity serves until then."""

_STEPS_PER_OUTCOME = 8
_REPLAY = 512
_BATCH = 64
_LEARNING_RATE = 1e-3
_OUTCOMES_PER_SNAPSHOT = 16
"""A kill costs learning so many outcomes again."""

T = TypeVar("T")


class Values(NamedTuple):
    """Estimates for one read."""

    value_C: NDArray[np.float32] | None
    """Q(s, c) in (0, 1) per candidate, or None while evidence is thin."""
    version: int
    """Number of outcomes learned from."""


class _Pairs(NamedTuple):
    """One row per served case of a known outcome."""

    state_ND: torch.Tensor
    case_ND: torch.Tensor
    reward_N: torch.Tensor


class QLearner:
    """Keeps one namespace's Q in step with the ledger."""

    def __init__(
        self,
        *,
        namespace: str,
        views: LedgerViews,
        texts: EncodedTexts,
        thread: Executor,
        folder: Path | None,
        seed: int = 0,
    ) -> None:
        """Prepare, without reading anything; makes tensors, so call it in `thread`.

        Args:
            namespace: whose outcomes to learn from.
            views: the ledger.
            texts: vectors of queries and cases.
            thread: for everything that computes; a single one, so that results do not depend on the machine's load.
            folder: where snapshots are kept; None keeps none.
            seed: of the first weights and of every batch.
        """
        self._namespace = namespace
        self._views = views
        self._texts = texts
        self._thread = thread
        self._seed = seed
        self._path = None if folder is None else folder / f"{text_hash(namespace)}.safetensors"
        self._q, self._optimizer = self._fresh()
        self._replay: dict[str, _Pairs] = {}  # by event, in the order of their newest outcomes
        self._offset = 0
        self._n_outcomes = 0
        self._n_saved = 0
        self._is_loaded = False
        self._learning = asyncio.Lock()

    @property
    def version(self) -> int:
        """Number of outcomes learned from."""
        return self._n_outcomes

    async def values(self, query: Vector, cases: Sequence[Case]) -> Values:
        """Q(s, c) for each case, from everything the ledger knows by now.

        Args:
            query: encoded task, shape (D,).
            cases: candidates.
        """
        await self.catch_up()
        if not cases or not self._has_evidence():
            return Values(None, self._n_outcomes)
        case_CD = await self._texts.rows([case.text for case in cases], is_kept=True)
        async with self._learning:
            return Values(await self._in_thread(lambda: self._score(query, case_CD)), self._n_outcomes)

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

    async def _save(self) -> None:
        if self._path is not None:
            path, snapshot = self._path, self._snapshot()
            await to_the_end(self._in_thread(lambda: save_snapshot(path, snapshot)))
        self._n_saved = self._n_outcomes

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _has_evidence(self) -> bool:
        rewards = [float(pairs.reward_N[0]) for pairs in self._replay.values() if len(pairs.reward_N)]
        n_positive = sum(reward >= POSITIVE_FROM for reward in rewards)
        return len(rewards) >= MIN_OUTCOMES and 0 < n_positive < len(rewards)

    async def _take(self, experience: Experience) -> None:
        if experience.reward is None:
            if experience.event_id in self._replay:
                self._replay = await self._believed(until=experience.offset)
            self._offset = experience.offset
        else:
            pairs = await self._pairs(experience, experience.reward)
            await to_the_end(self._in_thread(lambda: self._learn(experience, pairs)))

    async def _believed(self, *, until: int) -> dict[str, _Pairs]:
        """The replay as it was at an offset."""
        recent = await self._views.newest_experiences(namespace=self._namespace, until=until, limit=_REPLAY)
        return {one.event_id: await self._pairs(one, one.reward) for one in recent if one.reward is not None}

    async def _pairs(self, experience: Experience, reward: float) -> _Pairs:
        found = await self._views.cases(experience.case_ids, namespace=self._namespace)
        texts = [found[case_id].text for case_id in experience.case_ids if case_id in found]
        case_ND = torch.from_numpy(await self._texts.rows(texts, is_kept=True))
        state_D = torch.from_numpy(np.array(await self._texts.one(experience.query)))
        return _Pairs(state_D.expand_as(case_ND), case_ND, torch.full((len(texts),), reward))

    def _learn(self, experience: Experience, pairs: _Pairs) -> None:
        """The online update: a few cross-entropy steps on this outcome's pairs and a replayed sample."""
        self._offset = experience.offset
        self._n_outcomes += 1
        before = self._replay.pop(experience.event_id, None)
        self._replay[experience.event_id] = pairs
        if len(self._replay) > _REPLAY:
            del self._replay[next(iter(self._replay))]
        n_new = len(pairs.reward_N)
        if n_new == 0 or (before is not None and torch.equal(before.reward_N, pairs.reward_N)):
            return  # nothing was served, or somebody else says the same again: no credit twice
        state_ND, case_ND, reward_N = (torch.cat(parts) for parts in zip(*self._replay.values(), strict=True))
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + experience.offset)
        for _ in range(_STEPS_PER_OUTCOME):
            old_B = torch.randint(len(reward_N), (max(0, _BATCH - n_new),), generator=generator)
            row_B = torch.cat([old_B, torch.arange(len(reward_N) - n_new, len(reward_N))])
            self._optimizer.zero_grad()
            logit_B = self._q(state_ND[row_B], case_ND[row_B])
            loss: torch.Tensor = functional.binary_cross_entropy_with_logits(logit_B, reward_N[row_B])
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def _score(self, query: Vector, case_CD: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            case = torch.from_numpy(case_CD)
            logit_C = self._q(torch.from_numpy(np.array(query)).expand_as(case), case)
            value_C: NDArray[np.float32] = torch.sigmoid(logit_C).numpy()
            return value_C

    def _fresh(self) -> tuple[QFunction, torch.optim.AdamW]:
        with torch.random.fork_rng(devices=[]):  # a host's random state is not ours to change
            torch.manual_seed(self._seed)
            q = QFunction(dim=self._texts.encoder.dim)
        return q, torch.optim.AdamW(q.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3, fused=True)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            q=self._q,
            optimizer=self._optimizer,
            encoder=self._texts.encoder.name,
            seed=self._seed,
            offset=self._offset,
            n_outcomes=self._n_outcomes,
        )

    async def _load(self) -> None:
        """Take the snapshot, if it fits, with the replay it was learned with; else learn from the first outcome on.

        A snapshot ahead of the ledger belongs to what a restored backup has undone.
        """
        snapshot = await self._in_thread(self._read_snapshot)
        if snapshot is not None and snapshot.offset <= await self._views.newest_outcome_offset():
            replay = await self._believed(until=snapshot.offset)
            # together, after everything that may be cancelled or fail
            self._q, self._optimizer, self._replay = snapshot.q, snapshot.optimizer, replay
            self._offset, self._n_outcomes = snapshot.offset, snapshot.n_outcomes
            self._n_saved = snapshot.n_outcomes
        self._is_loaded = True

    def _read_snapshot(self) -> Snapshot | None:
        """The snapshot, if there is one of this encoder and seed."""
        found = None if self._path is None else read_snapshot(self._path, *self._fresh())
        is_ours = found is not None and (found.encoder, found.seed) == (self._texts.encoder.name, self._seed)
        return found if is_ours else None
