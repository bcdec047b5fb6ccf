"""Environments as a subject: tasks, corrections by walkthrough, and arms that act without a model."""

import asyncio
import shutil
from pathlib import Path
from typing import get_args

import pytest

from memento.evals.configured import opened_subject
from memento.evals.environments.actors import ActorName, NearestValidActor, RandomActor, actor_named
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import EnvironmentSpec, EpisodeTask
from memento.evals.environments.subject import WALKTHROUGH as WALKED
from memento.evals.environments.subject import environment_subject, environment_tasks, specs_of
from memento.evals.report.run_cases import run_cases
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner
from memento.evals.runs.successes import Successes, as_shown, demonstration
from memento.evals.subject import Subject
from memento.evals.task import fingerprint
from memento.graph.deps import Deps
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.nodes.acting.environment import Observation
from memento.nodes.errors import NoModelConfigured
from tests.house_world import TASK, WALKTHROUGH, HouseWorld
from tests.scripted import ScriptedChatModel


class _OpenHouse(HouseWorld):
    async def describe(self, key: str) -> EpisodeTask:
        return EpisodeTask(key, TASK, WALKTHROUGH)

    async def close(self) -> None:
        pass


HOUSE = EnvironmentSpec(
    name="house",
    description="Leave the house.",
    max_steps=12,
    keys=lambda split: [f"house/{split}/{number}" for number in range(9)],
    start=_OpenHouse,
)


def without_banks(folder: Path) -> None:
    for bank in folder.glob("streams/*/bank"):
        shutil.rmtree(bank)


async def test_games_are_won_by_replay_once_a_walkthrough_was_told(tmp_path: Path) -> None:
    model = ScriptedChatModel(replies=[])
    base = Subject(
        name="made", make_deps=lambda memory: Deps(memory=memory, planner=model, executor=model, judge=model)
    )
    async with EnvironmentPool([HOUSE], size=2) as pool:
        tasks = await environment_tasks(pool, [HOUSE], split="dev", n=4)
        arms = ["random_actions:max_steps=2", "replay", "none:fixed=1,actor=replay", "random_successes:actor=nearest"]
        plan = RunPlan(
            dataset="house",
            tasks=fingerprint(tasks),
            n_tasks=len(tasks),
            environments=["house"],
            subject="made",
            scorer="environment",
            arms=[parse_arm(arm) for arm in arms],
            seeds=[0],
            feedback="correction",
        )
        results: list[TaskResult] = []
        subject = environment_subject(base, pool, [HOUSE])
        await EvalRunner(plan, tasks=tasks, subject=subject, folder=tmp_path, concurrency=2).run(results.append)

    rewards = {
        arm: [one.reward for one in sorted(results, key=lambda one: one.position) if one.arm == arm] for arm in arms
    }
    assert len({task.key for task in tasks}) == 4, "one text, four tasks"
    assert {task.metadata[WALKED] for task in tasks} == {"\n".join(WALKTHROUGH)}
    assert rewards == {
        "random_actions:max_steps=2": rewards[arms[0]],
        "replay": [0.0, 1.0, 1.0, 1.0],
        "none:fixed=1,actor=replay": [1.0, 1.0, 1.0, 1.0],
        "random_successes:actor=nearest": [0.0, 1.0, 1.0, 1.0],
    }
    assert max(rewards[arms[0]]) < 1
    assert model.calls == []
    await asyncio.to_thread(without_banks, tmp_path)
    cases = await run_cases(tmp_path, plan, results)
    shown = [cases[case.id] for one in results if one.arm == "replay" for case in one.cases]
    assert {case.action for case in shown if case.reward == 1.0} == {"\n".join(WALKTHROUGH)}, "as the journals tell"


async def test_no_model_is_needed_where_no_arm_acts_by_one(tmp_path: Path) -> None:
    async with EnvironmentPool([HOUSE]) as pool:
        for arms, settings, needs in (
            (["replay", "random_actions"], {}, False),
            (["replay", "none"], {}, True),
            (["replay:lesson=fresh"], {}, True),
            (["replay"], {"evaluator": "judge"}, True),
        ):
            opened = opened_subject(
                None,
                folder=tmp_path,
                settings=settings,
                pool=pool,
                environments=[HOUSE],
                arms=[parse_arm(arm) for arm in arms],
            )
            if needs:
                with pytest.raises(NoModelConfigured):
                    await opened.__aenter__()
                continue
            async with opened as (subject, _, _):
                assert subject.name == "configured agent (no model) in house"


def test_successes_fill_up_to_k_and_never_show_a_task_its_own() -> None:
    successes = Successes(namespace="n", seed=0)
    told = [Experience(state=f"t{number}", action="go", reward=float(number != 0)) for number in range(6)]
    successes.add(told)
    chosen = [as_shown(demonstration(one, "n"), 0) for one in told[:2]]

    shown = successes.filled(told[2].question, chosen, 3)

    states = [one.case.state for one in shown if one.case is not None]
    assert states[:2] == ["t0", "t1"], "what the policy chose stays"
    assert len(states) == 4, "t0 failed, so two are added"
    assert set(states[2:]) < {"t3", "t4", "t5"}
    assert successes.drawn(told[2].question, 9) == successes.drawn(told[2].question, 9)
    assert len(successes.drawn(told[2].question, 9)) == 4


async def test_actors_choose_the_nearest_valid_action_and_repeatable_draws() -> None:
    case = {"reward": 1.0, "action": "take red apple\neat red apple"}
    now = Observation("", ("take green apple", "open fridge", "take knife"))
    given = {"run": {"task": "t"}, "cases": [case], "steps": [], "now": now}

    assert await NearestValidActor().act(**given) == "take green apple"  # type: ignore[arg-type]
    draws = [await RandomActor(seed=seed).act(**given) for seed in (1, 1, *range(20))]  # type: ignore[arg-type]
    assert draws[0] == draws[1]
    assert set(draws) == set(now.valid)
    assert [actor_named(name, seed=0) is None for name in get_args(ActorName)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        ("fixed", "how many demonstrations"),
        ("similarity:fixed=2", "no policy chooses"),
        ("none:filled=true", "name another policy"),
        ("context:900,successes=random", "leave one out"),
    ],
)
def test_arms_that_make_no_sense_are_refused(arm: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        parse_arm(arm)


def test_environments_are_named_once_and_known() -> None:
    assert specs_of([]) == []
    with pytest.raises(InvalidInput, match="named twice"):
        specs_of(["twc", "twc"])
    with pytest.raises(InvalidInput, match="no environment 'chess'"):
        specs_of(["chess"])
