"""Reading again between two plans: one event per read, all of one run, none serving the run's own question."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Send

from memento.graph.deps import Deps
from memento.graph.routing import route_after_planner
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import LedgerUnavailable
from memento.memory.event import RetrievalEvent
from memento.nodes.reread import found_text, needs_reread, reread_input
from memento.nodes.retrieve_case import make_retrieve_case
from tests.memories import Place, filled
from tests.node_parts import a_memory, a_run, always, answer, begun, failing, names, plan, runtime_of, scripted, verdict
from tests.scripted import ScriptedChatModel

TASK = "capital of Italy"
KNOWN: Any = {"task": TASK, "reference": "Rome"}
REREAD: Any = {"reread": True}
STEP = {"id": "1", "description": "look up", "depends_on": []}
DONE = {"cycle": 1, "id": "1", "description": "look up", "result": "Rome", "is_complete": True, "tool_calls": []}


def graph_of(memory: Any, *, checkpointer: Any = None, **parts: Any) -> MementoGraph:
    models = {"executor": always("it is Rome"), "judge": always(verdict("no"))}
    return build_graph(Deps(memory=memory, **(models | parts)), checkpointer=checkpointer)


def on(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


async def chain(memory: CaseMemory, event_id: str) -> list[RetrievalEvent]:
    """The events of a run, first to last."""
    found: list[RetrievalEvent] = []
    name: str | None = event_id
    while name is not None:
        event = await memory.views.event(name, namespace="default")
        assert event is not None
        found.insert(0, event)
        name = event.follows
    return found


async def rewards(memory: CaseMemory, event_id: str) -> list[float | None]:
    outcomes = [await memory.views.outcome(event.id, namespace="default") for event in await chain(memory, event_id)]
    return [None if outcome is None else outcome.reward for outcome in outcomes]


async def n_outcomes(memory: CaseMemory) -> int:
    return len(await memory.views.observations(namespace="default", after=0, limit=1000))


def two_plans() -> ScriptedChatModel:
    return scripted(plan("look up"), plan("look again"), answer("Rome"))


async def test_events_are_chained_when_cases_are_read_before_every_plan() -> None:
    async with a_memory() as memory:
        await filled(memory, 6)
        result = await graph_of(memory, planner=two_plans()).ainvoke(
            {"task": TASK, "reference": "Rome"}, context=REREAD
        )
        events = await chain(memory, result["event_id"])
        told = await rewards(memory, result["event_id"])
        counts = await memory.views.counts(namespace="default")
    assert [event.follows for event in events] == [None, events[0].id, events[1].id]
    assert told == [1.0, 1.0, 1.0]
    assert (counts.cases, counts.events, counts.unknown) == (7, 3, 0)
    assert events[0].query == TASK
    assert events[1].query == f"{TASK}\nlook up: it is Rome"
    assert events[2].query == f"{TASK}\nlook up: it is Rome\nlook again: it is Rome"
    assert {event.question for event in events} == {events[0].question}


async def test_one_event_when_cases_are_read_once() -> None:
    async with a_memory() as memory:
        await filled(memory, 6)
        result = await graph_of(memory, planner=two_plans()).ainvoke({"task": TASK, "reference": "Rome"})
        events = await chain(memory, result["event_id"])
    assert len(events) == 1


async def test_planner_sees_other_cases_when_the_results_point_elsewhere() -> None:
    planner = scripted(plan("look up"), answer("Rome"))
    async with a_memory() as memory:
        await memory.write(state="capital of Kenya", action="ask an atlas", reward=1.0)
        await memory.write(state="volcano ash lava", action="ask a geologist", reward=1.0)
        graph = graph_of(memory, planner=planner, executor=always("volcano ash lava volcano ash lava"))
        context: Any = {"reread": True, "k": 1}
        await graph.ainvoke({"task": "capital of Italy"}, context=context)
    assert "ask an atlas" in planner.calls[0].text
    assert "ask a geologist" not in planner.calls[0].text
    assert "ask a geologist" in planner.calls[1].text


async def test_own_question_is_never_served_when_the_query_also_tells_results() -> None:
    async with a_memory() as memory:
        await memory.write(state="Capital of  Italy?", action="the same question", reward=1.0)
        await memory.write(state="capital of Kenya", action="another question", reward=1.0)
        planner = scripted(plan("look up"), answer("Rome"))
        await graph_of(memory, planner=planner).ainvoke({"task": TASK}, context=REREAD)
    assert len(planner.calls) == 2
    assert "the same question" not in "".join(call.text for call in planner.calls)
    assert "another question" in planner.calls[1].text


@pytest.mark.parametrize("policy", ["random", "parametric"])
async def test_own_question_is_never_served_whatever_the_policy(policy: str) -> None:
    async with a_memory() as memory:
        await memory.write(state=TASK, action="the same question", reward=1.0)
        reading = await memory.read(f"{TASK}\nmore", task=TASK, policy=policy)
    assert reading.cases == []


@pytest.mark.parametrize(("max_cycles", "n_events"), [(1, 1), (2, 2), (10, 10)])
async def test_cases_are_not_read_again_when_no_further_plan_is_possible(max_cycles: int, n_events: int) -> None:
    rows = [(str(n), f"step {n}", [str(n - 1)] if n > 1 else []) for n in range(1, 21)]
    planner = ScriptedChatModel(
        lambda messages: '{"answer": "42"}' if "No more plans" in messages[-1].text else plan(*rows)
    )
    async with a_memory() as memory:
        graph = graph_of(memory, planner=planner)
        context: Any = {"reread": True, "max_cycles": max_cycles}
        result = await graph.ainvoke({"task": "longest possible"}, context=context)
        events = await chain(memory, result["event_id"])
    assert result["answer"] == "42", "within the recursion limit"
    assert len(events) == n_events


async def test_nothing_is_read_again_when_the_results_are_the_answer() -> None:
    async with a_memory() as memory:
        graph = graph_of(
            memory, planner=scripted(plan("look up")), answer_from_results=lambda results: results[-1]["result"]
        )
        result = await graph.ainvoke({"task": TASK}, context=REREAD)
        events = await chain(memory, result["event_id"])
    assert (result["answer"], len(events)) == ("it is Rome", 1)


async def test_parallel_subtasks_lead_to_one_event_when_they_are_all_done() -> None:
    async with a_memory() as memory:
        planner = scripted(plan("one", "two", "three"), answer("42"))
        result = await graph_of(memory, planner=planner).ainvoke({"task": TASK}, context=REREAD)
        counts = await memory.views.counts(namespace="default")
        events = await chain(memory, result["event_id"])
    assert (counts.events, len(events)) == (2, 2)
    assert events[1].query.count("it is Rome") == 3


async def test_outcome_stays_unknown_for_every_event_when_the_reward_is_not_known() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory, planner=two_plans()).ainvoke({"task": TASK}, context=REREAD)
        told = await rewards(memory, result["event_id"])
        version = await memory.n_outcomes()
        await memory.feedback(result["event_id"], 1.0)
        later = await rewards(memory, result["event_id"])
        counts = await memory.views.counts(namespace="default")
    assert (told, version) == ([None, None, None], 0)
    assert later == [1.0, 1.0, 1.0]
    assert counts.cases == 1, "the attempt of the run became one case, not one per event"


async def test_feedback_reaches_every_event_once_when_it_comes_late_and_twice() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory, planner=two_plans()).ainvoke(
            {"task": TASK, "reference": "Rome"}, context=REREAD
        )
        await memory.feedback(result["event_id"], 0.0)
        n_told = await n_outcomes(memory)
        await memory.feedback(result["event_id"], 0.0)
        told, n_again = await rewards(memory, result["event_id"]), await n_outcomes(memory)
        await memory.feedback(result["event_id"], None)
        withdrawn = await rewards(memory, result["event_id"])
    assert told == [0.0, 0.0, 0.0]
    assert n_told == n_again == 6
    assert withdrawn == [None, None, None]


async def test_feedback_on_an_earlier_event_leaves_the_later_ones_when_given_by_its_id() -> None:
    async with a_memory() as memory:
        result = await graph_of(memory, planner=two_plans()).ainvoke(
            {"task": TASK, "reference": "Rome"}, context=REREAD
        )
        _, middle, _ = await chain(memory, result["event_id"])
        await memory.feedback(middle.id, 0.0)
        assert await rewards(memory, result["event_id"]) == [0.0, 0.0, 1.0]


async def test_own_outcome_of_an_earlier_reading_stays_when_the_last_one_is_written() -> None:
    async with a_memory() as memory:
        first = await memory.read("a")
        await memory.feedback(first.event_id, 0.25)
        second = await memory.read("a b", task="a", follows=first.event_id)
        await memory.write(state="a", action="act", reward=1.0, event_id=second.event_id)
        assert await rewards(memory, second.event_id) == [0.25, 1.0]


@pytest.mark.parametrize("node", ["planner", "executor", "retrieve_case", "score_case", "evaluate", "write_case"])
async def test_nothing_is_there_twice_when_the_run_is_cut_off_and_goes_on(node: str) -> None:
    async with a_memory() as memory:
        await filled(memory, 3)
        graph = graph_of(memory, planner=two_plans(), checkpointer=InMemorySaver())
        given: Any = KNOWN
        while (await graph.aget_state(on("t"))).next or given:
            await graph.ainvoke(given, on("t"), context=REREAD, interrupt_before=[node])
            given = None
        values = (await graph.aget_state(on("t"))).values
        counts = await memory.views.counts(namespace="default")
        told = await rewards(memory, values["event_id"])
    assert values["answer"] == "Rome"
    assert (counts.cases, counts.events, counts.unknown) == (4, 3, 0)
    assert told == [1.0, 1.0, 1.0]


async def test_outcomes_are_there_once_when_the_last_node_runs_again() -> None:
    async with a_memory() as memory:
        first = await memory.read("a")
        second = await memory.read("a b", task="a", follows=first.event_id)
        given: Any = {"state": "a", "action": "act", "reward": 1.0, "event_id": second.event_id}
        assert await memory.write(**given) == await memory.write(**given)
        assert await n_outcomes(memory) == 2


async def test_chain_is_on_disk_when_the_bank_is_opened_again(tmp_path: Any) -> None:
    place = Place("folder", {"location": tmp_path / "bank"})
    async with place.memory() as memory:
        first = await memory.read("a")
        second = await memory.read("a b", task="a", follows=first.event_id)
    async with place.memory() as memory:
        await memory.write(state="a", action="act", reward=0.0, event_id=second.event_id)
        assert await rewards(memory, second.event_id) == [0.0, 0.0]


async def test_new_run_starts_afresh_when_the_thread_was_left_between_two_plans() -> None:
    async with a_memory() as memory:
        planner = scripted(plan("look up"), answer("42"))
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        await graph.ainvoke({"task": TASK}, on("t"), context=REREAD, interrupt_before=["score_case"])
        await graph.ainvoke(None, on("t"), context=REREAD, interrupt_before=["retrieve_case"])
        assert (await graph.aget_state(on("t"))).next == ("retrieve_case",)
        await graph.ainvoke({"task": "another task"}, on("t"), context=REREAD)
        values = (await graph.aget_state(on("t"))).values
        events = await chain(memory, values["event_id"])
    assert [event.query for event in events] == ["another task"]
    assert values["cycle"] == 0


async def test_cases_that_are_there_serve_on_when_they_cannot_be_read_again() -> None:
    sent = reread_input(begun(cycle=1, plan=[STEP], results=[DONE], event_id="e1", notices=["before"]))
    update = await make_retrieve_case(failing(LedgerUnavailable("disk full")))(sent, runtime=runtime_of())
    assert (update["recall"], update["read_cycle"], update["retrieval_degraded"]) == ({}, 1, True)
    assert update["notices"] == ["before", "cases were not read again: disk full"]
    assert not {"cases", "event_id", "plan", "results"} & set(update)


async def test_events_are_streamed_for_every_read_when_a_run_reads_again() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, planner=scripted(plan("look up"), answer("42")))
        streamed = [event async for event in graph.astream({"task": TASK}, stream_mode="custom", context=REREAD)]
    assert names(streamed) == ["cases", "plan", "subtask", "result", "cases", "reward", "written"]


@pytest.mark.parametrize(
    ("settings", "changes", "is_due"),
    [
        ({"reread": True}, {}, True),
        ({"reread": False}, {}, False),
        ({"reread": True}, {"results": []}, False),
        ({"reread": True}, {"read_cycle": 1}, False),
        ({"reread": True}, {"plan": []}, False),
        ({"reread": True, "max_cycles": 1}, {}, False),
    ],
    ids=["due", "off", "unfinished", "already", "answered", "last"],
)
def test_due_only_when_a_plan_is_finished_and_another_may_follow(settings: Any, changes: Any, is_due: bool) -> None:
    state = begun(a_run(settings=settings), **({"cycle": 1, "plan": [STEP], "results": [DONE]} | changes))
    route = route_after_planner(state)
    assert needs_reread(state) is is_due
    assert (isinstance(route, list) and isinstance(route[0], Send) and route[0].node == "retrieve_case") is is_due


def test_run_goes_on_as_it_began_when_it_is_older_than_the_dial() -> None:
    state = begun(cycle=1, plan=[STEP], results=[DONE])
    del state["run"]["settings"]["reread"]
    assert needs_reread(state) is False


@given(st.lists(st.text(max_size=400), max_size=40))
def test_query_stays_short_when_results_are_many_and_long(texts: list[str]) -> None:
    found = found_text([{**DONE, "result": text} for text in texts])  # type: ignore[typeddict-item]
    assert len(found) <= 600
    assert all(len(line) <= 200 for line in found.split("\n"))
    if texts:
        assert found.split("\n")[-1].startswith("look up:")
