"""The runnable examples of README and docs/, and the models behind them."""

import json
import re
from typing import Any

from docs.builder.code_parts import QUICK_STARTS, quick_start
from docs.builder.repository import ROOT


def readme_example(name: str) -> str:
    """A quick start of the README, or the code below `<!-- quickstart:NAME -->` on a page of docs/."""
    if name in QUICK_STARTS:
        return quick_start(name)
    pages = [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]
    pattern = rf"<!-- quickstart:{name} -->\n```python\n(.*?)```"
    (code,) = [code for page in pages for code in re.findall(pattern, page, re.DOTALL)]
    return str(code)


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
