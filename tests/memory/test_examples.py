"""Examples in docstrings run as they stand, on a bank that holds nothing but failures."""

import ast
import asyncio
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.integrations import langchain
from memento.memory.case_memory import CaseMemory
from memento.memory.lifecycle.forgetting import ForgettingRules
from tests.hashing_encoder import HashingEncoder
from tests.memories import failing_bank
from tests.node_parts import always

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def found() -> list[Any]:
    """Every Python block in a docstring of the product."""
    rooms = ("memory", "nodes", "graph", "tools", "integrations", "service", "cli", "evals")
    blocks = []
    for path in sorted(path for room in rooms for path in (ROOT / room).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "```python" in source else ():
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for number, block in enumerate(_BLOCK.findall(ast.get_docstring(node) or ""), start=1):
                    name = getattr(node, "name", "module")
                    blocks.append(pytest.param(block, id=f"{path.relative_to(ROOT)}:{name}:{number}"))
    return blocks


class QuickMemory(CaseMemory):
    """A `CaseMemory` whose encoder needs no weights."""

    @classmethod
    def open(cls, *args: Any, **fields: Any) -> "QuickMemory":
        return super().open(*args, **{"encoder": HashingEncoder(), "seed": 0, **fields})


@pytest.fixture
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("block", found())
@pytest.mark.usefixtures("in_a_folder_of_its_own")
async def test_example_runs_when_the_bank_is_full_of_failures(block: str) -> None:
    async with QuickMemory.open("./bank") as memory:
        await failing_bank(memory, "What is the capital of Columbia County?")
        [case_id] = [case.id async for case in memory.views.walk(namespace="default", limit=1)]
        model = always("done")
        known = {
            "CaseMemory": QuickMemory,
            "ForgettingRules": ForgettingRules,
            "case_id": case_id,
            "memory": memory,
            "create_agent": create_agent,
            "graph": build_graph(Deps(memory=memory, planner=model, executor=model, judge=model)),
            "is_right": bool,
            "model": model,
            "tools": [],
            **{name: getattr(langchain, name) for name in langchain.__all__},
        }
        if "await " not in block and "async " not in block:  # for code without an event loop
            await asyncio.to_thread(exec, block, known)
            return
        exec("async def example():\n" + textwrap.indent(block, "    "), known)  # noqa: S102  our own docstrings
        await known["example"]()  # type: ignore[operator]


def test_examples_are_found_when_there_are_some() -> None:
    assert len(found()) >= 2
