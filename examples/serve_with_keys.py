"""The served graph with API keys: each user has a namespace, and a web page gives feedback with a token for one run.

    pip install 'memento-langgraph[cli,server]' 'langgraph-cli[inmem]'
    OPENAI_API_KEY=sk-... python examples/serve_with_keys.py

It starts `langgraph dev` in this folder, with the langgraph.json that it writes, and stops it at the end.
"""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

LANGGRAPH_JSON = {
    "dependencies": ["."],
    "graphs": {"memento": "memento.graph.app:graph"},
    "auth": {"path": "memento.service.identity:auth", "disable_studio_auth": True},
    "http": {"app": "memento.service.http:app", "enable_custom_route_auth": True},
}
SETTINGS = {
    "MEMENTO_PLANNER": "openai:gpt-4.1-mini",
    "MEMENTO_EXECUTOR": "openai:gpt-4.1-mini",
    "MEMENTO_CEILINGS": '{"k": 4, "run_max_cost_usd": 1.0, "planner": ["openai:gpt-4.1"]}',
    "LANGSMITH_TRACING": "false",
}
BIN = Path(sys.executable).parent


async def new_key(name: str) -> str:
    """Make a key for a user, as the operator does."""
    command = [str(BIN / "memento"), "keys", "create", name, "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return str(json.loads(printed)["key"])


async def served(port: int) -> Process:
    """Start the server and wait until it answers."""
    await asyncio.to_thread(Path("langgraph.json").write_text, json.dumps(LANGGRAPH_JSON))
    command = [str(BIN / "langgraph"), "dev", "--no-browser", "--no-reload", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | SETTINGS, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        for _ in range(240):
            try:
                await http.get("/ok")
            except httpx.TransportError:
                await asyncio.sleep(0.5)
            else:
                return process
    raise SystemExit("langgraph dev did not start")


async def run(url: str, key: str, task: str) -> dict[str, Any]:
    """Do a task as the user of a key."""
    async with get_client(url=url, api_key=key) as client:
        return dict(await client.runs.wait(None, "memento", input={"task": task}))


async def main() -> None:
    """Two users work with one server; a page judges a run of the first one."""
    alice, bob = await new_key("alice"), await new_key("bob")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, process = f"http://127.0.0.1:{port}", await served(port)
    try:
        done = await run(url, alice, "How do I renew a passport?")
        print(f"alice: {done['answer']}")
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            # Alice's backend asks for a token and puts it into her page ...
            key = {"Authorization": f"Bearer {alice}"}
            made = await http.post("/feedback/tokens", json={"event_id": done["event_id"]}, headers=key)
            # ... which sends it, without any key, when somebody clicks.
            thumb_up = {"token": made.json()["token"], "reward": 1.0}
            print(f"the page's feedback: {(await http.post('/feedback', json=thumb_up)).status_code}")
            key = {"Authorization": f"Bearer {bob}"}
            foreign = await http.post("/feedback", json={"event_id": done["event_id"], "reward": 0.0}, headers=key)
            print(f"bob's feedback on alice's run: {foreign.status_code}")
            print(f"without a key: {(await http.post('/threads', json={})).status_code}")
            print(f"the memory's health: {(await http.get('/memento/health')).json()['status']}")
        await run(url, bob, "How do I renew a passport?")
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
