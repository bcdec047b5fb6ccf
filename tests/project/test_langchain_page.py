"""docs/langchain.md is true: its snippets run against a bank full of failures, and its table is complete."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memento.integrations import langchain
from memento.memory.case_memory import CaseMemory
from tests.memories import failing_bank
from tests.node_parts import answer
from tests.scripted import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "langchain.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"<!-- snippet:(\w+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
QUERY = "What is the capital of Orotina Canton?"


def test_the_table_names_every_public_name() -> None:
    table = PAGE.partition("\n## ")[0]
    assert [name for name in langchain.__all__ if f"| `{name}` |" not in table] == []
    assert all(getattr(langchain, name) for name in langchain.__all__)
    assert "(langchain.md)" in (ROOT / "docs" / "first-agent.md").read_text(encoding="utf-8")


def test_importing_the_package_imports_no_langchain() -> None:
    code = "import sys, memento.integrations.langchain; print([m for m in sys.modules if m.startswith('langchain')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """A model that uses the first tool it has once, and a planner that knows the answer."""
    told = [message["content"] for message in request["messages"] if message["role"] == "tool"]
    if request["model"] == "gpt-4.1":
        return answer("Orotina")
    if told or not request.get("tools"):
        return "Orotina"
    name = request["tools"][0]["function"]["name"]
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": json.dumps({"task": QUERY})}}
    return {"tool_calls": [call], "finish_reason": "tool_calls"}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank in which a slot of four stays empty for the snippets' task."""
    folder = tmp_path_factory.mktemp("failures") / "bank"

    async def fill() -> None:
        async with CaseMemory.open(folder, seed=0) as memory:
            await failing_bank(memory, QUERY)

    asyncio.run(fill())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", SNIPPETS)
async def test_a_snippet_runs_against_a_bank_full_of_failures(name: str, failures: Path, tmp_path: Path) -> None:
    async with ScriptedServer(reply) as server:
        given = {
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": server.base_url,
            "PYTHONWARNINGS": "error::DeprecationWarning:__main__",
        }
        done = await asyncio.to_thread(_run, SNIPPETS[name], failures, tmp_path, given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Orotina" in done.stdout or name == "retriever"


def _run(code: str, bank: Path, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    shutil.copytree(bank, folder / "bank")
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
