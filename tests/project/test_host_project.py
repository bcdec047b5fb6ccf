"""Memento inside somebody else's project, whose own packages are called graph, nodes, memory and tools as well."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from memento.memory.ledger.migrations import HEAD
from tests.built import Built

pytestmark = pytest.mark.slow

HOST = '''
"""A host: its own packages, its own StateGraph, and Memento as one node of it."""

import asyncio
import hashlib
import json
from typing import TypedDict

import graph, nodes, memory, tools
import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import END, START, StateGraph

import memento
from memento import CaseMemory, Deps, build_graph


class Scripted(BaseChatModel):
    reply: str

    @property
    def _llm_type(self):
        return "scripted"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.reply))])


class Hashing:
    name, dim = "words-hashed-into-64", 64

    async def encode(self, texts):
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split() or [""]:
                row[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dim] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class HostState(TypedDict, total=False):
    question: str
    found: dict


async def main():
    planner = Scripted(reply=json.dumps({"subtasks": [], "answer": "42"}))
    async with CaseMemory.open(":memory:", encoder=Hashing()) as case_memory:
        inner = build_graph(Deps(memory=case_memory, planner=planner, executor=planner, judge=planner))

        async def ask_memento(state: HostState):
            result = await inner.ainvoke({"task": state["question"], "reference": "42"})
            return {"found": {key: result[key] for key in ("answer", "reward", "case_id", "event_id")}}

        host = StateGraph(HostState)
        host.add_node("ask_memento", ask_memento)
        host.add_edge(START, "ask_memento")
        host.add_edge("ask_memento", END)
        result = await host.compile().ainvoke({"question": "What is six times seven?"})
    print(json.dumps({
        "own": [graph.MARK, nodes.MARK, memory.MARK, tools.MARK],
        "memento": memento.__file__,
        "found": result["found"],
    }))


asyncio.run(main())
'''
OLD_HOME = '''
"""Opens the home of an earlier release: prints where the package is, the ledger's schema and what a read finds."""

import asyncio
import json
import sqlite3
from contextlib import closing

import memento
from hashing_encoder import HashingEncoder
from memento import CaseMemory


async def main():
    async with CaseMemory.open("home", encoder=HashingEncoder(dim=16), policy="similarity", seed=0) as memory:
        found = await memory.read("How much is 12 times seven?", k=4)
    with closing(sqlite3.connect("home/ledger.sqlite")) as ledger:
        facts = dict(ledger.execute("SELECT name, value FROM facts"))
    print(json.dumps([memento.__file__, facts["schema"], [scored.case.state for scored in found.cases]]))


asyncio.run(main())
'''
RELEASES = Path(__file__).parent.parent / "releases"
OWN = ("graph", "nodes", "memory", "tools")


@pytest.fixture
def host_python(tmp_path: Path, built: Built) -> Path:
    """Make an environment that holds the wheel, and sees the libraries of this one but not its editable checkout."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(built.wheel)], check=True, capture_output=True)
    (site,) = (home / "lib").glob("python*/site-packages")
    # A folder named in a .pth is only searched: its own .pth files, the editable finder's among them, are not run.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_host_keeps_its_packages_when_it_embeds_memento(tmp_path: Path, host_python: Path) -> None:
    project = tmp_path / "project"
    for name in OWN:
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text(f'MARK = "the host\'s {name}"\n')
    (project / "host.py").write_text(HOST)

    # PYTHONWARNINGS: the host's libraries are not ours to keep quiet.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [str(host_python), "host.py"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["own"] == [f"the host's {name}" for name in OWN]
    assert Path(result["memento"]).is_relative_to(host_python.parent.parent), "the wheel, not the checkout"
    assert result["found"]["answer"] == "42"
    assert result["found"]["reward"] == 1.0
    assert isinstance(result["found"]["case_id"], str)
    assert isinstance(result["found"]["event_id"], str)


@pytest.mark.parametrize("is_zipped", [False, True], ids=["installed", "zipped"])
def test_ledger_of_an_earlier_release_migrates_when_only_the_wheel_is_there(
    is_zipped: bool, tmp_path: Path, host_python: Path, built: Built
) -> None:
    project = tmp_path / "project"
    with tarfile.open(RELEASES / "0.1.0-f3c65c1.tar.xz") as archive:
        archive.extractall(project, filter="data")
    (project / "open_home.py").write_text(OLD_HOME)
    shutil.copy(Path(__file__).parents[1] / "hashing_encoder.py", project)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if is_zipped:  # a wheel is an archive that Python imports from
        environment["PYTHONPATH"] = str(built.wheel)

    command = [str(host_python), "open_home.py"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    place, schema, states = json.loads(done.stdout.splitlines()[-1])
    assert Path(place).is_relative_to(built.wheel if is_zipped else host_python.parent.parent)
    assert int(schema) == HEAD
    assert len(states) == 4
