"""A FastAPI service: answers, streams of events, plans to approve, conversations, late feedback.

    pip install memento-langgraph fastapi uvicorn
    OPENAI_API_KEY=... uvicorn --app-dir examples fastapi_app:app
    python examples/ask_over_http.py http://127.0.0.1:8000      # a client, in another terminal

One memory and one graph for all requests; the lifespan opens them on the server's event loop. Who may ask is for
your own authentication to say; `Deps(namespace_of=...)` binds cases to its users.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento import CaseMemory, Context, Deps, build_graph
from memento.memory.errors import UnknownEvent


def make_app(open_memory: Callable[[], CaseMemory], **models: Any) -> FastAPI:
    """Make the app. Nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_memory() as app.state.memory:
            app.state.graph = build_graph(Deps(memory=app.state.memory, **models), checkpointer=InMemorySaver())
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_exception_handler(UnknownEvent, lambda _, error: JSONResponse({"detail": str(error)}, 404))

    @app.post("/ask")
    async def ask(asked: dict[str, Any]) -> StreamingResponse:  # a text, or the reply to what the thread waits for
        given = Command(resume=asked["reply"]) if "reply" in asked else {"messages": [("human", asked["text"])]}
        config = {"configurable": {"thread_id": asked["thread"]}}
        context, modes = Context(approve_plan=asked.get("approve_plan", False)), ["custom", "values"]

        async def lines() -> AsyncIterator[str]:
            async for mode, part in app.state.graph.astream(given, config, context=context, stream_mode=modes):
                if mode == "custom":
                    yield json.dumps(part) + "\n"
            waiting = [one.value for one in part.get("__interrupt__", ())]
            yield json.dumps({"answer": part.get("answer"), "event_id": part["event_id"], "waiting": waiting}) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.post("/feedback")
    async def feedback(event_id: str = Body(), reward: float = Body(ge=0, le=1)) -> dict[str, Any]:
        return {"case_id": await app.state.memory.feedback(event_id, reward, evaluator="human")}

    return app


app = make_app(lambda: CaseMemory.open("./bank"), planner="openai:gpt-4.1", executor="openai:gpt-4.1-mini")
