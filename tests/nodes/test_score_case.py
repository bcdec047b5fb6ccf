"""The second node: candidates become slots, and the choice goes on record."""

from typing import Any

from memento.memory.case_memory import CaseMemory
from memento.memory.case_tokens import n_tokens
from memento.memory.errors import LedgerUnavailable
from memento.memory.policies.token_budget import SHORTEST_TOKENS
from memento.nodes.context import Context
from memento.nodes.errors import NoModelConfigured
from memento.nodes.prompt_budgets import case_within, fitted_cases
from memento.nodes.retrieve_case import make_retrieve_case
from memento.nodes.score_case import make_score_case
from tests.node_parts import Roles, a_memory, begun, failing, given, names, runtime_of, scripted
from tests.nodes.test_prompts import a_case


async def recalled(memory: CaseMemory, task: str = "capital of Italy", **context: Any) -> Any:
    node = make_retrieve_case(given(memory))
    return await node({"task": task}, runtime=runtime_of(Context(**context)))


async def with_cases(memory: CaseMemory) -> list[str | None]:
    return [
        await memory.write(
            state=f"capital of {name}", action=f"look up {name}", reward=reward, answer=name, lesson="ok"
        )
        for name, reward in (("France", 1.0), ("Spain", 0.0), ("Peru", 1.0))
    ]


async def test_cases_are_served_and_recorded_when_there_are_some() -> None:
    events: list[Any] = []
    async with a_memory() as memory:
        ids = await with_cases(memory)
        update = await make_score_case(given(memory))(await recalled(memory, k=2), runtime=runtime_of(events=events))
        event = await memory.views.event(update["event_id"], namespace="default")
    assert len(update["cases"]) == 2
    assert {case["id"] for case in update["cases"]} <= set(ids)
    assert [case["slot"] for case in update["cases"]] == [0, 1]
    assert update["policy"] == "similarity"
    assert names(events) == ["cases"]
    assert event is not None
    assert [slot.case_id for slot in event.slots] == [case["id"] for case in update["cases"]]


async def test_case_views_hold_what_prompts_need_when_served() -> None:
    async with a_memory() as memory:
        await memory.write(state="capital of France", action="1. look", reward=1.0, answer="Paris", lesson="easy")
        update = await make_score_case(given(memory))(await recalled(memory), runtime=runtime_of())
    (case,) = update["cases"]
    assert (case["state"], case["action"], case["answer"]) == ("capital of France", "1. look", "Paris")
    assert (case["lesson"], case["reward"], case["propensity"]) == ("easy", 1.0, 1.0)


async def test_event_is_the_same_when_the_node_runs_again() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        state, node = await recalled(memory), make_score_case(given(memory))
        first, second = await node(state, runtime=runtime_of()), await node(state, runtime=runtime_of())
        figures = await memory.views.counts(namespace="default")
    assert first == second
    assert figures.events == 1


async def test_event_has_no_cases_when_k_is_zero() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        update = await make_score_case(given(memory))(await recalled(memory, k=0), runtime=runtime_of())
    assert update["cases"] == []
    assert update["event_id"]


async def test_cases_are_chosen_among_those_that_worked_when_the_run_hides_failures() -> None:
    events: list[Any] = []
    async with a_memory() as memory:
        _, failed, _ = await with_cases(memory)
        state, node = await recalled(memory, k=2, failures="hidden"), make_score_case(given(memory))
        update = await node(state, runtime=runtime_of(events=events))
        event = await memory.views.event(update["event_id"], namespace="default")
        again = await recalled(memory, k=3)
        del again["run"]["settings"]["failures"]  # a run that began with an earlier release
        old = await node(again, runtime=runtime_of())
    assert [case["reward"] for case in update["cases"]] == [1.0, 1.0]
    assert "left_out" not in update
    assert event is not None
    assert event.worked_from == 0.5
    assert failed in [candidate.case_id for candidate in event.candidates]
    assert events[0]["cases"] == update["cases"]
    assert len(old["cases"]) == 3


async def test_cases_of_a_repeated_reading_are_left_out_when_they_have_failed_since() -> None:
    async with a_memory() as memory:
        ids = await with_cases(memory)
        state, node = await recalled(memory, k=3), make_score_case(given(memory))
        first = await node(state, runtime=runtime_of())
        state["run"]["settings"]["failures"] = "hidden"
        again = await node({**state, "left_out": ["earlier"]}, runtime=runtime_of())
    assert len(first["cases"]) == 3
    assert again["left_out"] == ["earlier", ids[1]]


async def test_event_has_no_cases_when_policy_is_none() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        update = await make_score_case(given(memory))(await recalled(memory, policy="none"), runtime=runtime_of())
    assert (update["cases"], update["policy"]) == ([], "none")


async def test_own_question_is_not_served_when_it_was_asked_before() -> None:
    async with a_memory() as memory:
        await with_cases(memory)
        update = await make_score_case(given(memory))(
            await recalled(memory, task="Capital of  France?"), runtime=runtime_of()
        )
    assert "capital of France" not in [case["state"] for case in update["cases"]]
    assert len(update["cases"]) == 2


async def test_nothing_is_asked_of_the_memory_when_the_recall_failed() -> None:
    node = make_score_case(failing(AssertionError("not to be opened")))
    assert await node(begun(), runtime=runtime_of()) == {}


async def test_run_goes_on_without_cases_when_the_choice_cannot_be_recorded() -> None:
    async with a_memory() as memory:
        state = await recalled(memory)
    node = make_score_case(failing(LedgerUnavailable("disk full")))
    update = await node({**state, "notices": ["before"]}, runtime=runtime_of())
    assert update["retrieval_degraded"] is True
    assert update["notices"][0] == "before"
    assert "disk full" in update["notices"][1]
    assert "event_id" not in update, "there is no event to write an outcome to"


async def test_cases_are_chosen_within_the_window_of_the_model_asked_when_the_run_wants_that() -> None:
    planner = scripted("")
    planner.profile = {"max_input_tokens": 4 * 230}
    models = Roles(planner=planner)
    async with a_memory() as memory:
        for number in range(3):
            await memory.write(state=f"capital of land {number}", action="look it up, " * 40, reward=1.0)
        long = await memory.write(state="capital of Italy, in full", action="look it up, " * 90, reward=1.0)
        chosen = await recalled(memory, case_budget="choose")
        update = await make_score_case(given(memory), models=models)(chosen, runtime=runtime_of())
        event = await memory.views.event(update["event_id"], namespace="default")
        unknown = make_score_case(given(memory), models=Roles(planner=NoModelConfigured()))
        other = await unknown(await recalled(memory, case_budget="choose"), runtime=runtime_of())
        usual = await make_score_case(given(memory), models=models)(await recalled(memory), runtime=runtime_of())
    assert event is not None
    assert (event.max_tokens, len(usual["cases"]), len(other["cases"])) == (230, 4, 4)
    shown = sum(n_tokens(case[name]) for case in update["cases"] for name in ("state", "action", "lesson"))
    assert 0 < shown <= 230
    assert len(update["cases"]) < 4
    assert all("left out" in case["action"] for case in update["cases"] if case["id"] == long)
    assert fitted_cases(update["cases"], 230) == update["cases"]


def test_a_shortened_case_takes_no_more_than_its_tokens() -> None:
    case = {**a_case("例" * 900), "lesson": "why, " * 100, "action": "step, " * 300}
    for tokens in range(SHORTEST_TOKENS, 900, 50):
        fit = case_within(case, tokens)
        assert sum(n_tokens(fit[name]) for name in ("state", "action", "lesson")) <= tokens  # type: ignore[literal-required]
