"""Port of environments: a world that is reset to a task, takes one action at a time and gives a score."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from memento.nodes.state import Run


class EnvironmentFailed(Exception):
    """The environment crashed, hung or cannot be started: nothing is known of what the episode is worth."""


class Observation(NamedTuple):
    """What an environment shows after a reset or a step."""

    text: str
    """What is seen, without the task's description."""
    valid: tuple[str, ...] = ()
    """Actions that can be taken now, in the environment's own order, which may change from one step to the next; empty
    where any text is taken."""
    score: float = 0.0
    """Share of the task that is done so far, in [0, 1]."""
    is_over: bool = False
    """Whether the episode has ended: won, lost, or the environment's own limit of steps."""
    is_won: bool = False

    @property
    def situation(self) -> tuple[str, frozenset[str]]:
        """What tells it from other situations of an episode: the text and the valid actions, in whatever order."""
        return self.text, frozenset(self.valid)


class Environment(Protocol):
    """One episode at a time. The same key gives the same episode, in this process and in any other."""

    async def reset(self, key: str) -> Observation:
        """Begin the episode of a task.

        Args:
            key: of the task, such as "cookingworld/test/17".

        Raises:
            EnvironmentFailed: it crashed or hung; the next `reset` starts it afresh.
            InvalidInput: there is no such task.
        """
        ...

    async def step(self, action: str) -> Observation:
        """Take one action.

        An action that is not valid is answered as the environment answers it, and never an error.

        Raises:
            EnvironmentFailed: it crashed or hung.
        """
        ...


EnvironmentSource = Callable[[Run], AbstractAsyncContextManager[Environment]]
"""Gives an environment to one run, which has it alone until the context manager ends."""
