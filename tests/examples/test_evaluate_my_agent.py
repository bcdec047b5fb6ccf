"""examples/evaluate_my_agent.py."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.node_parts import answer
from tests.scripted import ScriptedServer

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> str:
    """A model that knows no form, and copies the one of a case of the same country."""
    shown = str(request["messages"][-1]["content"])
    land = re.findall(r"to (\w+)\?", shown)[-1]
    found = re.search(rf"to {land}\?\nPlan:\nanswer (\w\d)", shown)
    return answer(found[1] if found else "none")


async def test_memory_helps_the_agent_and_two_orders_give_no_verdict(tmp_path: Path) -> None:
    async with ScriptedServer(reply) as server:
        printed = await asyncio.to_thread(
            lambda: run_example("evaluate_my_agent", tmp_path, "2", base_url=server.base_url)
        )
    none, advantage, verdict = printed.splitlines()
    assert none.startswith("none: 0.00 [")
    assert advantage.startswith("advantage: 0.")
    assert not advantage.startswith("advantage: 0.00")
    assert verdict.startswith("advantage against none: too few orders to tell: +")
