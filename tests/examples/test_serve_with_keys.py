"""examples/serve_with_keys.py."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.node_parts import answer
from tests.scripted import ScriptedServer


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_users_and_a_page_use_one_server(tmp_path: Path) -> None:
    def reply(request: dict[str, Any]) -> str:
        return answer("at the town hall")

    def run() -> str:
        return run_example("serve_with_keys", tmp_path, base_url=models.base_url, seconds=240)

    async with ScriptedServer(reply) as models:
        printed = await asyncio.to_thread(run)
    assert printed.splitlines() == [
        "alice: at the town hall",
        "the page's feedback: 200",
        "bob's feedback on alice's run: 404",
        "without a key: 401",
        "the memory's health: up",
    ]
    asked = [str(request) for request in models.requests]
    assert len(asked) == 2
    assert not any("town hall" in one for one in asked), "bob's run was not served alice's case"
