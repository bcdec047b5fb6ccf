"""Every host does with the graph what it should: one test for each cell of the table in docs/hosts.md."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import pytest
import pytest_asyncio

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from tests.dev_server import Server, dev_server
from tests.hosts import agents, parents, served, teams, web_apps
from tests.hosts.brain import FOLLOW_UP, TOWN, YEAR, Brain
from tests.hosts.cells import APP, FEATURES, GRAPH, NOTEBOOK, SERVED, WORKERS, hosts_of
from tests.hosts.notebook import Notebook, kernel
from tests.hosts.page import run_snippet, snippets
from tests.hosts.port import GraphHost, Host
from tests.hosts.workers import Pool, pool
from tests.node_parts import a_memory
from tests.provider_server import served as served_provider

EVENTS: Final = ["cases", "plan", "subtask", "result", "reward", "written"]
GRAPHS: Final[Mapping[str, Callable[[Brain, CaseMemory], GraphHost]]] = MappingProxyType(
    {
        "supervisor": teams.supervisor,
        "swarm": teams.swarm,
        "deep_agent": agents.deep_agent,
        "agent": agents.agent,
        "shared_messages": parents.shared_messages,
        "wrapped": parents.wrapped,
    }
)
APPS: Final[Mapping[str, Callable[[Brain], AbstractAsyncContextManager[Host]]]] = MappingProxyType(
    {"fastapi": web_apps.fastapi, "flask": web_apps.flask}
)
CLIENTS: Final[Mapping[str, Callable[[Server], AbstractAsyncContextManager[Host]]]] = MappingProxyType(
    {
        "remote_graph": served.remote_graph,
        "python_sdk": served.python_sdk,
        "javascript_sdk": served.javascript_sdk,
    }
)


async def check_invoke(host: Host, brain: Brain) -> None:
    """A question is answered, and its event recorded."""
    told = await host.ask(brain.question, thread="invoke")
    assert TOWN in told.answer
    assert brain.tasks == [brain.question, brain.question], "planned, then answered"
    assert told.event_id
    async with host.memory() as memory:
        event = await memory.views.event(told.event_id, namespace="default")
    assert event is not None
    assert event.query == brain.question


async def check_stream(host: Host, brain: Brain) -> None:
    """The events arrive while the run works: its executor waits until the client has seen the plan."""
    brain.plan_was_seen = threading.Event()
    parts = []
    async for part in host.stream(brain.question, thread="stream"):
        parts.append(part)
        if part == ("event", "plan"):
            brain.plan_was_seen.set()
    assert [part.text for part in parts if part.kind == "event" and part.text in EVENTS] == EVENTS
    assert parts[-1].kind == "answer"
    assert TOWN in parts[-1].text
    assert brain.was_seen_in_time


async def check_interrupt(host: Host, brain: Brain) -> None:
    """A plan waits for approval, and nothing is carried out before."""
    stopped = await host.ask(brain.question, thread="review", approve_plan=True)
    (waiting,) = stopped.waiting
    assert waiting["action_requests"][0]["name"] == "carry_out_plan"
    assert brain.n_executed == 0
    told = await host.resume({"decisions": [{"type": "approve"}]}, thread="review")
    assert told.waiting == []
    assert TOWN in told.answer
    assert brain.n_executed == 1


async def check_conversation(host: Host, brain: Brain) -> None:
    """A follow-up is planned, and kept, as a task that stands alone."""
    first = await host.ask(brain.question, thread="conversation")
    before = await cases_of(host)
    second = await host.ask(FOLLOW_UP, thread="conversation")
    assert TOWN in first.answer
    assert YEAR in second.answer
    assert brain.tasks == [brain.question, brain.question, brain.standalone, brain.standalone]
    assert second.event_id
    assert second.event_id != first.event_id
    await host.feedback(second.event_id, 1.0)
    (case,) = [case for case in await cases_of(host) if case.id not in {one.id for one in before}]
    assert (case.state, case.reward) == (brain.standalone, 1.0)


async def check_feedback(host: Host, brain: Brain) -> None:
    """A run whose outcome is unknown is no case, until its reward is told."""
    before = await cases_of(host)
    told = await host.ask(brain.question, thread="feedback")
    assert told.event_id
    assert await cases_of(host) == before
    await host.feedback(told.event_id, 0.25)
    (case,) = [case for case in await cases_of(host) if case.id not in {one.id for one in before}]
    assert (case.state, case.reward) == (brain.question, 0.25)
    assert brain.n_executed == 1


async def cases_of(host: Host) -> list[Case]:
    async with host.memory() as memory:
        return [case async for case in memory.views.walk(namespace="default")]


CHECKS: Final[Mapping[str, Callable[[Host, Brain], Awaitable[None]]]] = MappingProxyType(
    {
        "invoke": check_invoke,
        "stream": check_stream,
        "interrupt": check_interrupt,
        "conversation": check_conversation,
        "feedback": check_feedback,
    }
)


def cells_of(test: str) -> pytest.MarkDecorator:
    cells = [pytest.param(host, feature, id=f"{host}-{feature}") for host in hosts_of(test) for feature in FEATURES]
    return pytest.mark.parametrize(("host", "feature"), cells)


def beside(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Marks a test of hosts in processes of their own, which tests share: slow, on the event loop of the module."""
    marks = [
        pytest.mark.slow,
        pytest.mark.timeout(300),
        pytest.mark.allow_blocking("what may not block is in another process"),
        pytest.mark.asyncio(loop_scope="module"),
    ]
    for mark in marks:
        test = mark(test)
    return test


@cells_of(GRAPH)
async def test_graph_around_ours(host: str, feature: str) -> None:
    brain = Brain()
    async with a_memory() as memory:
        opened = await asyncio.to_thread(GRAPHS[host], brain, memory)  # deepagents reads entry points
        await CHECKS[feature](opened, brain)


@pytest.mark.slow
@cells_of(GRAPH)
async def test_graph_around_ours_without_an_event_loop(host: str, feature: str) -> None:
    """The same cells by `invoke` and `stream`, with a memory that has an event loop of its own."""
    brain = Brain()
    make = parents.wrapped_sync if host == "wrapped" else GRAPHS[host]
    async with a_memory(in_thread=True) as memory:
        opened = await asyncio.to_thread(make, brain, memory)
        await CHECKS[feature](replace(opened, is_synchronous=True), brain)


@cells_of(APP)
async def test_app_of_a_web_framework(host: str, feature: str) -> None:
    brain = Brain()
    async with APPS[host](brain) as opened:
        await CHECKS[feature](opened, brain)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Server, Brain]]:
    brain = Brain()
    async with dev_server(tmp_path_factory.mktemp("langgraph_dev"), brain.content) as running:
        yield running, brain


@beside
@cells_of(SERVED)
async def test_client_of_langgraph_dev(server: tuple[Server, Brain], host: str, feature: str) -> None:
    running, brain = server
    if host == "javascript_sdk" and (why := served.javascript_is_missing()):
        pytest.skip(why)
    brain.begin(f"Columbus ({host}, {feature})")
    async with CLIENTS[host](running) as opened:
        await CHECKS[feature](opened, brain)


@beside
async def test_snippet_of_the_page_for_clients(
    server: tuple[Server, Brain], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, brain = server
    brain.begin("Columbus")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (code,) = snippets("runs beside langgraph dev")
    await asyncio.to_thread(run_snippet, code.replace("http://127.0.0.1:2024", running.url))
    assert capsys.readouterr().out.splitlines() == [TOWN, "carry_out_plan", TOWN]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Pool, Brain]]:
    brain = Brain()
    async with served_provider(brain.wire) as url, pool(tmp_path_factory.mktemp("workers"), url) as running:
        yield running, brain


@beside
@cells_of(WORKERS)
async def test_forked_workers(workers: tuple[Pool, Brain], host: str, feature: str) -> None:
    running, brain = workers
    brain.begin(f"Columbus ({host}, {feature})")
    n_tasks = len(running.pids)
    await CHECKS[feature](running, brain)
    n_processes = len(set(running.pids[n_tasks:]))
    assert n_processes == len(running.pids[n_tasks:]), f"each task of {host} in a process of its own"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def notebook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Notebook, Brain]]:
    brain = Brain()
    async with served_provider(brain.wire) as url, kernel(tmp_path_factory.mktemp("notebook"), url) as running:
        yield running, brain


@beside
@cells_of(NOTEBOOK)
async def test_cells_of_a_notebook(notebook: tuple[Notebook, Brain], host: str, feature: str) -> None:
    running, brain = notebook
    brain.begin(f"Columbus ({host}, {feature})")
    await CHECKS[feature](running.cells(prefix=host, synchronous=host == "sync_cells"), brain)


@beside
async def test_snippet_of_the_page_for_notebooks(notebook: tuple[Notebook, Brain]) -> None:
    running, brain = notebook
    brain.begin("Columbus")
    (code,) = snippets("runs in a notebook")
    code = code.replace("./bank", str(running.bank.with_name("snippet")))
    assert [line async for line in running.cell(code)] == ["carry_out_plan", TOWN]
