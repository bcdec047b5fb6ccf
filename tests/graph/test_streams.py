"""What clients see while a run works: typed events, and messages without the JSON of planner and judges."""

from typing import Any, get_args, get_type_hints

from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ConfigDict, TypeAdapter

from memento.nodes.events import RunEvent
from tests.graph.test_workflow import graph_of, multiply, on
from tests.node_parts import a_memory, answer, calling, plan, scripted, verdict

NAMES = {get_args(get_type_hints(kind)["event"])[0] for kind in get_args(RunEvent)}


async def test_every_event_of_a_run_is_one_of_the_contract() -> None:
    planner = scripted(plan("multiply"), plan("check"), answer("42"))
    executor = scripted(calling("multiply", a=6, b=7), "42", "it is 42")
    check = TypeAdapter(RunEvent, config=ConfigDict(extra="forbid", strict=True))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        given: Any = {"task": "six times seven?", "reference": "42"}
        context: Any = {"subtask_k": 2}
        events = [event async for event in graph.astream(given, context=context, stream_mode="custom")]
    assert [check.validate_python(event) for event in events] == events
    assert {event["event"] for event in events} == NAMES - {"withdrawn", "lesson", "guides"}


async def test_a_chat_sees_the_answer_and_no_json_of_planner_and_judge() -> None:
    planner = scripted(plan("multiply"), answer("forty-two"))
    executor = scripted(calling("multiply", a=6, b=7), "it is 42")
    judge = scripted(verdict("yes"))
    async with a_memory() as memory:
        graph = graph_of(
            memory, planner=planner, executor=executor, judge=judge, tools=[multiply], checkpointer=InMemorySaver()
        )
        given: Any = {"task": "six times seven?", "reference": "42"}
        context: Any = {"evaluator": "judge"}
        parts = [
            (message, about["langgraph_node"])
            async for message, about in graph.astream(given, on("t"), context=context, stream_mode="messages")
        ]
    said = [(message.text, node) for message, node in parts if isinstance(message, AIMessage)]
    assert said == [("forty-two", "planner")], "the answer alone; an executor's work is in graphs below"
    assert len(judge.calls) == 1


async def test_an_executors_words_are_seen_by_those_who_ask_for_graphs_below() -> None:
    planner, executor = scripted(plan("multiply"), answer("42")), scripted("it is 42")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor)
        given: Any = {"task": "six times seven?", "reference": "42"}
        stream = graph.astream(given, stream_mode="messages", subgraphs=True)
        said = [part[1][0].text async for part in stream if isinstance(part[1][0], AIMessage)]
    assert "it is 42" in said
    assert not [text for text in said if text.startswith("{")]
