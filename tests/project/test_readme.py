"""The README is short, shows everywhere, leads to files that are there, and its quick starts run."""

import asyncio
import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from readme_renderer import markdown

from docs.builder.repository import ROOT, linked_files, readdressed
from docs.builder.workflow_picture import PLACES
from memento.memory.case_memory import CaseMemory
from tests.markdown_pages import anchors
from tests.memories import failing_bank
from tests.readme_examples import answer_of_graph_example, readme_example
from tests.scripted import ScriptedServer

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = {name: readme_example(name) for name in ("memory", "sync", "middleware", "graph", "tools")}


def test_the_readme_is_short_and_needs_no_comments() -> None:
    assert len(README.splitlines()) <= 150
    assert "<!--" not in README


def test_the_readme_shows_on_pypi() -> None:
    page = markdown.render(README) or ""
    assert "<table>" in page
    assert page.count("<pre") == README.count("```") // 2
    assert re.findall(r'<img[^>]* src="(?!https://)', page) == []


def test_every_link_of_the_readme_is_absolute_and_leads_to_a_file() -> None:
    files = linked_files(README)
    assert len(files) > 10
    assert [target for target in re.findall(r"\]\(([^)]+)\)", README) if not target.startswith("https://")] == []
    for path, _, anchor in (file.partition("#") for file in files):
        assert (ROOT / path).exists(), path
        assert not anchor or anchor in anchors((ROOT / path).read_text(encoding="utf-8")), path


def test_links_follow_the_address_of_the_repository() -> None:
    elsewhere = README.replace("github.com/memento-langgraph/", "github.com/elsewhere/")
    assert readdressed(elsewhere) == readdressed(README) == README


def test_the_readme_draws_all_nodes() -> None:
    diagram = README.partition("```text\n")[2].partition("```")[0]
    assert [name for name in PLACES if name not in diagram] == []


@pytest.mark.slow
def test_memory_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(EXAMPLES["memory"], tmp_path)

    assert done.returncode == 0, done.stderr
    assert "What is the capital of Columbia County? -> 1. Find which" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["memory", "sync", "middleware", "graph"])
async def test_quick_start_runs_when_its_bank_is_full_of_failures(name: str, tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path / "bank", seed=0) as memory:
        await failing_bank(memory, "What is the capital of Columbia County?")
    n_before = await asyncio.to_thread(_n_empty_slots, tmp_path / "bank")

    async with ScriptedServer(answer_of_graph_example) as server:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": server.base_url}
        done = await asyncio.to_thread(_run, EXAMPLES[name], tmp_path, **keys)

    assert (done.returncode, done.stderr) == (0, "")
    if name == "memory":  # its question is the one that cases hurt
        assert await asyncio.to_thread(_n_empty_slots, tmp_path / "bank") > n_before


@pytest.mark.slow
def test_sync_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(EXAMPLES["memory"] + EXAMPLES["sync"], tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("['1. Find which Columbia County is meant\\n2. Look up its county seat']\n")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "printed"), [("graph", "Sunday 1.0 "), ("middleware", "It is Bloomsburg.")])
async def test_quick_start_with_models_runs_when_a_server_answers(name: str, printed: str, tmp_path: Path) -> None:
    async with ScriptedServer(answer_of_graph_example) as server:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": server.base_url}
        done = await asyncio.to_thread(_run, EXAMPLES[name], tmp_path, **keys)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(printed)


@pytest.mark.slow
def test_tools_quick_start_runs_when_copied(tmp_path: Path) -> None:
    done = _run(EXAMPLES["tools"], tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "| 2 | jan | 3 |" in done.stdout
    assert done.stdout.endswith("24\n")


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
