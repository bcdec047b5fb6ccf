"""24 conversations at once under `langgraph dev`, whose runs share one event loop or have loops of their own."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from memento.memory.case_memory import CaseMemory
from tests.dev_server import dev_server
from tests.node_parts import answer, plan

N_THREADS = 24
POLICIES = ("advantage", "similarity", "random")


def reply(request: dict[str, Any]) -> str:
    """One model for all roles. It answers with the number of its task, which nobody else was asked for."""
    system, text = (str(request["messages"][number]["content"]) for number in (0, -1))
    if "You judge" in system:
        return json.dumps({"correct": "yes", "reason": "the same"})
    numbers = re.findall(r"number (\d+)\?\n</task>", text)
    if "You carry out" in system:
        return f"it is {numbers[-1]}"
    return answer(numbers[-1]) if f"it is {numbers[-1]}" in text else plan("look", "look again", "compare")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.allow_blocking("what may not block is in another process")
@pytest.mark.parametrize("isolated", ["true", "false"])
async def test_runs_at_once_all_end_and_are_not_mixed_up(tmp_path: Path, isolated: str) -> None:
    async with (
        dev_server(tmp_path, reply, BG_JOB_ISOLATED_LOOPS=isolated) as server,
        get_client(url=server.url) as client,
    ):

        async def one(number: int) -> dict[str, Any]:
            thread = (await client.threads.create())["thread_id"]
            given = {"task": f"Which is number {number}?", "reference": str(number)}
            context = {"policy": POLICIES[number % len(POLICIES)]}
            result = await client.runs.wait(thread, "memento", input=given, context=context)
            assert isinstance(result, dict)
            return result

        async with asyncio.timeout(200):
            results = await asyncio.gather(*map(one, range(N_THREADS)))
        assert [(result["answer"], result["reward"]) for result in results] == [
            (str(number), 1.0) for number in range(N_THREADS)
        ]
        assert [result["notices"] for result in results] == [[]] * N_THREADS
        assert len({result["event_id"] for result in results}) == N_THREADS
        assert ("Starting queue with isolated loops" in server.log) == (isolated == "true")
        errors = [line for line in server.log.splitlines() if "[error" in line]
        assert not errors, errors[:3]
        await server.stop()
    async with CaseMemory.open(server.home) as memory:
        counts = await memory.views.counts(namespace="default")
        assert (counts.cases, memory.notices) == (N_THREADS, [])
