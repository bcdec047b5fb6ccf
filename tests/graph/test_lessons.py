"""Lessons in whole runs: written with the run, counted as its cost, and never at the cost of its experience."""

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ConfigDict, TypeAdapter

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.nodes.errors import ModelRejected
from memento.nodes.events import RunEvent
from tests.graph.test_workflow import graph_of, on, state_of
from tests.memories import place
from tests.node_parts import a_memory, always, answer, names, scripted

WHEN, ADVICE = "A share in percent is asked for.", "Divide by a hundred once."
LESSON = json.dumps({"when": WHEN, "advice": ADVICE})
EXACT: Any = {"evaluator": "exact", "lesson_calls": 2}
FAILS: Any = {"task": "What is 7 % of 300?", "reference": "21"}


async def lessons(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace="default", kind="lesson")]


@pytest.mark.allow_blocking("files are written and read")
async def test_a_failure_leaves_a_lesson_that_feedback_takes_back(tmp_path: Path) -> None:
    judge = scripted(LESSON)
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory:
            graph = graph_of(memory, judge=judge, checkpointer=InMemorySaver())
            events = [one async for one in graph.astream(FAILS, on("1"), context=EXACT, stream_mode="custom")]
            state = await state_of(graph, "1")
            (lesson,) = await lessons(memory)
            await memory.feedback(state["event_id"], 1.0)
            (after,) = await lessons(memory)
    assert (lesson.state, lesson.action, lesson.status, after.status) == (WHEN, ADVICE, "active", "quarantined")
    assert lesson.provenance.event_id == state["event_id"]
    assert lesson.provenance.thread_id == "1"
    assert names(events) == ["cases", "reward", "written", "lesson"]
    check = TypeAdapter(RunEvent, config=ConfigDict(extra="forbid", strict=True))
    assert check.validate_python(events[-1]) == {
        "event": "lesson",
        "case_id": lesson.id,
        "when": WHEN,
        "advice": ADVICE,
    }
    assert state["usage"]["model_calls"] == 2, "the planner's and the one for the lesson"
    assert state["notices"] == []
    assert len(judge.calls) == 1, "feedback asks no model"


async def test_lessons_are_off_and_need_an_outcome_that_is_known() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, judge=always(AssertionError("not to be asked")))
        await graph.ainvoke(FAILS, context={"evaluator": "exact"})
        await graph.ainvoke({"task": "unknown?"}, context={"lesson_calls": 2})
        assert await lessons(memory) == []


async def test_a_success_where_the_cases_failed_leaves_a_lesson() -> None:
    judge = scripted(LESSON)
    async with a_memory() as memory:
        for number in range(2):
            await memory.write(state=f"What is {number} % of 300?", action="guess", reward=0.0)
        graph = graph_of(memory, planner=always(answer("21")), judge=judge)
        await graph.ainvoke(FAILS, context=EXACT)
        await graph.ainvoke({"task": "What is 8 % of 300?", "reference": "21"}, context=EXACT | {"k": 1})
        (lesson,) = await lessons(memory)
    assert lesson.provenance.ground is not None
    assert lesson.provenance.ground.outcome == "success"
    assert "Cases from memory that failed:" in judge.calls[0].text


@pytest.mark.parametrize("judge", [always(ModelRejected("no credit", 402)), always("no object")])
async def test_a_failing_model_costs_neither_the_run_nor_its_experience(judge: Any) -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, judge=judge, checkpointer=InMemorySaver())
        result = await graph.ainvoke(FAILS, on("1"), context=EXACT)
        case = (await memory.views.cases([result["case_id"]], namespace="default"))[result["case_id"]]
        outcome = await memory.views.outcome(result["event_id"], namespace="default")
        assert await lessons(memory) == []
    assert (result["answer"], case.reward) == ("42", 0.0)
    assert outcome is not None
    assert outcome.reward == 0.0
    (notice,) = result["notices"]
    assert notice.startswith("no lesson was written: the judge failed: ")


async def test_what_a_lesson_cost_is_counted_when_the_memory_fails() -> None:
    async with a_memory() as memory:

        class Full:
            namespace = "default"

            async def write(self, experience: Any, /) -> None:
                raise OSError("disk full")

            def __getattr__(self, name: str) -> Any:
                if name == "write_attempt":
                    raise AttributeError(name)
                return getattr(memory, name)

        async def source() -> Any:
            return Full()

        graph = graph_of(source, judge=scripted(LESSON), checkpointer=InMemorySaver())
        result = await graph.ainvoke(FAILS, on("1"), context=EXACT)
        state = await state_of(graph, "1")
    assert result["answer"] == "42"
    assert result["notices"] == ["not remembered: OSError: disk full"]
    assert state["usage"]["model_calls"] == 2


async def test_a_resumed_or_repeated_step_leaves_one_lesson() -> None:
    other = json.dumps({"when": "Sums of money.", "advice": "Count twice."})
    async with a_memory() as memory:
        graph = graph_of(memory, judge=scripted(LESSON, other), checkpointer=InMemorySaver())
        await graph.ainvoke(FAILS, on("1"), context=EXACT)
        before = [one async for one in graph.aget_state_history(on("1")) if one.next == ("write_case",)]
        await graph.ainvoke(None, before[0].config, context=EXACT)
        assert [case.action for case in await lessons(memory)] == [ADVICE]


async def test_a_lesson_that_a_run_has_written_is_on_trial_in_others_and_never_up_for_its_own_task() -> None:
    trial: Any = {"evaluator": "exact", "lessons": "trial", "k": 2}
    events, given = {}, [FAILS["task"], "What is 9 % of 300, a share in percent?"]
    when = "A share in percent is asked for: what is some % of 300?"
    async with a_memory() as memory:
        judge, planner = scripted(json.dumps({"when": when, "advice": ADVICE})), scripted(*[answer("2")] * 3)
        graph = graph_of(memory, judge=judge, planner=planner, checkpointer=InMemorySaver())
        await graph.ainvoke(FAILS, on("first"), context=EXACT)
        for task in given:
            await graph.ainvoke({"task": task, "reference": "27"}, on(task), context=trial)
            ids = (await state_of(graph, task))["guide_events"]
            events[task] = [await memory.views.event(one, namespace="default") for one in ids]
        (lesson,) = await lessons(memory)
        (other,) = events[given[1]]
        (verdict,) = await memory.trials([lesson.id])
    assert events[given[0]] == []
    assert other is not None
    (slot,) = other.slots
    assert lesson.id in (slot.case_id, slot.withheld)
    assert verdict.n_shown + verdict.n_withheld == 1
