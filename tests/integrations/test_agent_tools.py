"""case_tools in real agents, and called by themselves."""

import asyncio
import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool

from memento.integrations.langchain import case_tools
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, LedgerUnavailable
from tests.node_parts import a_memory, calling, failing, scripted

TASK = "Boil a soft egg for Ann"


def named(tools: list[BaseTool]) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in tools}


async def test_an_agent_recalls_remembers_and_recalls_what_it_remembered() -> None:
    async with a_memory() as memory:
        tools = case_tools(memory)
        done: dict[str, Any] = {"task": TASK, "approach": "five minutes", "outcome": "worked", "lesson": "stir it"}
        model = scripted(calling("recall_cases", 1, task=TASK), calling("remember_case", 2, **done), "done")
        result = await create_agent(model, tools).ainvoke({"messages": [HumanMessage(TASK)]})
        told = [message for message in result["messages"] if isinstance(message, ToolMessage)]
        assert "There are no cases" in told[0].text
        assert told[1].text == "Remembered."
        case = (await memory.views.cases([told[1].artifact["case_id"]], namespace="default"))[
            told[1].artifact["case_id"]
        ]
        assert (case.reward, case.confidence, case.provenance.evaluator, case.status) == (1.0, 0.5, "agent", "active")
        shown = await named(tools)["recall_cases"].ainvoke({"task": "Boil a soft egg for Bob"})
    assert "five minutes" in shown
    assert "What worked: stir it" in shown


async def test_the_model_is_offered_no_namespace_and_no_confidence() -> None:
    async with a_memory() as memory:
        model = scripted("done")
        await create_agent(model, case_tools(memory, namespace=lambda runtime: runtime.context["user"])).ainvoke(
            {"messages": [HumanMessage(TASK)]}, context={"user": "ann"}
        )
    offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in model.calls[0].tools}
    assert set(offered["recall_cases"]["properties"]) == {"task"}
    assert set(offered["remember_case"]["properties"]) == {"task", "approach", "outcome", "lesson", "event_id"}
    assert set(offered["give_feedback"]["properties"]) == {"event_id", "outcome", "lesson"}
    assert "namespace" not in json.dumps(offered)


async def test_the_namespace_comes_from_the_runtime_of_the_call() -> None:
    async with a_memory() as memory:
        await memory.write(state="Boil a soft egg for Bob", action="secret of bob", reward=1.0, namespace="bob")
        tools = case_tools(memory, namespace=lambda runtime: runtime.context["user"])

        async def seen(user: str) -> str:
            model = scripted(calling("recall_cases", task=TASK), "done")
            agent = create_agent(model, tools, context_schema=dict)
            result = await agent.ainvoke({"messages": [HumanMessage(TASK)]}, context={"user": user})
            return str(result["messages"][2].text)

        assert "secret of bob" not in await seen("ann")
        assert "secret of bob" in await seen("bob")
        with pytest.raises(InvalidInput, match="runtime"):
            await named(tools)["recall_cases"].ainvoke({"task": TASK})


async def test_the_key_of_a_task_comes_from_the_runtime_of_the_call() -> None:
    calls = [
        calling("recall_cases", 1, task="Play."),
        calling("remember_case", 2, task="Play.", approach="go east", outcome="worked"),
        "done",
    ]
    async with a_memory() as memory:
        tools = case_tools(memory, key=lambda runtime: runtime.context["game"])
        agent = create_agent(scripted(*calls, *calls), tools, context_schema=dict)
        for game in ("game/1", "game/2"):
            await agent.ainvoke({"messages": [HumanMessage("Play.")]}, context={"game": game})
        cases = [case async for case in memory.views.walk(namespace="default")]
    assert {case.key for case in cases} == {"game/1", "game/2"}


async def recalled(memory: CaseMemory, tools: dict[str, BaseTool]) -> str:
    await memory.write(state="Boil a soft egg for Bob", action="five minutes", reward=1.0)
    return str((await memory.read(TASK)).event_id)


async def test_feedback_of_an_agent_is_its_own_and_never_replaces_a_persons() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory))
        event_id = await recalled(memory, tools)
        assert await tools["give_feedback"].ainvoke({"event_id": event_id, "outcome": "failed"}) == "Noted."
        outcome = await memory.views.outcome(event_id, namespace="default")
        assert outcome is not None
        assert (outcome.reward, outcome.evaluator, outcome.confidence) == (0.0, "agent", 0.5)
        await memory.feedback(event_id, 1.0)
        assert "graded already, by human" in await tools["give_feedback"].ainvoke(
            {"event_id": event_id, "outcome": "failed"}
        )
        outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    assert (outcome.reward, outcome.evaluator) == (1.0, "human")


async def test_what_an_agent_remembers_never_replaces_a_case_that_somebody_else_graded() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory))
        case_id = await memory.write(state=TASK, action="five minutes", reward=1.0, evaluator="human")
        said = await tools["remember_case"].ainvoke({"task": TASK, "approach": "five minutes", "outcome": "failed"})
        assert "graded by human" in said
        assert case_id
        assert (await memory.views.cases([case_id], namespace="default"))[case_id].reward == 1.0


async def test_an_unknown_outcome_is_kept_and_is_no_failure() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory))
        event_id = await recalled(memory, tools)
        given = {"task": TASK, "approach": "six minutes", "outcome": "unknown"}
        assert "Nothing was remembered" in await tools["remember_case"].ainvoke(given)
        assert "when its outcome is known" in await tools["remember_case"].ainvoke(given | {"event_id": event_id})
        assert await memory.n_outcomes() == 0
        assert await memory.feedback(event_id, 1.0)


async def test_a_low_confidence_keeps_what_an_agent_remembers_in_quarantine() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory, confidence=0.3))
        await tools["remember_case"].ainvoke({"task": TASK, "approach": "five minutes", "outcome": "worked"})
        assert "no cases" in await tools["recall_cases"].ainvoke({"task": "Boil a soft egg for Bob"})
        assert [case.status async for case in memory.views.walk(namespace="default")] == ["quarantined"]


async def test_a_memory_that_fails_is_told_to_the_model() -> None:
    tools = named(case_tools(failing(LedgerUnavailable("the disk is full"))))
    assert "the disk is full" in await tools["recall_cases"].ainvoke({"task": TASK})
    remembered = await tools["remember_case"].ainvoke({"task": TASK, "approach": "x", "outcome": "worked"})
    assert "the disk is full" in remembered
    assert "the disk is full" in await tools["give_feedback"].ainvoke({"event_id": "e", "outcome": "worked"})


async def test_an_event_that_does_not_exist_is_told_to_the_model() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory))
        assert "no event 'e'" in await tools["give_feedback"].ainvoke({"event_id": "e", "outcome": "worked"})


async def test_synchronous_agents_use_the_tools() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory))
        given = {"task": TASK, "approach": "five minutes", "outcome": "worked"}
        assert await asyncio.to_thread(tools["remember_case"].invoke, given) == "Remembered."
        shown = await asyncio.to_thread(tools["recall_cases"].invoke, {"task": "Boil a soft egg for Bob"})
    assert "five minutes" in shown


async def test_secrets_are_not_remembered() -> None:
    async with a_memory() as memory:
        tools = named(case_tools(memory, secrets=lambda: ["sk-very-secret-1"]))
        await tools["remember_case"].ainvoke(
            {
                "task": "use sk-very-secret-1",
                "approach": "sk-very-secret-1",
                "outcome": "worked",
                "lesson": "sk-very-secret-1",
            }
        )
        (case,) = [case async for case in memory.views.walk(namespace="default")]
    assert "sk-very" not in case.model_dump_json()


@pytest.mark.parametrize("wrong", [{"policy": "best"}, {"k": -1}, {"confidence": 2.0}, {"namespace": ""}])
def test_what_is_misconfigured_is_refused_when_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        case_tools(a_memory(), **wrong)
