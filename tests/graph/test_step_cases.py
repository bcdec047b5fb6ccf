"""Step cases in whole runs: what an actor is shown of situations like its own, and what is remembered of its steps."""

import json
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.explanation import explained_event
from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Observation
from memento.nodes.acting.step_cases import MAX_STEPS_KEPT, situation_text
from tests.house_world import WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import a_memory, scripted
from tests.scripted import ScriptedChatModel

DAY, NIGHT = "Leave the house. It is day.", "Leave the house. It is night."
READS: Any = {"step_k": 2}
SECRET = "sk-very-secret-0123456789"


def graph_of(memory: Any, actor: Any = None, **options: Any) -> MementoGraph:
    parts: dict[str, Any] = {"environment": HouseWorld().lent, "actor": actor} | options
    return build_graph(Deps(memory=memory, **parts), checkpointer=InMemorySaver())


async def run(graph: MementoGraph, task: str, **settings: Any) -> Any:
    """The state at the end of a run."""
    thread: Any = {"configurable": {"thread_id": task}}
    await graph.ainvoke({"task": task}, thread, context=READS | settings)
    return (await graph.aget_state(thread)).values


async def cases_of(memory: CaseMemory) -> Any:
    return [case async for case in memory.views.walk(namespace="default", kind="step")]


async def test_model_is_shown_step_cases_in_its_newest_message_alone_and_credits_what_it_takes_up() -> None:
    acts = [json.dumps({"action": action}) for action in WALKTHROUGH]
    executor = scripted(*acts, *acts)
    async with a_memory() as memory:
        graph = graph_of(memory, executor=executor)
        await run(graph, DAY, k=0)
        first = {case.action: case for case in await cases_of(memory)}
        state = await run(graph, NIGHT, k=0)
        steps = state["results"][0]["steps"]
        events = [await memory.views.event(step["event_id"], namespace="default") for step in steps]
        why = (await explained_event(memory, steps[0]["event_id"])).facts()
    assert first["take key"].state == f"Task: {DAY}\nLast action: go east\nSeen: You are in the kitchen."
    assert first["take key"].answer == "You take the key."
    assert [case.reward for case in first.values()] == pytest.approx([0.6048, 0.756, 0.64, 0.8, 1.0])
    assert list(first) == list(WALKTHROUGH)
    assert [step["score_before"] for step in steps] == [0.0, 0.0, 0.5, 0.5, 0.5]
    opening, *later = [call.messages for call in executor.calls[5:]]
    block = f"Situation: {first['go east'].state}\nAction:\ngo east\nThen: You are in the kitchen."
    assert block in opening[-1].text
    assert opening[-1].text.index(block) < opening[-1].text.index("<actions>"), "what can be done stands last"
    assert not any(block in message.text for message in opening if isinstance(message, SystemMessage))
    for messages in later:
        assert messages[-1].text.count("Situation: ") == 2
        assert not any("Situation: " in message.text for message in messages[:-1]), "they go with the next step"
    for step, event in zip(steps, events, strict=True):
        assert event is not None
        assert (event.part_of, event.kind, len(event.case_ids)) == (state["event_id"], "step", 2)
        shown = {first[action].id for action in first if action == step["action"]} & {*event.case_ids}
        assert {*event.case_ids} - shown == {*step["left_out"]}, "nothing is said of a case whose action was not taken"
    assert first["go east"].id in (events[0].case_ids if events[0] else [])
    assert first["go east"].id not in steps[0]["left_out"], "its action was taken"
    assert why["not_taken_up"] == steps[0]["left_out"]


async def test_steps_that_changed_nothing_are_not_remembered() -> None:
    async with a_memory() as memory:
        state = await run(graph_of(memory, Walker(("wait", "go east", "take key"))), DAY, max_steps=3)
        cases = {case.action: case.reward for case in await cases_of(memory)}
    assert (state["reward"], state["results"][0]["ended_by"]) == (0.5, "max_steps")
    assert cases == {"go east": 0.4, "take key": 0.5}


async def test_nothing_is_read_or_written_of_steps_unless_a_run_wants_it_and_its_actor_takes_it() -> None:
    class Plain(Walker):
        async def act(self, *, run: Any, cases: Any, steps: Any, now: Any) -> str:
            return await super().act(run=run, cases=cases, steps=steps, now=now)

    async with a_memory() as memory:
        walker = Walker()
        await run(graph_of(memory, walker), DAY, step_k=0)
        state = await run(graph_of(memory, Plain()), NIGHT)
        assert (await memory.views.counts(namespace="default")).events == 2
    assert "step_cases" not in walker.seen[0]
    assert "steps" not in state["results"][0]


async def test_an_episode_goes_on_without_step_cases_when_the_memory_fails() -> None:
    n_asked = 0
    async with a_memory() as memory:

        class Forgetful:
            namespace = "default"

            async def recall(self, query: str, **options: Any) -> Any:
                nonlocal n_asked
                if options.get("kind") == "step":
                    n_asked += 1
                    raise OSError(f"the index is gone, {SECRET}")
                return await memory.recall(query, **options)

            def __getattr__(self, name: str) -> Any:
                return getattr(memory, name)

        async def source() -> Any:
            return Forgetful()

        state = await run(graph_of(source, Walker(), secrets=lambda: [SECRET]), DAY)
    (notice,) = state["results"][0]["notices"]
    assert notice.startswith("an episode went on without step cases: ")
    assert SECRET not in notice
    assert (state["reward"], bool(state["case_id"]), n_asked) == (1.0, True, 1)


async def test_a_failed_environment_leaves_no_step() -> None:
    async with a_memory() as memory:
        state = await run(graph_of(memory, Walker(), environment=HouseWorld(fails_at=3).lent), DAY)
        await memory.feedback(state["event_id"], 1.0)
        assert (state["reward"], await cases_of(memory)) == (None, [])


async def test_late_feedback_reaches_the_steps_and_secrets_reach_none() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, Walker(), secrets=lambda: [SECRET])
        state = await run(graph, f"Leave with {SECRET}.", evaluator="none")
        assert await cases_of(memory) == []
        await memory.feedback(state["event_id"], 1.0)
        cases = await cases_of(memory)
    assert [case.reward for case in cases] == pytest.approx([0.6048, 0.756, 0.64, 0.8, 1.0])
    assert not any(SECRET in case.text + case.answer for case in cases)
    assert cases[0].state.startswith("Task: Leave with ***.")


@pytest.mark.parametrize("gain_at", [0, 9, 59])
async def test_of_a_long_episode_the_steps_before_its_last_gain_are_remembered(gain_at: int) -> None:
    class Corridor(HouseWorld):
        async def step(self, action: str) -> Observation:
            self.n_steps += 1
            return Observation(f"Place {self.n_steps}.", ("walk",), 0.4 if self.n_steps > gain_at else 0.0)

    async with a_memory() as memory:
        graph = graph_of(memory, Walker(["walk"] * 60), environment=Corridor().lent)
        state = await run(graph, DAY, max_steps=60, k=0)
    kept = [int(step["seen"].removeprefix("Place ").rstrip(".")) for step in state["results"][0]["steps"]]
    assert len(kept) == MAX_STEPS_KEPT
    assert kept[0] == max(1, gain_at + 2 - MAX_STEPS_KEPT)
    assert gain_at + 1 in kept


def test_a_situation_is_short_whatever_is_seen() -> None:
    seen = Observation("a wide field " * 500)
    text = situation_text("find the coin " * 200, [Step("go " * 200, seen)], seen)
    assert len(text) < 1_300
    assert text.startswith("Task: find the coin")


async def test_step_cases_are_left_out_and_credited_with_nothing_when_the_model_cannot_read_so_much() -> None:
    class Refused(Exception):
        status_code = 400

    def narrow(messages: list[BaseMessage]) -> Any:
        if "Situation: " in messages[-1].text:
            return Refused("This model's maximum context length is 8192 tokens. However, you requested 9000 tokens")
        return json.dumps({"action": WALKTHROUGH[sum(message.type == "ai" for message in messages)]})

    async with a_memory() as memory:
        await run(graph_of(memory, Walker()), DAY)
        state = await run(graph_of(memory, executor=ScriptedChatModel(narrow)), NIGHT)
        (first, *_) = state["results"][0]["steps"]
        event = await memory.views.event(first["event_id"], namespace="default")
    assert event is not None
    assert (state["reward"], first["left_out"]) == (1.0, event.case_ids)
