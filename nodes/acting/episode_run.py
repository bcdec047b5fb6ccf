"""One subtask as an episode: borrows the environment, lets the actor play it, and writes the result down."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.nodes.acting.actor import Actor
from memento.nodes.acting.environment import Environment, EnvironmentFailed, EnvironmentSource
from memento.nodes.acting.model_actor import ModelActor
from memento.nodes.acting.step_loop import ACT, PlayedEpisode, play
from memento.nodes.acting.trajectory import kept_actions
from memento.nodes.agent.budgets import BudgetLimits, Meter, subtask_limits
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.long_results import KEPT_CHARS
from memento.nodes.agent.notes import WHY_ENDED
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.costs import usage_of_reply
from memento.nodes.errors import ModelUnavailable, brief_reason
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.prompt_budgets import RESULT_TOKENS
from memento.nodes.redaction import Redact
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import PromptCase, SubtaskInput, SubtaskResult, ToolCall
from memento.nodes.structured import StructuredCaller

_WHOLE: Final = 1_000_000_000
"""Calls that no budget of an episode ends: its steps are counted instead."""


def episode_limits(settings: RunSettings) -> BudgetLimits:
    """Return the limits of one episode: tokens, money and time of a subtask; calls are bounded by the steps."""
    return subtask_limits(settings)._replace(model_calls=_WHOLE, tool_calls=_WHOLE)


class EpisodeDone(NamedTuple):
    """An episode's result, and the rest of the state's update."""

    result: SubtaskResult
    update: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Plays episodes instead of the agent with tools."""

    environment: EnvironmentSource
    actor: Actor | None
    """None: the executor's model."""
    models: ModelSource
    caller: StructuredCaller
    price: Price | None = None

    async def carry_out(
        self,
        state: SubtaskInput,
        *,
        own: Meter,
        run: Meter,
        redact: Redact,
        report: Callable[[str, dict[str, Any]], None],
        subtask_cases: Sequence[PromptCase] = (),
    ) -> EpisodeDone:
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
        episode, shown, models = PlayedEpisode(), list[PromptCase](), {}
        try:
            actor = self.actor or await self._model_actor(state, work)
            episode = await self._played(state, actor, cases, settings, work)
            shown = actor.shown if isinstance(actor, ModelActor) else cases
            models = {"executor": actor.name} if isinstance(actor, ModelActor) else {}
        except DeadlinePassed:
            episode = PlayedEpisode(ended_by=work.seconds_ended_by())
        if episode.ended_by == "environment":
            work.notice(f"the environment failed, so the reward is not known: {episode.detail}")
        result = _result(state, episode, began_at)
        if shown and episode.first is not None:
            result["case_ids"] = [case["id"] for case in shown]
        if work.notices:
            result["notices"] = work.notices
        return EpisodeDone(result, {"usage": work.usage, **({"models": models} if models else {})})

    async def _model_actor(self, state: SubtaskInput, work: Work) -> ModelActor:
        named = state["run"]["settings"].get("executor")
        try:
            model = await within(work.seconds_left(), self.models.get("executor", named))
        except Abandoned:
            raise ModelUnavailable("creating the executor's model was cancelled from within") from None
        return ModelActor(model=model, caller=self.caller, work=work, subtask=state["subtask"], price=self.price)

    async def _played(
        self, state: SubtaskInput, actor: Actor, cases: list[PromptCase], settings: RunSettings, work: Work
    ) -> PlayedEpisode:
        episode = PlayedEpisode()
        try:
            # The stack gives the environment back whatever ends the episode, cancellation too.
            async with AsyncExitStack() as stack:
                environment = await self._borrowed(stack, state, work)
                episode = await play(environment, actor, run=state["run"], cases=cases, settings=settings, work=work)
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


def _result(state: SubtaskInput, episode: PlayedEpisode, began_at: float) -> SubtaskResult:
    first, steps = episode.first, episode.steps
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": _said(episode),
        "is_complete": not episode.ended_by,
        "ended_by": episode.ended_by,
        "tool_calls": [_tool_call(step.action, step.observation.text, step.observation.score) for step in steps],
        "began_at": began_at,
        "ended_at": time.time(),
        "score": episode.score,
    }
    if first is not None and steps:
        result["actions"] = [storable(action) for action in kept_actions(first, steps)]
    return result


def _tool_call(action: str, seen: str, score: float) -> ToolCall:
    return {"name": ACT, "args": {"action": storable(action)[:KEPT_CHARS]}, "result": seen[:KEPT_CHARS], "score": score}


def _said(episode: PlayedEpisode) -> str:
    """Say in one line how the episode ended: the answer of an environment run."""
    n_steps = len(episode.steps)
    after = f"after {n_steps} step{'' if n_steps == 1 else 's'}"
    if episode.ended_by:
        why = WHY_ENDED.get(episode.ended_by, episode.ended_by)
        detail = f": {episode.detail}" if episode.detail else ""
        if episode.score is None:
            return f"(not known: {why}{detail})"
        return f"ended early ({why}{detail}): score {episode.score:g} {after}"
    is_won = episode.last is not None and episode.last.is_won
    return f"{'done' if is_won else 'over, not won'}: score {episode.score or 0:g} {after}"
