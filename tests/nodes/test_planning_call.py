"""Prompts too long for the planner's model: fewer cases, then shorter results; what was not shown earns nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case import Case, case_id
from memento.memory.case_memory import CaseMemory
from memento.nodes.errors import ModelRejected, TaskTooLong
from memento.nodes.planner import make_planner
from memento.nodes.structured import StructuredCaller
from memento.nodes.write_case import make_write_case
from tests.node_parts import Roles, a_memory, a_run, always, answer, begun, given, plan, runtime_of
from tests.nodes.test_planner import RESULT, STEP
from tests.nodes.test_prompts import a_case, a_result
from tests.scripted import Reply, ScriptedChatModel

HUGE = "find it, step by step. " * 26_000  # 600 kB


class Refused(Exception):
    """As an SDK raises it."""

    status_code = 400


class SmallWindow(ScriptedChatModel):
    """Refuses prompts of more characters than it can read."""

    max_chars: int = 0

    @property
    def shown(self) -> list[str]:
        return [call.messages[-1].text for call in self.calls]


def reading(max_chars: int, reply: str) -> SmallWindow:
    def respond(messages: list[BaseMessage]) -> Reply:
        if sum(len(message.text) for message in messages) > max_chars:
            return Refused("This model's maximum context length is 8192 tokens. However, you requested 150000 tokens")
        return reply

    return SmallWindow(respond)


def cases(*sizes: int) -> list[Any]:
    """Best first."""
    return [{**a_case("x" * size), "id": str(number)} for number, size in enumerate(sizes)]


async def planned(model: ScriptedChatModel, **state: Any) -> Any:
    node = make_planner(Roles(planner=model), StructuredCaller())
    return await node(begun(a_run(), **state), runtime=runtime_of())


async def test_worst_cases_are_left_out_and_the_model_asked_again_when_it_cannot_read_them_all() -> None:
    model = reading(6_000, plan("multiply"))
    update = await planned(model, cases=cases(500, 500, 500, 500), notices=["one"])
    assert [case["id"] for case in update["cases"]] == ["0", "1"]
    assert update["left_out"] == ["2", "3"]
    text = "2 of 4 cases were left out: the planner's model cannot read so much at once"
    assert update["notices"] == ["one", text]
    assert [shown.count("<case ") for shown in model.shown] == [4, 2]
    assert update["plan"] == [STEP]


async def test_task_is_planned_without_cases_when_none_can_be_read() -> None:
    update = await planned(reading(3_000, answer("42")), cases=cases(500, 500, 500))
    assert (update["answer"], update["cases"], update["left_out"]) == ("42", [], ["0", "1", "2"])
    assert "3 of 3 cases were left out" in update["notices"][0]


async def test_error_names_the_task_when_it_alone_is_too_long() -> None:
    with pytest.raises(TaskTooLong, match="the task is longer than the planner's model can read") as raised:
        await planned(reading(10, answer("42")), cases=cases(50, 50))
    assert isinstance(raised.value, ModelRejected)


async def test_other_refusals_are_raised_at_once() -> None:
    model = ScriptedChatModel(lambda _: Refused("your account is not active"))
    with pytest.raises(ModelRejected, match="not active"):
        await planned(model, cases=cases(50, 50))


@pytest.mark.parametrize("is_last", [True, False])
async def test_results_are_shortened_when_they_are_what_is_too_long(is_last: bool) -> None:
    results = [RESULT | {"id": str(n), "result": "y" * 50_000} for n in range(3)]
    run = a_run(settings={"max_cycles": 1 if is_last else 3})
    state = begun(run, cycle=1, plan=[STEP], plans=[[STEP]], results=results)
    model = reading(8_000, '{"answer": "42"}' if is_last else answer("42"))
    update = await make_planner(Roles(planner=model), StructuredCaller())(state, runtime=runtime_of())
    assert update["answer"] == "42"
    assert model.shown[-1].count("characters left out") == 3


async def test_cases_stay_credited_when_a_plan_was_made_with_them_before() -> None:
    state = begun(cycle=1, plan=[STEP], plans=[[STEP]], results=[RESULT], cases=cases(500, 500))
    update = await make_planner(Roles(planner=reading(3_500, answer("42"))), StructuredCaller())(
        state, runtime=runtime_of()
    )
    assert "cases were left out" in update["notices"][0]
    assert not {"cases", "left_out"} & set(update)


async def test_hosts_prompt_gets_shortened_cases_and_results() -> None:
    seen: list[Any] = []

    def prompt(*, run: Any, cases: Sequence[Any], results: Sequence[Any], is_last: bool, feedback: str) -> Any:
        seen.append((cases, results))
        return [BaseMessage(content=run["task"], type="human")]

    model = always(answer("42"))
    node = make_planner(Roles(planner=model), StructuredCaller(), prompt=prompt)
    await node(begun(a_run(), cases=cases(600_000), results=[a_result(HUGE)]), runtime=runtime_of())
    shown, results = seen[0]
    assert sum(len(shown[0][name]) for name in ("state", "action", "answer", "lesson")) < 70_000
    assert len(results[0]["result"]) < 130_000


async def kept(memory: CaseMemory, *actions: str) -> list[str]:
    """Cases as an older release kept them: of any length."""
    ids = []
    for number, action in enumerate(actions):
        state = f"What is six times {number}?"
        name = case_id("default", state, action)
        case = Case(id=name, namespace="default", state=state, action=action, reward=1.0)
        await memory._storage.ledger.transact(lambda writer, case=case: writer.append_case(case))  # type: ignore[misc]
        ids.append(name)
    return ids


async def test_run_ends_with_an_answer_when_a_case_of_600_kb_is_near() -> None:
    model = reading(40_000, answer("42"))
    async with a_memory() as memory:
        await kept(memory, HUGE, "multiply")
        graph = build_graph(Deps(memory=memory, planner=model))
        result = await graph.ainvoke({"task": "What is six times seven?", "reference": "42"})  # type: ignore[arg-type]
        event = await memory.views.event(result["event_id"], namespace="default")
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert len(model.calls) == 1, "what is shown of it fits at once"
    assert "characters left out" in model.shown[0]
    assert event is not None
    assert len(event.case_ids) == 2


async def test_case_that_was_not_shown_is_credited_with_nothing_whoever_gives_the_reward() -> None:
    model = reading(2_900, answer("wrong"))
    async with a_memory(policy="advantage") as memory:
        ids = await kept(memory, "multiply " * 50, "add " * 100)
        graph = build_graph(Deps(memory=memory, planner=model))
        result = await graph.ainvoke({"task": "What is six times seven?"}, context={"k": 2})  # type: ignore[arg-type]
        event_id = result["event_id"]
        event = await memory.views.event(event_id, namespace="default")
        assert event is not None
        assert len(model.calls) > 1
        served = set(event.case_ids)
        usages = []
        for reward in (0.0, 1.0):
            await memory.feedback(event_id, reward)
            await memory.settle()
            outcome = await memory.views.outcome(event_id, namespace="default")
            assert outcome is not None
            (experience,) = (await memory.views.observations(namespace="default", after=0, limit=10))[-1:]
            usages.append([(await memory.views.usage(one, namespace="default")).known_outcomes for one in ids])
            assert set(outcome.left_out) <= served
            assert not set(outcome.left_out) & set(experience.event.case_ids)
            assert experience.is_partial
        effects = await memory.effects()
    shown = served - set(outcome.left_out)
    assert outcome.left_out
    assert usages[0] == usages[1] == [int(one in shown) for one in ids]
    assert {effect.case_id for effect in effects if effect.exposures} <= shown


async def test_policies_are_not_judged_by_what_no_policy_chose() -> None:
    async with a_memory() as memory:
        ids = await kept(memory, "multiply", "add")
        reading_ = await memory.read("What is six times seven?")
        state = begun(event_id=reading_.event_id, reward=1.0, answer="42", evaluator="exact", left_out=[ids[0]])
        await make_write_case(given(memory))(state, runtime=runtime_of())
        known = await memory.evaluation()._known()
    assert known == []
