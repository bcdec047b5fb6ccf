"""The memory as an MCP server, used by any agent that speaks the protocol: recall, do, remember, correct, explain.

    pip install 'memento-langgraph[cli,mcp]'
    python examples/mcp_memory.py

Starts `memento mcp --memory-only` as a coding agent would, over stdio, and calls its four tools with the official
client. No model, no key and no network. docs/mcp-memory.md has the set-up for Claude Code, Cursor and Codex.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters

MEMENTO = Path(sys.executable).with_name("memento")


async def call(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool and print what an agent would read."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if block.type == "text")
    print(f"--- {tool}{' (error)' if result.is_error else ''}\n{text}\n")
    return text


def id_after(words: str, text: str) -> str:
    """The id that stands behind some words."""
    found = re.search(rf"{words} ([0-9a-f-]{{36}})", text)
    return found[1] if found else ""


async def main() -> None:
    """One task, its outcome, and what the next task gets of it."""
    server = StdioServerParameters(
        command=str(MEMENTO), args=["mcp", "--memory-only", "--project", "."], env=dict(os.environ)
    )
    async with Client(server) as client:
        print("tools:", ", ".join(tool.name for tool in (await client.list_tools()).tools), "\n")
        task = "Make the integration tests of the shop pass on CI"
        event = id_after("event_id:", await call(client, "recall_cases", task=task))
        action = "1. Read the log of the failing job\n2. Wait for the database's port before the first test"
        kept = await call(client, "remember_case", task=task, action=action, event_id=event)  # how it went: not known
        lesson = "the container was slower than the tests"
        kept = await call(client, "give_feedback", event_id=event, reward=1.0, lesson=lesson)
        recalled = await call(client, "recall_cases", task="Make the integration tests of the wiki pass on CI")
        await call(client, "why_case", case_id=id_after("Case", kept), event_id=id_after("event_id:", recalled))


if __name__ == "__main__":
    asyncio.run(main())
