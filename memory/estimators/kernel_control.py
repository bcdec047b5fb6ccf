"""The paper's Algorithm 1: kernel-based episodic control with soft Q-learning (Eq. 7 to 11).

Where it differs, and why:
- Eq. 9 is 0/0 for a case that was never served, so it has a prior Q0 of weight k0: the mean reward so far, corrected by
  how much nearer than usual the case is, for nothing else is known of it.
- The target is r + gamma * alpha * log sum exp(Q / alpha); the paper prints Eq. 8 and 10 without the 1 / alpha.
- The sum over c' in M' runs over the cases that the run's next cycle was served: no others were near its state. A next
  cycle that was served none is worth its own return.
- A run has one reward, known at its end. Its last cycle is the terminal step, with target r; an earlier one is not, and
  its target is 0 + gamma * V(s') as soon as the outcome of the cycle that follows it is known.
- A read serves a set of K cases, not one: each of them gets an entry with the event's outcome.
- The paper stores a Q_t without saying which. Here it is the step's target, by the target kernel: the return for a
  terminal step; refreshed for others when the outcome after them changes, and whenever the step is replayed.
- An outcome counts in Eq. 9 and 10 for as much as its evaluator is believed; the paper's are all certain.
- Eq. 10 is measured without the entries of the same question: otherwise each entry explains itself best under a kernel
  that is 0 everywhere else.
"""

import copy
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memento.memory.estimators.cross_entropy import MIN_OUTCOMES
from memento.memory.estimators.episodes import Episode, Episodes, question_number
from memento.memory.estimators.kernel import Evidence, LearnedKernel, episodic_values, kernel_settings, soft_value
from memento.memory.estimators.port import (
    CaseRows,
    CaseView,
    Estimates,
    EstimatorName,
    Example,
    SharedOutcomes,
)
from memento.memory.estimators.settings import EstimatorSettings

_NEWEST = 64
"""Entries of D_c that a value rests on."""

_NEWEST_IN_STEP = 16
"""Entries of D_c that a gradient rests on: it is paid for with every outcome."""

_BATCH = 8
_THETA = "theta."
_TARGET = "target."


class _Asked(NamedTuple):
    """One query: a task and the cases whose Q to compute."""

    state_D: NDArray[np.float32]
    ids: Sequence[str]
    similarities: Sequence[float]
    without: str | None = None
    """Question whose episodes are excluded."""


class KernelControl(SharedOutcomes):
    """Q_EC(s, c; theta) over the episodes of a namespace."""

    name: EstimatorName = "kernel"
    views: tuple[CaseView, ...] = ()
    replays = 0
    """The store is part of the snapshot."""

    def __init__(self, *, dim: int, seed: int = 0, settings: EstimatorSettings | None = None) -> None:
        """Start with nothing remembered; makes tensors.

        Args:
            dim: dimension D of the encoder's vectors.
            seed: of every batch.
            settings: those of `KernelSettings`; what is left out is built in.

        Raises:
            InvalidInput: a setting that it does not have, or a value beyond its range.
        """
        self._set = kernel_settings(settings)
        self._seed = seed
        self.kernel = LearnedKernel(dim=dim, precision=self._set.precision)
        self.target = copy.deepcopy(self.kernel)
        self.episodes = Episodes(dim=dim, capacity=int(self._set.capacity))
        self._n_steps = 0

    @staticmethod
    def settings_space() -> list[dict[str, float]]:
        """Alternative settings: wider and narrower kernels, a stronger prior."""
        return [{"precision": 1.0}, {"precision": 6.0}, {"prior_weight": 2.0}, {"precision": 6.0, "prior_weight": 2.0}]

    def learn(self, example: Example) -> None:
        """Remember the outcome, then one step of Eq. 10 on it and a few replayed ones."""
        before = self.episodes.get(example.event_id)
        episode = self.episodes.keep(example)
        self._refresh(episode)
        said = None if before is None else (before.reward, before.confidence)
        if not episode.ids or said == (episode.reward, episode.confidence):
            return  # nothing was served, or somebody else says the same again: no credit twice
        rng = np.random.default_rng((self._seed, example.offset))
        self._step([*self.episodes.draw(_BATCH - 1, rng), episode])
        self._n_steps += 1
        if self._n_steps % int(self._set.target_period) == 0:
            self.target.move_towards(self.kernel, keep=self._set.target_keep)

    def withdraw(self, event_id: str) -> bool:
        """Remove this event; the planning cycle before it becomes its run's last again."""
        episode = self.episodes.forget(event_id)
        if episode is not None:
            self._refresh(self.episodes.get(episode.follows))
        return episode is not None

    def estimate(self, state_D: NDArray[np.float32], cases: CaseRows) -> Estimates | None:
        """Q_EC(s, c); None while evidence is thin."""
        n_served, n_positive = self.episodes.n_served, self.episodes.n_positive
        if n_served < MIN_OUTCOMES or not 0 < n_positive < n_served:
            return None
        exposures_C = np.array([self.episodes.exposures(case_id) for case_id in cases.ids], np.int64)
        return Estimates(self._read(state_D, cases), None, exposures_C)

    def predict(self, example: Example) -> float:
        """The mean of the served cases' Q_EC; the mean reward so far when nothing was served."""
        if not len(example.cases):
            return self.episodes.mean_reward
        return float(np.clip(self._read(example.state_D, example.cases).mean(), 0, 1))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Copies of both kernels and of the episodes, for a snapshot."""
        kernels = {_THETA: self.kernel, _TARGET: self.target}
        tensors = {
            f"{of}{name}": value.numpy().copy()
            for of, one in kernels.items()
            for name, value in one.state_dict().items()
        }
        return tensors | self.episodes.tensors()

    def stamp(self) -> dict[str, Any]:
        """Seed, settings, number of steps, and what was served."""
        return {"seed": self._seed, "settings": self._set._asdict(), "steps": self._n_steps, **self.episodes.stamp()}

    def restore(self, tensors: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any], replay: list[Example]) -> None:
        """Restore from a snapshot.

        Raises:
            KeyError, ValueError, RuntimeError: it is of another seed, other settings or another shape.
        """
        del replay
        if stamp["seed"] != self._seed or stamp["settings"] != self._set._asdict():
            raise ValueError("another seed or other settings")
        for of, kernel in ((_THETA, self.kernel), (_TARGET, self.target)):
            own = {name.removeprefix(of): torch.tensor(tensors[name]) for name in tensors if name.startswith(of)}
            kernel.load_state_dict(own)
        self.episodes.restore(tensors, stamp)
        self._n_steps = stamp["steps"]

    def _step(self, batch: Sequence[Episode]) -> None:
        """Theta <- theta - eta * gradient of Eq. 10 (Eq. 11), over every case that the batch's episodes served."""
        target_B = self._refreshed(batch)
        pairs_of_B = torch.tensor([len(episode.ids) for episode in batch])
        asked = [self._asked(episode, without=episode.question) for episode in batch]
        q_P = self._q(self.kernel, asked, newest=_NEWEST_IN_STEP)
        confidence_B = torch.tensor([episode.confidence for episode in batch])
        error_P = (q_P - target_B.repeat_interleave(pairs_of_B)).square()
        loss = (confidence_B.repeat_interleave(pairs_of_B) * error_P).mean()
        parameters = list(self.kernel.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(self._set.learning_rate * gradient)

    def _refresh(self, episode: Episode | None) -> None:
        """Store an episode's Q_t, then those of the cycles before it, whose next state it is."""
        while episode is not None:
            self._refreshed([episode])
            episode = self.episodes.get(episode.follows)

    def _refreshed(self, episodes: Sequence[Episode]) -> Tensor:
        """Targets of Eq. 8 by the target kernel, shape (B,); they are stored as the episodes' Q_t."""
        target_B = torch.tensor([episode.reward for episode in episodes])
        following = [self.episodes.follower(episode.event_id) for episode in episodes]
        asked = [self._asked(one) for one in following if one is not None and one.ids]
        with torch.no_grad():
            q_P = self._q(self.target, asked) if asked else torch.empty(0)
        values = iter(torch.split(q_P, [len(one.ids) for one in asked]))
        for place, one in enumerate(following):
            if one is not None:
                value = soft_value(next(values), alpha=self._set.alpha) if one.ids else self.episodes.value_E[one.row]
                target_B[place] = self._set.gamma * float(value)
        self.episodes.value_E[[episode.row for episode in episodes]] = target_B.numpy()
        return target_B

    def _asked(self, episode: Episode, *, without: str | None = None) -> _Asked:
        return _Asked(self.episodes.state_ED[episode.row], episode.ids, episode.similarities, without)

    def _read(self, state_D: NDArray[np.float32], cases: CaseRows) -> NDArray[np.float32]:
        with torch.inference_mode():
            q_C: NDArray[np.float32] = self._q(
                self.kernel, [_Asked(state_D, cases.ids, cases.similarity_N.tolist())]
            ).numpy()
        return q_C

    def _q(self, kernel: LearnedKernel, asked: Sequence[_Asked], *, newest: int = _NEWEST) -> Tensor:
        """Q_EC of all asked cases, one after the other, shape (P,)."""
        task_P = np.repeat(np.arange(len(asked)), [len(one.ids) for one in asked])
        found_P = [self.episodes.rows_of(case_id, newest=newest) for one in asked for case_id in one.ids]
        pair_N = np.repeat(np.arange(len(found_P)), [len(found) for found in found_P])
        row_N = np.fromiter(chain.from_iterable(found_P), np.int64, len(pair_N))
        without_B = np.array([0 if one.without is None else question_number(one.without) for one in asked])
        is_heeded_N = self.episodes.question_E[row_N] != without_B[task_P[pair_N]]
        # A remembered task is looked at once, however many cases it served.
        row_R, place_N = np.unique(row_N[is_heeded_N], return_inverse=True)
        evidence = Evidence(
            state_RD=torch.from_numpy(self.episodes.state_ED[row_R]),
            row_N=torch.from_numpy(place_N),
            pair_N=torch.from_numpy(pair_N[is_heeded_N]),
            value_N=torch.from_numpy(self.episodes.value_E[row_R][place_N]),
            confidence_N=torch.from_numpy(self.episodes.confidence_E[row_R][place_N]),
        )
        cosine_P = torch.tensor([cosine for one in asked for cosine in one.similarities])
        prior_P = self.episodes.mean_reward + self._set.cosine_weight * (cosine_P - self.episodes.mean_cosine)
        return episodic_values(
            kernel,
            torch.from_numpy(np.array([one.state_D for one in asked])),
            torch.from_numpy(task_P),
            prior_P.clamp(0, 1),
            evidence,
            prior_weight=self._set.prior_weight,
        )
