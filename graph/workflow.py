"""Builds the workflow graph: six nodes, their edges and retries.

START -> retrieve_case -> score_case -> planner -> executor -> planner ... -> evaluate -> write_case -> END

A run may read cases again between two plans: planner -> retrieve_case -> score_case -> planner.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from langgraph.cache.base import BaseCache
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Checkpointer, RetryPolicy

from memento.graph.deps import Deps
from memento.graph.routing import route_after_planner, route_to_episodes
from memento.graph.sync_nodes import add_sync_nodes
from memento.nodes.acting.step_cases import StepCases
from memento.nodes.agent.agents import drawn_agent
from memento.nodes.context import Context
from memento.nodes.errors import ModelTimedOut, ModelUnavailable
from memento.nodes.evaluate import make_evaluate
from memento.nodes.executor import make_executor
from memento.nodes.follow_ups import FollowUps
from memento.nodes.guide_cases import GuideCases
from memento.nodes.node import Node
from memento.nodes.planner import make_planner
from memento.nodes.redaction import make_redact
from memento.nodes.reflection import Reflections
from memento.nodes.retrieve_case import make_retrieve_case
from memento.nodes.score_case import make_score_case
from memento.nodes.scoring.parts import ScoringParts
from memento.nodes.state import InputState, MementoState, OutputState, SubtaskInput
from memento.nodes.structured import StructuredCaller
from memento.nodes.subtask_cases import SubtaskCases
from memento.nodes.trace_labels import labelled
from memento.nodes.write_case import make_write_case

StateT = TypeVar("StateT", bound=Mapping[str, Any])

MementoGraph = CompiledStateGraph[MementoState, Context, InputState, OutputState]

# Every cycle plans once and hands out at most 20 waves of subtasks, two steps each, and may read cases again in three;
# 10 cycles are the most allowed.
_RECURSION_LIMIT = 450
_MAX_CONCURRENCY = 8
"""Of the subtasks at work, and of the tool calls of each."""


def _is_worth_asking_again(error: Exception) -> bool:
    return isinstance(error, ModelUnavailable) and not isinstance(error, ModelTimedOut)


_ASK_AGAIN = RetryPolicy(max_attempts=3, initial_interval=0.5, retry_on=_is_worth_asking_again)


def build_graph(
    deps: Deps,
    *,
    checkpointer: Checkpointer = None,
    store: BaseStore | None = None,
    cache: BaseCache[Any] | None = None,
) -> MementoGraph:
    """Build the graph; opens nothing.

    Args:
        deps: memory, models, tools.
        checkpointer: makes threads resumable; needed for interrupts. Servers bring their own.
        store: handed to the runtime for the host's use.
        cache: handed to the runtime for the host's use.

    Returns:
        A compiled graph: give it `{"task": "..."}`, or messages with a human one that nobody has answered.
    """
    memory, models, redact = deps.memory_source(), deps.model_source(), make_redact(deps.secrets)
    bounds, drain = deps.run_bounds(), deps.drain

    def kept(node: Node[StateT], *, only_with: str | None = None) -> Node[StateT]:
        bounded = bounds.kept(node, only_with=only_with)
        return bounded if drain is None else drain.watched(bounded)

    caller = StructuredCaller(redact=redact)
    builder = StateGraph(
        MementoState, context_schema=deps.context_schema, input_schema=InputState, output_schema=OutputState
    )
    follow_ups = FollowUps(models=models, caller=caller, price=deps.price)
    retrieve_case = make_retrieve_case(
        memory, workspace=deps.workspace, redact=redact, follow_ups=follow_ups, bounds=bounds
    )
    builder.add_node(
        "retrieve_case",
        kept(retrieve_case, only_with="found"),
        input_schema=MementoState,
        retry_policy=_ASK_AGAIN,
    )
    guide_cases = GuideCases(memory, redact=redact)
    score_case = make_score_case(memory, models=models, redact=redact, guide_cases=guide_cases)
    builder.add_node("score_case", kept(score_case), input_schema=MementoState)
    builder.add_node(
        "planner",
        kept(
            labelled(
                make_planner(
                    models,
                    caller,
                    schema=deps.plan_schema,
                    prompt=deps.planner_prompt,
                    fixed_plan=deps.first_plan(),
                    answer_from_results=deps.made_answer(),
                    price=deps.price,
                )
            )
        ),
        input_schema=MementoState,
        retry_policy=_ASK_AGAIN,
    )
    # No retry of a whole subtask: its agent asks the model again by itself, and repeats no tool call.
    acting = deps.acting(models, caller, StepCases(memory, redact=redact))
    executor = make_executor(
        models,
        deps.tool_source(),
        price=deps.price,
        secrets=deps.secrets,
        acting=acting,
        subtask_cases=SubtaskCases(memory, redact=redact),
    )
    builder.add_node("executor", kept(labelled(executor)), input_schema=SubtaskInput)
    evaluate = make_evaluate(models, caller, price=deps.price, scorer=deps.scorer, redact=redact)
    builder.add_node("evaluate", kept(labelled(evaluate)), input_schema=MementoState)
    reflections = Reflections(ScoringParts(models=models, caller=caller, price=deps.price, redact=redact))
    write_case = make_write_case(memory, redact=redact, case_action=deps.made_action(), reflections=reflections)
    builder.add_node("write_case", kept(labelled(write_case)), input_schema=MementoState)
    builder.add_edge(START, "retrieve_case")
    builder.add_edge("retrieve_case", "score_case")
    builder.add_edge("score_case", "planner")
    route = route_to_episodes if acting else route_after_planner
    builder.add_conditional_edges("planner", route, ["planner", "executor", "retrieve_case", "evaluate"])
    builder.add_edge("executor", "planner")
    builder.add_edge("evaluate", "write_case")
    builder.add_edge("write_case", END)
    add_sync_nodes(builder)
    graph = builder.compile(checkpointer=checkpointer, store=store, cache=cache, name="memento")
    if acting is None:
        graph.nodes["executor"].subgraphs = [drawn_agent(deps.known_tools())]
    return graph.with_config(recursion_limit=_RECURSION_LIMIT, max_concurrency=_MAX_CONCURRENCY)
