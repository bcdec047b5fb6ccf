"""What a program plays in its child process; imports nothing of the rest of the project."""

from typing import NamedTuple, Protocol


class Seen(NamedTuple):
    """What is seen after a reset or a step; the fields of an `Observation`."""

    text: str
    valid: list[str]
    score: float
    is_over: bool
    is_won: bool


class World(Protocol):
    """A program that plays one episode at a time."""

    def reset(self, key: str, max_steps: int) -> Seen:
        """Begin the episode of a task, which is over after so many steps."""
        ...

    def step(self, action: str) -> Seen:
        """Take one action."""
        ...

    def description(self) -> str:
        """What the task of the episode is."""
        ...

    def walkthrough(self, key: str) -> list[str]:
        """Actions that win a task; ends the episode that is being played, and the next request is a reset."""
        ...
