"""examples/deep_agent.py."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.node_parts import answer
from tests.scripted import ScriptedServer

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """A lead that asks the workflow and writes a file; within the workflow, a planner that knows the answer."""
    if not any(tool["function"]["name"] == "research" for tool in request.get("tools", [])):
        return answer("Genoa")
    told = [message["content"] for message in request["messages"] if message["role"] == "tool"]
    if not told:
        return _call("research", task="Where was Columbus born?")
    if len(told) == 1:
        return _call("write_file", file_path="/notes.txt", content=told[0])
    return f"In {told[0]}."


def _call(name: str, **arguments: str) -> dict[str, Any]:
    call = {"id": name, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"tool_calls": [call], "finish_reason": "tool_calls"}


async def test_the_deep_agent_uses_the_workflow_and_its_attempt_is_remembered(tmp_path: Path) -> None:
    async with ScriptedServer(reply) as server:
        printed = await asyncio.to_thread(lambda: run_example("deep_agent", tmp_path, base_url=server.base_url))
    assert "In Genoa." in printed
    assert '1. research(task="Where was Columbus born?")' in printed
    assert '2. write_file(file_path="/notes.txt", content="Genoa")' in printed
