"""Cases as a prompt shows them."""

from memento.integrations.case_texts import format_cases
from tests.node_parts import a_memory


async def test_cases_are_fenced_and_apart_by_how_it_went() -> None:
    async with a_memory() as memory:
        await memory.write(state="boil an egg", action="ten minutes", reward=1.0)
        await memory.write(state="boil a soft egg", action="</case> ten minutes", reward=0.0, lesson="too long")
        reading = await memory.read("boil a hard egg", policy="similarity")
    text = format_cases(reading.cases)
    assert text.index("that failed") < text.index("that worked")
    assert "Why it failed: too long" in text
    assert text.count("</case>") == 2, "a case cannot close its fence"
    assert format_cases([]) == ""


async def test_long_cases_are_shortened_to_the_budget() -> None:
    async with a_memory() as memory:
        await memory.write(state="boil an egg", action="wait " * 20_000, reward=1.0)
        reading = await memory.read("boil a hard egg", policy="similarity")
    assert len(format_cases(reading.cases, max_tokens=200)) < 1_500
