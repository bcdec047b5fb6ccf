"""Hosts under load: requests at once, and tasks spread over forked workers, none lost, mixed up or counted twice."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.hosts import web_apps
from tests.hosts.brain import Brain
from tests.hosts.workers import Pool, pool
from tests.provider_server import served

N_REQUESTS = 24
N_TASKS = 12


@pytest.mark.parametrize("app", ["fastapi", "flask"])
async def test_requests_at_once_are_all_answered_and_not_mixed_up(app: str) -> None:
    async with (web_apps.fastapi if app == "fastapi" else web_apps.flask)(Brain()) as host:

        async def one(number: int) -> tuple[str, str]:
            told = await host.ask(f"What is number {number}?", thread=f"t{number}")
            assert told.event_id
            await host.feedback(told.event_id, 1.0)
            return told.answer, told.event_id

        told = await asyncio.gather(*map(one, range(N_REQUESTS)))
        async with host.memory() as memory:
            cases = {case.state: case.reward async for case in memory.views.walk(namespace="default")}
            counts = await memory.views.counts(namespace="default")
    assert [answer for answer, _ in told] == [str(number) for number in range(N_REQUESTS)]
    assert len({event_id for _, event_id in told}) == N_REQUESTS
    assert cases == {f"What is number {number}?": 1.0 for number in range(N_REQUESTS)}
    assert (counts.events, counts.cases) == (N_REQUESTS, N_REQUESTS)


async def test_feedback_on_an_unknown_event_is_refused_by_name() -> None:
    async with web_apps.fastapi(Brain()) as service, web_apps.flask(Brain()) as threads:
        for host in (service, threads):
            response = await host.client.post("/feedback", json={"event_id": "nobody", "reward": 1.0})
            assert response.status_code == 404
            assert "no event" in response.text


async def _task(running: Pool, number: int) -> str:
    text = f"What is number {number}?"
    told = await running.result("ask", text=text, thread=f"t{number}", reference=str(number))
    assert (told["answer"], told["waiting"]) == (str(number), [])
    return str(told["event_id"])


@pytest.mark.slow
@pytest.mark.allow_blocking("what may not block is in other processes")
async def test_tasks_of_forked_workers_all_end_and_are_credited_once(tmp_path: Path) -> None:
    async with served(Brain().wire) as url, pool(tmp_path, url, 3) as running:
        events = await asyncio.gather(*(_task(running, number) for number in range(N_TASKS)))
        repeated = [running.feedback(event_id, 0.5) for event_id in events[:3] for _ in range(2)]
        await asyncio.gather(*repeated)
        n_processes = len(set(running.pids))
        async with running.memory() as memory:
            counts = await memory.views.counts(namespace="default")
            rewards = {case.state: case.reward async for case in memory.views.walk(namespace="default")}
            n_outcomes = await memory.n_outcomes()
            assert memory.notices == []
    assert n_processes == 3
    assert len(set(events)) == N_TASKS
    assert (counts.events, counts.cases) == (N_TASKS, N_TASKS)
    assert n_outcomes == N_TASKS + 3, "three corrections, each told twice"
    assert rewards == {f"What is number {number}?": 0.5 if number < 3 else 1.0 for number in range(N_TASKS)}


@pytest.mark.slow
@pytest.mark.allow_blocking("what may not block is in other processes")
async def test_the_task_of_a_killed_worker_is_ended_by_another_and_counted_once(tmp_path: Path) -> None:
    brain = Brain()
    brain.plan_was_seen = threading.Event()
    async with served(brain.wire) as url, pool(tmp_path, url, 2) as running:
        async for part in running.stream("What is number 7?", thread="t"):
            if part == ("event", "subtask"):
                os.kill(running.at_work, signal.SIGKILL)
                break
        brain.plan_was_seen.set()
        told = await running.result("again", thread="t")
        await running.feedback(told["event_id"], 1.0)
        async with running.memory() as memory:
            counts = await memory.views.counts(namespace="default")
            n_outcomes = await memory.n_outcomes()
    assert told["answer"] == "7"
    assert brain.tasks == ["What is number 7?"] * 2, "planned once, by the first, and answered by the second"
    assert (counts.events, counts.cases, n_outcomes) == (1, 1, 1)


@pytest.mark.slow
@pytest.mark.allow_blocking("what may not block is in other processes")
async def test_a_memory_that_was_opened_before_the_fork_is_refused_by_name(tmp_path: Path) -> None:
    async with served(Brain().wire) as url, pool(tmp_path, url, 2, "inherited") as running:
        refused = await running.result("read", text="What is number 7?")
        assert refused["error"] == "OwnerLoopUnavailable"
        assert "another process (a fork): open one in this process" in refused["why"]
        told = await running.result("ask", text="What is number 7?", thread="t")
        assert told["answer"] == "7", "the memory never keeps a run from its answer"
