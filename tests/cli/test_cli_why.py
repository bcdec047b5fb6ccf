"""`memento cases why`: what was known of each slot when it was filled."""

import asyncio
from pathlib import Path

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.event import RetrievalEvent, Slot
from tests.commands import invoke

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def served(home: Path, policy: str = "similarity", *, reward: float | None = 0.5) -> str:
    """An event that served two of three cases."""

    async def serve() -> str:
        async with CaseMemory.open(home) as memory:
            for number in range(3):
                await memory.write(state=f"capital of land {number}", action=f"plan {number}", reward=1.0)
            reading = await memory.read("capital of which land", policy=policy, k=2)
            await memory.feedback(reading.event_id, reward)
            return reading.event_id

    return asyncio.run(serve())


def explored(home: Path) -> str:
    """An event of a policy that knows how sure it is, and explored with the null case."""

    async def serve() -> str:
        async with CaseMemory.open(home) as memory:
            case_id = await memory.write(state="capital of a land", action="[red]plan[/red]", reward=0.0)
            slots = [
                Slot(slot=0, case_id=case_id, similarity=0.7, score=0.4, propensity=0.9, is_randomised=True,
                     sd=0.2, own_reward=0.0, exposures=17, support=0.35),
                Slot(slot=1, case_id=None, similarity=0.0, score=0.0, propensity=0.02, is_randomised=True),
            ]  # fmt: skip
            event = RetrievalEvent(
                id="e1", namespace="default", query="t", policy="advantage", n_outcomes=40, settings_version=3,
                bank_version=1, slots=slots,
            )  # fmt: skip
            await memory._storage.ledger.transact(lambda writer: writer.append_event(event))
        return event.id

    return asyncio.run(serve())


def test_each_slot_says_why_it_was_filled_as_it_was(home: Path) -> None:
    (line,) = invoke("cases", "why", served(home), "--json").lines
    assert (line["policy"], line["reward"], line["candidates"]) == ("similarity", 0.5, 3)
    assert [slot["slot"] for slot in line["slots"]] == [0, 1]
    for slot in line["slots"]:
        assert slot["score"] == slot["similarity"] > 0
        assert (slot["propensity"], slot["is_randomised"], slot["own_reward"]) == (1.0, False, 1.0)
        assert (slot["interval"], slot["exposures"]) == (None, None)
        assert slot["task"].startswith("capital of land")


def test_tokens_and_the_case_that_did_not_fit_are_told_when_a_reading_had_a_budget(home: Path) -> None:
    async def serve() -> str:
        async with CaseMemory.open(home) as memory:
            for number in range(3):
                await memory.write(state=f"capital of land {number}", action=f"plan {number}, " * 40, reward=1.0)
            return (await memory.read("capital of which land", policy="similarity", k=2, max_tokens=140)).event_id

    event_id = asyncio.run(serve())
    (line,) = invoke("cases", "why", event_id, "--json").lines
    assert (line["k"], line["max_tokens"], line["next_case"]["why_not"]) == (2, 140, "budget")
    assert [slot["is_shortened"] for slot in line["slots"]] == [False]
    table = invoke("cases", "why", event_id).out
    assert "did not fit into what was left of the token budget" in " ".join(table.split())
    assert str(line["slots"][0]["tokens"]) in table


def test_a_lot_is_told_from_a_choice(home: Path) -> None:
    event_id = served(home, "random")
    (line,) = invoke("cases", "why", event_id, "--json").lines
    assert [slot["propensity"] for slot in line["slots"]] == [pytest.approx(1 / 3), pytest.approx(1 / 2)]
    assert invoke("cases", "why", event_id).out.count("by lot") == 2


def test_the_utility_has_its_90_percent_interval_when_the_policy_knew_one(home: Path) -> None:
    (line,) = invoke("cases", "why", explored(home), "--json").lines
    assert (line["outcomes_learned_from"], line["settings_version"], line["reward"]) == (40, 3, None)
    assert line["slots"][0]["interval"] == [pytest.approx(0.4 - 1.645 * 0.2), pytest.approx(0.4 + 1.645 * 0.2)]
    assert (line["slots"][0]["exposures"], line["slots"][0]["support"]) == (17, 0.35)
    assert (line["slots"][1]["case_id"], line["slots"][1]["propensity"]) == (None, 0.02)


def test_it_is_said_that_an_interval_is_of_one_case_alone(home: Path) -> None:
    event_id = explored(home)
    (line,) = invoke("cases", "why", event_id, "--json").lines
    assert "not corrected for looking at several" in line["intervals"]
    assert line["intervals"] in invoke("cases", "why", event_id).err


def test_people_see_intervals_and_the_null_case(home: Path) -> None:
    shown = invoke("cases", "why", explored(home)).out
    assert "[0.071, 0.729]" in shown
    assert "outcomes now" not in shown, "there is one"
    assert "0.35" in shown
    assert "no case: the null case was chosen" in shown
    assert "not known" in shown


def test_an_unknown_event_is_bad_input(home: Path) -> None:
    event_id = served(home)
    for words in (("nothing",), (event_id, "-n", "other")):
        done = invoke("cases", "why", *words)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("memento: no event ")


def test_an_event_that_served_nothing_is_explained_too(home: Path) -> None:
    (line,) = invoke("cases", "why", served(home, "none", reward=None), "--json").lines
    assert (line["policy"], line["slots"], line["reward"]) == ("none", [], None)


def test_a_case_that_was_not_shown_is_named(home: Path) -> None:
    async def serve() -> tuple[str, str]:
        async with CaseMemory.open(home) as memory:
            case_id = await memory.write(state="capital of a land", action="look", reward=1.0) or ""
            reading = await memory.read("capital of which land", policy="similarity")
            await memory.write(
                state="capital of which land", action="guess", reward=0.0, event_id=reading.event_id, left_out=[case_id]
            )
            return reading.event_id, case_id

    event_id, case_id = asyncio.run(serve())
    (line,) = invoke("cases", "why", event_id, "--json").lines
    assert line["not_shown_to_the_model"] == [case_id]
    assert "not shown to the model" in invoke("cases", "why", event_id).out


def test_a_ranking_of_documents_is_explained_and_graded_like_a_read(home: Path) -> None:
    async def ranked() -> str:
        async with CaseMemory.open(home) as memory:
            ranking = await memory.rank("capital of which land", ["a page", "another page"], k=1, policy="similarity")
            return ranking.event_id

    event_id = asyncio.run(ranked())
    assert invoke("feedback", event_id, "1", "--json").lines[0]["case_id"] is None
    (line,) = invoke("cases", "why", event_id, "--json").lines
    assert (line["candidates"], line["reward"]) == (2, 1.0)
    assert line["slots"][0]["task"] in ("a page", "another page")


def test_several_outcomes_of_a_case_are_counted_with_their_spread(home: Path) -> None:
    async def serve() -> str:
        async with CaseMemory.open(home) as memory:
            for reward in (1.0, 0.0, 0.0):
                reading = await memory.read("capital of land 1", policy="none")
                event = reading.event_id
                await memory.write(state="capital of land 1", action="look", reward=reward, event_id=event)
            return (await memory.read("capital of which land", policy="similarity")).event_id

    event_id = asyncio.run(serve())
    assert "0.33 of 3 outcomes, spread 0.58" in invoke("cases", "why", event_id).out
