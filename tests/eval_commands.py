"""What tests of `memento eval run` share: a small data set, and a model that answers every third question wrongly."""

import json
import re
from pathlib import Path
from typing import Any

from tests.commands import role_of
from tests.scripted import Refusal, ScriptedServer

PRICES = "stub=1000/1000"
"""A call of the scripted server, ten tokens, costs a cent."""


def write_dataset(path: Path, n: int = 12, *, broken: bool = False, sources: int = 2) -> Path:
    """Questions about items; `broken` adds two rows that are no tasks."""
    rows = [
        {
            "id": f"q{i}",
            "question": f"What is item {i} of the list?",
            "answer": f"thing {i}",
            "source": f"s{i % sources}",
        }
        for i in range(n)
    ]
    lines = [json.dumps(row) for row in rows]
    if broken:
        lines[1:1] = ["{not json", json.dumps({"id": "x", "answer": "without a question"})]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def question_of(body: dict[str, Any]) -> int:
    """The item that a request is about: the last one named, after those of cases."""
    return int(re.findall(r"What is item (\d+) of", json.dumps(body["messages"]))[-1])


def answering(*, refuse_after: int | None = None) -> ScriptedServer:
    """A model that answers at once.

    Args:
        refuse_after: after so many calls it answers no more.
    """

    def reply(body: dict[str, Any]) -> str | Refusal:
        if refuse_after is not None and len(server.requests) > refuse_after:
            return Refusal(503, "closed for today")
        if role_of(body) == "judge":
            return json.dumps({"correct": "no", "reason": "compared"})
        item = question_of(body)
        return json.dumps({"subtasks": [], "answer": "nothing" if item % 3 == 0 else f"thing {item}"})

    server = ScriptedServer(reply, embeds=True)
    return server
