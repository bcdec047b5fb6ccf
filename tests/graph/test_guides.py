"""Guides in whole runs: shown or withheld at random in place of the last case, credited with the run."""

from typing import Any

from langchain_core.messages import SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ConfigDict, TypeAdapter

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case import question_hash
from memento.memory.case_memory import CaseMemory
from memento.nodes.errors import ModelRejected
from memento.nodes.events import RunEvent
from tests.house_world import HouseWorld, Walker
from tests.node_parts import a_memory, answer, names, plan, scripted

ON: Any = {"skills": "trial", "k": 2}
TASKS = [f"Refund customer {name}." for name in ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay")]
PROCEDURE = "Look the customer up, then send the refund."
CONTRACT: Any = TypeAdapter(RunEvent, config=ConfigDict(extra="forbid", strict=True))
SECRET = "sk-very-secret-0123456789"


def on(thread: str) -> Any:
    return {"configurable": {"thread_id": thread}}


async def with_cases(memory: CaseMemory, *, kind: Any = "skill", sources: tuple[str, ...] = ()) -> str:
    for name in ("Gil", "Hal", "Ira"):
        await memory.write(state=f"Refund customer {name}.", action=f"refund {name}", reward=1.0)
    written = await memory.write(
        state="Refund a customer.",
        action=PROCEDURE,
        reward=1.0,
        kind=kind,
        written_from=[question_hash(source) for source in sources],
    )
    return written or ""


def graph_of(memory: Any, *replies: Any, **options: Any) -> MementoGraph:
    planner = options.pop("planner", None) or scripted(*(replies or [answer("done")] * 9))
    saver, executor = options.pop("checkpointer", None), options.pop("executor", scripted("sent"))
    return build_graph(Deps(memory=memory, planner=planner, executor=executor, **options), checkpointer=saver)


async def test_a_skill_takes_the_last_place_by_lot_and_has_the_outcomes_of_both_sides() -> None:
    planner, sides = scripted(*[answer("done"), answer("wrong")] * 3), []
    async with a_memory() as memory:
        skill = await with_cases(memory)
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        for task in TASKS:
            given: Any = {"task": task, "reference": "done"}
            events = [
                one
                async for one in graph.astream(
                    given, on(task), context=ON | {"evaluator": "exact"}, stream_mode="custom"
                )
            ]
            state = (await graph.aget_state(on(task))).values
            prompt = planner.calls[-1]
            (event_id,) = state["guide_events"]
            event = await memory.views.event(event_id, namespace="default")
            outcome = await memory.views.outcome(event_id, namespace="default")
            assert event is not None
            assert outcome is not None
            (slot,) = event.slots
            is_shown = slot.case_id == skill
            sides.append((is_shown, outcome.reward))
            assert (slot.withheld, slot.propensity, event.part_of) == (
                None if is_shown else skill,
                0.5,
                state["event_id"],
            )
            assert len(state["cases"]) == (1 if is_shown else 2), "never more than k of both"
            assert [one["id"] for one in state["guides"]] == ([skill] if is_shown else [])
            assert bool(state["left_out"]) == is_shown, "the case that it took the place of earns nothing"
            assert prompt.text.count("<case outcome") == len(state["cases"])
            assert (PROCEDURE in prompt.text) == is_shown
            assert not any(PROCEDURE in one.text for one in prompt.messages if isinstance(one, SystemMessage))
            assert names(events) == ["cases", "guides", "reward", "written"]
            assert events[1] == {"event": "guides", "event_ids": [event_id], "guides": state["guides"]}
            assert CONTRACT.validate_python(events[1]) == events[1]
        (trial,) = await memory.trials([skill])
        shown = [reward for is_shown, reward in sides if is_shown]
        assert 0 < len(shown) < len(TASKS)
        assert (trial.n_shown, trial.n_withheld, trial.status) == (len(shown), len(TASKS) - len(shown), "on trial")
        await memory.feedback(state["event_id"], 0.5)
        outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    assert outcome.reward == 0.5, "later and better knowledge of the run"


async def test_nothing_is_put_on_trial_unless_a_run_wants_it() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        graph = graph_of(memory, checkpointer=InMemorySaver())
        others: list[Any] = [{}, ON | {"policy": "none"}, ON | {"k": 0}, {"lessons": "trial"}]
        for number, context in enumerate(others):
            await graph.ainvoke({"task": TASKS[0], "reference": "done"}, on(str(number)), context=context)
            state = (await graph.aget_state(on(str(number)))).values
            assert (state["guides"], state["guide_events"]) == ([], [])


async def test_a_skill_is_not_up_for_a_task_that_it_was_written_from() -> None:
    async with a_memory() as memory:
        await with_cases(memory, sources=(TASKS[0],))
        graph = graph_of(memory, checkpointer=InMemorySaver())
        await graph.ainvoke({"task": TASKS[0], "reference": "done"}, on("1"), context=ON)
        state = (await graph.aget_state(on("1"))).values
        (event_id,) = state["guide_events"]
        event = await memory.views.event(event_id, namespace="default")
    assert event is not None
    assert [(slot.case_id, slot.withheld) for slot in event.slots] in ([], [(None, None)])
    assert len(state["cases"]) == 2


async def test_a_run_without_a_known_reward_is_no_trial_until_it_is_known() -> None:
    async with a_memory() as memory:
        lesson = await with_cases(memory, kind="lesson")
        graph = graph_of(memory)
        context: Any = {"lessons": "trial", "evaluator": "none"}
        result = await graph.ainvoke({"task": TASKS[0]}, context=context)
        (trial,) = await memory.trials([lesson])
        assert trial.n_shown + trial.n_withheld == 0
        await memory.feedback(result["event_id"], 1.0)
        (trial,) = await memory.trials([lesson])
        assert trial.n_shown + trial.n_withheld == 1


async def test_a_resumed_run_keeps_its_lot() -> None:
    async with a_memory() as memory:
        skill = await with_cases(memory)
        planner = scripted(ModelRejected("no credit", 402), answer("done"))
        graph = graph_of(memory, planner=planner, checkpointer=InMemorySaver())
        try:
            await graph.ainvoke({"task": TASKS[0], "reference": "done"}, on("1"), context=ON)
        except ModelRejected:
            first = (await graph.aget_state(on("1"))).values["guide_events"]
        await graph.ainvoke(None, on("1"), context=ON)
        assert (await graph.aget_state(on("1"))).values["guide_events"] == first
        (trial,) = await memory.trials([skill])
    assert trial.n_shown + trial.n_withheld == 1


async def test_a_failing_memory_leaves_a_run_without_skills() -> None:
    async with a_memory() as memory:
        await with_cases(memory)

        class Forgetful:
            namespace = "default"

            async def recall(self, query: str, **options: Any) -> Any:
                if options.get("kind") == "skill":
                    raise OSError(f"the index is gone, {SECRET}")
                return await memory.recall(query, **options)

            def __getattr__(self, name: str) -> Any:
                return getattr(memory, name)

        async def source() -> Any:
            return Forgetful()

        graph = graph_of(source, secrets=lambda: [SECRET])
        result = await graph.ainvoke({"task": TASKS[0], "reference": "done"}, context=ON)
    (notice,) = result["notices"]
    assert notice.startswith("running without skills: ")
    assert SECRET not in notice
    assert result["reward"] == 1.0


async def test_guides_go_to_whoever_is_shown_the_cases() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        executor, planner = scripted(*["sent"] * 6), scripted(*[plan("send it"), answer("done")] * 6)
        graph = graph_of(memory, planner=planner, executor=executor, checkpointer=InMemorySaver())
        for task in TASKS:
            context = ON | {"cases_for": "executor"}
            await graph.ainvoke({"task": task, "reference": "done"}, on(task), context=context)
            is_shown = bool((await graph.aget_state(on(task))).values["guides"])
            assert (PROCEDURE in executor.calls[-1].text) == is_shown
        assert not any(PROCEDURE in call.text for call in planner.calls)
        walker = Walker()
        acting = build_graph(Deps(memory=memory, environment=HouseWorld().lent, actor=walker))
        for task in TASKS:
            await acting.ainvoke({"task": task}, context=ON)
        kinds = [{case.get("kind", "plan") for case in seen["cases"]} for seen in walker.seen]
    assert {"plan"} in kinds
    assert {"plan", "skill"} in kinds
