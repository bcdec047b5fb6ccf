"""The examples of the README, and the model behind its second one."""

import json
import re
from pathlib import Path
from typing import Any

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def readme_example(name: str) -> str:
    """The code below `<!-- quickstart:NAME -->`."""
    found = re.search(rf"<!-- quickstart:{name} -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found, f"no quick start {name!r}"
    return found.group(1)


def answer_of_graph_example(request: dict[str, Any]) -> str | dict[str, Any]:
    """A planner that asks for the day and repeats what comes back, an executor that calls the tool."""
    said = json.dumps(request["messages"])
    if request["model"] == "o4-mini":
        if request["messages"][-1]["role"] == "tool":
            return "It is Sunday."
        call = {"name": "today", "arguments": json.dumps({"city": "Bloomsburg"})}
        return {"tool_calls": [{"id": "1", "type": "function", "function": call}], "finish_reason": "tool_calls"}
    if "It is Sunday." in said:
        return json.dumps({"subtasks": [], "answer": "Sunday"})
    step = {"id": "1", "description": "Ask what day it is in Bloomsburg.", "depends_on": []}
    return json.dumps({"subtasks": [step], "answer": None})
