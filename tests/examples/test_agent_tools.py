"""examples/agent_tools.py."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.scripted import ScriptedServer

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """A model that recalls, remembers, and says what it recalled."""
    told = [message["content"] for message in request["messages"] if message["role"] == "tool"]
    task = next(message["content"] for message in request["messages"] if message["role"] == "user")
    if not told:
        return _call("recall_cases", task=task)
    if len(told) == 1:
        return _call("remember_case", task=task, approach="Five minutes.", outcome="worked")
    return "as last time" if "Five minutes." in told[0] else "for the first time"


def _call(name: str, **arguments: str) -> dict[str, Any]:
    call = {"id": name, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"tool_calls": [call], "finish_reason": "tool_calls"}


async def test_the_agent_recalls_what_it_remembered(tmp_path: Path) -> None:
    async with ScriptedServer(reply) as server:
        printed = await asyncio.to_thread(lambda: run_example("agent_tools", tmp_path, base_url=server.base_url))
    assert "Boil a soft egg: for the first time" in printed
    assert "Boil a very soft egg: as last time" in printed
    assert printed.count("remember_case: Remembered.") == 2
