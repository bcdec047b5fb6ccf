"""What an environment of evaluations offers: tasks by split, each with its text and a walkthrough."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from memento.nodes.acting.environment import Environment

TaskSplit = Literal["train", "dev", "test"]
SPLITS: Final[tuple[TaskSplit, ...]] = ("train", "dev", "test")


class EpisodeTask(NamedTuple):
    """A task of an environment, as it is put to an agent."""

    key: str
    """Such as "cookingworld/test/20017"; its first part is the environment's name."""
    text: str
    """The task's description, an empty line, and the first observation."""
    walkthrough: tuple[str, ...]
    """Actions that win, always the same; empty where it gives none that fits into `max_steps`."""


class OpenEnvironment(Environment, Protocol):
    """An environment with its tasks described."""

    async def describe(self, key: str) -> EpisodeTask:
        """Describe a task; an episode that is being played ends.

        Raises:
            EnvironmentFailed: it crashed, hung or cannot be started.
            InvalidInput: there is no such task.
        """
        ...

    async def close(self) -> None:
        """End what it runs in. A later `reset` starts it again."""
        ...


def _nothing_missing() -> str | None:
    return None


@dataclass(frozen=True, kw_only=True)
class EnvironmentSpec:
    """An environment that can be started by name."""

    name: str
    """The first part of its keys."""
    description: str
    """What is played, and what is not offered."""
    max_steps: int
    """After so many steps an episode is over."""
    keys: Callable[[TaskSplit], list[str]]
    """The tasks of a split, always in the same order; starts nothing."""
    start: Callable[[], OpenEnvironment]
    """Makes an environment; what it runs in is started by its first `reset` or `describe`."""
    missing: Callable[[], str | None] = _nothing_missing
    """Says what has to be installed before it can be started, and by which command; None when nothing has."""
    program: str = ""
    """Environments of one program play each other's tasks, so that one process serves them all; "" is a program of
    its own."""
