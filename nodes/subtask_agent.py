"""One subtask by an agent with the tools of its run; in an environment, with `act` and `observe` beside them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

from memento.nodes.acting.episode_run import Acting
from memento.nodes.acting.step_loop import ACT
from memento.nodes.acting.tool_episode import OBSERVE
from memento.nodes.acting.tool_episode_run import carry_out_with_tools
from memento.nodes.agent.agents import Agents
from memento.nodes.agent.budgets import Meter
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.long_results import shown_chars
from memento.nodes.agent.outages import NOT_READY
from memento.nodes.agent.tool_models import ToolModelCalls, beside
from memento.nodes.agent.window import window_tokens
from memento.nodes.agent.work import WORK, Work
from memento.nodes.context import Context, RunSettings
from memento.nodes.costs import usage_of_reply
from memento.nodes.errors import ModelUnavailable
from memento.nodes.prompt_budgets import CASE_SHARE, RESULT_SHARE, RESULT_TOKENS, fitted_cases
from memento.nodes.prompts import EXECUTOR_SYSTEM, executor_messages, with_own
from memento.nodes.redaction import Redact
from memento.nodes.sources import ModelSource, Price, Toolbox, ToolSource, model_name
from memento.nodes.state import Run, SubtaskInput
from memento.nodes.subtask_cases import SubtaskReading, with_results
from memento.nodes.subtask_result import SubtaskDone, agent_result, not_begun
from memento.nodes.tool_binding import WORKSPACE

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class SubtaskAgent:
    """Carries out subtasks of all runs; what belongs to one comes with the call."""

    def __init__(
        self, models: ModelSource, tools: ToolSource, *, price: Price | None, redact: Redact, acting: Acting | None
    ) -> None:
        """Wire the parts; asks nothing.

        Args:
            models: gives the executor model.
            tools: gives a run's toolbox.
            price: says what calls cost.
            redact: takes secrets out of what tools and environments say.
            acting: lends environments, where subtasks are episodes.
        """
        self._models = models
        self._tools = tools
        self._price = price
        self._redact = redact
        self._acting = acting
        self._agents = Agents()

    async def carry_out(
        self,
        state: SubtaskInput,
        *,
        own: Meter,
        run: Meter,
        report: Callable[[str, dict[str, Any]], None],
        reading: SubtaskReading,
        context: Context,
    ) -> SubtaskDone:
        """Carry out one subtask within its budgets.

        Args:
            state: of the executor.
            own: budgets of the subtask.
            run: budgets of the run.
            report: is told of every tool call.
            reading: cases of earlier subtasks.
            context: of the run.

        Raises:
            InvalidInput: the environment has no such task.
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        began_at, settings = time.time(), RunSettings.model_validate(state["run"]["settings"])
        try:
            seconds = min(own.seconds_left(), run.seconds_left())
            model, toolbox = await within(seconds, self._equipped(state["run"], settings.executor))
        except DeadlinePassed:
            return SubtaskDone(not_begun(state, NOT_READY, is_episode=self._acting is not None), {})
        except Abandoned:
            raise ModelUnavailable("creating the executor's model or tools was cancelled from within") from None
        work = self._work(settings, model, toolbox, own=own, run=run, report=report)

        async def ask(
            system: str,
            asked: list[BaseMessage],
            tools: Sequence[BaseTool] = (),
            configurable: Mapping[str, Any] = _NOTHING,
        ) -> list[BaseMessage]:
            if reading.event_id:  # so that an erasure finds the checkpoints in which the agent keeps the cases
                asked[0].id = reading.event_id
            agent = self._agents.get(model, [*tools, *toolbox.tools], with_own(system, state["run"], "executor"))
            config = _config(work, own.limits.model_calls, configurable)
            reply = await agent.ainvoke({"messages": asked}, config, context=context)
            messages: list[BaseMessage] = reply["messages"]
            return messages

        if self._acting is None:
            shown = [*reading.cases, *(state.get("cases") or [])]
            messages = await ask(EXECUTOR_SYSTEM, _asked(state, reading, work))
            result = agent_result(state, messages, shown, work, began_at)
        else:
            given: dict[str, Any] = {"window": window_tokens(model), "began_at": began_at}
            result = await carry_out_with_tools(
                self._acting, state, work=work, ask=ask, subtask_cases=reading.cases, **given
            )
        update: dict[str, Any] = {"usage": work.usage, "models": {"executor": model_name(model)}}
        return SubtaskDone(result, update | await _artefacts(toolbox, state["run"]))

    async def _equipped(self, run: Run, named: str | None) -> tuple[BaseChatModel, Toolbox]:
        return await self._models.get("executor", named), await self._tools(run)

    def _work(
        self,
        settings: RunSettings,
        model: BaseChatModel,
        toolbox: Toolbox,
        *,
        own: Meter,
        run: Meter,
        report: Callable[[str, dict[str, Any]], None],
    ) -> Work:
        window = window_tokens(model)
        return Work(
            subtask=own,
            run=run,
            usage_of=lambda reply: usage_of_reply(reply, model, self._price),
            usage_of_other=lambda reply: usage_of_reply(reply, None, self._price),
            redact=self._redact,
            report=report,
            max_tool_seconds=settings.max_tool_seconds,
            max_seconds=min(settings.max_seconds, settings.run_max_seconds),
            max_result_chars=shown_chars(window),
            max_result_tokens=min(RESULT_TOKENS, window // RESULT_SHARE),
            max_case_tokens=min(settings.max_case_tokens, window // CASE_SHARE),
            workspace=toolbox.workspace,
            away=toolbox.away,
            one_by_one=frozenset() if self._acting is None else frozenset({ACT, OBSERVE}),
            notices=[self._redact(notice) for notice in toolbox.notices],
        )


def _asked(state: SubtaskInput, reading: SubtaskReading, work: Work) -> list[BaseMessage]:
    # One budget for both kinds.
    cases = fitted_cases([*(state.get("cases") or []), *with_results(reading.cases)], work.max_case_tokens)
    n_cases = len(cases) - len(reading.cases)
    return executor_messages(
        run=state["run"],
        subtask=state["subtask"],
        earlier=state["earlier"],
        max_tokens=work.max_result_tokens,
        cases=cases[:n_cases],
        subtask_cases=cases[n_cases:],
    )


def _config(work: Work, n_calls: int, configurable: Mapping[str, Any]) -> RunnableConfig:
    return {
        # Two steps a call and some to spare: the budget ends the loop, not the recursion limit.
        "recursion_limit": 4 * n_calls + 10,
        "configurable": {WORK: work, WORKSPACE: work.workspace, **configurable},
        "callbacks": beside(ensure_config().get("callbacks"), ToolModelCalls(work.count_tools_reply)),
    }


async def _artefacts(toolbox: Toolbox, run: Run) -> dict[str, list[str]]:
    if toolbox.workspace is None:
        return {}
    made = await asyncio.to_thread(toolbox.workspace.made, run.get("inputs", []))
    return {"artefacts": made} if made else {}
