"""Two tenants of one real server: bob has everything that can be had, and alice tries to get at it."""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from memento.nodes.attachments import folder_name
from memento.nodes.run_bounds import owned_thread
from memento.service.feedback_tokens import FeedbackTokens
from memento.service.keys import KeyStore
from tests.dev_server import Server, dev_server
from tests.node_parts import answer, plan

SECRET = "sidereal-zaphod-7"
"""In all that is bob's: whoever hears it has got at something."""
TASK = f"What does the marvin account owe this quarter? {SECRET}"
LIKE_IT = "What does the marvin account owe this quarter?"
FEEDBACK_SECRET = "f" * 40
TABLES = ("case_revisions", "events", "outcomes", "settings_versions", "audit", "snapshots")


def reply(request: dict[str, Any]) -> str | dict[str, Any]:
    """One model for all roles. An executor reads the file that its subtask names."""
    messages = request["messages"]
    text, system = str(messages[-1]["content"]), str(messages[0]["content"])
    if "You carry out" in system:
        if messages[-1]["role"] == "tool":
            return f"it says: {text}"
        if "READ " in text:
            path = text.partition("READ ")[2].split()[0].strip("<>.")
            call = {"name": "read_document", "arguments": json.dumps({"path": path})}
            tool_call = {"id": "c1", "type": "function", "function": call}
            return {"content": None, "tool_calls": [tool_call], "finish_reason": "tool_calls"}
        return "42"
    if "<result" in text:
        return answer("42")
    if "READ " in text:
        return plan("READ " + text.partition("READ ")[2].split()[0])
    return plan("multiply") if "plan it" in text else answer("42")


@dataclass
class Bobs:
    """Ids of what is bob's."""

    thread: str = ""
    run: str = ""
    checkpoint: str = ""
    interrupted: str = ""
    assistant: str = ""
    cron: str = ""
    event: str = ""
    case: str = ""
    folder: str = ""
    state: dict[str, Any] = field(default_factory=dict)


class Client:
    """HTTP with one key, which keeps all that it hears."""

    def __init__(self, url: str, key: str | None, **headers: str) -> None:
        given = headers | ({"X-Api-Key": key} if key else {})
        self.http = httpx.AsyncClient(
            base_url=url, headers=given, trust_env=False, timeout=60, event_hooks={"response": [self._hear]}
        )
        self.heard: list[str] = []
        self.statuses: list[int] = []

    async def _hear(self, response: httpx.Response) -> None:
        await response.aread()
        self.statuses.append(response.status_code)
        self.heard.append(f"{response.headers} {response.text}")

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        response = await self.http.request(method, path, json=body, **options)
        try:
            return response.json()
        except ValueError:
            return response.text

    async def wait(self, thread: str | None, given: dict[str, Any] | None, **options: Any) -> Any:
        """Do a run and return its result."""
        where = f"/threads/{thread}/runs/wait" if thread else "/runs/wait"
        return await self("POST", where, {"assistant_id": "memento", "input": given} | options)

    async def thread(self, **options: Any) -> str:
        return str((await self("POST", "/threads", options))["thread_id"])


@dataclass
class World:
    """The server, who uses it, and what is bob's."""

    server: Server
    alice: Client
    bob: Client
    stranger: Client
    keys: KeyStore
    bobs: Bobs
    own_thread: str
    """A finished thread of alice's."""
    own_paused: str
    """A thread of alice's whose plan waits for approval."""
    own_event: str
    tokens: FeedbackTokens

    @property
    def clients(self) -> tuple[Client, ...]:
        return self.alice, self.stranger

    def rows(self) -> dict[str, list[Any]]:
        """All that the ledger has of bob, in the order of its tables."""
        with closing(sqlite3.connect(f"file:{self.server.home / 'ledger.sqlite'}?mode=ro", uri=True)) as database:
            query = "SELECT * FROM {} WHERE namespace = 'bob' ORDER BY 1"
            return {table: database.execute(query.format(table)).fetchall() for table in TABLES}

    async def possessions(self) -> dict[str, Any]:
        """All that the server has of bob, and files of his runs."""
        bobs, bob = self.bobs, self.bob
        found: dict[str, Any] = {"rows": await asyncio.to_thread(self.rows)}
        for name, path in {
            "thread": f"/threads/{bobs.thread}",
            "state": f"/threads/{bobs.thread}/state",
            "paused": f"/threads/{bobs.interrupted}/state",
            "runs": f"/threads/{bobs.thread}/runs",
            "assistant": f"/assistants/{bobs.assistant}",
            "cron": f"/runs/crons/{bobs.cron}",
            "item": "/store/items?namespace=bob&key=plan",
        }.items():
            found[name] = await bob("GET", path)
        for name in ("threads", "assistants"):
            listed = await bob("POST", f"/{name}/search", {"limit": 100})
            found[f"all {name}"] = sorted(str(one) for one in listed)
        found["files"] = sorted(await asyncio.to_thread(self._files))
        return found

    def _files(self) -> list[tuple[str, bytes]]:
        folder = self.server.home / "workspace"
        own = (folder / "runs" / self.bobs.folder, folder / "namespaces" / "bob")
        return [(str(file), file.read_bytes()) for top in own for file in top.rglob("*") if file.is_file()]


@asynccontextmanager
async def two_tenants(folder: Path) -> AsyncIterator[World]:
    """Start a server for both and let bob and alice work with it."""
    home = folder / "home"
    keys = KeyStore(home / "keys.json")
    alices = (await asyncio.to_thread(keys.create, "alice")).secret
    bobs_key = (await asyncio.to_thread(keys.create, "bob")).secret
    settings = {"MEMENTO_POLICY": "similarity", "MEMENTO_FEEDBACK_SECRET": FEEDBACK_SECRET, "MEMENTO_SANDBOX": "monty"}
    async with dev_server(folder, reply, **settings) as server:
        alice, bob = Client(server.url, alices), Client(server.url, bobs_key)
        stranger = Client(server.url, None)
        bobs = await _settled(bob)
        await asyncio.to_thread(_put_files, home / "workspace", bobs)
        own = await alice.thread()
        done = await alice.wait(own, {"task": "six times seven?", "reference": "42"})
        paused = await alice.thread()
        await alice.wait(paused, {"task": "plan it, please"}, context={"approve_plan": True})
        tokens = FeedbackTokens(FEEDBACK_SECRET.encode())
        try:
            yield World(server, alice, bob, stranger, keys, bobs, own, paused, done["event_id"], tokens)
        finally:
            for client in (alice, bob, stranger):
                await client.http.aclose()


async def _settled(bob: Client) -> Bobs:
    bobs = Bobs(thread=await bob.thread(metadata={"note": SECRET}), interrupted=await bob.thread())
    first = await bob.wait(bobs.thread, {"task": TASK, "reference": "42"})
    bobs.event, bobs.case = first["event_id"], first["case_id"]
    assert bobs.case, first
    state = await bob("GET", f"/threads/{bobs.thread}/state")
    bobs.state, bobs.checkpoint = state["values"], state["checkpoint"]["checkpoint_id"]
    bobs.run = (await bob("GET", f"/threads/{bobs.thread}/runs"))[0]["run_id"]
    await bob.wait(bobs.interrupted, {"task": f"plan it {SECRET}"}, context={"approve_plan": True})
    made = {"graph_id": "memento", "name": SECRET, "metadata": {"note": SECRET}, "context": {"k": 3}}
    bobs.assistant = (await bob("POST", "/assistants", made))["assistant_id"]
    cron = {"schedule": "0 0 1 1 *", "assistant_id": "memento", "input": {"task": SECRET}}
    bobs.cron = (await bob("POST", "/runs/crons", cron))["cron_id"]
    await bob("PUT", "/store/items", {"namespace": ["bob"], "key": "plan", "value": {"text": SECRET}})
    bobs.folder = folder_name(owned_thread("bob", bobs.thread))
    return bobs


def _put_files(workspace: Path, bobs: Bobs) -> None:
    for folder in (workspace / "runs" / bobs.folder, workspace / "namespaces" / "bob", workspace):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "secret.txt").write_text(SECRET)


def forged_run(world: World, **changes: Any) -> dict[str, Any]:
    """The run of bob's finished thread, as alice would write it into a state."""
    return {**forged_state(world)["run"], **changes}


def forged_state(world: World) -> dict[str, Any]:
    """The state of bob's finished thread without his texts, which she does not know: she guesses ids and shapes."""
    guessed: dict[str, Any] = json.loads(json.dumps(world.bobs.state).replace(SECRET, "x"))
    return guessed


def some_id() -> str:
    return secrets.token_hex(16)
