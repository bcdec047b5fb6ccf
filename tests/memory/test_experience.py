"""Experiences written together: as if one after the other, in one commit, or not at all."""

import copy
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.experience import Experience
from tests.hashing_encoder import HashingEncoder


def a_memory(folder: Path, **more: Any) -> CaseMemory:
    return CaseMemory.open(folder, encoder=HashingEncoder(), policy="similarity", **more)


async def kept(memory: CaseMemory, namespace: str = "default") -> list[tuple[str, str, float, str, int]]:
    walk = memory.views.walk(namespace=namespace)
    return [(case.state, case.action, case.reward, case.answer, case.version) async for case in walk]


async def test_later_ones_find_what_earlier_ones_of_the_same_batch_wrote(tmp_path: Path) -> None:
    async with a_memory(tmp_path / "a") as together, a_memory(tmp_path / "b") as apart:
        batches = []
        for memory in (together, apart):
            reading = await memory.read("a question")
            batches.append(
                [
                    Experience(state="a question", action="guess", reward=0.0, answer="no", event_id=reading.event_id),
                    Experience(state="a question", action="guess", reward=1.0, answer="yes"),
                    Experience(state="a question", action="guess", reward=0.0, answer="no", event_id=reading.event_id),
                    Experience(state="another one", action="look", reward=None),
                    Experience(state="a third one", action="look", reward=1.0),
                ]
            )
        ids = await together.write_all(batches[0])
        same = [await apart.write(**one.as_arguments()) for one in batches[1]]
        assert ids == same
        assert ids[0] == ids[1] == ids[2] is not None
        assert ids[3] is None
        assert await kept(together) == await kept(apart)
        assert [case.answer for case in (await together.views.cases([ids[0]], namespace="default")).values()] == ["yes"]
        assert await together.views.n_known_outcomes(namespace="default") == 1


async def test_written_again_they_change_nothing(tmp_path: Path) -> None:
    async with a_memory(tmp_path) as memory:
        reading = await memory.read("a question")
        written = [
            Experience(state="a question", action="guess", reward=0.0, event_id=reading.event_id),
            Experience(state="a question", action="know", reward=1.0, thread_id="of this run"),
        ]
        first, before = await memory.write_all(written), await kept(memory)
        assert await memory.write_all(written) == first
        assert await kept(memory) == before


async def test_none_is_kept_when_one_cannot_be(tmp_path: Path) -> None:
    async with a_memory(tmp_path) as memory:
        good = Experience(state="a question", action="guess", reward=1.0)
        with pytest.raises(UnknownEvent):
            await memory.write_all([good, Experience(state="b", action="c", reward=1.0, event_id="nobody's")])
        for bad in ({"reward": 2.0}, {"confidence": -1.0}, {"state": " "}, {"error_class": "bad luck"}):
            with pytest.raises(InvalidInput):
                await memory.write_all([good, Experience(**({"state": "b", "action": "c", "reward": 1.0} | bad))])
        assert await kept(memory) == []
        assert await memory.write_all([]) == []


async def test_each_goes_to_its_namespace_and_can_be_found_at_once(tmp_path: Path) -> None:
    async with a_memory(tmp_path) as memory:
        await memory.write_all(
            [
                Experience(state="the longest river", action="look", reward=1.0),
                Experience(state="the longest river", action="look", reward=1.0, namespace="other"),
            ]
        )
        for namespace in ("default", "other"):
            reading = await memory.read("the longest wall", namespace=namespace)
            assert [scored.case.namespace for scored in reading.cases] == [namespace]


def test_an_experience_is_copied_pickled_and_changed_as_any_record() -> None:
    experience = Experience(state="a task", action="a plan", reward=1.0, models={"planner": "m"}, left_out=["c"])
    assert copy.deepcopy(experience) == pickle.loads(pickle.dumps(experience)) == experience  # noqa: S301  our own
    assert replace(experience, reward=0.0).as_arguments() == experience.as_arguments() | {"reward": 0.0}
    assert Experience(**json.loads(json.dumps(experience.as_arguments()))) == experience


@pytest.mark.parametrize("wrong", [True, "1", float("nan"), 2, -0.1])
@pytest.mark.parametrize("name", ["reward", "confidence"])
def test_a_share_is_a_number_in_its_range(name: str, wrong: object) -> None:
    with pytest.raises(InvalidInput, match=name):
        Experience(**({"state": "s", "action": "a", "reward": 1.0} | {name: wrong}))  # type: ignore[arg-type]
