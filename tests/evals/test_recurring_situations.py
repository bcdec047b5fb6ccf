"""Step cases in evaluations: deferred with their run, kept in its journal, read back; the made houses."""

from typing import Any

import pytest

from benchmarks.recurring_situations.houses import DOORS, MAX_STEPS, HouseWalk, make_estate
from benchmarks.recurring_situations.walker import CopyingWalker, subject_of
from memento.evals.runs.held_memory import HeldMemory
from memento.evals.runs.result import HeldWrite
from memento.graph.workflow import build_graph
from memento.memory.experience import Experience
from tests.node_parts import a_memory

ESTATE = make_estate(20, seed=0)
CONTEXT: Any = {"step_k": 4, "evaluator": "environment"}


def doors_of(estate: Any, room: str) -> set[str]:
    houses = estate.houses.values()
    return {house.right[house.rooms.index(room)] for house in houses if room in house.rooms}


async def test_a_room_has_one_right_door_in_all_houses_unless_they_are_strange() -> None:
    assert len(doors_of(ESTATE, "kitchen")) == 1
    assert len(doors_of(make_estate(60, seed=0, is_strange=True), "kitchen")) == len(DOORS)
    task, house = next(iter(ESTATE.houses.items()))
    world = HouseWalk(ESTATE.houses)
    await world.reset(task)
    seen = [await world.step(f"open the {door} door") for door in house.right]
    assert (seen[-1].is_won, seen[-1].score, seen[0].score) == (True, 1.0, 0.2)
    await world.reset(task)
    wrong = next(door for door in DOORS if door != house.right[0])
    seen = [await world.step(f"open the {wrong} door") for _ in range(MAX_STEPS)]
    assert (seen[-1].is_over, seen[-1].is_won, seen[-1].score) == (True, False, 0.0)


@pytest.mark.parametrize("reward", [1.0, 0.0])
async def test_walker_opens_what_worked_in_the_same_room_alone(reward: float) -> None:
    task, world = ESTATE.tasks[0].question, HouseWalk(ESTATE.houses)
    now = await world.reset(task)
    room = ESTATE.houses[task].rooms[0]

    def case(place: str, door: str) -> Any:
        return {"state": f"Seen: You stand in the {place}.", "action": f"open the {door} door", "reward": reward}

    shown = [case(room, "ivory")] * 4 + [case("moat", "amber")] * 4
    given: Any = {"run": {"task": task}, "cases": [], "steps": [], "now": now}
    opened = [await CopyingWalker(seed).act(**given, step_cases=shown) for seed in range(40)]
    assert (opened.count("open the ivory door") > 36) == bool(reward), "four that worked are followed"
    assert reward or opened.count("open the ivory door") == 0, "what only failed is not tried"


async def test_a_runs_steps_are_deferred_with_it_and_written_once_from_its_journal() -> None:
    task = ESTATE.tasks[0]
    async with a_memory(namespace="arm-0") as memory:
        held = HeldMemory(memory, seed=0)
        graph = build_graph(subject_of(ESTATE).make_deps(held))
        await graph.ainvoke({"task": task.question}, context=CONTEXT)
        experience, seconds = held.taken(task.stored_hash)
        assert experience is not None
        assert seconds > 0
        assert held._seconds == {}, "what the steps' readings took is their run's"
        kept = HeldWrite.model_validate_json(HeldWrite(arguments=experience.as_arguments()).model_dump_json())
        for _ in range(2):
            await memory.write(Experience(**kept.arguments))
        cases = [case async for case in memory.views.walk(namespace="arm-0", kind="step")]
    assert len(cases) == len(experience.steps) > 0
    assert {case.outcomes.n for case in cases} == {1}
