"""The runnable examples of README and docs/, and the models behind them."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HEADINGS = {"memory": "The memory alone", "middleware": "In an agent, by middleware", "graph": "The whole workflow"}
"""Headings of the README whose first block of code is a quick start."""


def readme_example(name: str) -> str:
    """A quick start of the README, or the code below `<!-- quickstart:NAME -->` on a page of docs/."""
    if name in HEADINGS:
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        texts = [readme.partition(f"\n### {HEADINGS[name]}\n")[2].partition("\n#")[0]]
        pattern = r"```python\n(.*?)```"
    else:
        texts = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]
        pattern = rf"<!-- quickstart:{name} -->\n```python\n(.*?)```"
    found = [code for text in texts for code in re.findall(pattern, text, re.DOTALL)]
    assert len(found) == 1, f"no quick start {name!r}, or several"
    return str(found[0])


def answer_of_graph_example(request: dict[str, Any]) -> str | dict[str, Any]:
    """A planner that asks for the day and repeats it, an executor that calls the tool, an agent that knows."""
    said = json.dumps(request["messages"])
    if request["model"] == "gpt-4.1-mini":
        return "It is Bloomsburg."
    if request["model"] == "o4-mini":
        if request["messages"][-1]["role"] == "tool":
            return "It is Sunday."
        call = {"name": "today", "arguments": json.dumps({"city": "Bloomsburg"})}
        return {"tool_calls": [{"id": "1", "type": "function", "function": call}], "finish_reason": "tool_calls"}
    if "It is Sunday." in said:
        return json.dumps({"subtasks": [], "answer": "Sunday"})
    step = {"id": "1", "description": "Ask what day it is in Bloomsburg.", "depends_on": []}
    return json.dumps({"subtasks": [step], "answer": None})
