"""Time travel: a run that goes on from an earlier checkpoint and ends differently is an attempt of its own."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.workflow import MementoGraph
from memento.memory.case_memory import CaseMemory
from tests.graph.test_workflow import graph_of, on
from tests.node_parts import a_memory, answer, given, plan, scripted

TASK: Any = {"task": "Where is the capital?", "reference": "Paris"}
FORKED = "another attempt of this run was remembered before"


async def before(graph: MementoGraph, node: str) -> Any:
    """The first checkpoint of the thread from which a node goes on."""
    found = [state async for state in graph.aget_state_history(on("t")) if state.next == (node,)]
    return found[-1].config


async def remembered(memory: CaseMemory) -> list[tuple[str, float]]:
    return sorted([(case.answer, case.reward) async for case in memory.views.walk(namespace="default")])


def of(memory: CaseMemory, *replies: str) -> MementoGraph:
    executor = scripted("it is Paris", "it is London")
    return graph_of(memory, planner=scripted(*replies), executor=executor, checkpointer=InMemorySaver())


@pytest.mark.parametrize("node", ["score_case", "planner"])
async def test_a_fork_that_plans_otherwise_has_its_own_event_outcome_and_case(node: str) -> None:
    async with a_memory() as memory:
        graph = of(memory, plan("look it up"), answer("Paris"), plan("guess"), answer("London"))
        first = await graph.ainvoke(TASK, on("t"))
        fork = await graph.ainvoke(None, await before(graph, node))
        assert (first["answer"], first["reward"]) == ("Paris", 1.0)
        assert (fork["answer"], fork["reward"]) == ("London", 0.0)
        assert await remembered(memory) == [("London", 0.0), ("Paris", 1.0)]
        ids = {first["case_id"], fork["case_id"]}, {first["event_id"], fork["event_id"]}
        assert [len(one) for one in ids] == [2, 2]
        assert [notice for notice in fork["notices"] if notice.startswith(FORKED)]
        assert first["notices"] == []
        assert await memory.n_outcomes() == 1, "the cases are credited with the first attempt"
        await memory.feedback(fork["event_id"], 0.5)
        assert await remembered(memory) == [("London", 0.5), ("Paris", 1.0)]
        assert [message.text for message in fork["messages"]] == [TASK["task"], "London"]


async def test_an_answer_that_a_person_edits_is_another_attempt() -> None:
    async with a_memory() as memory:
        graph = of(memory, answer("Paris"))
        first = await graph.ainvoke(TASK, on("t"))
        edited = await graph.aupdate_state(await before(graph, "evaluate"), {"answer": "London"}, as_node="planner")
        fork = await graph.ainvoke(None, edited)
        assert (fork["answer"], fork["reward"]) == ("London", 0.0)
        assert fork["event_id"] != first["event_id"]
        assert await remembered(memory) == [("London", 0.0)], "of the same plan, the newest attempt counts"
        said = [message.text for message in fork["messages"] if isinstance(message, AIMessage)]
        assert said == ["London"], "the edited answer takes the place of the first"


async def test_the_same_attempt_written_again_is_one() -> None:
    async with a_memory() as memory:
        graph = of(memory, plan("look it up"), answer("Paris"), answer("Paris"))
        first = await graph.ainvoke(TASK, on("t"))
        for node in ("write_case", "evaluate"):
            again = await graph.ainvoke(None, await before(graph, node))
            assert (again["case_id"], again["event_id"]) == (first["case_id"], first["event_id"])
            assert again["notices"] == []
        assert await remembered(memory) == [("Paris", 1.0)]
        assert (await memory.views.counts(namespace="default")).events == 1


async def test_another_reward_for_the_same_attempt_is_told_and_does_not_stand() -> None:
    async with a_memory() as memory:
        graph = of(memory, answer("Paris"))
        first = await graph.ainvoke(TASK, on("t"))
        edited = await graph.aupdate_state(await before(graph, "write_case"), {"reward": 0.0}, as_node="evaluate")
        again = await graph.ainvoke(None, edited)
        assert again["event_id"] == first["event_id"]
        assert "reward 1 by exact stands" in again["notices"][-1]
        assert await remembered(memory) == [("Paris", 1.0)]


async def test_a_fork_from_before_the_reading_reads_for_itself() -> None:
    async with a_memory() as memory:
        graph = of(memory, answer("Paris"), answer("London"))
        first = await graph.ainvoke(TASK, on("t"))
        fork = await graph.ainvoke(None, await before(graph, "retrieve_case"))
        assert fork["answer"] == "London"
        assert fork["event_id"] != first["event_id"]
        event = await memory.views.event(fork["event_id"], namespace="default")
        assert event is not None
        assert event.fork_of is None
        assert await memory.n_outcomes() == 2, "a draw of its own is credited"


class OwnMemory:
    """A host's wrapper, which knows of no attempts apart."""

    namespace = "default"

    def __init__(self, memory: CaseMemory) -> None:
        self.recall, self.select, self.write = memory.recall, memory.select, memory.write


async def test_a_hosts_own_memory_that_keeps_no_forks_says_so() -> None:
    async with a_memory() as memory:
        own: Any = OwnMemory(memory)
        planner = scripted(answer("Paris"), answer("London"))
        graph = graph_of(given(own), planner=planner, checkpointer=InMemorySaver())
        await graph.ainvoke(TASK, on("t"))
        fork = await graph.ainvoke(None, await before(graph, "planner"))
    assert "not remembered" in fork["notices"][-1]
    assert (fork["answer"], fork["case_id"]) == ("London", None)
