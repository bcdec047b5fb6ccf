"""A Flask app on a threaded server: answers, streams of events, plans to approve, conversations, late feedback.

    pip install memento-langgraph flask
    OPENAI_API_KEY=... python examples/flask_app.py             # serves, is its own client, and stops
    OPENAI_API_KEY=... python examples/flask_app.py serve       # serves on port 5000, until Ctrl-C

One memory and one graph for all threads: `CaseMemory.open_sync` gives the memory an event loop of its own, and
`graph.invoke` and `graph.stream` wait for it. A server that forks its workers (gunicorn, uWSGI) opens the memory in
each worker, after the fork.
"""

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from flask import Flask, Response, abort, request
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from werkzeug.serving import make_server

from memento import CaseMemory, Context, Deps, build_graph
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.sync_case_memory import SyncCaseMemory

MODELS = {"planner": "openai:gpt-4.1", "executor": "openai:gpt-4.1-mini", "judge": "openai:gpt-4.1-mini"}


def make_app(memory: SyncCaseMemory, **models: Any) -> Flask:
    """Make the app around an open memory."""
    app = Flask(__name__)
    graph = build_graph(Deps(memory=memory, **models), checkpointer=InMemorySaver())

    @app.post("/ask")
    def ask() -> dict[str, Any]:
        asked = request.get_json()
        return told(graph.invoke(given(asked), on(asked["thread"]), context=context(asked)))

    @app.post("/stream")
    def stream() -> Response:
        asked = request.get_json()

        def lines() -> Iterator[str]:
            modes: Any = ["custom", "values"]
            result: Any = {}
            for mode, part in graph.stream(
                given(asked), on(asked["thread"]), context=context(asked), stream_mode=modes
            ):
                if mode == "custom":
                    yield json.dumps(part) + "\n"
                else:
                    result = part
            yield json.dumps(told(result)) + "\n"

        return Response(lines(), mimetype="application/x-ndjson")

    @app.post("/resume")
    def resume() -> dict[str, Any]:
        said = request.get_json()
        approving = Context(approve_plan=True)
        return told(graph.invoke(Command(resume=said["reply"]), on(said["thread"]), context=approving))

    @app.post("/feedback")
    def feedback() -> dict[str, Any]:
        said = request.get_json()
        try:
            return {"case_id": memory.feedback(said["event_id"], said["reward"], evaluator="human")}
        except UnknownEvent as error:
            abort(404, str(error))
        except InvalidInput as error:
            abort(422, str(error))

    return app


def given(asked: dict[str, Any]) -> Any:
    """The graph's input."""
    return {"messages": [HumanMessage(asked["text"])]}


def context(asked: dict[str, Any]) -> Context:
    """The settings of its run."""
    return Context(approve_plan=bool(asked.get("approve_plan")))


def on(thread: str) -> Any:
    """The graph's config."""
    return {"configurable": {"thread_id": thread}}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """What clients get: the answer, or what a person is asked."""
    waiting = [one.value for one in result.get("__interrupt__", ())]
    return {"answer": result.get("answer"), "event_id": result.get("event_id"), "waiting": waiting}


def main() -> None:
    """Serve; without `serve`, be the first client."""
    is_serving = "serve" in sys.argv[1:]
    with CaseMemory.open_sync("./bank") as memory:
        server = make_server("127.0.0.1", 5000 if is_serving else 0, make_app(memory, **MODELS), threaded=True)
        if is_serving:
            server.serve_forever()
            return
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", timeout=300) as client:
            first = client.post("/ask", json={"text": "Where was Columbus born?", "thread": "1"}).json()
            print(first["answer"])
            client.post("/feedback", json={"event_id": first["event_id"], "reward": 1.0})
            asked = {"text": "And when was he born?", "thread": "1"}
            with client.stream("POST", "/stream", json=asked) as streaming:
                for line in streaming.iter_lines():
                    part = json.loads(line)
                    print(part.get("event") or part["answer"])
        server.shutdown()


if __name__ == "__main__":
    main()
