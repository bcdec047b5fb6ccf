"""Labels in a trace: what every model call of a run carries, and that tracing into nowhere hurts no run."""

from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import BaseMessage

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from tests.commands import assistant, environment, memento
from tests.node_parts import a_memory, answer, calling, plan, scripted, verdict

TASK = "six times eight?"


class Recorder(AsyncCallbackHandler):
    """Keeps the labels of every call."""

    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = []
        self.tools: list[dict[str, Any]] = []
        self.nodes: list[str] = []
        self.tags: list[list[str]] = []

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.models.append(metadata or {})
        self.tags.append(tags or [])

    async def on_tool_start(
        self, serialized: dict[str, Any], input_str: str, *, metadata: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        self.tools.append(metadata or {})

    async def on_chain_start(self, serialized: Any, inputs: Any, *, name: str = "", **kwargs: Any) -> None:
        self.nodes.append(name)


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


async def recorded(policy: str) -> tuple[Recorder, dict[str, Any], str]:
    """A run with one case at hand; its result, and the case's id."""
    planner = scripted(plan("multiply"), answer("48"))
    executor = scripted(calling("multiply", a=6, b=8), "48")
    recorder = Recorder()
    async with a_memory() as memory:
        case_id = await memory.write(state="six times seven?", action="1. multiply", reward=1.0)
        parts = Deps(
            memory=memory, planner=planner, executor=executor, judge=scripted(verdict("yes")), tools=[multiply]
        )
        config: Any = {"callbacks": [recorder], "tags": ["mine"], "metadata": {"arm": "x", "seed": 3}}
        context: Any = {"policy": policy}
        result = await build_graph(parts).ainvoke({"task": TASK, "reference": "forty-eight"}, config, context=context)
    assert case_id
    return recorder, result, case_id


async def test_every_model_and_tool_call_names_reading_and_cases_when_they_are_known() -> None:
    recorder, result, case_id = await recorded("similarity")
    assert len(recorder.models) == 5  # plan, two of the executor, answer, judge
    assert len(recorder.tools) == 1
    wanted = {"event_id": result["event_id"], "case_ids": [case_id], "policy": "similarity", "arm": "x", "seed": 3}
    for labels in (*recorder.models, *recorder.tools):
        assert labels.items() >= wanted.items()
    assert [labels["langgraph_node"] for labels in recorder.models][0::3] == ["planner", "planner"]
    assert all("mine" in tags for tags in recorder.tags)


async def test_the_nodes_keep_their_names_in_a_trace() -> None:
    recorder, _, _ = await recorded("none")
    assert recorder.nodes[0] == "memento"
    assert {"planner", "executor", "evaluate"} <= set(recorder.nodes)
    assert "labelled_node" not in recorder.nodes


async def test_no_case_is_named_when_none_was_shown() -> None:
    recorder, result, _ = await recorded("none")
    assert all(labels["case_ids"] == [] for labels in recorder.models)
    assert {labels["event_id"] for labels in recorder.models} == {result["event_id"]}


@pytest.mark.slow
@pytest.mark.parametrize("tracing", ["true", "false"])
async def test_a_run_is_answered_when_traces_lead_nowhere(tracing: str, tmp_path: Any) -> None:
    nowhere = {
        "LANGSMITH_TRACING": tracing,
        "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
        "LANGSMITH_API_KEY": "nobody's",
        "LANGSMITH_PROJECT": "none",
    }
    async with assistant() as server:
        env = environment(tmp_path / "home", server.base_url, **nowhere)
        done = await memento("ask", "What is six times seven?", "-r", "42", "--json", env=env)
    assert (done.code, done.lines[-1]["answer"]) == (0, "forty-two")
