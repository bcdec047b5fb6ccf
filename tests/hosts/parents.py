"""Graphs of a host with ours inside: as a node that shares the messages, and in a node that translates the state."""

from typing import Annotated, Any

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from tests.hosts.brain import Brain
from tests.hosts.port import GraphHost


class SharedState(MessagesState):
    """Keys that the host and our graph share."""

    event_id: str | None


class TicketState(TypedDict):
    """A host's state that has nothing in common with ours."""

    question: str
    dialogue: Annotated[list[AnyMessage], add_messages]
    reply: str
    run: str


def shared_messages(brain: Brain, memory: CaseMemory) -> GraphHost:
    """Our graph is a node of the host's."""
    builder = StateGraph(SharedState)
    builder.add_node("memento", build_graph(Deps(memory=memory, **brain.models())))
    builder.add_edge(START, "memento")
    return GraphHost(builder.compile(checkpointer=InMemorySaver()), memory, lambda result: result["event_id"])


def wrapped(brain: Brain, memory: CaseMemory) -> GraphHost:
    """Our graph is called by a node that makes its input of the host's state, and the host's state of its output."""
    graph = build_graph(Deps(memory=memory, **brain.models()))

    async def answer(state: TicketState, runtime: Runtime[Any]) -> dict[str, Any]:
        return _update(state, await graph.ainvoke(_given(state), context=runtime.context))

    return _desk(answer, memory)


def wrapped_sync(brain: Brain, memory: CaseMemory) -> GraphHost:
    """The same with a synchronous node."""
    graph = build_graph(Deps(memory=memory, **brain.models()))

    def answer(state: TicketState, runtime: Runtime[Any]) -> dict[str, Any]:
        return _update(state, graph.invoke(_given(state), context=runtime.context))

    return _desk(answer, memory)


def _desk(answer: Any, memory: CaseMemory) -> GraphHost:
    builder = StateGraph(TicketState).add_node("answer", answer).add_edge(START, "answer")
    return GraphHost(
        builder.compile(checkpointer=InMemorySaver()),
        memory,
        lambda result: result["run"],
        given=lambda text: {"question": text},
        answer_of=lambda result: result["reply"],
    )


def _given(state: TicketState) -> Any:
    return {"messages": [*state["dialogue"], HumanMessage(state["question"])]}


def _update(state: TicketState, result: dict[str, Any]) -> dict[str, Any]:
    said = [HumanMessage(state["question"]), result["messages"][-1]]
    return {"dialogue": said, "reply": result["answer"], "run": result["event_id"]}
