"""Graphs of a host with ours inside: as a node that shares the messages, and in a node that translates the state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from tests.hosts.brain import Brain
from tests.hosts.port import GraphHost
from tests.node_parts import a_memory


class SharedState(MessagesState):
    """Keys that the host and our graph share."""

    event_id: str | None


class TicketState(TypedDict):
    """A host's state that has nothing in common with ours."""

    question: str
    dialogue: Annotated[list[AnyMessage], add_messages]
    reply: str
    run: str


@asynccontextmanager
async def shared_messages(brain: Brain) -> AsyncIterator[GraphHost]:
    """Our graph is a node of the host's."""
    async with a_memory() as memory:
        builder = StateGraph(SharedState)
        builder.add_node("memento", build_graph(Deps(memory=memory, **brain.models())))
        builder.add_edge(START, "memento")
        parent = builder.compile(checkpointer=InMemorySaver())
        yield GraphHost(parent, memory, lambda result: result["event_id"])


@asynccontextmanager
async def wrapped(brain: Brain) -> AsyncIterator[GraphHost]:
    """Our graph is called by a node that makes its input of the host's state, and the host's state of its output."""
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, **brain.models()))

        async def answer(state: TicketState, runtime: Runtime[Any]) -> dict[str, Any]:
            asked = HumanMessage(state["question"])
            result = await graph.ainvoke({"messages": [*state["dialogue"], asked]}, context=runtime.context)
            said = result["messages"][-1]
            return {"dialogue": [asked, said], "reply": result["answer"], "run": result["event_id"]}

        builder = StateGraph(TicketState).add_node("answer", answer).add_edge(START, "answer")
        parent = builder.compile(checkpointer=InMemorySaver())
        yield GraphHost(
            parent,
            memory,
            lambda result: result["run"],
            given=lambda text: {"question": text},
            answer_of=lambda result: result["reply"],
        )
