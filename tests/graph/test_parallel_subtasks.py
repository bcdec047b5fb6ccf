"""Subtasks at once: as many as the host allows, else eight. The bar is measured by benchmarks/parallel_subtasks.py."""

import asyncio
from typing import Any

import pytest

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from tests.node_parts import a_memory, answer, plan, scripted
from tests.scripted import ScriptedChatModel


class Counting(ScriptedChatModel):
    """Knows how many calls there were at once."""

    now: int = 0
    most: int = 0

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.02)
        self.now -= 1
        return self._generate(*args, **kwargs)


@pytest.mark.parametrize(("config", "most"), [({}, 8), ({"max_concurrency": 3}, 3), ({"max_concurrency": 20}, 20)])
async def test_as_many_run_at_once_as_allowed_when_there_are_twenty(config: Any, most: int) -> None:
    executor = Counting(lambda _messages: "done")
    async with a_memory() as memory:
        planner = scripted(plan(*(f"step {n}" for n in range(20))), answer("42"))
        graph = build_graph(Deps(memory=memory, planner=planner, executor=executor))
        result = await graph.ainvoke({"task": "many"}, config)
    assert result["answer"] == "42"
    assert executor.most == most
