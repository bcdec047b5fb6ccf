"""An environment whose program runs in a child process of its own."""

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from memento.evals.environments.port import SPLITS, EnvironmentSpec, EpisodeTask
from memento.evals.environments.process import ProgramProcess
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import EnvironmentFailed, Observation

LIMIT_S: Final = 60.0
"""For one reset or step. ScienceWorld's slowest resets take seconds, on a busy machine half a minute."""

_START_LIMIT_S: Final = 60.0
_DESCRIPTION_TIMES: Final = 4
"""A description may take so many times as long: ScienceWorld looks for walkthroughs of up to 180 actions."""


class RemoteEnvironment:
    """Plays the tasks of a program's environments, one episode at a time; for one event loop."""

    def __init__(
        self, program: str, specs: Callable[[], Mapping[str, EnvironmentSpec]], *, limit_s: float = LIMIT_S
    ) -> None:
        """Prepare; starts nothing.

        Args:
            program: what runs in the child process.
            specs: the environments that it plays, by name.
            limit_s: for each reset and step; the child is then killed. A description may take four times as long.
        """
        self._process = ProgramProcess(program, start_limit_s=_START_LIMIT_S)
        self._specs = specs
        self._limit_s = limit_s
        self._key = ""

    @property
    def pid(self) -> int | None:
        """Of the child process, None when none runs."""
        return self._process.pid

    async def reset(self, key: str) -> Observation:
        """Begin the episode of a task; starts the program if it does not run."""
        self._key = ""
        request = {"reset": key, "max_steps": self._spec(key).max_steps}
        answer = await self._asked(request, limit_s=self._limit_s)
        self._key = key
        return _observation(answer)

    async def step(self, action: str) -> Observation:
        """Take one action."""
        if not self._key:
            raise InvalidInput("no episode has begun; call reset with the key of a task")
        try:
            request = {"step": action}
            return _observation(await self._process.ask(request, limit_s=self._limit_s, may_start=False))
        except EnvironmentFailed as failure:
            raise EnvironmentFailed(f"{failure} (task {self._key})") from failure

    async def describe(self, key: str) -> EpisodeTask:
        """Describe a task; an episode that is being played ends."""
        self._key = ""
        request = {"describe": key, "max_steps": self._spec(key).max_steps}
        answer = await self._asked(request, limit_s=_DESCRIPTION_TIMES * self._limit_s)
        text = f"{answer['description']}\n\n{_observation(answer).text}"
        return EpisodeTask(key, text, tuple(answer["walkthrough"]))

    async def close(self) -> None:
        """End the child process."""
        self._key = ""
        await self._process.end()

    async def _asked(self, request: dict[str, Any], *, limit_s: float) -> dict[str, Any]:
        if self._process.pid is None:
            any_of_it = next(iter(self._specs().values()))
            if missing := await asyncio.to_thread(any_of_it.missing):
                raise EnvironmentFailed(missing)
        return await self._process.ask(request, limit_s=limit_s, may_start=True)

    def _spec(self, key: str) -> EnvironmentSpec:
        name = key.partition("/")[0]
        if key not in self._tasks:
            known = self._specs().get(name)
            example = f"such as {known.keys('train')[0]!r}" if known else f"of {', '.join(self._specs())}"
            raise InvalidInput(f"there is no task {key!r}; give the key of a task {example}")
        return self._specs()[name]

    @cached_property
    def _tasks(self) -> frozenset[str]:
        return frozenset(key for spec in self._specs().values() for split in SPLITS for key in spec.keys(split))


def _observation(answer: Mapping[str, Any]) -> Observation:
    return Observation(
        text=answer["text"],
        valid=tuple(answer["valid"]),
        score=answer["score"],
        is_over=answer["is_over"],
        is_won=answer["is_won"],
    )
