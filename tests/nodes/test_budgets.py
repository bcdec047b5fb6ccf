"""What may be spent, by a subtask and by a run, and how what is spent ends in an answer."""

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.agent.budgets import BudgetLimits, Meter, RunMeters, nothing
from memento.nodes.agent.notes import last_call
from memento.nodes.executor import make_executor
from memento.nodes.usage import no_usage
from tests.agent_parts import carried_out, counted, multiply, slow, source, subtask_of
from tests.node_parts import Roles, a_memory, a_run, always, answer, calling, plan, runtime_of, scripted
from tests.scripted import ScriptedChatModel

LIMITS = BudgetLimits(model_calls=10, tool_calls=10, tokens=None, cost_usd=None, seconds=60)


def used(**changes: Any) -> Any:
    return no_usage() | changes


def products(n: int = 20) -> list[AIMessage]:
    return [calling("multiply", number, a=number, b=number) for number in range(n)]


def a_cent_per_token(_model: str, usage: Any) -> float:
    return float(usage["input_tokens"]) / 100


@pytest.mark.parametrize(
    ("settings", "first", "n_calls"),
    [
        ({"max_model_calls": 3}, 1, 3),
        ({"max_tool_calls": 2}, 1, 4),
        ({"max_tokens": 25}, 10, 4),
        ({"max_cost_usd": 0.25}, 10, 4),
        ({"run_max_model_calls": 4}, 1, 3),
        ({"run_max_tool_calls": 1}, 1, 3),
        ({"run_max_tokens": 15}, 10, 3),
        ({"run_max_cost_usd": 0.15}, 10, 3),
    ],
)
async def test_last_call_gives_the_answer_when_a_budget_ends(
    settings: dict[str, Any], first: int, n_calls: int
) -> None:
    def reply(messages: Any) -> AIMessage:
        is_last = "No more tools can be called" in messages[-1].text
        return counted("my best guess is 42" if is_last else next(replies), first)

    replies = iter(products())
    model = ScriptedChatModel(reply)
    done = await carried_out(model, multiply, settings=settings, price=a_cent_per_token)
    (budget,) = settings
    assert done.result["result"] == "my best guess is 42"
    assert (done.result["ended_by"], done.result["is_complete"]) == (budget, False)
    assert len(model.calls) == done.usage["model_calls"] == n_calls
    assert [bool(call.tools) for call in model.calls] == [True] * (n_calls - 1) + [False]
    assert model.calls[-1].messages[-1].text == last_call(budget)


async def test_calls_beyond_the_budget_are_told_so_and_results_keep_order_when_there_are_many() -> None:
    flood = AIMessage("", tool_calls=[c for reply in products(9) for c in reply.tool_calls])
    done = await carried_out(scripted(flood, "42"), multiply, settings={"max_tool_calls": 4})
    results = [call["result"] for call in done.result["tool_calls"]]
    assert results[:4] == ["0", "1", "4", "9"]
    assert len(results) == 9
    assert all(result.startswith("not called: the budget of tool calls is spent") for result in results[4:])
    assert done.usage["tool_calls"] == 4


async def test_result_is_complete_when_exactly_the_budget_was_needed() -> None:
    done = await carried_out(scripted(*products(2), "42"), multiply, settings={"max_tool_calls": 2})
    assert (done.result["ended_by"], done.result["is_complete"]) == ("", True)


async def test_model_is_interrupted_and_asked_once_more_when_the_time_is_up() -> None:
    model = slow([0, 30, 0], products(1)[0], "what was slow comes next: so much for 42")
    done = await carried_out(model, multiply, settings={"max_seconds": 0.2})
    assert done.result["result"].endswith("42")
    assert done.result["ended_by"] == "max_seconds"


async def test_what_was_tried_is_said_when_even_the_last_call_hangs() -> None:
    model = slow([0, 30, 30], *products(3))
    done = await carried_out(model, multiply, settings={"max_seconds": 0.2})
    assert done.result["result"] == "(no result: the time is up; the model did not answer in time. Called: multiply.)"
    assert (done.result["ended_by"], done.result["away"]) == ("no_answer", ["the executor's model"])


async def test_what_the_model_said_before_is_the_result_when_the_last_call_hangs() -> None:
    thought = calling("multiply", a=6, b=7)
    thought.content = "It should be 42; I check."
    done = await carried_out(slow([0, 30, 30], thought), multiply, settings={"max_seconds": 0.2})
    assert done.result["result"] == "It should be 42; I check."
    assert done.result["is_complete"] is False


async def test_result_stands_when_the_model_goes_away_at_the_last_call() -> None:
    model = scripted(*products(1), *[ConnectionError("refused")] * 3)
    done = await carried_out(model, multiply, settings={"max_model_calls": 2})
    assert done.result["result"].startswith("(no result: the budget of model calls is spent; refused")


async def test_money_counts_as_nothing_and_the_user_is_told_when_no_price_is_known() -> None:
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=scripted(plan("a"), answer("42")), executor=always("42"))
        result = await build_graph(deps).ainvoke({"task": "t"}, context={"max_cost_usd": 1})  # type: ignore[arg-type]
        silent = Deps(memory=memory, planner=scripted(plan("a"), answer("42")), executor=always("42"))
        other = await build_graph(silent).ainvoke({"task": "t"})
    (notice,) = [text for text in result["notices"] if "budget of money" in text]
    assert "3 of 3 model calls" in notice
    assert not [text for text in other["notices"] if "money" in text]


async def test_run_ends_with_the_planners_answer_when_its_budget_is_spent() -> None:
    planner = ScriptedChatModel(
        lambda messages: '{"answer": "42"}' if "No more plans" in messages[-1].text else plan("a", ("b", "b", ["1"]))
    )
    executor = always(counted("done", 100))
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=planner, executor=executor), checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "t"}}
        result = await graph.ainvoke({"task": "t"}, config, context={"run_max_tokens": 50})  # type: ignore[arg-type]
        state = (await graph.aget_state(config)).values
    assert result["answer"] == "42"
    assert (len(planner.calls), len(executor.calls)) == (2, 1), "the second subtask was not begun"
    assert any("run_max_tokens" in notice for notice in result["notices"])
    assert [row["id"] for row in state["results"]] == ["1"]


@pytest.mark.parametrize("n_allowed", [1, 2, 3, 5, 8])
async def test_run_never_makes_more_model_calls_than_allowed_when_subtasks_run_at_once(n_allowed: int) -> None:
    planner = ScriptedChatModel(
        lambda messages: '{"answer": "42"}' if "No more plans" in messages[-1].text else plan("a", "b", "c", "d")
    )
    executor = always(calling("multiply", a=1, b=1))
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=planner, executor=executor, tools=[multiply]))
        result = await graph.ainvoke({"task": "t"}, context={"run_max_model_calls": n_allowed})  # type: ignore[arg-type]
    assert result["answer"] == "42"
    assert len(planner.calls) + len(executor.calls) <= n_allowed


async def test_subtasks_at_once_share_the_runs_budget_when_one_spends_it() -> None:
    model = ScriptedChatModel(lambda messages: counted("42", 60))
    node = make_executor(Roles(executor=model), source())
    run = a_run(settings={"run_max_tokens": 100}) | {"id": "r"}
    steps = [{"id": str(n), "description": f"step {n}", "depends_on": []} for n in range(6)]
    gate = asyncio.Semaphore(1)

    async def one(step: Any) -> Any:
        async with gate:  # one after another, as beyond the graph's concurrency
            update = await node(subtask_of(run=run, subtask=step, spent=nothing()), runtime=runtime_of())
            return update["results"][0]

    results = [await one(step) for step in steps]
    assert [row["ended_by"] for row in results] == ["", "", *["run_max_tokens"] * 4]
    assert len(model.calls) == 2


async def test_run_counts_from_what_its_state_says_when_it_was_resumed_elsewhere() -> None:
    spent = nothing() | {"tokens": 90}
    model = scripted(counted(products(1)[0], 20), "42")
    done = await carried_out(model, multiply, settings={"run_max_tokens": 100}, spent=spent)
    assert done.result["ended_by"] == "run_max_tokens"
    assert len(model.calls) == 2


async def test_waiting_for_a_person_costs_no_time_and_budgets_go_on_when_a_subtask_is_resumed() -> None:
    async def ask_person(question: str) -> str:
        """Ask a person."""
        return str(interrupt(question))

    first = calling("ask_person", 1, question="sure?")
    executor = scripted(first, *[calling("multiply", n, a=n, b=n) for n in (2, 3, 4)], "42")
    planner = ScriptedChatModel(lambda messages: answer("42") if "<result " in messages[-1].text else plan("a"))
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=planner, executor=executor, tools=[multiply, ask_person])
        graph = build_graph(deps, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "t"}}
        settings: Any = {"max_model_calls": 4, "max_seconds": 5}
        stopped = await graph.ainvoke({"task": "t"}, config, context=settings)
        assert stopped["__interrupt__"][0].value == "sure?"
        other = build_graph(deps, checkpointer=graph.checkpointer)  # another process has no meters
        await other.ainvoke(Command(resume="yes"), config)
        state = (await graph.aget_state(config)).values
    (result,) = state["results"]
    assert result["ended_by"] == "max_model_calls"
    assert len(executor.calls) == 4, "the call before the interrupt counts"
    assert state["usage"]["tool_calls"] == 3


def test_clock_runs_only_while_somebody_works() -> None:
    meter = Meter(LIMITS, "max_", nothing() | {"seconds": 10.0})
    assert meter.seconds_left() == 50
    meter.begin()
    meter.begin()
    meter.end()
    assert meter.seconds_left() < 50
    meter.end()
    left = meter.seconds_left()
    assert left == meter.seconds_left()


def test_meter_is_shared_by_a_wave_and_begun_afresh_by_the_next() -> None:
    meters = RunMeters()
    first = meters.get("r", LIMITS, nothing())
    first.charge(used(input_tokens=5))
    assert meters.get("r", LIMITS, nothing()) is first, "idle between two of one wave"
    assert meters.get("other", LIMITS, nothing()) is not first
    assert meters.get("r", LIMITS, nothing() | {"tokens": 5}) is not first, "the state has caught up"
    assert meters.get("", LIMITS, nothing()) is not meters.get("", LIMITS, nothing())


def test_meters_at_work_are_kept_and_idle_ones_forgotten_when_there_are_many() -> None:
    meters = RunMeters()
    busy, idle = meters.get("busy", LIMITS, nothing()), meters.get("idle", LIMITS, nothing())
    busy.begin()
    for number in range(100):
        meters.get(str(number), LIMITS, nothing())
    assert meters.get("busy", LIMITS, nothing()) is busy
    assert meters.get("idle", LIMITS, nothing()) is not idle
