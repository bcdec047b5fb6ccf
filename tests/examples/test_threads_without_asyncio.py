"""examples/threads_without_asyncio.py."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.example_runs import run_example
from tests.node_parts import answer
from tests.provider_server import Wire, completion, provider

pytestmark = pytest.mark.slow


def reply(request: dict[str, Any]) -> Wire:
    if "You judge" in str(request["messages"][0]["content"]):
        return completion(request, content=json.dumps({"correct": "yes", "reason": ""}))
    number = int(re.findall(r"<task>\nWhat is (\d+) times", str(request["messages"][-1]["content"]))[0])
    return completion(request, content=answer(str(number * number)))


def test_threads_share_a_memory_and_a_graph(tmp_path: Path) -> None:
    with provider(reply, keeps_alive=True) as url:
        printed = run_example("threads_without_asyncio", tmp_path, base_url=url)
    assert [int(line.rsplit(" ", 1)[-1]) for line in printed.splitlines()[:8]] == [n * n for n in range(1, 9)]
    assert printed.splitlines()[8:] == ["cases", "reward", "written", "9 outcomes learned from"]
