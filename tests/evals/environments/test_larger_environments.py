"""ScienceWorld and BabyAI, played for real."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import SPLITS
from memento.evals.environments.registry import find_environment, open_program
from memento.evals.environments.science_world import VARIATIONS, numbers, variation_keys

pytestmark = pytest.mark.slow
needs_science = [
    pytest.mark.skipif(not find_spec("scienceworld"), reason="needs the extra `environments`"),
    pytest.mark.skipif(not shutil.which("java"), reason="needs Java"),
]
needs_grid = pytest.mark.skipif(not find_spec("minigrid"), reason="needs the extra `babyai`")


async def check(program: str, keys: list[str]) -> None:
    """Each walkthrough wins, and a second process, after another task, shows the same."""
    one, other = open_program(program), open_program(program)
    try:
        await other.reset(find_environment(keys[0].split("/")[0]).keys("train")[7])
        for key in keys:
            task = await one.describe(key)
            assert task.walkthrough
            assert task == await other.describe(key)
            seen, also = [await one.reset(key)], [await other.reset(key)]
            assert task.text.endswith(f"\n\n{seen[0].text}")
            for action in task.walkthrough:
                seen.append(await one.step(action))
                also.append(await other.step(action))
            assert seen == also
            assert seen[-1].is_won, key
            assert [step.is_won for step in seen].index(True) == len(seen) - 1 or seen[-1].is_over
    finally:
        await one.close()
        await other.close()


class TestScienceWorld:
    pytestmark = needs_science

    async def test_tasks_are_the_same_in_two_processes_and_walkthroughs_win(self) -> None:
        await check(
            "scienceworld",
            ["scienceworld/dev/lifespan-longest-lived/70", "scienceworld/test/find-non-living-thing/230"],
        )

    async def test_a_situation_is_the_same_again_when_nothing_has_changed(self) -> None:
        async with EnvironmentPool([find_environment("scienceworld")]) as pool:
            key = "scienceworld/dev/inclined-plane-determine-angle/99"
            async with pool.lend(key) as environment:
                await environment.reset(key)
                seen = [await environment.step("pour table into art studio") for _ in range(3)]
        assert seen[0] == seen[1] == seen[2]
        assert len(seen[0].valid) > 100

    @pytest.mark.allow_blocking("calls the program in this process")
    def test_the_splits_are_those_of_the_program(self, tmp_path: Path) -> None:
        from scienceworld.constants import JAR_PATH

        from memento.evals.environments.worlds.java_program import JavaProgram

        program = JavaProgram(JAR_PATH, memory_mb=700, folder=str(tmp_path))
        java = program.classes.scienceworld.runtime.pythonapi.PythonInterface()
        assert list(java.getTaskNames()) == list(VARIATIONS)
        for task in VARIATIONS:
            java.load(task, 0, "", False)
            lists = (java.getVariationsTrain(), java.getVariationsDev(), java.getVariationsTest())
            assert [json.loads(str(found)) for found in lists] == [list(numbers(task, split)) for split in SPLITS]

    def test_any_part_of_a_split_mixes_the_kinds_of_task(self) -> None:
        assert {key.split("/")[2] for key in variation_keys("test")[:30]} == set(VARIATIONS)


class TestBabyAI:
    pytestmark = needs_grid

    async def test_levels_are_the_same_in_two_processes_and_walkthroughs_win(self) -> None:
        keys = find_environment("babyai").keys("test")[:5]
        await check("babyai", keys)

    async def test_an_action_that_cannot_be_done_changes_nothing(self) -> None:
        async with EnvironmentPool([find_environment("babyai")]) as pool:
            key = find_environment("babyai").keys("dev")[0]
            async with pool.lend(key) as environment:
                first = await environment.reset(key)
                again = await environment.step("dance")
                assert again.text == f"That cannot be done here. {first.text}"
                assert again.valid == first.valid
