"""The executor node: one subtask by an agent with tools and budgets; parallel ones see only their dependencies.

In a graph with an environment, a subtask is an episode: step by step instead, or by tools of the agent (see acting/).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime

from memento.nodes.acting.episode_run import Acting, episode_limits
from memento.nodes.acting.step_loop import ACT
from memento.nodes.acting.tool_episode import OBSERVE
from memento.nodes.acting.tool_episode_run import carry_out_with_tools
from memento.nodes.agent.agents import Agents
from memento.nodes.agent.budgets import Meter, RunMeters, run_limits, subtask_limits
from memento.nodes.agent.call_record import recorded_calls
from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.long_results import shown_chars
from memento.nodes.agent.model_calls import ended_by
from memento.nodes.agent.notes import WHY_ENDED, best_so_far
from memento.nodes.agent.tool_models import ToolModelCalls, beside
from memento.nodes.agent.window import window_tokens
from memento.nodes.agent.work import WORK, Work
from memento.nodes.context import Context, RunSettings
from memento.nodes.costs import usage_of_reply
from memento.nodes.errors import ModelUnavailable
from memento.nodes.events import SubtaskCasesServed, emit
from memento.nodes.node import Node
from memento.nodes.prompt_budgets import CASE_SHARE, RESULT_SHARE, RESULT_TOKENS, fitted_cases
from memento.nodes.prompts import EXECUTOR_SYSTEM, executor_messages, with_own
from memento.nodes.redaction import make_redact
from memento.nodes.shown_steps import result_shown, subtask_cases_shown
from memento.nodes.sources import ModelSource, Price, Secrets, Toolbox, ToolSource, model_name
from memento.nodes.state import Run, SubtaskInput, SubtaskResult
from memento.nodes.subtask_cases import NO_READING, SubtaskCases, SubtaskReading, with_results
from memento.nodes.tool_binding import WORKSPACE
from memento.nodes.trace_labels import labelled_calls


def make_executor(
    models: ModelSource,
    tools: ToolSource,
    *,
    price: Price | None = None,
    secrets: Secrets | None = None,
    acting: Acting | None = None,
    subtask_cases: SubtaskCases | None = None,
) -> Node[SubtaskInput]:
    """Make the executor node.

    Args:
        models: gives the executor model.
        tools: gives the run's toolbox.
        price: says what calls cost; without it, budgets of money cannot be kept.
        secrets: texts that are taken out of what tools and environments say.
        acting: makes each subtask an episode in an environment, played step by step or by the agent.
        subtask_cases: reads cases of earlier subtasks where a run wants them; without it nobody does.
    """
    agents, meters, redact = Agents(), RunMeters(), make_redact(secrets)

    async def executor(state: SubtaskInput, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Carry out one subtask; ends within its budgets, with the best result there is.

        Raises:
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        run, subtask = state["run"], state["subtask"]
        settings = RunSettings.model_validate(run["settings"])
        is_episode, has_agent = acting is not None, acting is None or acting.has_tools(settings)
        meter = meters.get(run.get("id", ""), run_limits(settings), state.get("spent"))
        # One call of its own, and for everybody at work and the planner the last one; after an episode nobody is asked.
        n_calls = 2 + meter.n_active if has_agent else 1
        if why := meter.ended_by(n_calls=n_calls) or meter.tools_ended_by():
            return _update(state, _not_begun(state, why, is_episode=is_episode))
        emit(runtime, {"event": "subtask", "cycle": state["cycle"], "subtask": subtask})

        def report(name: str, args: dict[str, Any]) -> None:
            of = subtask["id"]
            emit(runtime, {"event": "tool", "cycle": state["cycle"], "subtask": of, "name": name, "args": args})

        limits = episode_limits(settings, has_tools=has_agent) if is_episode else subtask_limits(settings)
        own, began_at = Meter(limits, "max_"), time.time()
        own.begin()
        meter.begin()
        reading = NO_READING
        try:
            if subtask_cases is not None:
                reading = await subtask_cases.read(state, seconds=min(own.seconds_left(), meter.seconds_left()))
                _emit_reading(runtime, state, reading)
            if acting is not None and not has_agent:
                given: dict[str, Any] = {"own": own, "run": meter, "redact": redact, "report": report}
                with labelled_calls(reading.labels()):
                    result, update = await acting.carry_out(state, subtask_cases=reading.cases, **given)
                result = _credited(state, reading, result)
                emit(runtime, {"event": "result", "result": result})
                return _update(state, result, reading) | update
            try:
                seconds = min(own.seconds_left(), meter.seconds_left())
                model, toolbox = await within(seconds, _equipped(models, tools, run, settings.executor))
            except DeadlinePassed:
                is_run = meter.seconds_left() < own.seconds_left()
                why = "run_max_seconds" if is_run else "max_seconds"
                result = reading.kept(_not_begun(state, why, is_episode=is_episode), [])
                return _update(state, result, reading)
            except Abandoned:
                raise ModelUnavailable("creating the executor's model or tools was cancelled from within") from None
            work = Work(
                subtask=own,
                run=meter,
                usage_of=lambda reply: usage_of_reply(reply, model, price),
                usage_of_other=lambda reply: usage_of_reply(reply, None, price),
                redact=redact,
                report=report,
                max_tool_seconds=settings.max_tool_seconds,
                max_seconds=min(settings.max_seconds, settings.run_max_seconds),
                max_result_chars=shown_chars(window_tokens(model)),
                max_result_tokens=min(RESULT_TOKENS, window_tokens(model) // RESULT_SHARE),
                max_case_tokens=min(settings.max_case_tokens, window_tokens(model) // CASE_SHARE),
                workspace=toolbox.workspace,
                one_by_one=frozenset({ACT, OBSERVE}) if is_episode else frozenset(),
                notices=[redact(notice) for notice in toolbox.notices],
            )

            async def ask(
                system: str, asked: list[BaseMessage], tools: Sequence[BaseTool] = (), given: Any = MappingProxyType({})
            ) -> list[BaseMessage]:
                if reading.event_id:  # so that an erasure finds the checkpoints in which the agent keeps the cases
                    asked[0].id = reading.event_id
                agent = agents.get(model, [*tools, *toolbox.tools], with_own(system, run, "executor"))
                with labelled_calls(reading.labels()):
                    return await _asked(agent, asked, work, limits.model_calls, given=given, context=runtime.context)

            if acting is None:
                messages = await ask(EXECUTOR_SYSTEM, _messages(state, work, reading))
                result = _result(state, messages, work, reading, began_at)
            else:
                result = await carry_out_with_tools(
                    acting,
                    state,
                    work=work,
                    ask=ask,
                    window=window_tokens(model),
                    began_at=began_at,
                    subtask_cases=reading.cases,
                )
        finally:
            meter.end()
        result = _credited(state, reading, result)
        emit(runtime, {"event": "result", "result": result})
        update = _update(state, result, reading) | {"usage": work.usage, "models": {"executor": model_name(model)}}
        return update | await _artefacts(toolbox, run)

    return executor


async def _equipped(
    models: ModelSource, tools: ToolSource, run: Run, named: str | None
) -> tuple[BaseChatModel, Toolbox]:
    return await models.get("executor", named), await tools(run)


def _messages(state: SubtaskInput, work: Work, reading: SubtaskReading) -> list[BaseMessage]:
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


async def _asked(
    agent: Runnable[Any, Any],
    asked: list[BaseMessage],
    work: Work,
    n_calls: int,
    *,
    given: Mapping[str, Any],
    context: Context,
) -> list[BaseMessage]:
    # Two steps a call and some to spare: the budget ends the loop, not the recursion limit.
    config: RunnableConfig = {
        "recursion_limit": 4 * n_calls + 10,
        "configurable": {WORK: work, WORKSPACE: work.workspace, **given},
        "callbacks": beside(ensure_config().get("callbacks"), ToolModelCalls(work.count_tools_reply)),
    }
    reply = await agent.ainvoke({"messages": asked}, config, context=context)
    messages: list[BaseMessage] = reply["messages"]
    return messages


def _emit_reading(runtime: Runtime[Context], state: SubtaskInput, reading: SubtaskReading) -> None:
    if reading.event_id:
        served: SubtaskCasesServed = {
            "event": "subtask_cases",
            "cycle": state["cycle"],
            "subtask": state["subtask"]["id"],
            "event_id": reading.event_id,
            "policy": reading.policy,
            "cases": list(reading.cases),
        }
        emit(runtime, served)


def _credited(state: SubtaskInput, reading: SubtaskReading, result: SubtaskResult) -> SubtaskResult:
    """Tell the cases shown that are the run's from those of the subtask's own reading."""
    shown = result.get("case_ids", [])
    result = reading.kept(result, shown)
    result["case_ids"] = [case["id"] for case in state.get("cases") or [] if case["id"] in shown]
    if not result["case_ids"]:
        del result["case_ids"]
    return result


def _update(state: SubtaskInput, result: SubtaskResult, reading: SubtaskReading = NO_READING) -> dict[str, Any]:
    update: dict[str, Any] = {"results": [result], **result_shown(state["run"], result)}
    served = (state["cycle"], state["subtask"], reading.event_id, reading.policy, reading.cases)
    if messages := subtask_cases_shown(state["run"], *served):
        update["messages"] = [*messages, *update["messages"]]
    return update


def _result(
    state: SubtaskInput, messages: Sequence[BaseMessage], work: Work, reading: SubtaskReading, began_at: float
) -> SubtaskResult:
    replies = [message for message in messages if isinstance(message, AIMessage)]
    why = ended_by(replies[-1]) or ("" if replies[-1].text.strip() else "reply")
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": replies[-1].text.strip() or best_so_far(replies, why),
        "is_complete": not why,
        "ended_by": why,
        "tool_calls": recorded_calls(messages),
        "began_at": began_at,
        "ended_at": time.time(),
    }
    if work.notices:
        result["notices"] = work.notices
    if shown := [case["id"] for case in [*reading.cases, *(state.get("cases") or [])]]:
        result["case_ids"] = shown
    return result


def _not_begun(state: SubtaskInput, why: str, *, is_episode: bool = False) -> SubtaskResult:
    now = time.time()
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": f"(not begun: {WHY_ENDED[why]})",
        "is_complete": False,
        "ended_by": why,
        "tool_calls": [],
        "began_at": now,
        "ended_at": now,
    }
    return {**result, "score": None} if is_episode else result


async def _artefacts(toolbox: Toolbox, run: Run) -> dict[str, list[str]]:
    if toolbox.workspace is None:
        return {}
    made = await asyncio.to_thread(toolbox.workspace.made, run.get("inputs", []))
    return {"artefacts": made} if made else {}
