"""Names of release 0.1 that were wrong still work for one release, and say what they are called now."""

from dataclasses import replace

import pytest

from memento import Experience
from memento.memory.case_memory import CaseMemory
from memento.memory.lessons import Reflection
from memento.nodes import scoring
from memento.nodes.memory_calls import write_experience
from tests.node_parts import a_memory


async def test_policy_version_is_the_number_of_outcomes() -> None:
    async with a_memory() as memory:
        reading = await memory.read("a task")
        await memory.feedback(reading.event_id, 1.0)
        with pytest.warns(DeprecationWarning, match="n_outcomes"):
            assert await memory.policy_version() == await memory.n_outcomes() == 1
        with pytest.warns(DeprecationWarning, match="n_outcomes"):
            assert reading.policy_version == reading.n_outcomes == 0


def test_evaluation_is_a_grade() -> None:
    with pytest.warns(DeprecationWarning, match="Grade"):
        assert scoring.Evaluation is scoring.Grade


async def test_a_hosts_memory_that_takes_keywords_gets_keywords() -> None:
    given: list[dict[str, object]] = []

    class Former:
        async def write(self, *, state: str, action: str, reward: float | None, **rest: object) -> str:
            given.append({"state": state, "action": action, "reward": reward, **rest})
            return "its id"

    lesson = Reflection(when="A capital is asked for.", advice="Look it up.", after="success")
    experience = replace(_experience(), reflection=lesson)
    with pytest.warns(DeprecationWarning, match="one Experience"):
        assert (await write_experience(Former(), experience)).case_id == "its id"  # type: ignore[arg-type]
    unknown = ("left_out", "reflection")
    assert given == [{name: value for name, value in experience.as_arguments().items() if name not in unknown}]


async def test_an_experience_is_written_whole_or_by_its_fields() -> None:
    async with a_memory() as memory:
        await _written_twice(memory)


async def _written_twice(memory: CaseMemory) -> None:
    experience = _experience()
    first = await memory.write(experience)
    assert first == await memory.write(**experience.as_arguments())
    with pytest.raises(TypeError, match="not both"):
        await memory.write(experience, state="another")  # type: ignore[call-overload]


def _experience() -> Experience:
    return Experience(state="a task", action="a plan", reward=1.0)
