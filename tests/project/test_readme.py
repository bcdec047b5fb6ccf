"""The front door is true: its generated parts are fresh, its code runs, its tables name what is there."""

import asyncio
import contextlib
import importlib.util
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.policies.registry import POLICY_NAMES
from tests.memories import failing_bank
from tests.readme_examples import README, answer_of_graph_example, readme_example
from tests.scripted import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("part", ["diagram", "tree", "events", "settings", "figures"])
def test_generated_part_is_fresh_when_made_again(part: str) -> None:
    made = _refresh().PARTS[part]()

    assert f"<!-- {part}:start -->\n{made}\n<!-- {part}:end -->" in README, "run `make docs`"


def test_every_dependency_is_justified_when_pyproject_names_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = README.partition("## Dependencies")[2].partition("\n## ")[0]

    named = [re.split(r"[\[<>=]", spec)[0] for spec in project["dependencies"]]

    assert [name for name in named if name not in table] == []
    assert [extra for extra in project["optional-dependencies"] if f"`{extra}`" not in table] == []


def test_every_policy_is_explained_when_it_exists() -> None:
    assert [name for name in POLICY_NAMES if f"| `{name}` |" not in README] == []


def test_every_make_target_exists_when_the_readme_names_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"`make help` lists the rest: (.*)\.", README)
    assert listed
    named = {"run", "test", "help", *re.findall(r"`([\w-]+)`", listed.group(1))}

    assert named == set(re.findall(r"^([\w-]+):.*##", makefile, re.MULTILINE))


def test_every_setting_is_in_the_env_example_when_the_readme_names_it() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)

    assert len(named) > 10
    assert [name for name in named if name not in example] == []
    assert all(line.startswith("#") or not line.strip() for line in example.splitlines())


@pytest.mark.slow
def test_memory_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(readme_example("memory"), tmp_path)

    assert done.returncode == 0, done.stderr
    assert "What is the capital of Columbia County? -> 1. Find which" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["memory", "sync", "graph"])
async def test_quick_start_runs_when_its_bank_is_full_of_failures(name: str, tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path / "bank", seed=0) as memory:
        await failing_bank(memory, "What is the capital of Columbia County?")
    n_before = await asyncio.to_thread(_n_empty_slots, tmp_path / "bank")

    async with ScriptedServer(answer_of_graph_example) as server:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": server.base_url}
        done = await asyncio.to_thread(_run, readme_example(name), tmp_path, **keys)

    assert (done.returncode, done.stderr) == (0, "")
    if name == "memory":  # its question is the one that cases hurt
        assert await asyncio.to_thread(_n_empty_slots, tmp_path / "bank") > n_before


@pytest.mark.slow
def test_sync_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(readme_example("memory") + readme_example("sync"), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("['1. Find which Columbia County is meant\\n2. Look up its county seat']\n")


@pytest.mark.slow
async def test_graph_quick_start_runs_when_a_server_answers(tmp_path: Path) -> None:
    async with ScriptedServer(answer_of_graph_example) as server:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": server.base_url}
        done = await asyncio.to_thread(_run, readme_example("graph"), tmp_path, **keys)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Sunday 1.0 ")


@pytest.mark.slow
def test_tools_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(readme_example("tools"), tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "| 2 | jan | 3 |" in done.stdout
    assert done.stdout.endswith("24\n")


def _refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _n_empty_slots(bank: Path) -> int:
    with contextlib.closing(sqlite3.connect(bank / "ledger.sqlite")) as ledger:
        (n,) = ledger.execute("SELECT count(*) FROM slots WHERE case_id IS NULL").fetchone()
    return int(n)


def _run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
