"""Hosts without an event loop, and with several: threads, scripts, notebooks, one `asyncio.run` after the other."""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.sync_case_memory import SyncCaseMemory
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import always, answer, calling, plan, scripted, verdict
from tests.provider_server import Wire, completion, provider
from tests.scripted import Reply, ScriptedChatModel

ROOT = Path(__file__).parents[2]


def a_sync_memory(location: str | Path = ":memory:") -> SyncCaseMemory:
    return CaseMemory.open_sync(location, encoder=HashingEncoder(), policy="similarity", seed=0)


def number_in(text: str) -> str:
    return re.findall(r"number (\d+)", text)[-1]


def numbered(messages: list[Any]) -> Reply:
    """A planner who answers with the number of its task, after one subtask."""
    text = messages[-1].text
    return answer(number_in(text)) if "<result" in text else plan(f"find number {number_in(text)}")


def graph_of(memory: CaseMemory | SyncCaseMemory, *, checkpointer: Any = None, **changes: Any) -> MementoGraph:
    models = {"planner": ScriptedChatModel(numbered), "executor": always("done"), "judge": always(verdict("yes"))}
    return build_graph(Deps(memory=memory, **(models | changes)), checkpointer=checkpointer)


def a_task(number: int) -> Any:
    return {"task": f"What is number {number}?", "reference": str(number)}


def test_invoke_stream_and_batch() -> None:
    with a_sync_memory() as memory:
        graph = graph_of(memory)
        result = graph.invoke(a_task(1))
        assert (result["answer"], result["reward"], result["notices"]) == ("1", 1.0, [])
        parts = list(graph.stream(a_task(2), stream_mode=["updates", "custom"]))
        events = [part["event"] for mode, part in parts if mode == "custom"]
        assert events == ["cases", "plan", "subtask", "result", "reward", "written"]
        results = graph.batch([a_task(number) for number in range(3, 9)])
        assert [one["answer"] for one in results] == [str(number) for number in range(3, 9)]
        memory.settle()
        assert memory.n_outcomes() == 8
    names = [thread.name for thread in threading.enumerate()]
    assert "memento-memory-loop" not in names


def test_a_chain_of_langchain() -> None:
    with a_sync_memory() as memory:
        chain = RunnableLambda(a_task) | graph_of(memory) | itemgetter("answer")
        assert chain.invoke(5) == "5"
        assert chain.batch([6, 7]) == ["6", "7"]


def test_threads_of_a_web_server_share_one_graph() -> None:
    with a_sync_memory() as memory:
        graph = graph_of(memory, checkpointer=InMemorySaver())

        def request(number: int) -> str:
            given: Any = {"messages": [HumanMessage(f"What is number {number}?")]}
            result = graph.invoke(given, {"configurable": {"thread_id": str(number)}})
            memory.feedback(result["event_id"], 1.0)
            return str(result["messages"][-1].text)

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(request, range(24), timeout=100)) == [str(number) for number in range(24)]
        assert memory.n_outcomes() == 24


@pytest.mark.parametrize("kind", ["in memory", "sqlite"])
def test_an_interrupt_within_a_tool_is_resumed(kind: str, tmp_path: Path) -> None:
    @tool
    def ask(question: str) -> str:
        """Ask a person."""
        return str(interrupt({"question": question}))

    planner = scripted(plan("find it"), answer("42"))
    executor = scripted(calling("ask", question="what is it?"), "it is 42")
    thread: Any = {"configurable": {"thread_id": "t"}}

    def check(saver: Any) -> None:
        with a_sync_memory() as memory:
            changes: Any = {"planner": planner, "executor": executor, "tools": [ask]}
            graph = graph_of(memory, checkpointer=saver, **changes)
            graph.invoke({"task": "what?", "reference": "42"}, thread)
            (waiting,) = graph.get_state(thread).interrupts
            assert waiting.value == {"question": "what is it?"}
            result = graph.invoke(Command(resume="42, she says"), thread)
            assert (result["answer"], result["reward"]) == ("42", 1.0)
            assert "42, she says" in executor.calls[-1].text
            assert len(executor.calls) == 2, "the tool was called once"

    if kind == "sqlite":
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as saver:
            check(saver)
    else:
        check(InMemorySaver())


def test_a_person_reviews_the_plan_and_the_thread_goes_on_async() -> None:
    thread: Any = {"configurable": {"thread_id": "t"}}
    with a_sync_memory() as memory:
        graph = graph_of(memory, checkpointer=InMemorySaver())
        graph.invoke(a_task(3), thread, context={"approve_plan": True})
        assert graph.get_state(thread).interrupts
        result = asyncio.run(graph.ainvoke(Command(resume="yes"), thread, context={"approve_plan": True}))
        assert (result["answer"], result["reward"]) == ("3", 1.0)


def test_a_synchronous_parent_graph() -> None:
    with a_sync_memory() as memory:
        builder = StateGraph(MessagesState)
        builder.add_node("memento", graph_of(memory))
        builder.add_edge(START, "memento")
        parent = builder.compile(checkpointer=InMemorySaver())
        thread: Any = {"configurable": {"thread_id": "t"}}
        result = parent.invoke({"messages": [HumanMessage("What is number 9?")]}, thread)
        assert result["messages"][-1].text == "9"


@pytest.mark.allow_blocking(reason="a notebook's cell blocks its loop")
async def test_a_notebooks_cell_invokes_synchronously() -> None:
    memory = a_sync_memory()
    await asyncio.to_thread(memory.__enter__)
    result = graph_of(memory).invoke(a_task(4))
    assert (result["answer"], result["notices"]) == ("4", [])
    await asyncio.to_thread(memory.close)


@pytest.mark.allow_blocking(reason="that is the mistake")
async def test_a_memory_of_the_blocked_loop_is_named_and_not_waited_for() -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        result = graph_of(memory).invoke(a_task(4))
        assert result["answer"] == "4"
        assert "running without cases" in result["notices"][0]
        assert "open_sync" in result["notices"][0]
        assert (await graph_of(memory).ainvoke(a_task(5)))["notices"] == []


def served(request: dict[str, Any]) -> Wire:
    """The same planner as a provider."""
    system, text = (str(request["messages"][number]["content"]) for number in (0, -1))
    if "You judge" in system:
        return completion(request, content=json.dumps({"correct": "yes", "reason": ""}))
    if "You carry out" in system:
        return completion(request, content="done")
    return completion(
        request, content=answer(number_in(text)) if "<result" in text else plan(f"number {number_in(text)}")
    )


# In a process of its own, because the connections of the loops that have ended are collected some time later.
SCRIPT = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from langchain_openai import ChatOpenAI
from tests.graph.test_sync_hosts import a_sync_memory, a_task, graph_of

model = "openai:stub" if sys.argv[1] == "by name" else ChatOpenAI(model="stub")
with a_sync_memory() as memory:
    graph = graph_of(memory, planner=model, executor=model, judge=model)

    def run(number):
        result = asyncio.run(graph.ainvoke(a_task(number)))
        assert (result["answer"], result["reward"], result["notices"]) == (str(number), 1.0, []), result

    for number in range(4):
        run(number)
    assert graph.invoke(a_task(7))["answer"] == "7"
    if sys.argv[1] == "by name":  # an object's connections are the host's
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(run, range(8), timeout=100))
print("all of them")
"""


@pytest.mark.slow
@pytest.mark.parametrize("models", ["by name", "objects"])
def test_one_asyncio_run_after_the_other(models: str) -> None:
    with provider(served, keeps_alive=True) as url:
        environment = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-of-a-test"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, models],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.stdout == "all of them\n", done.stderr
