"""The dial `positive_from` says from which reward on a case worked: in prompts, lessons and forgetting."""

import pytest
from pydantic import ValidationError

from memento.integrations.case_texts import format_cases
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.reading import Recall
from memento.nodes.context import Context, strict_context
from memento.nodes.score_case import prompt_case
from memento.nodes.worked import has_worked
from tests.hashing_encoder import HashingEncoder


def bank(positive_from: object = 0.5) -> CaseMemory:
    return CaseMemory.open(
        ":memory:",
        encoder=HashingEncoder(),
        policy="similarity",
        positive_from=positive_from,  # type: ignore[arg-type]
    )


async def earned(memory: CaseMemory, *rewards: float) -> None:
    for number, reward in enumerate(rewards):
        event = (await memory.read(f"room {number}")).event_id
        await memory.write(state=f"room {number}", action=f"walk {number}", reward=reward, event_id=event)


async def words(memory: CaseMemory) -> dict[float, bool]:
    reading = await memory.read("another room", k=32)
    return {one.case.reward: has_worked(prompt_case(one, reading.positive_from)) for one in reading.cases}


async def test_the_words_of_a_prompt_follow_the_memory_and_a_run_of_its_own() -> None:
    async with bank(0.8) as memory:
        await earned(memory, 0.5, 0.8)
        assert await words(memory) == {0.5: False, 0.8: True}
        reading = await memory.read("another room")
        assert len(reading.cases[0]) == 5, "callers take it apart"
        text = format_cases(reading.cases, positive_from=reading.positive_from)
        assert 'outcome="failed"' in text
        assert 'outcome="worked"' in text
        recall = await memory.recall("another room")
        mine = recall._replace(positive_from=0.3)
        assert Recall.from_json(mine.to_json()) == mine
        assert (await memory.select(mine)).positive_from == 0.3
    assert Context(positive_from="usual").settings()["positive_from"] == "usual"
    assert Context.model_validate({"positive_from": ""}).positive_from is None, "as a form sends it"
    with pytest.raises(ValidationError, match="above 0"):
        strict_context({"positive_from": 3})


async def test_usual_is_the_mean_of_the_newest_outcomes_once_ten_are_known() -> None:
    async with bank("usual") as memory:
        await earned(memory, *[0.0] * 8, 0.4)
        assert await memory.positive_line() == 0.5, "nine are too few"
        assert await words(memory) == {0.0: False, 0.4: False}
        await earned(memory, *[0.0] * 9, 0.6)  # rooms of before, other outcomes of the same cases
        assert await memory.positive_line() == pytest.approx(1 / 19)
        assert await memory.positive_line("theirs") == 0.5, "of another namespace nothing is known"
        found = await words(memory)
        assert found[0.0] is False
        assert found[max(found)] is True
    async with bank("usual") as memory:
        await earned(memory, *[0.0] * 10)
        assert await words(memory) == {0.0: False}, "a reward of 0 never worked"


async def test_a_lesson_stands_while_the_outcome_is_of_its_kind() -> None:
    async with bank(0.8) as memory:
        for reward, lesson in ((0.9, "take the lamp"), (0.6, "")):
            case = await memory.write(state="s", action="a", reward=reward, lesson=lesson)
        found = (await memory.views.cases([str(case)], namespace="default"))[str(case)]
        assert found.lesson == ""


@pytest.mark.parametrize("value", [0, 1.5, "often", True, None, "nan"])
def test_what_is_no_reward_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="positive_from"):
        bank(value)
