"""A small deterministic world for tests of acting: three rooms, a key, a locked door; made after the port."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import EnvironmentFailed, Observation
from memento.nodes.state import Run

WALKTHROUGH = ("go east", "take key", "go west", "unlock door", "go north")
TASK = "Leave the house. You are in the hall."


class HouseWorld:
    """The key lies in the kitchen, the locked door to the garden is in the hall; taking the key is half of the task."""

    def __init__(
        self,
        *,
        fails_at: int | None = None,
        error: Exception | None = None,
        hangs: bool = False,
        scores: float | None = None,
    ) -> None:
        self.resets: list[str] = []
        self.n_steps = 0
        self.n_released = 0
        self.is_hanging = asyncio.Event()
        self._fails_at = fails_at
        self._error = error or EnvironmentFailed("the simulator crashed")
        self._hangs = hangs
        self._scores = scores

    async def reset(self, key: str) -> Observation:
        if key == "nowhere":
            raise InvalidInput("there is no task 'nowhere'")
        self.resets.append(key)
        self._room, self._has_key, self._is_open = "hall", False, False
        return self._seen("You are in the hall.")

    async def step(self, action: str) -> Observation:
        self.n_steps += 1
        if self._fails_at == self.n_steps:
            if self._hangs:
                self.is_hanging.set()
                await asyncio.Event().wait()
            raise self._error
        match (self._room, action):
            case ("hall", "go east"):
                self._room = "kitchen"
            case ("kitchen", "go west"):
                self._room = "hall"
            case ("kitchen", "take key") if not self._has_key:
                self._has_key = True
                return self._seen("You take the key.")
            case ("hall", "unlock door") if self._has_key:
                self._is_open = True
                return self._seen("The door is open.")
            case ("hall", "go north") if self._is_open:
                self._room = "garden"
            case (room, "wait"):
                return self._seen(f"You are in the {room}.")
            case _:
                return self._seen("Nothing happens.")
        return self._seen(f"You are in the {self._room}.")

    def _seen(self, text: str) -> Observation:
        valid = {
            "hall": ["go east", "wait", *(["unlock door"] if self._has_key and not self._is_open else [])],
            "kitchen": ["go west", "wait", *([] if self._has_key else ["take key"])],
            "garden": [],
        }[self._room]
        valid += ["go north"] if self._room == "hall" and self._is_open else []
        is_won = self._room == "garden"
        score = self._scores or (1.0 if is_won else 0.5 if self._has_key else 0.0)
        return Observation(text, tuple(valid), score, is_over=is_won, is_won=is_won)

    @asynccontextmanager
    async def lent(self, _run: Run) -> AsyncIterator["HouseWorld"]:
        """As an `EnvironmentSource`."""
        try:
            yield self
        finally:
            self.n_released += 1


class Walker:
    """An actor that takes given actions, one after the other."""

    def __init__(self, actions: Sequence[str] = WALKTHROUGH) -> None:
        self.actions = actions
        self.seen: list[dict[str, Any]] = []

    async def act(self, **given: Any) -> str:
        self.seen.append(given | {"steps": list(given["steps"])})
        return self.actions[len(given["steps"])]
