"""One subtask as an episode that the executor's agent plays by tools, beside the other tools of the run."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from memento.nodes.acting.conversation import TASK_SHARE
from memento.nodes.acting.environment import Environment
from memento.nodes.acting.episode_prompt import ENVIRONMENT_TOOLS_SYSTEM, tool_episode_opening
from memento.nodes.acting.episode_result import episode_result, step_call
from memento.nodes.acting.episode_run import Acting
from memento.nodes.acting.step_loop import PlayedEpisode
from memento.nodes.acting.tool_episode import EPISODE, ToolEpisode, episode_tools
from memento.nodes.agent.call_record import recorded_calls
from memento.nodes.agent.deadlines import DeadlinePassed
from memento.nodes.agent.model_calls import ended_by
from memento.nodes.agent.work import Work
from memento.nodes.context import RunSettings
from memento.nodes.prompt_budgets import fitted_cases, shortened
from memento.nodes.state import PromptCase, SubtaskInput
from memento.nodes.subtasks import SubtaskResult, ToolCall

Ask = Callable[[str, list[BaseMessage], Sequence[BaseTool], Mapping[str, Any]], Awaitable[list[BaseMessage]]]
"""Asks the executor's agent: system message, messages, tools beside the run's, configurable. Returns all messages."""


async def carry_out_with_tools(
    acting: Acting,
    state: SubtaskInput,
    *,
    work: Work,
    ask: Ask,
    window: int,
    began_at: float,
    subtask_cases: Sequence[PromptCase] = (),
) -> SubtaskResult:
    """Let the executor's agent play the episode of a subtask, with the tools `act` and `observe`.

    A failing environment leaves the score unknown, and never fails the run.

    Args:
        acting: lends the environment.
        state: of the subtask.
        work: budgets, and where events go; its calls of those tools are carried out one by one.
        ask: asks the agent.
        window: tokens that its model can read.
        began_at: Unix time.
        subtask_cases: of the subtask's own reading, best first; they stand nearer to the task than the run's.

    Raises:
        InvalidInput: the environment has no such task.
        ModelError: the model cannot be asked; a resumed run goes on where it stopped.
    """
    run, settings = state["run"], RunSettings.model_validate(state["run"]["settings"])
    cases = fitted_cases([*subtask_cases, *(state.get("cases") or [])], work.max_case_tokens)
    calls: list[ToolCall] = []

    async def playing(environment: Environment) -> PlayedEpisode:
        episode = ToolEpisode(environment, run=run, settings=settings, work=work)
        try:
            opening = tool_episode_opening(
                shortened(run["task"], window // TASK_SHARE),
                cases,
                state["subtask"]["description"],
                await episode.begin(),
                max_steps=settings.max_steps,
                files=run["attachments"],
            )
            messages = await ask(ENVIRONMENT_TOOLS_SYSTEM, [HumanMessage(opening)], episode_tools(), {EPISODE: episode})
            ended = ended_by(messages[-1]) if isinstance(messages[-1], AIMessage) else ""
            played = await episode.played(messages, ended)
            steps = {call: step_call(step) for call, step in episode.steps.items()}
            calls.extend(recorded_calls(messages, steps))
            return played
        finally:
            await episode.close()

    try:
        episode = await acting.played(state, work, playing)
    except DeadlinePassed:
        episode = PlayedEpisode(ended_by=work.seconds_ended_by())
    return episode_result(state, episode, cases, work, began_at, calls=calls)
