"""The drain of runs in flight: steps at work end, later ones wait to be cancelled."""

import asyncio
from typing import Any

import pytest

from memento.nodes.run_drain import RunDrain
from tests.node_parts import runtime_of


async def test_a_step_at_work_is_waited_for() -> None:
    drain, go = RunDrain(), asyncio.Event()

    async def node(state: Any, *, runtime: Any) -> dict[str, Any]:
        await go.wait()
        return {"done": state["n"]}

    step = asyncio.create_task(drain.watched(node)({"n": 1}, runtime=runtime_of()))
    await asyncio.sleep(0)
    assert drain.n_steps == 1
    draining = asyncio.create_task(drain.drain(60))
    await asyncio.sleep(0)
    assert not draining.done()
    go.set()
    assert await step == {"done": 1}
    assert await draining
    assert drain.n_steps == 0


async def test_a_step_after_the_drain_waits_until_it_is_cancelled() -> None:
    drain, go = RunDrain(), asyncio.Event()
    begun: list[int] = []

    async def node(state: Any, *, runtime: Any) -> dict[str, Any]:
        begun.append(state["n"])
        await go.wait()
        return {}

    watched = drain.watched(node)
    first = asyncio.create_task(watched({"n": 1}, runtime=runtime_of()))
    await asyncio.sleep(0)
    assert not await drain.drain(0.01), "one is still at work"
    second = asyncio.create_task(watched({"n": 2}, runtime=runtime_of()))
    go.set()
    assert await first == {}
    for _ in range(20):
        await asyncio.sleep(0)
    assert (begun, second.done()) == ([1], False)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    drain.resume()
    assert await watched({"n": 3}, runtime=runtime_of()) == {}


async def test_nothing_is_waited_for_when_nothing_is_at_work() -> None:
    assert await RunDrain().drain(0)
