"""The executor node: one subtask by an agent with tools and budgets; parallel ones see only their dependencies.

In a graph with an environment, a subtask is an episode: step by step instead, or by tools of the agent (see acting/).
"""

from collections.abc import Callable
from typing import Any

from langgraph.runtime import Runtime

from memento.nodes.acting.episode_run import Acting, episode_limits
from memento.nodes.agent.budgets import Meter, RunMeters, run_limits, subtask_limits
from memento.nodes.context import Context, RunSettings
from memento.nodes.events import emit
from memento.nodes.node import Node
from memento.nodes.redaction import make_redact
from memento.nodes.shown_steps import result_shown, subtask_cases_shown
from memento.nodes.sources import ModelSource, Price, Secrets, ToolSource
from memento.nodes.state import SubtaskInput
from memento.nodes.subtask_agent import SubtaskAgent
from memento.nodes.subtask_cases import NO_READING, SubtaskCases, SubtaskReading
from memento.nodes.subtask_result import not_begun
from memento.nodes.subtasks import SubtaskResult
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
    meters, redact = RunMeters(), make_redact(secrets)
    agent = SubtaskAgent(models, tools, price=price, redact=redact, acting=acting)

    async def executor(state: SubtaskInput, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Carry out one subtask; ends within its budgets, with the best result there is.

        Raises:
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        run, subtask = state["run"], state["subtask"]
        settings = RunSettings.model_validate(run["settings"])
        has_agent = acting is None or acting.has_tools(settings)
        meter = meters.get(run.get("id", ""), run_limits(settings), state.get("spent"))
        # One call of its own, and for everybody at work and the planner the last one; after an episode nobody is asked.
        n_calls = 2 + meter.n_active if has_agent else 1
        if why := meter.ended_by(n_calls=n_calls) or meter.tools_ended_by():
            return _update(state, not_begun(state, why, is_episode=acting is not None))
        emit(runtime, {"event": "subtask", "cycle": state["cycle"], "subtask": subtask})
        limits = subtask_limits(settings) if acting is None else episode_limits(settings, has_tools=has_agent)
        own, reading = Meter(limits, "max_"), NO_READING
        own.begin()
        meter.begin()
        try:
            if subtask_cases is not None:
                reading = await subtask_cases.read(state, seconds=min(own.seconds_left(), meter.seconds_left()))
                _emit_reading(runtime, state, reading)
            given: dict[str, Any] = {"own": own, "run": meter, "report": _reporting(runtime, state)}
            with labelled_calls(reading.labels()):
                if acting is None or has_agent:
                    done = await agent.carry_out(state, reading=reading, context=runtime.context, **given)
                else:
                    done = await acting.carry_out(state, subtask_cases=reading.cases, redact=redact, **given)
        finally:
            meter.end()
        result = reading.kept(done.result, state.get("cases") or [])
        emit(runtime, {"event": "result", "result": result})
        return _update(state, result, reading) | done.update

    return executor


def _reporting(runtime: Runtime[Context], state: SubtaskInput) -> Callable[[str, dict[str, Any]], None]:
    def report(name: str, args: dict[str, Any]) -> None:
        of = state["subtask"]["id"]
        emit(runtime, {"event": "tool", "cycle": state["cycle"], "subtask": of, "name": name, "args": args})

    return report


def _emit_reading(runtime: Runtime[Context], state: SubtaskInput, reading: SubtaskReading) -> None:
    if reading.event_id:
        emit(
            runtime,
            {
                "event": "subtask_cases",
                "cycle": state["cycle"],
                "subtask": state["subtask"]["id"],
                "event_id": reading.event_id,
                "policy": reading.policy,
                "cases": list(reading.cases),
            },
        )


def _update(state: SubtaskInput, result: SubtaskResult, reading: SubtaskReading = NO_READING) -> dict[str, Any]:
    update: dict[str, Any] = {"results": [result], **result_shown(state["run"], result)}
    served = (state["cycle"], state["subtask"], reading.event_id, reading.policy, reading.cases)
    if messages := subtask_cases_shown(state["run"], *served):
        update["messages"] = [*messages, *update["messages"]]
    return update
