"""Credit of an episode's steps: their returns, the baseline of a reading, late feedback, who is shown them."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from memento.memory.case import Case, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.event import StepGain
from memento.memory.experience import Experience
from memento.memory.explanation import explained_event
from memento.memory.steps import StepAttempt, discounted_gains, relative_return, step_credit, success_line, usual_return
from memento.memory.subtasks import SubtaskAttempt
from tests.node_parts import a_memory

TASK, OTHER = "leave the house", "leave the flat"
HALL, KITCHEN, DOOR = "Seen: the hall", "Seen: the kitchen", "Seen: the open door"


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with a_memory() as memory:
        yield memory


async def reading_of(memory: CaseMemory, situation: str, *, task: str = TASK, **options: Any) -> Any:
    recall = await memory.recall(situation, kind="step", key=question_hash(task), **options)
    return await memory.select(recall, k=4)


async def an_episode(
    memory: CaseMemory, *steps: tuple[str, str, float, float], task: str = TASK, left_out: Any = (), **fields: Any
) -> Experience:
    """A run that was read for, with its steps, not yet written."""
    taken = []
    score = fields.pop("score", 1.0)
    for situation, action, before, gain in steps:
        event_id = (await reading_of(memory, situation, task=task)).event_id
        step: Any = {"event_id": event_id, "state": situation, "action": action, "left_out": left_out, "score": score}
        taken.append(StepAttempt(**step, score_before=before, gain=gain))
    given = {"state": task, "action": "the trajectory", "reward": score, "evaluator": "environment", "thread_id": "t"}
    return Experience(**given | fields, event_id=(await memory.read(task)).event_id, steps=taken)


async def step_cases(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace="default", kind="step")]


async def rewards(memory: CaseMemory) -> dict[str, float]:
    return {case.action: case.reward for case in await step_cases(memory)}


def test_gains_are_discounted_by_the_steps_before_them() -> None:
    assert discounted_gains([0, 0, 0, 1]) == pytest.approx([0.64, 0.8, 1])
    assert discounted_gains([0, 0.5, 0.5, 0.75]) == pytest.approx([0.66, 0.2, 0.25])
    assert discounted_gains([0, 0.5, 0]) == pytest.approx([0.1, -0.5]), "what is lost again counts, too"
    assert discounted_gains([0]) == []


@pytest.mark.parametrize(
    ("reward", "step", "expected"),
    [
        (0.75, (0.5, 0.25, 0.75, 0), 0.5),
        (0.5, (0.5, -0.1, 0.5, 3), 0.0),
        (0.0, (0.5, 0.25, 0.75, 0), 0.0),
        (1.0, (0.25, 0.25, 0.5, 0), 1.0),
        (1.0, (0.0, 0.0, 0.0, 2), 0.64),
    ],
    ids=["the episode's own score", "after the last gain", "lost after all", "scaled to the reward", "no score at all"],
)
def test_return_is_the_share_of_what_was_left_that_was_gained(reward: float, step: Any, expected: float) -> None:
    gain = StepGain(**dict(zip(StepGain.model_fields, step, strict=True)))
    assert step_credit(reward, 0.8, gain) == pytest.approx((expected, 0.8))
    assert step_credit(None, 0.8, gain).reward is None
    assert step_credit(reward, 0.8, gain.model_copy(update={"score_before": 1.0, "score": reward})).reward in (None, 0)


def test_baseline_is_what_steps_in_like_situations_return() -> None:
    def usual(*rows: tuple[float, float]) -> float:
        similarity, reward = np.array(rows, np.float32).reshape(-1, 2).T
        return usual_return(similarity, reward)

    assert usual() == 0.5
    assert usual((1.0, 1.0)) == pytest.approx(0.75), "one observation beside the one of .5"
    assert usual(*[(1.0, 1.0)] * 9) == pytest.approx(0.95)
    assert usual(*[(1.0, 0.0)] * 9, *[(0.2, 1.0)] * 9) < 0.1, "what is not alike says little"
    assert (relative_return(1.0, 1.0), relative_return(1.0, 0.0), relative_return(0.0, 1.0)) == (0.5, 1.0, 0.0)
    assert success_line(0.0) > 0, "a return of 0 never worked"


async def test_steps_are_credited_with_their_returns_and_found_for_other_tasks_alone(memory: CaseMemory) -> None:
    run = await an_episode(memory, (HALL, "go east", 0.0, 0.9), (KITCHEN, "wait", 0.5, 0.4), (DOOR, "look", 1.0, 0.0))
    await memory.write(run)
    await memory.write(run)
    assert await rewards(memory) == {"go east": 0.9, "wait": 0.8}, "once, and nothing where nothing was left"
    assert not (await reading_of(memory, HALL)).cases, "its own task"
    found = (await reading_of(memory, HALL, task=OTHER)).cases
    assert {one.case.kind for one in found} == {"step"}
    assert found[0].case.state == HALL
    assert {one.case.kind for one in (await memory.read(OTHER)).cases} == {"plan"}


async def test_feedback_on_the_run_replaces_the_returns_of_its_steps(memory: CaseMemory) -> None:
    run = await an_episode(memory, (HALL, "go east", 0.0, 0.5), (KITCHEN, "wait", 0.5, 0.0), score=0.5, reward=None)
    await memory.write(run)
    assert await rewards(memory) == {}, "an unknown outcome is no failure"
    for reward, expected in ((0.5, [0.0, 0.5]), (0.25, [0.0, 0.25]), (0.25, [0.0, 0.25])):
        await memory.feedback(run.event_id or "", reward)
        assert sorted((await rewards(memory)).values()) == expected
    assert {case.outcomes.n for case in await step_cases(memory)} == {1}, "replaced, not added"
    assert (await explained_event(memory, run.event_id or "")).facts()["steps"] == [one.event_id for one in run.steps]


async def test_a_reading_keeps_its_baseline_and_is_learned_relative_to_it(memory: CaseMemory) -> None:
    await memory.write(await an_episode(memory, (HALL, "go east", 0.0, 1.0), (HALL, "wait", 0.0, 1.0)))
    lost = await an_episode(memory, (HALL, "go east", 0.0, 0.0), task=OTHER, score=0.0, left_out=["somebody"])
    await memory.write(lost)
    reading = await reading_of(memory, HALL, task="a third task")
    event = await memory.views.event(lost.steps[0].event_id, namespace="default")
    assert event is not None
    assert event.usual == pytest.approx(2.5 / 3, abs=1e-3)
    assert reading.positive_from == pytest.approx(2.5 / 4, abs=1e-3), "two of three steps here returned all"
    own = [slot.own_reward for slot in event.slots if slot.case_id]
    assert own == pytest.approx([0.5 + (1 - event.usual) / 2] * 2), "as policies and estimators saw them"
    observed = await memory.views.newest_observations(namespace="default", until=10**9, limit=10)
    (learned,) = [one for one in observed if one.event_id == event.id]
    assert learned.reward == pytest.approx(0.5 - event.usual / 2), "less than usual"
    outcome = await memory.views.outcome(event.id, namespace="default")
    assert outcome is not None
    assert outcome.reward == 0.0, "the ledger keeps the return itself"


async def test_what_runs_usually_earn_is_not_told_by_their_steps() -> None:
    async with a_memory(positive_from="usual") as memory:
        for number in range(10):
            steps = [(HALL, "wait", 0.4, 0.0)] * 3
            await memory.write(await an_episode(memory, *steps, task=f"task {number}", score=0.4))
        assert (await memory.read(OTHER)).positive_from == pytest.approx(0.4)


async def test_a_step_that_is_not_valid_is_refused_with_the_reason() -> None:
    given: Any = {"state": TASK, "action": "-", "reward": 1.0}
    step = {"event_id": "e", "state": HALL, "action": "go east"}
    assert Experience(**given, steps=[step]).steps == (StepAttempt(**step),)
    assert Experience(**Experience(**given, steps=[step]).as_arguments()).steps == (StepAttempt(**step),)
    subtask: Any = SubtaskAttempt(**step)
    for wrong, why in (
        ({**step, "score_before": 2}, "score_before"),
        ({**step, "state": " "}, "not empty"),
        ({"state": HALL}, "StepAttempt"),
        ("wait", "StepAttempt"),
        (subtask, "StepAttempt"),
    ):
        with pytest.raises(InvalidInput, match=why):
            Experience(**given, steps=[wrong])
