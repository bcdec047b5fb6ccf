"""What hosts run the graph with beside our settings: their own context, and whose cases a run uses."""

from typing import Any

import pytest
from langchain.tools import ToolRuntime
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import Runtime
from pydantic import ValidationError

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.nodes.context import Context
from tests.graph.test_workflow import on, state_of
from tests.node_parts import a_memory, always, answer, calling, plan, scripted, verdict

TASK: Any = {"task": "six times seven?", "reference": "42"}


class TeamContext(Context):
    """A host's own settings beside ours."""

    user_id: str = "nobody"
    """Whose run it is."""


def graph_of(memory: CaseMemory, **parts: Any) -> MementoGraph:
    models = {"planner": always(answer("42")), "executor": always("42"), "judge": always(verdict("no"))}
    return build_graph(Deps(memory=memory, **(models | parts)), checkpointer=InMemorySaver())


class Session:
    """What cannot be stored, and must not be."""

    token = "sk-of-the-host"


@pytest.mark.parametrize(
    ("schema", "context"),
    [
        (Context, {"k": 2, "user_id": "zaphod", "session": Session()}),
        (Context, Context.model_validate({"k": 2, "user_id": "zaphod", "session": Session()})),
        (TeamContext, {"k": 2, "user_id": "zaphod", "session": Session()}),
        (TeamContext, TeamContext(k=2, user_id="zaphod")),
        (Context, TeamContext(k=2, user_id="zaphod")),
    ],
)
async def test_tools_see_the_hosts_context_and_the_state_does_not(schema: type[Context], context: Any) -> None:
    seen: list[Any] = []

    @tool
    async def look(runtime: ToolRuntime[Any, Any]) -> str:
        """Look."""
        seen.append(runtime.context)
        return "42"

    async with a_memory() as memory:
        planner, executor = scripted(plan("look"), answer("42")), scripted(calling("look"), "42")
        graph = graph_of(memory, planner=planner, executor=executor, tools=[look], context_schema=schema)
        result = await graph.ainvoke(TASK, on("t"), context=context)
        state = await state_of(graph, "t")
    assert result["answer"] == "42"
    assert state["results"][0]["tool_calls"][0]["result"] == "42"
    assert (seen[0].user_id, seen[0].k) == ("zaphod", 2)
    assert set(state["run"]["settings"]) == set(Context.model_fields) - {"namespace"}
    assert "zaphod" not in str(state)
    assert "Session" not in str(state)


async def test_a_misspelt_setting_is_refused() -> None:
    async with a_memory() as memory:
        with pytest.raises(ValidationError, match="did you mean 'policy'"):
            await graph_of(memory).ainvoke(TASK, on("t"), context={"polcy": "none"})  # type: ignore[arg-type]


def test_a_hosts_own_settings_are_in_the_form() -> None:
    async def nobody() -> CaseMemory:
        raise AssertionError("opened")

    graph = build_graph(Deps(memory=nobody, context_schema=TeamContext))
    properties = graph.get_context_jsonschema()["properties"]
    assert {"user_id", "namespace", "k"} <= set(properties)


async def remembered(memory: CaseMemory, namespace: str) -> list[str]:
    return [case.state async for case in memory.views.walk(namespace=namespace)]


async def test_an_assistant_is_bound_to_a_namespace_by_its_context() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory)
        await graph.ainvoke(TASK | {"namespace": "theirs"}, on("t"), context=Context(namespace="mine"))
        await graph.ainvoke(TASK | {"namespace": "theirs"}, on("u"))
        await graph.ainvoke(TASK, on("v"))
        found = {name: await remembered(memory, name) for name in ("mine", "theirs", memory.namespace)}
    assert found == {name: ["six times seven?"] for name in ("mine", "theirs", memory.namespace)}


def by_user(runtime: Runtime[Context]) -> str:
    return f"user-{runtime.context.user_id}"  # type: ignore[attr-defined]


async def by_user_later(runtime: Runtime[Context]) -> str:
    return by_user(runtime)


@pytest.mark.parametrize("namespace_of", [by_user, by_user_later])
async def test_the_namespace_is_the_users_whatever_input_and_context_say(namespace_of: Any) -> None:
    async with a_memory() as memory:
        await memory.write(state=TASK["task"], action="theirs", reward=1.0, namespace="user-eve")
        planner = always(answer("42"))
        graph = graph_of(memory, planner=planner, namespace_of=namespace_of, context_schema=TeamContext)
        context = TeamContext(user_id="ada", namespace="user-eve", policy="similarity")
        await graph.ainvoke(TASK | {"task": "six times eight?", "namespace": "user-eve"}, on("t"), context=context)
        state = await state_of(graph, "t")
        ada, eve = await remembered(memory, "user-ada"), await remembered(memory, "user-eve")
    assert state["run"]["namespace"] == "user-ada"
    assert (ada, eve) == (["six times eight?"], [TASK["task"]])
    assert "theirs" not in planner.calls[0].text


@pytest.mark.parametrize("given", ["", None, 7, " ", "x" * 201, "a\nb"])
async def test_a_run_without_a_valid_owner_is_refused(given: Any) -> None:
    async with a_memory() as memory:
        planner = always(answer("42"))
        graph = graph_of(memory, planner=planner, namespace_of=lambda _: given)
        with pytest.raises(InvalidInput):
            await graph.ainvoke(TASK | {"namespace": "theirs"}, on("t"))
        assert planner.calls == []
        assert await remembered(memory, "theirs") == []


async def test_a_run_whose_owner_cannot_be_told_is_refused() -> None:
    def unknown(runtime: Runtime[Context]) -> str:
        raise PermissionError(f"nobody is signed in: {runtime.server_info}")

    async with a_memory() as memory:
        with pytest.raises(PermissionError):
            await graph_of(memory, namespace_of=unknown).ainvoke(TASK, on("t"))
