"""examples/create_agent_with_memory.py."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.scripted import ScriptedServer

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """A model that sends a form only where a case says that a parcel without one was returned."""
    newest = request["messages"][-1]
    if newest["role"] == "tool":
        return str(newest["content"])
    has_failed = 'outcome=\\"failed\\"' in json.dumps(newest["content"])
    arguments = json.dumps({"country": "Norway", "customs_form": has_failed})
    call = {"id": "1", "type": "function", "function": {"name": "ship", "arguments": arguments}}
    return {"tool_calls": [call], "finish_reason": "tool_calls"}


async def test_the_agent_learns_from_its_first_failure(tmp_path: Path) -> None:
    async with ScriptedServer(reply) as server:
        printed = await asyncio.to_thread(
            lambda: run_example("create_agent_with_memory", tmp_path, base_url=server.base_url)
        )
    assert "Ship a parcel to Norway: returned: a customs form is missing" in printed
    assert "Ship a second parcel to Norway: delivered" in printed
    assert "2 outcomes learned from" in printed
