"""One subtask as an episode: borrows the environment, and lets the actor play in it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from memento.memory.errors import InvalidInput
from memento.nodes.acting.actor import Actor
from memento.nodes.acting.environment import Environment, EnvironmentFailed, EnvironmentSource
from memento.nodes.acting.episode_result import episode_result
from memento.nodes.acting.model_actor import ModelActor
from memento.nodes.acting.step_cases import StepCases
from memento.nodes.acting.step_loop import PlayedEpisode, play
from memento.nodes.agent.budgets import BudgetLimits, Meter, subtask_limits
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.long_results import KEPT_CHARS
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.costs import usage_of_reply
from memento.nodes.errors import ModelUnavailable, brief_reason
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.prompt_budgets import RESULT_TOKENS
from memento.nodes.redaction import Redact
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import PromptCase, SubtaskInput
from memento.nodes.structured import StructuredCaller
from memento.nodes.subtask_result import SubtaskDone

_WHOLE: Final = 1_000_000_000
"""Calls that no budget of an episode ends: its steps are counted instead."""


def episode_limits(settings: RunSettings, *, has_tools: bool) -> BudgetLimits:
    """Return the limits of one episode: tokens, money and time of a subtask; calls are bounded by the steps.

    Args:
        settings: of the run.
        has_tools: whether an agent plays it by tools: its steps are then allowed beside the calls of a subtask.
    """
    limits = subtask_limits(settings)
    if not has_tools:
        return limits._replace(model_calls=_WHOLE, tool_calls=_WHOLE)
    n_steps = settings.max_steps
    return limits._replace(model_calls=limits.model_calls + n_steps, tool_calls=limits.tool_calls + n_steps)


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Lends the environment of a run, and plays its episodes step by step."""

    environment: EnvironmentSource
    actor: Actor | None
    """None: the executor's model."""
    models: ModelSource
    caller: StructuredCaller
    price: Price | None = None
    step_cases: StepCases | None = None
    """Reads cases of steps where a run wants them; without it nobody does."""

    def has_tools(self, settings: RunSettings) -> bool:
        """Whether the executor's agent plays the episodes of a run by tools; an actor of the host never does."""
        return self.actor is None and settings.acting == "tools"

    async def carry_out(
        self,
        state: SubtaskInput,
        *,
        own: Meter,
        run: Meter,
        redact: Redact,
        report: Callable[[str, dict[str, Any]], None],
        subtask_cases: Sequence[PromptCase] = (),
    ) -> SubtaskDone:
        """Play the episode of a subtask.

        A failing environment leaves the score unknown, and never fails the run.

        Args:
            state: of the executor.
            own: budgets of the subtask.
            run: budgets of the run.
            redact: takes secrets out of what the environment says.
            report: is told of every action.
            subtask_cases: of the subtask's own reading, best first; they stand nearer to the task than the run's.

        Raises:
            InvalidInput: the environment has no such task.
            ModelError: the actor's model cannot be asked; a resumed run plays from the reset again.
        """
        began_at, settings = time.time(), RunSettings.model_validate(state["run"]["settings"])
        work = Work(
            subtask=own,
            run=run,
            usage_of=lambda reply: usage_of_reply(reply, None, self.price),
            usage_of_other=lambda reply: usage_of_reply(reply, None, self.price),
            redact=redact,
            report=report,
            max_tool_seconds=settings.max_tool_seconds,
            max_seconds=min(settings.max_seconds, settings.run_max_seconds),
            max_result_chars=KEPT_CHARS,
            max_result_tokens=RESULT_TOKENS,
        )
        cases = [*subtask_cases, *(state.get("cases") or [])]
        episode, shown, models, reading = PlayedEpisode(), list[PromptCase](), {}, None
        try:
            actor = self.actor or await self._model_actor(state, work)
            reading = self.step_cases.before(actor, state, work) if self.step_cases else None
            playing = partial(play, actor=reading or actor, run=state["run"], cases=cases, settings=settings, work=work)
            episode = await self.played(state, work, playing)
            shown = actor.shown if isinstance(actor, ModelActor) else cases
            models = {"executor": actor.name} if isinstance(actor, ModelActor) else {}
        except DeadlinePassed:
            episode = PlayedEpisode(ended_by=work.seconds_ended_by())
        result = episode_result(state, episode, shown, work, began_at)
        if reading is not None and (taken := reading.taken(episode.first, episode.steps)):
            result["steps"] = taken
        return SubtaskDone(result, {"usage": work.usage, **({"models": models} if models else {})})

    async def _model_actor(self, state: SubtaskInput, work: Work) -> ModelActor:
        named = state["run"]["settings"].get("executor")
        try:
            model = await within(work.seconds_left(), self.models.get("executor", named))
        except Abandoned:
            raise ModelUnavailable("creating the executor's model was cancelled from within") from None
        return ModelActor(model=model, caller=self.caller, work=work, subtask=state["subtask"], price=self.price)

    async def played(
        self, state: SubtaskInput, work: Work, playing: Callable[[Environment], Awaitable[PlayedEpisode]]
    ) -> PlayedEpisode:
        """Borrow the environment of a run, and play in it.

        Args:
            state: of the subtask.
            work: budgets and notices.
            playing: plays the episode.

        Raises:
            DeadlinePassed: no environment was free in time.
            InvalidInput: the environment has no such task.
        """
        episode = PlayedEpisode()
        try:
            # The stack gives the environment back whatever ends the episode, cancellation too.
            async with AsyncExitStack() as stack:
                environment = await self._borrowed(stack, state, work)
                episode = await playing(environment)
        except EnvironmentFailed as error:
            if episode.first is None:
                return PlayedEpisode(ended_by="environment", detail=brief_reason(error, work.redact))
            work.notice(f"the environment could not be given back: {brief_reason(error, work.redact)}")
        except Exception as error:
            if episode.first is None or is_control_flow(error):
                raise
            work.notice(f"the environment could not be given back: {told(error, work.redact)}")
        return episode

    async def _borrowed(self, stack: AsyncExitStack, state: SubtaskInput, work: Work) -> Environment:
        """Enter the source's context in this task, as it will be left in it."""
        timer = asyncio.timeout(max(0.0, work.seconds_left()))
        try:
            async with timer:
                return await stack.enter_async_context(self.environment(state["run"]))
        except (EnvironmentFailed, InvalidInput):
            raise
        except Exception as error:  # the host's code, which may raise anything
            if is_control_flow(error):
                raise
            if timer.expired():
                raise DeadlinePassed from None
            raise EnvironmentFailed(told(error, work.redact)) from error
