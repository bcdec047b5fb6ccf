"""Actors without a model, as controls: replays of the best case, and random actions."""

import hashlib
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

import numpy as np

from memento.nodes.acting.actor import Actor, ActorStopped, Step
from memento.nodes.acting.environment import Observation
from memento.nodes.state import PromptCase, Run
from memento.nodes.worked import has_worked

ActorName = Literal["model", "replay", "nearest", "random"]


class ReplayActor:
    """Replays the actions of the best case word for word, valid or not; then the episode ends."""

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Return the case's next action.

        Raises:
            ActorStopped: no case worked, or all its actions are taken.
        """
        del run, now
        return _next_action(cases, len(steps))


class NearestValidActor:
    """Replays the best case, each of its actions as the valid action whose text is most like it."""

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Return the valid action nearest to the case's next one; where any text is taken, that one.

        Raises:
            ActorStopped: no case worked, or all its actions are taken.
        """
        del run
        wanted = _next_action(cases, len(steps))
        matcher = SequenceMatcher(b=wanted, autojunk=False)

        def likeness(action: str) -> float:
            matcher.set_seq1(action)
            return matcher.ratio()

        return max(now.valid, key=likeness, default=wanted)


class RandomActor:
    """Draws valid actions uniformly."""

    def __init__(self, *, seed: int) -> None:
        """Prepare.

        Args:
            seed: with it, the task and the number of steps a draw is the same in any process.
        """
        self._seed = seed

    async def act(self, *, run: Run, cases: Sequence[PromptCase], steps: Sequence[Step], now: Observation) -> str:
        """Return one of the valid actions.

        Raises:
            ActorStopped: none is named.
        """
        del cases
        if not now.valid:
            raise ActorStopped("the environment names no valid actions to draw from")
        material = f"{self._seed} {run.get('key') or run['task']} {len(steps)}"
        number = int.from_bytes(hashlib.sha256(material.encode()).digest()[:8])
        return now.valid[int(np.random.default_rng(number).integers(len(now.valid)))]


def actor_named(name: ActorName, *, seed: int) -> Actor | None:
    """Make the actor of this name; None for `model`, with which the executor's model acts."""
    if name == "replay":
        return ReplayActor()
    if name == "nearest":
        return NearestValidActor()
    return RandomActor(seed=seed) if name == "random" else None


def _next_action(cases: Sequence[PromptCase], n_steps: int) -> str:
    best = next((case for case in cases if has_worked(case) and "kind" not in case), None)
    if best is None:
        raise ActorStopped("there is no case that worked to replay")
    actions = best["action"].splitlines()
    if n_steps >= len(actions):
        raise ActorStopped("all actions of the case are taken")
    return actions[n_steps]
