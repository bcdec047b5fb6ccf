"""Tools, retrievers and rankings of one tenant, given ids and texts of another one on the same bank."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from memento.integrations.langchain import CaseRetriever, case_tools
from memento.integrations.memory_tools import MemoryTools
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import MementoError
from memento.tools.errors import ToolError
from tests.hashing_encoder import HashingEncoder
from tests.service.test_tenant_commands import ACTION, STATE, rows_of
from tests.tenant_world import SECRET


class Bobs(NamedTuple):
    """What alice knows of bob."""

    event: str
    case: str
    ranking: str


def a_memory(folder: Path, namespace: str) -> CaseMemory:
    return CaseMemory.open(folder, encoder=HashingEncoder(), policy="similarity", namespace=namespace, seed=0)


async def bob_in(folder: Path) -> Bobs:
    """Fill his namespace."""
    async with a_memory(folder, "bob") as memory:
        reading = await memory.read(STATE)
        case = await memory.write(
            state=f"{STATE} {SECRET}", action=ACTION, reward=1.0, lesson=SECRET, event_id=reading.event_id
        )
        ranking = await memory.rank(STATE, [f"a page that says {SECRET}", "another page"])
        await memory.feedback(ranking.event_id, 1.0)
        return Bobs(reading.event_id, str(case), ranking.event_id)


def mcp(name: str, **arguments: Any) -> Callable[[CaseMemory, Bobs], Awaitable[object]]:
    """A call of a memory tool of alice's MCP server; `{event}` and the like stand for what is bob's."""

    async def call(memory: CaseMemory, bobs: Bobs) -> object:
        async def given() -> CaseMemory:
            return memory

        tool = MemoryTools(memory=given, redact=str).functions()[name]
        return await tool(**_filled(arguments, bobs))

    return call


def of_agent(name: str, **arguments: Any) -> Callable[[CaseMemory, Bobs], Awaitable[object]]:
    """A call of an agent's tool."""

    async def call(memory: CaseMemory, bobs: Bobs) -> object:
        (tool,) = [one for one in case_tools(memory, namespace="alice") if one.name == name]
        return await tool.ainvoke(_filled(arguments, bobs))

    return call


def _filled(arguments: dict[str, Any], bobs: Bobs) -> dict[str, Any]:
    return {
        key: value.format(**bobs._asdict()) if isinstance(value, str) else value for key, value in arguments.items()
    }


async def retrieved(memory: CaseMemory, bobs: Bobs) -> object:
    return await CaseRetriever(memory=memory, k=8, namespace="alice").ainvoke(f"{STATE} {SECRET[:5]}")


async def ranked(memory: CaseMemory, bobs: Bobs) -> object:
    return await memory.rank(STATE, ["another page"], k=4)


def feeding(which: str, namespace: str | None = None) -> Callable[[CaseMemory, Bobs], Awaitable[object]]:
    return lambda memory, bobs: memory.feedback(getattr(bobs, which), 0.0, namespace=namespace)


ATTEMPTS: dict[str, Callable[[CaseMemory, Bobs], Awaitable[object]]] = {
    "mcp recall": mcp("recall_cases", task=STATE),
    "mcp remember his event": mcp("remember_case", task=STATE, action="forged", reward=0.0, event_id="{event}"),
    "mcp remember his ranking": mcp("remember_case", task=STATE, action="forged", reward=0.0, event_id="{ranking}"),
    "mcp remember his very case": mcp("remember_case", task=STATE, action=ACTION, reward=0.0),
    "mcp feedback": mcp("give_feedback", event_id="{event}", reward=0.0),
    "mcp feedback on a ranking": mcp("give_feedback", event_id="{ranking}", reward=0.0),
    "mcp feedback withdrawn": mcp("give_feedback", event_id="{event}", reward=None),
    "mcp why of his case": mcp("why_case", case_id="{case}"),
    "mcp why of his reading": mcp("why_case", case_id="{case}", event_id="{event}"),
    "agent recall": of_agent("recall_cases", task=STATE),
    "agent remember": of_agent(
        "remember_case", task=STATE, approach="forged", outcome="failed", lesson="", event_id="{event}"
    ),
    "agent feedback": of_agent("give_feedback", event_id="{event}", outcome="failed", lesson=""),
    "agent feedback on a ranking": of_agent("give_feedback", event_id="{ranking}", outcome="failed", lesson=""),
    "retriever": retrieved,
    "rank": ranked,
    "feedback on his event": feeding("event"),
    "feedback on his ranking": feeding("ranking"),
    "feedback where his rankings are kept": feeding("ranking", "bob ⟨documents⟩"),
    "read where his rankings are kept": lambda memory, _: memory.read(STATE, namespace="bob ⟨documents⟩"),
}


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_a_tool_stays_in_its_namespace(name: str, tmp_path: Path) -> None:
    bobs = await bob_in(tmp_path)
    had = await asyncio.to_thread(rows_of, tmp_path)
    async with a_memory(tmp_path, "alice") as memory:
        await memory.write(state=f"{STATE} of hers", action="ask her", reward=1.0)
        try:
            told = repr(await ATTEMPTS[name](memory, bobs))
        except (MementoError, ToolError) as error:
            told = str(error)
        await memory.settle()
    assert SECRET not in told
    assert await asyncio.to_thread(rows_of, tmp_path) == had


async def test_his_own_tools_tell_what_is_tried_above(tmp_path: Path) -> None:
    bobs = await bob_in(tmp_path)
    async with a_memory(tmp_path, "bob") as memory:
        assert SECRET in str(await mcp("recall_cases", task=STATE)(memory, bobs))
        assert SECRET in str(await mcp("why_case", case_id="{case}")(memory, bobs))
        assert SECRET in repr(await memory.rank(STATE, [f"a page that says {SECRET}"]))
