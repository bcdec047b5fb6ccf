"""examples/serve_with_keys.py."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.dev_server import dev_server
from tests.example_runs import run_example
from tests.node_parts import answer


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.allow_blocking("what may not block is in another process, which watches itself")
async def test_two_users_and_a_page_use_one_server(tmp_path: Path) -> None:
    def reply(request: dict[str, Any]) -> str:
        return answer("at the town hall")

    async with dev_server(tmp_path, reply, MEMENTO_CEILINGS='{"k": 4, "run_max_cost_usd": 1.0}') as server:
        printed = await asyncio.to_thread(lambda: run_example("serve_with_keys", tmp_path, server.url, seconds=240))
    assert printed.splitlines() == [
        "alice: at the town hall",
        "the page's feedback: 200",
        "bob's feedback on alice's run: 404",
        "without a key: 401",
        "the memory's health: up",
    ]
    asked = [str(request) for request in server.models.requests]
    assert len(asked) == 2
    assert not any("town hall" in one for one in asked), "bob's run was not served alice's case"
