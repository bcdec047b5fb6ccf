"""A tenant tries everything on another one, at every door of a real server; none gives way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests import tenant_identities, tenant_requests, tenant_states
from tests.tenant_attempts import ATTACKS
from tests.tenant_world import LIKE_IT, SECRET, Client, World, two_tenants

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.allow_blocking("what may not block is in another process, which watches itself"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with two_tenants(tmp_path_factory.mktemp("tenants")) as made:
        yield made


async def test_bob_himself_gets_at_what_is_his(world: World) -> None:
    """What is tried below would succeed, if alice were bob."""
    thread = await world.bob.thread()
    done = await world.bob.wait(thread, {"task": LIKE_IT})
    assert done["answer"] == "42"
    state = await world.bob("GET", f"/threads/{thread}/state")
    assert SECRET in state["values"]["cases"][0]["state"], "a run of his is served his case"
    assert SECRET in world.server.models.requests[-1]["messages"][-1]["content"], "which his model is shown"
    had = await world.possessions()
    assert had["item"]["value"] == {"text": SECRET}
    assert had["cron"]["payload"]["input"] == {"task": SECRET}
    assert had["assistant"]["name"] == SECRET
    assert len(had["files"]) == 2
    assert had["rows"]["case_revisions"]
    read = await world.bob.wait(world.bobs.thread, {"task": "READ secret.txt"})
    assert SECRET in str(await world.bob("GET", f"/threads/{world.bobs.thread}/state")), read


async def test_the_table_is_long_enough() -> None:
    assert len(ATTACKS) >= 100
    for module in (tenant_identities, tenant_requests, tenant_states):
        assert module.__doc__


@pytest.mark.parametrize("name", ATTACKS)
async def test_nothing_of_another_tenant_is_heard_or_changed(world: World, name: str) -> None:
    had = await world.possessions()
    for client in world.clients:
        client.heard.clear()
        client.statuses.clear()
    n_asked = len(world.server.models.requests)
    await ATTACKS[name](world)
    told = [text for client in world.clients for text in client.heard if SECRET in text]
    assert not told, told
    shown = [one for one in world.server.models.requests[n_asked:] if SECRET in str(one)]
    assert not shown, shown
    assert all(status < 500 for client in world.clients for status in client.statuses)
    assert await world.possessions() == had


async def test_crons_run_as_their_owners_and_as_nobody_once_the_key_is_revoked(world: World) -> None:
    """The server keeps the name of a cron's user alone."""
    gone = await asyncio.to_thread(world.keys.create, "carol")
    carol = Client(world.server.url, gone.secret)
    for client in (world.alice, world.bob, carol):
        every_minute = {"assistant_id": "memento", "schedule": "* * * * *", "on_run_completed": "keep"}
        for context in ({}, {"context": {"namespace": "bob", "k": 1}}):
            await client("POST", "/runs/crons", every_minute | {"input": {"task": "cron?"}} | context)
            assert client.statuses[-1] == 200
    await asyncio.to_thread(world.keys.revoke, "carol")

    async def runs_of(client: Client) -> list[dict[str, Any]]:
        threads = await client("POST", "/threads/search", {"limit": 100})
        assert client.statuses[-1] == 200, threads
        runs = [(thread["values"] or {}).get("run") or {} for thread in threads]
        return [run for run in runs if run.get("task") == "cron?"]

    for _ in range(400):
        if len(await runs_of(world.alice)) >= 2 and len(await runs_of(world.bob)) >= 2:
            break
        await asyncio.sleep(0.25)
    for client, name in ((world.alice, "alice"), (world.bob, "bob")):
        assert {run["namespace"] for run in await runs_of(client)} == {name}
        for cron in await client("POST", "/runs/crons/search", {"limit": 100}):
            await client("DELETE", f"/runs/crons/{cron['cron_id']}")
    again = await asyncio.to_thread(world.keys.create, "carol")
    later = Client(world.server.url, again.secret)
    assert await later("POST", "/threads/search", {"limit": 100}) == []
    for client in (carol, later):
        await client.http.aclose()
