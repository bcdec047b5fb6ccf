"""Whole runs in an environment: scripted models and actors play a small real world, and remember how."""

import json
from pathlib import Path
from typing import Any

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from tests.house_world import TASK, WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import a_memory, names, scripted


def acts(*actions: str) -> list[str]:
    return [json.dumps({"action": action}) for action in actions]


def graph_of(memory: Any, world: HouseWorld, *, checkpointer: Any = None, **parts: Any) -> MementoGraph:
    return build_graph(Deps(memory=memory, environment=world.lent, **parts), checkpointer=checkpointer)


async def test_second_run_sees_what_the_first_did_when_both_act(tmp_path: Path) -> None:
    world, model = HouseWorld(), scripted(*acts(*WALKTHROUGH), *acts(*WALKTHROUGH))
    async with a_memory() as memory:
        graph = graph_of(memory, world, executor=model)
        first = await graph.ainvoke({"task": TASK})
        parts = [
            part async for part in graph.astream({"task": f"{TASK} It is night."}, stream_mode=["custom", "values"])
        ]
        case = (await memory.views.cases([first["case_id"]], namespace="default"))[first["case_id"]]
    assert (first["answer"], first["reward"], first["error"]) == ("done: score 1 after 5 steps", 1.0, None)
    assert case.action == "go east\ntake key\ngo west\nunlock door\ngo north"
    assert case.action in model.calls[5].text
    assert 'outcome="worked"' in model.calls[5].text
    assert "<case" not in model.calls[0].text
    events = [event for kind, event in parts if kind == "custom"]
    assert names(events) == ["cases", "plan", "subtask", *["tool"] * 5, "result", "reward", "written"]
    assert [e["args"] for e in events if e["event"] == "tool"] == [{"action": action} for action in WALKTHROUGH]
    state = [value for kind, value in parts if kind == "values"][-1]
    assert state["results"][0]["case_ids"] == [first["case_id"]]
    assert (world.resets, world.n_released) == ([TASK, f"{TASK} It is night."], 2)


async def test_actor_of_the_host_needs_no_model_when_it_acts() -> None:
    world, walker = HouseWorld(), Walker(("go east", "take key", "wait", "go west", "unlock door", "go north"))
    async with a_memory() as memory:
        result = await graph_of(memory, world, actor=walker).ainvoke({"task": TASK})
    assert (result["answer"], result["reward"]) == ("done: score 1 after 6 steps", 1.0)
