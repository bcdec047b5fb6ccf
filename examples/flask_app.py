"""A Flask app on a threaded server: answers, streams of events, plans to approve, conversations, late feedback.

    pip install memento-langgraph flask
    OPENAI_API_KEY=... python examples/flask_app.py             # serves on port 5000, or the one that is named
    python examples/ask_over_http.py http://127.0.0.1:5000      # a client, in another terminal

One memory and one graph for all threads: `CaseMemory.open_sync` gives the memory an event loop of its own, and
`graph.stream` waits for it. Servers that fork (gunicorn, uWSGI) open it after the fork, in each worker.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento import CaseMemory, Context, Deps, build_graph
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.sync_case_memory import SyncCaseMemory


def make_app(memory: SyncCaseMemory, **models: Any) -> Flask:
    """Make the app around an open memory."""
    app = Flask(__name__)
    graph = build_graph(Deps(memory=memory, **models), checkpointer=InMemorySaver())
    app.register_error_handler(UnknownEvent, lambda error: ({"detail": str(error)}, 404))
    app.register_error_handler(InvalidInput, lambda error: ({"detail": str(error)}, 422))

    @app.post("/ask")
    def ask() -> Response:
        asked = request.get_json()  # a text, or the reply to what the thread waits for
        given = Command(resume=asked["reply"]) if "reply" in asked else {"messages": [("human", asked["text"])]}
        config = {"configurable": {"thread_id": asked["thread"]}}
        context, modes = Context(approve_plan=asked.get("approve_plan", False)), ["custom", "values"]

        def lines() -> Iterator[str]:
            for mode, part in graph.stream(given, config, context=context, stream_mode=modes):
                if mode == "custom":
                    yield json.dumps(part) + "\n"
            waiting = [one.value for one in part.get("__interrupt__", ())]
            yield json.dumps({"answer": part.get("answer"), "event_id": part["event_id"], "waiting": waiting}) + "\n"

        return Response(lines(), mimetype="application/x-ndjson")

    @app.post("/feedback")
    def feedback() -> dict[str, Any]:
        told = request.get_json()
        return {"case_id": memory.feedback(told["event_id"], told["reward"], evaluator="human")}

    return app


if __name__ == "__main__":
    with CaseMemory.open_sync("./bank") as opened:
        app = make_app(opened, planner="openai:gpt-4.1", executor="openai:gpt-4.1-mini")
        app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
