"""Agents that call our graph: by a tool of LangChain's create_agent, and as a sub-agent of deepagents."""

from typing import Any, NotRequired

from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.tools import ToolRuntime
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from tests.hosts.brain import Brain, lead
from tests.hosts.port import GraphHost


class DelegatedState(AgentState[Any]):
    """A deep agent's state, and the key that our graph shares with it."""

    event_id: NotRequired[str | None]


class KeepsEventId(AgentMiddleware[DelegatedState]):
    """Lets the state of a deep agent have the key."""

    state_schema = DelegatedState


def conversation_tool(graph: MementoGraph) -> BaseTool:
    """A tool that hands the agent's conversation over to the graph."""

    async def answered(runtime: ToolRuntime[Any, Any]) -> tuple[str, dict[str, Any]]:
        return _told(await graph.ainvoke({"messages": runtime.state["messages"]}, context=runtime.context))

    def answered_sync(runtime: ToolRuntime[Any, Any]) -> tuple[str, dict[str, Any]]:
        return _told(graph.invoke({"messages": runtime.state["messages"]}, context=runtime.context))

    return StructuredTool.from_function(
        answered_sync,
        answered,
        name="memento",
        description="Answer the newest question of the conversation.",
        response_format="content_and_artifact",
    )


def agent(brain: Brain, memory: CaseMemory) -> GraphHost:
    """An agent of LangChain with our graph in a tool."""
    graph = build_graph(Deps(memory=memory, **brain.models()))
    host = create_agent(lead(brain, "memento"), [conversation_tool(graph)], checkpointer=InMemorySaver())
    return GraphHost(host, memory, _event_id_in_artifact)


def deep_agent(brain: Brain, memory: CaseMemory) -> GraphHost:
    """A deep agent whose model gives tasks to our graph, a sub-agent of it."""
    graph = build_graph(Deps(memory=memory, **brain.models()))
    host = create_deep_agent(
        lead(brain, "task", description=True, subagent_type="memento"),
        subagents=[{"name": "memento", "description": "Plans and remembers.", "runnable": graph}],
        middleware=[KeepsEventId()],
        checkpointer=InMemorySaver(),
    )
    return GraphHost(host, memory, lambda result: result["event_id"])


def _told(result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return str(result["answer"]), {"event_id": result["event_id"]}


def _event_id_in_artifact(result: dict[str, Any]) -> str | None:
    told = [message for message in result["messages"] if isinstance(message, ToolMessage)]
    return str(told[-1].artifact["event_id"]) if told else None
