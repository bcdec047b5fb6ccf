"""What the conformance tests ask of a host, and hosts that are graphs around ours in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from langchain_core.messages import HumanMessage
from langgraph.pregel import Pregel
from langgraph.types import Command

from memento.memory.case_memory import CaseMemory


class Told(NamedTuple):
    """How a call to a host ended."""

    answer: str
    event_id: str | None
    waiting: list[Any]
    """What its interrupts ask."""


class Part(NamedTuple):
    """One piece of what a host streams."""

    kind: str
    """`event`: a run's event by its name; `answer`: the text."""
    text: str


class Host(Protocol):
    """A host that embeds the graph, used by its own public calls."""

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        """Run to the end, or until a person is asked."""

    def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        """Run, and yield what there is as soon as the host gives it."""

    async def resume(self, reply: Any, *, thread: str) -> Told:
        """Answer the person's question."""

    async def feedback(self, event_id: str, reward: float) -> None:
        """Tell later how good a run was."""

    def memory(self) -> AbstractAsyncContextManager[CaseMemory]:
        """The case memory that the host works with, to look into."""


@dataclass
class GraphHost:
    """A graph around ours in this process, which is awaited or called in a thread."""

    graph: Pregel[Any, Any, Any, Any]
    cases: CaseMemory
    event_id_of: Callable[[dict[str, Any]], str | None]
    """Finds the id of the event in the graph's result."""
    given: Callable[[str], dict[str, Any]] = field(default=lambda text: {"messages": [HumanMessage(text)]})
    answer_of: Callable[[dict[str, Any]], str] = field(default=lambda result: str(result["messages"][-1].text))
    is_synchronous: bool = False

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return await self._told(self.given(text), thread, approve_plan=approve_plan)

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        result: dict[str, Any] = {}
        given: Any = {"context": {}, "stream_mode": ["custom", "values"], "subgraphs": True}
        stream = self._stream_in_thread if self.is_synchronous else self.graph.astream
        async for graph, mode, part in stream(self.given(text), on(thread), **given):
            if mode == "custom":
                yield Part("event", part["event"])
            elif graph == ():
                result = part
        yield Part("answer", self.answer_of(result))

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return await self._told(Command(resume=reply), thread, approve_plan=True)

    async def feedback(self, event_id: str, reward: float) -> None:
        await self.cases.feedback(event_id, reward)

    @asynccontextmanager
    async def memory(self) -> AsyncIterator[CaseMemory]:
        yield self.cases

    async def _told(self, given: Any, thread: str, *, approve_plan: bool) -> Told:
        context = {"approve_plan": approve_plan}
        if self.is_synchronous:
            result = await asyncio.to_thread(self.graph.invoke, given, on(thread), context=context)
        else:
            result = await self.graph.ainvoke(given, on(thread), context=context)
        waiting = [one.value for one in result.get("__interrupt__", ())]
        return Told("" if waiting else self.answer_of(result), None if waiting else self.event_id_of(result), waiting)

    async def _stream_in_thread(self, *given: Any, **named: Any) -> AsyncIterator[Any]:
        loop, parts = asyncio.get_running_loop(), asyncio.Queue[Any]()

        def iterate() -> None:
            for part in self.graph.stream(*given, **named):
                loop.call_soon_threadsafe(parts.put_nowait, part)
            loop.call_soon_threadsafe(parts.put_nowait, None)

        iterating = asyncio.create_task(asyncio.to_thread(iterate))
        while not (iterating.done() and parts.empty()):
            if (part := await parts.get()) is None:
                break
            yield part
        await iterating


def on(thread: str) -> Any:
    """The config of a thread."""
    return {"configurable": {"thread_id": thread}}
