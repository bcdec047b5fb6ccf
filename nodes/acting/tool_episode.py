"""An episode that an agent plays by tools: `act` takes an action, `observe` shows the current situation again.

One agent serves all runs, so the tools know no episode: it comes with the call, in the agent's configurable.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

from memento.memory.errors import InvalidInput
from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Environment, EnvironmentFailed, Observation
from memento.nodes.acting.episode_prompt import step_text
from memento.nodes.acting.guarded_environment import GuardedEnvironment
from memento.nodes.acting.offered_actions import OfferedActions
from memento.nodes.acting.step_loop import ACT, PlayedEpisode
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.errors import brief_reason
from memento.nodes.state import Run
from memento.tools.errors import ToolInputError, ToolUnavailable

OBSERVE: Final = "observe"
EPISODE: Final = "__memento_episode"
"""Key of the agent's configurable. Keys with two underscores stay out of checkpoints and traces."""

_LONGEST_ACTION: Final = 2_000


class ToolEpisode:
    """One episode, as the tools of one subtask's agent see it."""

    def __init__(self, environment: Environment, *, run: Run, settings: RunSettings, work: Work) -> None:
        """Prepare; `begin` resets the environment.

        Args:
            environment: of this run alone.
            run: `run["key"]` names the episode, else its task.
            settings: of the run.
            work: takes secrets out of texts, and bounds what is shown.
        """
        self._world = GuardedEnvironment(environment, work.redact, settings.max_tool_seconds)
        self._key = run.get("key") or run["task"]
        self._settings = settings
        self._work = work
        self._first: Observation | None = None
        self._steps: list[Step] = []
        self._calls: list[str] = []
        """Ids of the calls that took the steps."""
        self._failure = ""
        self._stepping: asyncio.Future[Any] | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps by the ids of their calls, oldest first."""
        return dict(zip(self._calls, self._steps, strict=True))

    async def begin(self) -> Observation:
        """Reset the environment, and return what it shows with the actions that are offered.

        Raises:
            EnvironmentFailed: it crashed or hung.
            InvalidInput: the environment has no such task.
        """
        self._actions = OfferedActions(has_repeats=self._settings.repeat_actions)
        self._steps, self._calls = [], []
        self._first = await self._world.reset(self._key)
        return self._actions.offered(self._first)

    async def observe(self, messages: Sequence[BaseMessage]) -> str:
        """Return the current situation in words.

        Raises:
            ToolInputError: the environment has failed.
        """
        await self._catch_up(messages)
        if self._failure:
            raise ToolInputError(self._over())
        return self._told(self._now, has_score=True)

    async def act(self, action: str, call_id: str, messages: Sequence[BaseMessage]) -> str:
        """Take an action, and return what it led to.

        Args:
            action: a valid one, or any text: the environment answers it.
            call_id: of the tool call.
            messages: of the agent so far.

        Raises:
            ToolInputError: the episode has ended, or the environment failed: nothing was done.
        """
        await self._catch_up(messages)
        if why := self._over():
            raise ToolInputError(why)
        before = self._now
        # A step is finished even where its call is out of time: what it leads to is part of the episode.
        self._stepping = asyncio.ensure_future(self._taken(action, call_id))
        await asyncio.shield(self._stepping)
        if self._failure:
            raise ToolInputError(self._over())
        return self._told(self._now, has_score=self._now.score != before.score)

    async def played(self, messages: Sequence[BaseMessage], ended_by: str) -> PlayedEpisode:
        """Return the episode once its agent has ended.

        Args:
            messages: of the agent.
            ended_by: what ended the agent early; empty where it ended by itself.
        """
        await self._catch_up(messages)
        if self._failure:
            return PlayedEpisode(self._first, self._steps, "environment", self._failure)
        if self._now.is_over or self._now.is_won:
            return PlayedEpisode(self._first, self._steps)
        has_steps = len(self._steps) < self._settings.max_steps
        return PlayedEpisode(self._first, self._steps, (ended_by or "actor") if has_steps else "max_steps")

    async def close(self) -> None:
        """Stop a step that is still being taken; the environment is then given back."""
        if self._stepping is not None and not self._stepping.done():
            self._stepping.cancel()
            await asyncio.wait({self._stepping})

    @property
    def _now(self) -> Observation:
        assert self._first is not None  # noqa: S101  it has begun
        return self._steps[-1].observation if self._steps else self._first

    async def _taken(self, action: str, call_id: str) -> None:
        before = self._now
        self._actions.take(before, action)
        try:
            seen = await self._world.step(action)
        except (EnvironmentFailed, InvalidInput) as error:
            self._failure = brief_reason(error, self._work.redact)
            return
        self._steps.append(Step(action, seen))
        self._calls.append(call_id)

    async def _catch_up(self, messages: Sequence[BaseMessage]) -> None:
        """Bring the environment to where the agent's messages say it is: a resumed run has a new one.

        The same key gives the same episode, so that its actions are taken again from the reset.
        """
        if self._stepping is not None:
            await asyncio.wait({self._stepping})
        taken = {*self._calls, *_answered(messages)}
        done = [call for call in _acts(messages) if call["id"] in taken]
        if self._failure or [call["id"] for call in done] == self._calls:
            return
        try:
            await self.begin()
        except (EnvironmentFailed, InvalidInput) as error:
            self._failure = brief_reason(error, self._work.redact)
        for call in done:
            if not self._failure:
                await self._taken(str(call["args"].get("action", "")).strip(), call["id"] or "")

    def _over(self) -> str:
        """Say why no further action can be taken; empty when one can."""
        if self._failure:
            return f"the environment failed, and nothing more can be done in it: {self._failure}"
        if self._now.is_over or self._now.is_won:
            return "the episode is over, and no further action can be taken; say how it ended"
        if len(self._steps) >= self._settings.max_steps:
            return f"the limit of {self._settings.max_steps} steps is reached (max_steps); say how far you came"
        return ""

    def _told(self, now: Observation, *, has_score: bool) -> str:
        return step_text(
            self._actions.offered(now),
            n_steps=len(self._steps),
            max_steps=self._settings.max_steps,
            has_score=has_score,
            max_chars=self._work.max_result_chars,
        )


class ActArguments(BaseModel):
    """Arguments of `act`."""

    model_config = ConfigDict(str_strip_whitespace=True, coerce_numbers_to_str=True)

    action: str = Field(
        min_length=1,
        max_length=_LONGEST_ACTION,
        description="The action, word for word as it stands among those that can be taken now.",
    )


@cache
def episode_tools() -> tuple[BaseTool, ...]:
    """Return the tools `act` and `observe`; always the same ones, by which agents are cached."""

    async def act(action: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Take one action in the environment.

        Returns what you see then, the actions that can be taken, and the score where it changed.
        """
        return await _episode(runtime).act(action, runtime.tool_call_id or "", runtime.state["messages"])

    async def observe(runtime: ToolRuntime[Any, Any]) -> str:
        """Look again, which takes no step: what you see, the actions that can be taken, the score."""
        return await _episode(runtime).observe(runtime.state["messages"])

    # A tool of which the schema is given, and has no fields, is given no runtime either.
    return (
        StructuredTool.from_function(coroutine=act, description=_words(act), args_schema=ActArguments),
        StructuredTool.from_function(coroutine=observe, description=_words(observe)),
    )


def _words(function: Callable[..., Any]) -> str:
    return " ".join((function.__doc__ or "").split())


def _episode(runtime: ToolRuntime[Any, Any]) -> ToolEpisode:
    episode = runtime.config.get("configurable", {}).get(EPISODE)
    if not isinstance(episode, ToolEpisode):
        raise ToolUnavailable("this run has no environment to act in")
    return episode


def _acts(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    calls = (call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls)
    return [call for call in calls if call["name"] == ACT]


def _answered(messages: Sequence[BaseMessage]) -> Iterator[str]:
    """Return the ids of the calls that worked."""
    told = (message for message in messages if isinstance(message, ToolMessage))
    return (message.tool_call_id for message in told if message.status != "error")
