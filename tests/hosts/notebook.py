"""A notebook: cells run by a real kernel (ipykernel), whose event loop is busy while a synchronous cell runs."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from memento.memory.case_memory import CaseMemory
from tests.example_runs import ROOT
from tests.hashing_encoder import HashingEncoder
from tests.hosts.port import Part, Told

_CELL_S = 100

FIRST_CELL = """
import json
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from memento import CaseMemory, Context, Deps, build_graph
from tests.hashing_encoder import HashingEncoder

memory = CaseMemory.open_sync({bank!r}, encoder=HashingEncoder(), policy="similarity", seed=0)
memory.__enter__()
models = dict(planner="openai:stub", executor="openai:stub", judge="openai:stub")
graph = build_graph(Deps(memory=memory, **models), checkpointer=InMemorySaver())

def on(thread):
    return {{"configurable": {{"thread_id": thread}}}}

def show(result):
    waiting = [one.value for one in result.get("__interrupt__", ())]
    event_id = None if waiting else result["event_id"]
    print(json.dumps({{"answer": result.get("answer") or "", "event_id": event_id, "waiting": waiting}}))
"""
ASK = """show({graph_call}({given}, on({thread!r}), context=Context(approve_plan={approve_plan})))"""
STREAM = """
{loop} mode, part in {graph_call}({given}, on({thread!r}), stream_mode=["custom", "values"]):
    if mode == "custom":
        print(json.dumps({{"event": part["event"]}}), flush=True)
show(part)
"""
FEEDBACK = {
    True: "print(json.dumps(memory.feedback({event_id!r}, {reward})))",
    False: "print(json.dumps(await memory.memory.feedback({event_id!r}, {reward})))",
}


@dataclass
class Notebook:
    """Cells of one kernel, which await the graph or call it synchronously."""

    client: AsyncKernelClient
    bank: Path
    is_synchronous: bool = False
    prefix: str = ""
    """Of the names of threads, which the kernel keeps."""

    def cells(self, *, prefix: str, synchronous: bool) -> "Notebook":
        """Return cells of the same kernel that are written in one way, on threads of their own."""
        return replace(self, is_synchronous=synchronous, prefix=prefix)

    async def ask(self, text: str, *, thread: str, approve_plan: bool = False) -> Told:
        return await self._told(_messages(text), thread, approve_plan=approve_plan)

    async def stream(self, text: str, *, thread: str) -> AsyncIterator[Part]:
        loop, call = ("for", "graph.stream") if self.is_synchronous else ("async for", "graph.astream")
        async for line in self.shown(
            STREAM.format(loop=loop, graph_call=call, given=_messages(text), thread=self.prefix + thread)
        ):
            yield Part("event", line["event"]) if "event" in line else Part("answer", line["answer"])

    async def resume(self, reply: Any, *, thread: str) -> Told:
        return await self._told(f"Command(resume={reply!r})", thread, approve_plan=True)

    async def feedback(self, event_id: str, reward: float) -> None:
        code = FEEDBACK[self.is_synchronous].format(event_id=event_id, reward=reward)
        assert [line async for line in self.shown(code)]

    def memory(self) -> AbstractAsyncContextManager[CaseMemory]:
        return CaseMemory.open(self.bank, encoder=HashingEncoder(), policy="similarity", seed=0)

    async def shown(self, code: str) -> AsyncIterator[Any]:
        """Run a cell; yields the values that it prints as JSON, as it does."""
        async for line in self.cell(code):
            yield json.loads(line)

    async def cell(self, code: str) -> AsyncIterator[str]:
        """Run a cell; yields the lines that it prints, as it does."""
        cell, printed = self.client.execute(code), ""
        while True:
            message = await self.client.get_iopub_msg(timeout=_CELL_S)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != cell:
                continue
            if kind == "status" and content["execution_state"] == "idle":
                return
            assert kind != "error", "\n".join(content["traceback"])
            if kind == "stream" and content["name"] == "stdout":
                *lines, printed = (printed + content["text"]).split("\n")
                for line in lines:
                    yield line

    async def _told(self, given: str, thread: str, *, approve_plan: bool) -> Told:
        call = "graph.invoke" if self.is_synchronous else "await graph.ainvoke"
        code = ASK.format(graph_call=call, given=given, thread=self.prefix + thread, approve_plan=approve_plan)
        (told,) = [line async for line in self.shown(code)]
        return Told(**told)


@asynccontextmanager
async def kernel(folder: Path, base_url: str) -> AsyncIterator[Notebook]:
    """Start one, with models from a provider, and run the first cell."""
    manager = AsyncKernelManager(transport="ipc", connection_file=str(folder / "kernel.json"))
    environment = {"IPYTHONDIR": str(folder), "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "sk-of-a-test"}
    await manager.start_kernel(cwd=str(ROOT), env={**os.environ, **environment})
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=_CELL_S)
        notebook = Notebook(client, folder / "bank")
        assert not [line async for line in notebook.cell(FIRST_CELL.format(bank=str(notebook.bank)))]
        yield notebook
        assert not [line async for line in notebook.cell("memory.close()")]
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def _messages(text: str) -> str:
    return f'{{"messages": [HumanMessage({text!r})]}}'
