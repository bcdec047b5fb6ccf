"""A FastAPI service: answers, streams of events, plans to approve, conversations, late feedback.

    pip install memento-langgraph fastapi uvicorn
    OPENAI_API_KEY=... uvicorn --app-dir examples fastapi_app:app     # serves, until Ctrl-C
    OPENAI_API_KEY=... python examples/fastapi_app.py                 # serves, is its own client, and stops

One memory and one graph for all requests: the lifespan opens the memory on the server's event loop. Who may ask, and on
which thread, is for your own authentication to say; `Deps(namespace_of=...)` binds cases to its users.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel, Field

from memento import CaseMemory, Context, Deps, build_graph
from memento.memory.errors import UnknownEvent

MODELS = {"planner": "openai:gpt-4.1", "executor": "openai:gpt-4.1-mini", "judge": "openai:gpt-4.1-mini"}


class Ask(BaseModel):
    """A question on a thread."""

    text: str
    thread: str
    approve_plan: bool = False


class Resume(BaseModel):
    """A person's reply to what a thread waits for."""

    thread: str
    reply: Any


class Feedback(BaseModel):
    """How good a run was."""

    event_id: str
    reward: float = Field(ge=0, le=1)


def make_app(open_memory: Callable[[], CaseMemory], **models: Any) -> FastAPI:
    """Make the app. Nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_memory() as memory:
            app.state.memory = memory
            app.state.graph = build_graph(Deps(memory=memory, **models), checkpointer=InMemorySaver())
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/ask")
    async def ask(asked: Ask) -> dict[str, Any]:
        return told(await app.state.graph.ainvoke(given(asked), on(asked.thread), context=context(asked)))

    @app.post("/stream")
    async def stream(asked: Ask) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            streaming = app.state.graph.astream(
                given(asked), on(asked.thread), context=context(asked), stream_mode=["custom", "values"]
            )
            result: dict[str, Any] = {}
            async for mode, part in streaming:
                if mode == "custom":
                    yield json.dumps(part) + "\n"
                else:
                    result = part
            yield json.dumps(told(result)) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.post("/resume")
    async def resume(given: Resume) -> dict[str, Any]:
        approving = Context(approve_plan=True)
        return told(await app.state.graph.ainvoke(Command(resume=given.reply), on(given.thread), context=approving))

    @app.post("/feedback")
    async def feedback(given: Feedback) -> dict[str, Any]:
        try:
            return {"case_id": await app.state.memory.feedback(given.event_id, given.reward, evaluator="human")}
        except UnknownEvent as error:
            raise HTTPException(404, str(error)) from error

    return app


def given(asked: Ask) -> dict[str, Any]:
    """The graph's input."""
    return {"messages": [HumanMessage(asked.text)]}


def context(asked: Ask) -> Context:
    """The settings of its run."""
    return Context(approve_plan=asked.approve_plan)


def on(thread: str) -> Any:
    """The graph's config."""
    return {"configurable": {"thread_id": thread}}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """What clients get: the answer, or what a person is asked."""
    waiting = [one.value for one in result.get("__interrupt__", ())]
    return {"answer": result.get("answer"), "event_id": result.get("event_id"), "waiting": waiting}


app = make_app(lambda: CaseMemory.open("./bank"), **MODELS)


async def main() -> None:
    """Serve, and be the first client."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            sys.exit("the server did not start")
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
        first = (await client.post("/ask", json={"text": "Where was Columbus born?", "thread": "1"})).json()
        print(first["answer"])
        await client.post("/feedback", json={"event_id": first["event_id"], "reward": 1.0})
        asked = {"text": "And when was he born?", "thread": "1"}
        async with client.stream("POST", "/stream", json=asked) as streaming:
            async for line in streaming.aiter_lines():
                part = json.loads(line)
                print(part.get("event") or part["answer"])
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
