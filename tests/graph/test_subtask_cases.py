"""Subtask cases in whole runs: what an executor is shown of earlier subtasks, and what is remembered of its own."""

from typing import Any

import pytest
from langchain_core.messages import SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.nodes.errors import ModelRejected
from memento.nodes.plan import Plan, PlannedSubtask
from tests.house_world import TASK, WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import a_memory, answer, calling, names, plan, scripted

LOOK, SEND = "look up the customer", "send the refund"
READS: Any = {"subtask_k": 2}
SECRET = "sk-very-secret-0123456789"


async def find(name: str) -> str:
    """Find a customer."""
    return f"{name} is customer 7"


def graph_of(memory: Any, executor: Any, *answers: str, steps: Any = (LOOK,), **options: Any) -> MementoGraph:
    planner = scripted(*(reply for text in answers for reply in (plan(*steps), answer(text))))
    saver, parts = options.pop("checkpointer", None), {"tools": [find]} | options
    return build_graph(Deps(memory=memory, planner=planner, executor=executor, **parts), checkpointer=saver)


def on(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


async def cases_of(memory: CaseMemory) -> Any:
    return [case async for case in memory.views.walk(namespace="default", kind="subtask")]


async def test_executor_is_shown_how_the_same_subtask_was_carried_out_for_another_task() -> None:
    executor = scripted(calling("find", name="Ada"), "customer 7", "customer 8")
    async with a_memory() as memory:
        graph = graph_of(memory, executor, "done", "done", checkpointer=InMemorySaver())
        await graph.ainvoke({"task": "Refund Ada.", "reference": "done"}, on("1"), context=READS)
        given: Any = {"task": "Close Bob's account.", "reference": "done"}
        events = [one async for one in graph.astream(given, on("2"), context=READS, stream_mode="custom")]
        state = (await graph.aget_state(on("2"))).values
        ada, bob = sorted(await cases_of(memory), key=lambda case: case.created_at)
        event = await memory.views.event(state["results"][0]["subtask_event_id"], namespace="default")
        outcome = await memory.views.outcome(state["results"][0]["subtask_event_id"], namespace="default")
    assert (ada.state, ada.action, ada.answer, ada.reward) == (LOOK, "- find(name='Ada')", "customer 7", 1.0)
    assert (bob.state, bob.action, bob.reward) == (LOOK, "(answered directly)", 1.0)
    shown = f"Subtask: {LOOK}\nHow:\n- find(name='Ada')\nResult: customer 7"
    last = executor.calls[-1].messages
    assert shown in last[-1].text
    assert not any(shown in message.text for message in last if isinstance(message, SystemMessage))
    assert shown not in executor.calls[0].text
    assert names(events) == ["cases", "plan", "subtask", "subtask_cases", "result", "reward", "written"]
    (served,) = [one for one in events if one["event"] == "subtask_cases"]
    (result,) = state["results"]
    assert event is not None
    assert outcome is not None
    assert served["event_id"] == result["subtask_event_id"] == event.id
    assert last[-1].id == event.id, "an erasure finds the agent's checkpoints by it"
    assert [case["id"] for case in served["cases"]] == result["subtask_case_ids"] == event.case_ids == [ada.id]
    assert (event.part_of, event.kind, outcome.reward) == (state["event_id"], "subtask", 1.0)
    assert "case_ids" not in result, "the run's own cases were the planner's"


@pytest.mark.parametrize(("given", "chosen_by"), [({}, "similarity"), ({"subtask_policy": "random"}, "random")])
async def test_subtask_cases_are_chosen_by_a_policy_of_their_own_where_a_run_names_one(
    given: dict[str, str], chosen_by: str
) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, scripted("7", "8"), "done", "done", checkpointer=InMemorySaver())
        context: Any = {**READS, "policy": "similarity", **given}
        for name in ("Ada", "Bob"):
            await graph.ainvoke({"task": f"Refund {name}.", "reference": "done"}, on(name), context=context)
        state = (await graph.aget_state(on("Bob"))).values
        event_ids = state["event_id"], state["results"][0]["subtask_event_id"]
        whole, subtask = [await memory.views.event(one, namespace="default") for one in event_ids]
    assert whole is not None
    assert subtask is not None
    assert (whole.policy, subtask.policy, len(subtask.case_ids)) == ("similarity", chosen_by, 1)


async def test_nothing_is_read_or_written_of_subtasks_unless_a_run_wants_it() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, scripted("7"), "done", checkpointer=InMemorySaver())
        await graph.ainvoke({"task": "Refund Ada.", "reference": "done"}, on("1"))
        state = (await graph.aget_state(on("1"))).values
        assert not await cases_of(memory)
    assert "subtask_event_id" not in state["results"][0]


async def test_a_resumed_executor_reads_under_the_same_event_and_late_feedback_reaches_it() -> None:
    executor = scripted(ModelRejected("no credit", 402), "customer 7")
    async with a_memory() as memory:
        graph = graph_of(memory, executor, "done", checkpointer=InMemorySaver())
        with pytest.raises(ModelRejected):
            await graph.ainvoke({"task": "Refund Ada."}, on("1"), context=READS | {"evaluator": "none"})
        n_events = (await memory.views.counts(namespace="default")).events
        result = await graph.ainvoke(None, on("1"), context=READS)
        assert (await memory.views.counts(namespace="default")).events == n_events == 2
        assert (result["reward"], await cases_of(memory)) == (None, [])
        await memory.feedback(result["event_id"], 1.0)
        (case,) = await cases_of(memory)
    assert (case.state, case.reward, case.answer) == (LOOK, 1.0, "customer 7")


async def test_a_subtask_goes_on_without_cases_when_the_memory_fails() -> None:
    async with a_memory() as memory:

        class Forgetful:
            namespace = "default"

            async def recall(self, query: str, **options: Any) -> Any:
                if "kind" in options:
                    raise OSError(f"the index is gone, {SECRET}")
                return await memory.recall(query, **options)

            def __getattr__(self, name: str) -> Any:
                return getattr(memory, name)

        async def source() -> Any:
            return Forgetful()

        graph = graph_of(source, scripted("7"), "done", secrets=lambda: [SECRET])
        result = await graph.ainvoke({"task": "Refund Ada.", "reference": "done"}, context=READS)
    (notice,) = result["notices"]
    assert notice.startswith("a subtask was carried out without cases of its own: ")
    assert SECRET not in notice
    assert (result["reward"], bool(result["case_id"])) == (1.0, True)


async def test_secrets_reach_no_subtask_case_and_no_reading() -> None:
    executor = scripted(calling("find", name=SECRET), f"it is {SECRET}")
    async with a_memory() as memory:
        graph = graph_of(memory, executor, "done", steps=(f"use {SECRET}",), secrets=lambda: [SECRET])
        await graph.ainvoke({"task": "Refund Ada.", "reference": "done"}, context=READS)
        (case,) = await cases_of(memory)
        event = await memory.views.event(case.provenance.event_id or "", namespace="default")
    assert event is not None
    assert SECRET not in case.model_dump_json() + event.model_dump_json()
    assert case.state == event.query == "use ***"


async def test_a_failure_is_shared_by_the_subtasks_that_were_completed() -> None:
    executor = scripted("customer 7", "", "")
    async with a_memory() as memory:
        graph = graph_of(memory, executor, "wrong", steps=(LOOK, (SEND, SEND, ["1"])), checkpointer=InMemorySaver())
        context = READS | {"max_model_calls": 2, "evaluator": "exact"}
        await graph.ainvoke({"task": "Refund Ada.", "reference": "done"}, on("1"), context=context)
        first, second = (await graph.aget_state(on("1"))).values["results"]
        (case,) = await cases_of(memory)
        ended_early = await memory.views.outcome(second["subtask_event_id"], namespace="default")
    assert (first["is_complete"], second["is_complete"]) == (True, False)
    assert ended_early is not None
    assert ended_early.reward is None, "an outage or a budget says nothing of the way it was done"
    assert (case.reward, case.confidence) == (0.0, 0.5), "one of two is to blame"


async def test_an_episode_has_subtask_cases_unless_it_is_the_whole_task() -> None:
    def two_parts(_run: Any) -> Plan:
        return Plan(subtasks=[PlannedSubtask(id="1", description="leave the house")])

    async with a_memory() as memory:
        whole = build_graph(Deps(memory=memory, environment=HouseWorld().lent, actor=Walker()))
        await whole.ainvoke({"task": TASK}, context=READS)
        assert not await cases_of(memory)
        walker = Walker()
        parts = build_graph(Deps(memory=memory, environment=HouseWorld().lent, actor=walker, fixed_plan=two_parts))
        for task in ("Leave. It is day.", "Leave. It is night."):
            await parts.ainvoke({"task": task}, context=READS)
        cases = await cases_of(memory)
    assert [case.action.splitlines()[0] for case in cases] == ["go east", "go east"]
    assert walker.seen[-1]["cases"][0]["id"] == cases[0].id, "before the cases of whole tasks"
    assert len(walker.seen[-1]["cases"]) == 3


async def test_an_agent_that_plays_an_episode_by_tools_is_shown_subtask_cases() -> None:
    def two_parts(_run: Any) -> Plan:
        return Plan(subtasks=[PlannedSubtask(id="1", description="leave the house")])

    acts = [calling("act", number, action=action) for number, action in enumerate(WALKTHROUGH, 1)]
    executor = scripted(*[*acts, "out"] * 2)
    async with a_memory() as memory:
        parts: dict[str, Any] = {"environment": HouseWorld().lent, "executor": executor, "fixed_plan": two_parts}
        graph = build_graph(Deps(memory=memory, **parts), checkpointer=InMemorySaver())
        for task in ("Leave. It is day.", "Leave. It is night."):
            await graph.ainvoke({"task": task}, on(task), context=READS | {"acting": "tools"})
        (result,) = (await graph.aget_state(on("Leave. It is night."))).values["results"]
        cases = await cases_of(memory)
    opening = executor.calls[-1].messages[1]
    first = next(case for case in cases if case.id in result["subtask_case_ids"])
    assert opening.id == result["subtask_event_id"], "an erasure finds the agent's checkpoints by it"
    assert "Task: leave the house\nActions:\ngo east" in opening.text
    assert [case.action for case in cases] == [first.action] * 2
    assert (first.action, first.reward) == ("\n".join(WALKTHROUGH), 1.0)
    assert len(result["case_ids"]) == 1, "the case of the whole task"
