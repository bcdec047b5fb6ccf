"""The served graph with API keys: each user has a namespace, and a web page gives feedback with a token for one run.

    pip install 'memento-langgraph[cli,server]' 'langgraph-cli[inmem]'
    OPENAI_API_KEY=... MEMENTO_CEILINGS='{"k": 4, "run_max_cost_usd": 1.0}' langgraph dev --no-browser
    python examples/serve_with_keys.py http://127.0.0.1:2024      # in another terminal, as the operator

Start the server in a folder with a langgraph.json as docs/serving.md has it; the one of the repository is such a file.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_client

MEMENTO = Path(sys.executable).with_name("memento")


async def new_key(name: str) -> str:
    """Make a key for a user, as the operator does."""
    command = [str(MEMENTO), "keys", "create", name, "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return str(json.loads(printed)["key"])


async def run(url: str, key: str, task: str) -> dict[str, Any]:
    """Do a task as the user of a key."""
    async with get_client(url=url, api_key=key) as client:
        return dict(await client.runs.wait(None, "memento", input={"task": task}))


async def main(url: str) -> None:
    """Two users work with one server; a page judges a run of the first one."""
    alice, bob = await new_key("alice"), await new_key("bob")
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


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
