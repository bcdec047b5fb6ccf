"""A client of a web app around the workflow: watch a run, approve its plan, go on talking, say how good it was.

    pip install memento-langgraph
    python examples/ask_over_http.py http://127.0.0.1:8000

Start `examples/fastapi_app.py` or `examples/flask_app.py` first. `/ask` answers with a JSON object a line: the events
of the run while it works, then the answer, or what a person is asked.
"""

import json
import sys
from typing import Any

import httpx


def ask(client: httpx.Client, **body: Any) -> dict[str, Any]:
    """Ask, or reply to what the thread waits for; prints the events as they come, and returns the last line."""
    part: dict[str, Any] = {}
    with client.stream("POST", "/ask", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            part = json.loads(line)
            if "event" in part:
                print(f"  {part['event']}")
    return part


def main(url: str) -> None:
    """One conversation of two questions on one thread."""
    with httpx.Client(base_url=url, timeout=300) as client:
        stopped = ask(client, thread="1", text="Where was Columbus born?", approve_plan=True)
        (action,) = stopped["waiting"][0]["action_requests"]
        print(f"waits for a person: {action['name']}")
        first = ask(client, thread="1", reply="yes", approve_plan=True)
        print(first["answer"])
        given = client.post("/feedback", json={"event_id": first["event_id"], "reward": 1.0})
        print(f"feedback: {given.status_code}")
        print(ask(client, thread="1", text="And when was he born?")["answer"])
        lost = client.post("/feedback", json={"event_id": "of-another-memory", "reward": 1.0})
        print(f"feedback on an unknown event: {lost.status_code}")


if __name__ == "__main__":
    main(sys.argv[1])
