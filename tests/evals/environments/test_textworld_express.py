"""Real games, through the real child process; they start in a third of a second."""

import ast
import asyncio
import random
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from importlib.util import find_spec

import pytest

from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import SPLITS, EpisodeTask
from memento.evals.environments.registry import find_environment
from memento.evals.environments.textworld_express import GAMES
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import Environment, Observation
from tests.conftest import ROOT

pytestmark = [
    pytest.mark.skipif(not find_spec("textworld_express"), reason="needs the extra `environments`"),
    pytest.mark.skipif(not shutil.which("java"), reason="needs Java"),
]


@pytest.fixture
async def pool() -> AsyncIterator[EnvironmentPool]:
    async with EnvironmentPool([find_environment(name) for name in GAMES], size=2) as pool:
        yield pool


async def played(environment: Environment, key: str, actions: Sequence[str]) -> list[Observation]:
    return [await environment.reset(key), *[await environment.step(action) for action in actions]]


async def random_actions(environment: Environment, key: str, n: int) -> list[str]:
    draws, seen, taken = random.Random(key), await environment.reset(key), list[str]()
    while len(taken) < n and not seen.is_over:
        taken.append(draws.choice(seen.valid))
        seen = await environment.step(taken[-1])
    return taken


@pytest.mark.slow
async def test_every_walkthrough_wins_with_actions_that_are_offered(pool: EnvironmentPool) -> None:
    for key in [f"{name}/{split}/{number}" for name in GAMES for split, number in (("train", 3), ("test", 20_017))]:
        task = await pool.describe(key)
        async with pool.lend(key) as environment:
            first, *seen = await played(environment, key, task.walkthrough)
        assert task.text.endswith(f"\n\n{first.text}")
        assert seen[-1].is_won, key
        assert seen[-1].is_over
        assert seen[-1].score == 1.0
        for before, action in zip([first, *seen], task.walkthrough, strict=False):
            assert action in before.valid
            assert not action.startswith(("examine", "look around", "inventory", "task"))


@pytest.mark.slow
async def test_a_task_is_the_same_in_two_processes_with_different_pasts(pool: EnvironmentPool) -> None:
    async with pool.lend("twc/train/0") as one, pool.lend("twc/train/0") as other:
        await played(other, "coin/dev/10005", ["move west", "move east"])
        for name in GAMES:
            key = f"{name}/dev/10004"
            actions = await random_actions(one, key, 8)
            assert await played(one, key, actions) == await played(other, key, actions)
            assert await one.describe(key) == await other.describe(key)


async def test_a_situation_is_the_same_again_when_nothing_has_changed(pool: EnvironmentPool) -> None:
    async with pool.lend("cookingworld/dev/10467") as environment:
        seen = await played(environment, "cookingworld/dev/10467", ["take cookbook", *["read cookbook"] * 3])
    assert seen[2] == seen[3] == seen[4]
    assert len(seen[2].valid) > 5


async def test_what_is_no_task_is_refused_and_an_episode_ends_at_its_limit(pool: EnvironmentPool) -> None:
    async with pool.lend("coin/train/1") as environment:
        with pytest.raises(InvalidInput, match="no episode has begun"):
            await environment.step("move north")
        for key in ("coin/train/1000", "coin/test/1", "coin", "coin/train/1/2", "scienceworld/train/boil/0"):
            with pytest.raises(InvalidInput, match="there is no task"):
                await environment.reset(key)
        seen = await played(environment, "coin/train/1", ["no such thing"] * GAMES["coin"].max_steps)
        assert [one.is_over for one in seen] == [False] * GAMES["coin"].max_steps + [True]
        assert not seen[-1].is_won
        assert await environment.step("take coin") == seen[-1]  # a game that is over stays as it is


@pytest.mark.slow
async def test_runs_wait_for_each_other_when_all_are_lent() -> None:
    spec = find_environment("twc")
    async with EnvironmentPool([spec], size=1) as pool:
        at_work: list[int] = []

        async def one(number: int) -> EpisodeTask:
            async with pool.lend(spec.keys("dev")[number]) as environment:
                assert at_work == []
                at_work.append(number)
                task = await environment.describe(spec.keys("dev")[number])
                at_work.clear()
                return task

        assert len({task.text for task in await asyncio.gather(*(one(number) for number in range(3)))}) == 3


def test_splits_share_no_task() -> None:
    for name in GAMES:
        keys = [key for split in SPLITS for key in find_environment(name).keys(split)]
        assert len(set(keys)) == 3_000


@pytest.mark.slow
async def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = await asyncio.to_thread((ROOT / "docs" / "environments.md").read_text, encoding="utf-8")
    (example,) = re.findall(r"<!-- runs -->\n```python\n(.+?)```", page, re.DOTALL)
    await eval(compile(example, "environments.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {})  # noqa: S307
    assert capsys.readouterr().out.split()[1] in ("True", "False")
