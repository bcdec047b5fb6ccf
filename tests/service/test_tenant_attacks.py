"""A tenant tries everything on another one, at every door of a real server; none gives way."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests import tenant_identities, tenant_requests, tenant_states
from tests.tenant_attempts import ATTACKS
from tests.tenant_world import LIKE_IT, SECRET, World, two_tenants

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
