"""Threads and trouble: what a thread keeps and forgets, and how a run goes on when a part of it was away."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import EncoderUnavailable
from memento.nodes.errors import ModelUnavailable
from tests.graph.test_workflow import NODES, graph_of, multiply, on, state_of
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import a_memory, always, answer, calling, plan, scripted
from tests.scripted import ScriptedChatModel


async def test_nothing_of_the_last_run_is_seen_when_a_thread_is_used_again() -> None:
    planner = scripted(plan("multiply"), answer("42"), answer("Paris"))
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        first = await graph.ainvoke({"task": "six times seven?", "reference": "42"}, on("t"))
        second = await graph.ainvoke({"task": "capital of France?"}, on("t"))
        state = await state_of(graph, "t")
    assert (first["reward"], second["reward"], second["answer"]) == (1.0, None, "Paris"), "no old reference"
    assert (state["results"], state["plans"], state["cycle"], state["plan"]) == ([], [], 0, [])
    assert state["run"]["references"] == []
    assert state["usage"]["model_calls"] == 1
    assert "42" not in planner.calls[-1].messages[-1].text.replace("six times seven?", "").split("<case")[0]
    assert [message.type for message in second["messages"]] == ["human", "ai", "human", "ai"]
    assert first["event_id"] != second["event_id"]


async def test_chat_goes_on_when_the_task_comes_as_a_message() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=InMemorySaver())
        await graph.ainvoke({"messages": [{"role": "user", "content": "six times seven?"}]}, on("t"))  # type: ignore[typeddict-item]
        result = await graph.ainvoke({"messages": [HumanMessage("and eight?")]}, on("t"))
    assert [message.text for message in result["messages"]] == ["six times seven?", "42", "and eight?", "42"]


class DyingEncoder(HashingEncoder):
    """Works until it is told to die."""

    is_dead = False

    async def encode(self, texts: list[str]) -> Any:
        if self.is_dead:
            raise EncoderUnavailable("the endpoint is down")
        return await super().encode(texts)


async def test_run_goes_on_and_says_so_when_the_encoder_is_down() -> None:
    encoder = DyingEncoder()
    async with a_memory(encoder=encoder) as memory:
        encoder.is_dead = True
        graph = graph_of(memory, checkpointer=InMemorySaver())
        result = await graph.ainvoke({"task": "six times seven?", "reference": "42"}, on("t"))
        state = await state_of(graph, "t")
        encoder.is_dead = False
    assert (result["answer"], result["reward"], result["event_id"]) == ("42", 1.0, None)
    assert state["retrieval_degraded"] is True
    assert "running without cases: the endpoint is down" in state["notices"]
    assert [message.text for message in result["messages"]] == ["six times seven?", "42"]


async def test_model_is_asked_three_times_when_it_does_not_answer() -> None:
    model = always(ConnectionError("refused"))
    async with a_memory() as memory:
        with pytest.raises(ModelUnavailable):
            await graph_of(memory, planner=scripted(plan("multiply")), executor=model).ainvoke({"task": "a"})
    assert len(model.calls) == 3


async def test_tool_is_not_called_again_when_only_the_model_call_after_it_fails() -> None:
    called: list[str] = []

    async def count(word: str) -> str:
        """Count."""
        called.append(word)
        return "counted"

    executor = scripted(calling("count", word="a"), ConnectionError("refused"), "42")
    async with a_memory() as memory:
        graph = graph_of(
            memory,
            planner=scripted(plan("count"), answer("42")),
            executor=executor,
            tools=[count],
            checkpointer=InMemorySaver(),
        )
        result = await graph.ainvoke({"task": "a"}, on("t"))
    assert result["answer"] == "42"
    assert called == ["a"]


@pytest.mark.slow
async def test_run_is_resumed_by_another_process_when_the_planner_was_down(tmp_path: Path) -> None:
    threads, bank = str(tmp_path / "threads.sqlite"), tmp_path / "bank"
    executor = scripted("42")
    down = ScriptedChatModel([plan("multiply"), *[ConnectionError("refused")] * 3])
    async with (
        AsyncSqliteSaver.from_conn_string(threads) as saver,
        CaseMemory.open(bank, encoder=HashingEncoder()) as m,
    ):
        graph = graph_of(m, planner=down, executor=executor, checkpointer=saver)
        with pytest.raises(ModelUnavailable):
            await graph.ainvoke({"task": "six times seven?", "reference": "42"}, on("t"), context={"max_cycles": 2})  # type: ignore[arg-type]
    async with (
        AsyncSqliteSaver.from_conn_string(threads) as saver,
        CaseMemory.open(bank, encoder=HashingEncoder()) as m,
    ):
        graph = graph_of(m, executor=executor, checkpointer=saver)
        result = await graph.ainvoke(None, on("t"))
        state = await state_of(graph, "t")
        counts = await m.views.counts(namespace="default")
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert len(executor.calls) == 1, "what was done is not done again"
    assert state["run"]["settings"]["max_cycles"] == 2, "context is not kept by a thread, settings are"
    assert (counts.cases, counts.events) == (1, 1)


async def test_nothing_is_written_twice_when_the_end_is_run_again_from_its_checkpoint() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=InMemorySaver())
        first = await graph.ainvoke({"task": "six times seven?", "reference": "42"}, on("t"))
        before = await memory.views.newest_offset(), await memory.views.counts(namespace="default")
        (point,) = [s async for s in graph.aget_state_history(on("t")) if s.next == ("write_case",)]
        again = await graph.ainvoke(None, point.config)
        after = await memory.views.newest_offset(), await memory.views.counts(namespace="default")
    assert again["case_id"] == first["case_id"]
    assert before == after


async def test_run_forks_when_its_plan_is_changed_in_the_past() -> None:
    planner = scripted(plan("multiply"), answer("42"), answer("43"))
    executor = always("done")
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=InMemorySaver())
        await graph.ainvoke({"task": "six times seven?"}, on("t"))
        (point,) = [s async for s in graph.aget_state_history(on("t")) if s.next == ("executor",)]
        changed = {"plan": [{"id": "9", "description": "guess", "depends_on": []}]}
        fork = await graph.aupdate_state(point.config, changed, as_node="planner")
        result = await graph.ainvoke(None, fork)
    assert "guess" in executor.calls[-1].text
    assert result["answer"] == "43"


async def test_every_update_survives_the_strict_serializer_when_a_run_is_streamed() -> None:
    strict = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
    planner = scripted(plan("multiply", "check"), answer("42"))
    executor = ScriptedChatModel(
        lambda messages: "42" if messages[-1].type == "tool" else calling("multiply", a=6, b=7)
    )
    async with a_memory() as memory:
        await memory.write(state="six times six?", action="1. multiply", reward=1.0, lesson="easy")
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply])
        given: Any = {"task": "six times seven?", "reference": "42"}
        updates = [update async for update in graph.astream(given, stream_mode="updates")]
    assert {name for update in updates for name in update} == set(NODES)
    for update in updates:
        assert strict.loads_typed(strict.dumps_typed(update)) == update
