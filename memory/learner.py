"""The learner of Q: one online step per known outcome (paper Eq. 15), in the ledger's order.

The weights are a pure fold over the ledger's outcomes: seeded by the outcome's offset, taken in order, each exactly
once. So a re-delivered outcome (which the ledger keeps once) cannot train twice, every process that shares a bank
arrives at the same weights, and a lost snapshot costs nothing but time.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn import functional

from memento.memory.case import POSITIVE_FROM, Case
from memento.memory.encoder import EncodedTexts
from memento.memory.engines.port import Vector
from memento.memory.event import Experience
from memento.memory.ledger_views import LedgerViews
from memento.memory.q_function import QFunction

MIN_OUTCOMES = 10
"""Known outcomes, of both kinds, before Q is trusted at all; similarity serves until then."""

_STEPS_PER_OUTCOME = 8
_REPLAY = 512
_BATCH = 64
_LEARNING_RATE = 1e-3


class Values(NamedTuple):
    """Estimates for one read."""

    value_C: NDArray[np.float32] | None
    """Q(s, c) in (0, 1) per candidate, or None while evidence is thin."""
    version: int
    """Number of outcomes learned from."""


class _Pairs(NamedTuple):
    """Replay: one row per served case of a known outcome."""

    state_ND: torch.Tensor
    case_ND: torch.Tensor
    reward_N: torch.Tensor


class QLearner:
    """Keeps one namespace's Q in step with the ledger."""

    def __init__(
        self, *, namespace: str, views: LedgerViews, texts: EncodedTexts, folder: Path | None, seed: int = 0
    ) -> None:
        """Prepare, without reading anything.

        Args:
            namespace: whose outcomes to learn from.
            views: the ledger.
            texts: vectors of queries and cases.
            folder: where snapshots are kept; None keeps none.
            seed: of the first weights and of every batch.
        """
        self._namespace = namespace
        self._views = views
        self._texts = texts
        self._seed = seed
        self._path = None if folder is None else folder / f"{quote(namespace, safe='')}.safetensors"
        self._q = self._fresh()
        self._optimizer = torch.optim.AdamW(self._q.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3)
        self._replay: list[_Pairs] = []
        self._offset = 0
        self._n_outcomes = 0
        self._n_positive = 0
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
        has_evidence = self._n_outcomes >= MIN_OUTCOMES and 0 < self._n_positive < self._n_outcomes
        if not cases or not has_evidence:
            return Values(None, self._n_outcomes)
        case_CD = await self._texts.rows([case.text for case in cases])
        async with self._learning:
            return Values(await asyncio.to_thread(self._score, query, case_CD), self._n_outcomes)

    async def catch_up(self) -> int:
        """Learn from every outcome that is new since the last call.

        Returns:
            Number of outcomes learned from now.
        """
        async with self._learning:
            if not self._is_loaded:
                await self._load()
            n_before = self._n_outcomes
            while news := await self._experiences(after=self._offset):
                for experience in news:
                    pairs = await self._pairs(experience)
                    await asyncio.to_thread(self._learn, experience, pairs)
            if self._n_outcomes > n_before and self._path is not None:
                await asyncio.to_thread(self._save)
            return self._n_outcomes - n_before

    async def _experiences(self, *, after: int) -> list[Experience]:
        return await self._views.experiences(namespace=self._namespace, after=after, limit=100)

    async def _pairs(self, experience: Experience) -> _Pairs:
        cases = await self._views.cases(experience.case_ids, namespace=self._namespace)
        case_ND = torch.from_numpy(await self._texts.rows([case.text for case in cases.values()]))
        state_D = torch.from_numpy(np.array(await self._texts.one(experience.query)))
        return _Pairs(state_D.expand_as(case_ND), case_ND, torch.full((len(cases),), experience.reward))

    def _learn(self, experience: Experience, pairs: _Pairs) -> None:
        """The online update: a few cross-entropy steps on this outcome's pairs and a replayed sample."""
        self._offset = experience.offset
        self._n_outcomes += 1
        self._n_positive += experience.reward >= POSITIVE_FROM
        self._replay = [*self._replay, pairs][-_REPLAY:]
        n_new = len(pairs.reward_N)
        if n_new == 0:
            return
        state_ND, case_ND, reward_N = (torch.cat(parts) for parts in zip(*self._replay, strict=True))
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + experience.offset)
        for _ in range(_STEPS_PER_OUTCOME):
            old_B = torch.randint(len(reward_N), (_BATCH - n_new,), generator=generator)
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

    def _fresh(self) -> QFunction:
        with torch.random.fork_rng(devices=[]):  # a host's random state is not ours to change
            torch.manual_seed(self._seed)
            return QFunction(dim=self._texts.encoder.dim)

    def _stamp(self) -> dict[str, str]:
        return {
            "encoder": self._texts.encoder.name,
            "offset": str(self._offset),
            "n_outcomes": str(self._n_outcomes),
            "n_positive": str(self._n_positive),
            "seed": str(self._seed),
        }

    def _save(self) -> None:
        """Write the snapshot beside the old one and put it in its place at once."""
        assert self._path is not None  # noqa: S101
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}.new")
        moments = {
            f"optimizer.{index}.{name}": value
            for index, state in self._optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        stamp = {"stamp": json.dumps(self._stamp())}
        save_file({**self._q.state_dict(), **moments}, fresh, metadata=stamp)
        fresh.replace(self._path)

    async def _load(self) -> None:
        """Take the snapshot, if it fits, with the replay it was learned with; else learn from the first outcome on."""
        self._is_loaded = True
        stamp = await asyncio.to_thread(self._read_snapshot)
        if stamp is None:
            return
        self._n_outcomes, self._n_positive = int(stamp["n_outcomes"]), int(stamp["n_positive"])
        self._offset = int(stamp["offset"])
        recent = await self._views.newest_experiences(namespace=self._namespace, until=self._offset, limit=_REPLAY)
        self._replay = [await self._pairs(experience) for experience in recent]

    def _read_snapshot(self) -> dict[str, str] | None:
        if self._path is None or not self._path.exists():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                stamp: dict[str, str] = json.loads(file.metadata()["stamp"])
                if stamp["encoder"] != self._texts.encoder.name or stamp["seed"] != str(self._seed):
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
            weights = {name: value for name, value in tensors.items() if not name.startswith("optimizer.")}
            self._q.load_state_dict(weights)
        except (SafetensorError, KeyError, RuntimeError, json.JSONDecodeError):
            self._q = self._fresh()  # damaged: the ledger teaches it again
            self._optimizer = torch.optim.AdamW(self._q.parameters(), lr=_LEARNING_RATE, weight_decay=1e-3)
            return None
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, moment = name.split(".")
                state.setdefault(int(index), {})[moment] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})
        return stamp
