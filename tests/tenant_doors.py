"""What alice tries on bob, door by door: a name and what she does. Whoever finds another way adds a line here."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from memento.service.feedback_tokens import FeedbackTokens
from tests.tenant_world import LIKE_IT, SECRET, TASK, Client, World, forged_run, forged_state, some_id

Attack = Callable[[World], Awaitable[Any]]
ATTACKS: dict[str, Attack] = {}


def attack(name: str) -> Callable[[Attack], Attack]:
    def kept(made: Attack) -> Attack:
        assert name not in ATTACKS, name
        ATTACKS[name] = made
        return made

    return kept


def run_with(**options: Any) -> Attack:
    """A run of hers, on a new thread."""

    async def made(world: World) -> Any:
        given = {"task": LIKE_IT, "reference": "42"} | options.get("input", {})
        rest = {key: value for key, value in options.items() if key != "input"}
        return await world.alice.wait(await world.alice.thread(), given, **rest)

    return made


for _name, _options in {
    "the input names his namespace": {"input": {"namespace": "bob"}},
    "the context names his namespace": {"context": {"namespace": "bob"}},
    "the configurable names his namespace": {"config": {"configurable": {"namespace": "bob"}}},
    "the configurable names him as the user": {
        "config": {"configurable": {"langgraph_auth_user": {"identity": "bob", "namespace": "bob", "kind": "key"}}}
    },
    "the configurable names his id": {"config": {"configurable": {"langgraph_auth_user_id": "bob"}}},
    "the configurable names a user_id": {"config": {"configurable": {"user_id": "bob"}}},
    "the run's metadata names him as owner": {"metadata": {"owner": "bob"}},
    "the config's metadata names him as owner": {"config": {"metadata": {"owner": "bob"}}},
    "the whole task is his": {"input": {"task": TASK.replace(SECRET, "")}},
    "a follow-up in messages": {"input": {"task": "", "messages": [{"role": "user", "content": LIKE_IT}]}},
    "an attachment of his run by its path": {"input": {"attachments": ["runs"]}},
    "an attachment above the workspace": {"input": {"attachments": ["../ledger.sqlite"]}},
    "an attachment in the workspace's root": {"input": {"attachments": ["../../secret.txt"]}},
    "an attachment of the host's": {"input": {"attachments": ["/etc/passwd"]}},
    "an attachment of his own folder": {"input": {"attachments": ["../bob/secret.txt"]}},
    "an attachment under its plain name": {"input": {"attachments": ["secret.txt"]}},
    "every model, budget and evaluator": {
        "context": {"planner": "openai:other", "run_max_model_calls": 10_000, "evaluator": "judges"}
    },
}.items():
    attack(_name)(run_with(**_options))


def path_of(template: str) -> Callable[[World], str]:
    return lambda world: template.format(**{key: getattr(world.bobs, key) for key in vars(world.bobs)})


def request(method: str, template: str, body: Callable[[World], Any] | Any = None, *, by: str = "alice") -> Attack:
    async def made(world: World) -> Any:
        client: Client = getattr(world, by)
        return await client(method, path_of(template)(world), body(world) if callable(body) else body)

    return made


RUN = {"assistant_id": "memento", "input": {"task": LIKE_IT}}
for _name, _made in {
    "his thread": ("GET", "/threads/{thread}"),
    "his thread's state": ("GET", "/threads/{thread}/state"),
    "his thread's state with subgraphs": ("GET", "/threads/{thread}/state?subgraphs=true"),
    "his checkpoint": ("GET", "/threads/{thread}/state/{checkpoint}"),
    "his checkpoint by post": (
        "POST",
        "/threads/{thread}/state/checkpoint",
        lambda w: {"checkpoint": {"checkpoint_id": w.bobs.checkpoint, "thread_id": w.bobs.thread}},
    ),
    "his history": ("GET", "/threads/{thread}/history"),
    "his history by post": ("POST", "/threads/{thread}/history", {"limit": 100}),
    "a copy of his thread": ("POST", "/threads/{thread}/copy"),
    "his thread given to her": ("PATCH", "/threads/{thread}", {"metadata": {"owner": "alice"}}),
    "his thread deleted": ("DELETE", "/threads/{thread}"),
    "his thread's state overwritten": ("POST", "/threads/{thread}/state", {"values": {"answer": "forged"}}),
    "his thread created again": ("POST", "/threads", lambda w: {"thread_id": w.bobs.thread, "if_exists": "do_nothing"}),
    "his threads by their ids": ("POST", "/threads/search", lambda w: {"ids": [w.bobs.thread]}),
    "his threads by their owner": ("POST", "/threads/search", {"metadata": {"owner": "bob"}}),
    "all threads": ("POST", "/threads/search", {"limit": 100}),
    "threads by their values": ("POST", "/threads/search", {"values": {"answer": "42"}, "limit": 100}),
    "his threads pruned": ("POST", "/threads/prune", lambda w: {"thread_ids": [w.bobs.thread], "strategy": "delete"}),
    "his thread's storage": ("GET", "/threads/{thread}/storage"),
    "his thread's events": ("POST", "/threads/{thread}/stream/events", {"channels": ["values"]}),
    "a command on his thread": (
        "POST",
        "/threads/{thread}/commands",
        {"id": 1, "method": "run.start", "params": RUN},
    ),
    "a run on his thread": ("POST", "/threads/{thread}/runs/wait", RUN),
    "a background run on his thread": ("POST", "/threads/{thread}/runs", RUN),
    "a streamed run on his thread": ("POST", "/threads/{thread}/runs/stream", RUN | {"stream_mode": ["values"]}),
    "a run that creates his thread": ("POST", "/threads/{thread}/runs/wait", RUN | {"if_not_exists": "create"}),
    "his paused run approved": (
        "POST",
        "/threads/{interrupted}/runs/wait",
        {"assistant_id": "memento", "command": {"resume": "approve"}},
    ),
    "his paused run sent elsewhere": (
        "POST",
        "/threads/{interrupted}/runs/wait",
        {"assistant_id": "memento", "command": {"goto": "write_case", "update": {"reward": 0.0}}},
    ),
    "his runs": ("GET", "/threads/{thread}/runs"),
    "his run": ("GET", "/threads/{thread}/runs/{run}"),
    "his run's result": ("GET", "/threads/{thread}/runs/{run}/join"),
    "his run's stream": ("GET", "/threads/{thread}/runs/{run}/stream"),
    "his run cancelled": ("POST", "/threads/{thread}/runs/{run}/cancel"),
    "his run deleted": ("DELETE", "/threads/{thread}/runs/{run}"),
    "his runs cancelled by ids": (
        "POST",
        "/runs/cancel",
        lambda w: {"thread_id": w.bobs.thread, "run_ids": [w.bobs.run]},
    ),
    "all runs cancelled": ("POST", "/runs/cancel?action=rollback", {"status": "all"}),
    "his assistant": ("GET", "/assistants/{assistant}"),
    "his assistant's graph": ("GET", "/assistants/{assistant}/graph"),
    "his assistant's schemas": ("GET", "/assistants/{assistant}/schemas"),
    "his assistant's versions": ("POST", "/assistants/{assistant}/versions", {}),
    "his assistant's version set": ("POST", "/assistants/{assistant}/latest", {"version": 1}),
    "his assistant changed": ("PATCH", "/assistants/{assistant}", {"name": "forged"}),
    "his assistant made hers": ("PATCH", "/assistants/{assistant}", {"metadata": {"owner": "alice"}}),
    "his assistant deleted": ("DELETE", "/assistants/{assistant}"),
    "his assistant created again": (
        "POST",
        "/assistants",
        lambda w: {"graph_id": "memento", "assistant_id": w.bobs.assistant, "if_exists": "do_nothing"},
    ),
    "all assistants": ("POST", "/assistants/search", {"limit": 100}),
    "assistants by their owner": ("POST", "/assistants/search", {"metadata": {"owner": "bob"}}),
    "a run of his assistant": ("POST", "/runs/wait", lambda w: RUN | {"assistant_id": w.bobs.assistant}),
    "his assistant as an agent": (
        "POST",
        "/a2a/{assistant}",
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "message/send",
            "params": {"message": {"messageId": "m", "role": "user", "parts": [{"kind": "text", "text": LIKE_IT}]}},
        },
    ),
    "his cron": ("GET", "/runs/crons/{cron}"),
    "his cron changed": ("PATCH", "/runs/crons/{cron}", {"schedule": "* * * * *"}),
    "his cron deleted": ("DELETE", "/runs/crons/{cron}"),
    "all crons": ("POST", "/runs/crons/search", {"limit": 100}),
    "a cron on his thread": ("POST", "/threads/{thread}/runs/crons", RUN | {"schedule": "0 0 1 1 *"}),
    "a cron of his assistant": (
        "POST",
        "/runs/crons",
        lambda w: RUN | {"schedule": "0 0 1 1 *", "assistant_id": w.bobs.assistant},
    ),
    "his stored item": ("GET", "/store/items?namespace=bob&key=plan"),
    "his stored item overwritten": ("PUT", "/store/items", {"namespace": ["bob"], "key": "plan", "value": {"x": 1}}),
    "his stored item deleted": ("DELETE", "/store/items", {"namespace": ["bob"], "key": "plan"}),
    "a search of his items": ("POST", "/store/items/search", {"namespace_prefix": ["bob"]}),
    "a search of all items": ("POST", "/store/items/search", {"namespace_prefix": []}),
    "all namespaces of the store": ("POST", "/store/namespaces", {}),
    "his namespaces of the store": ("POST", "/store/namespaces", {"prefix": ["bob"]}),
    "namespaces that end like his": ("POST", "/store/namespaces", {"suffix": ["bob"]}),
    "the server's data thrown away": ("POST", "/internal/truncate"),
    "his raw thread": ("GET", "/internal/debug/thread/{thread}"),
    "the server deployed": ("POST", "/deploy", {"name": "hers"}),
    "feedback on his event": ("POST", "/feedback", lambda w: {"event_id": w.bobs.event, "reward": 0.0}),
    "feedback on his event in his namespace": (
        "POST",
        "/feedback",
        lambda w: {"event_id": w.bobs.event, "reward": 0.0, "namespace": "bob", "lesson": "forged"},
    ),
    "a token for his event": ("POST", "/feedback/tokens", lambda w: {"event_id": w.bobs.event}),
    "a token for his event in his namespace": (
        "POST",
        "/feedback/tokens",
        lambda w: {"event_id": w.bobs.event, "namespace": "bob"},
    ),
}.items():
    attack(_name)(request(*_made))

for _name, _made in {
    "threads without a key": ("POST", "/threads/search", {"limit": 100}),
    "his thread without a key": ("GET", "/threads/{thread}/state"),
    "a run in his namespace without a key": ("POST", "/runs/wait", RUN | {"context": {"namespace": "bob"}}),
    "feedback without a key": (
        "POST",
        "/feedback",
        lambda w: {"event_id": w.bobs.event, "reward": 0, "namespace": "bob"},
    ),
    "a token without a key": ("POST", "/feedback/tokens", lambda w: {"event_id": w.bobs.event, "namespace": "bob"}),
    "his raw thread without a key": ("GET", "/internal/debug/thread/{thread}"),
    "data thrown away without a key": ("POST", "/internal/truncate"),
    "the thread in the interface's folder": ("GET", "/ui/../threads/{thread}/state"),
    "the thread below the inner prefix": ("GET", "/noauth/threads/{thread}/state"),
    "the thread with a double slash": ("GET", "//threads/{thread}/state"),
    "the thread behind the health route": ("GET", "/memento/health/../../threads/{thread}/state"),
}.items():
    attack(_name)(request(*_made, by="stranger"))


@attack("an assistant of hers that names his namespace")
async def _own_assistant(world: World) -> Any:
    made = {"graph_id": "memento", "context": {"namespace": "bob"}, "metadata": {"owner": "bob"}}
    own = await world.alice("POST", "/assistants", made)
    return await world.alice.wait(None, {"task": LIKE_IT}, assistant_id=own["assistant_id"])


@attack("an assistant of hers that names him as the user")
async def _forging_assistant(world: World) -> Any:
    user = {"langgraph_auth_user": {"identity": "bob", "namespace": "bob"}}
    own = await world.alice("POST", "/assistants", {"graph_id": "memento", "config": {"configurable": user}})
    return await world.alice.wait(None, {"task": LIKE_IT}, assistant_id=own.get("assistant_id", "memento"))


@attack("an assistant of hers put among everybody's")
async def _published_assistant(world: World) -> Any:
    made = {"graph_id": "memento", "name": "trap", "metadata": {"created_by": "system"}}
    own = (await world.alice("POST", "/assistants", made))["assistant_id"]
    return await world.alice("PATCH", f"/assistants/{own}", {"metadata": {"created_by": "system"}})


@attack("everybody's assistant changed")
async def _system_assistant(world: World) -> Any:
    (own,) = [
        one
        for one in await world.alice("POST", "/assistants/search", {"limit": 100})
        if one["metadata"].get("created_by") == "system"
    ]
    changed = {"context": {"namespace": "alice"}, "name": "forged"}
    await world.alice("PATCH", f"/assistants/{own['assistant_id']}", changed)
    return await world.alice("DELETE", f"/assistants/{own['assistant_id']}")


async def _own(world: World) -> dict[str, Any]:
    """The state of a finished run of hers."""
    values: dict[str, Any] = (await world.alice("GET", f"/threads/{world.own_thread}/state"))["values"]
    assert values["run"]["namespace"] == "alice"
    return values


async def _goto(world: World, node: str, given: dict[str, Any]) -> Any:
    """Send a state to a node, on another thread whose run is finished; a run of hers is that thread's own."""
    thread = await world.alice.thread()
    await world.alice.wait(thread, {"task": "six times seven?"})
    own = await _own(world)
    if given["run"] == own["run"]:
        given = given | {"run": (await world.alice("GET", f"/threads/{thread}/state"))["values"]["run"]}
    body = RUN | {"input": None, "command": {"goto": [{"node": node, "input": given}]}}
    done = await world.alice("POST", f"/threads/{thread}/runs/wait", body)
    await world.alice("GET", f"/threads/{thread}/state")
    return done


@attack("a command to recall in his namespace")
async def _goto_recall(world: World) -> Any:
    given = {"run": forged_run(world), "cycle": 1, "found": "", "follows": None, "is_degraded": False, "notices": []}
    return await _goto(world, "retrieve_case", given)


@attack("a command to recall as a follower of his event")
async def _goto_follow(world: World) -> Any:
    own = (await _own(world))["run"]
    given = {"run": own, "cycle": 1, "found": "", "follows": world.bobs.event, "is_degraded": False, "notices": []}
    return await _goto(world, "retrieve_case", given)


@attack("a command to choose among his candidates")
async def _goto_select(world: World) -> Any:
    state = forged_state(world)
    return await _goto(world, "score_case", {**state, "run": forged_run(world), "event_id": None})


@attack("a command to choose among his candidates as her own")
async def _goto_select_own(world: World) -> Any:
    own = await _own(world)
    recall = {**own["recall"], "candidates": [[world.bobs.case, 0.99]], "namespace": "bob"}
    return await _goto(world, "score_case", {**own, "recall": recall, "event_id": None})


@attack("a command to choose his case as one of her namespace")
async def _goto_select_renamed(world: World) -> Any:
    own = await _own(world)
    recall = {**own["recall"], "candidates": [[world.bobs.case, 0.99]]}
    return await _goto(world, "score_case", {**own, "recall": recall, "event_id": None})


@attack("a command to write into his namespace")
async def _goto_write(world: World) -> Any:
    state = forged_state(world)
    return await _goto(world, "write_case", {**state, "reward": 0.0, "lesson": "forged", "event_id": None})


@attack("a command to write to his event from her namespace")
async def _goto_write_event(world: World) -> Any:
    run = forged_run(world, namespace="alice")
    return await _goto(world, "write_case", {**forged_state(world), "run": run, "reward": 0.0, "lesson": "forged"})


@attack("a command to write to his event in a run of hers")
async def _goto_write_own(world: World) -> Any:
    own = await _own(world)
    return await _goto(world, "write_case", {**own, "event_id": world.bobs.event, "reward": 0.0, "lesson": "forged"})


@attack("a command to work in his folder")
async def _goto_folder(world: World) -> Any:
    own = (await _own(world))["run"]
    subtask = {"id": "1", "description": "READ secret.txt", "depends_on": []}
    given = {"run": {**own, "folder": world.bobs.folder}, "cycle": 1, "subtask": subtask, "earlier": []}
    return await _goto(world, "executor", given)


@attack("a command to work outside of all folders")
async def _goto_outside(world: World) -> Any:
    own = (await _own(world))["run"]
    subtask = {"id": "1", "description": "READ secret.txt", "depends_on": []}
    given = {"run": {**own, "folder": "../namespaces/bob"}, "cycle": 1, "subtask": subtask, "earlier": []}
    return await _goto(world, "executor", given)


@attack("a task that reads his files by paths")
async def _read_by_paths(world: World) -> Any:
    thread = await world.alice.thread()
    for path in (f"../{world.bobs.folder}/secret.txt", "../../namespaces/bob/secret.txt", "../../../ledger.sqlite"):
        await world.alice.wait(thread, {"task": f"READ {path}"})
    return await world.alice("GET", f"/threads/{thread}/history?limit=50")


@attack("her paused run moved to his namespace")
async def _update_run(world: World) -> Any:
    command = {"resume": "approve", "update": {"run": forged_run(world)}}
    path = f"/threads/{world.own_paused}/runs/wait"
    await world.alice("POST", path, {"assistant_id": "memento", "command": command})
    return await world.alice("GET", f"/threads/{world.own_paused}/state")


async def _with_state(world: World, values: dict[str, Any], as_node: str) -> Any:
    thread = await world.alice.thread()
    await world.alice.wait(thread, {"task": "plan it"}, context={"approve_plan": True})
    await world.alice("POST", f"/threads/{thread}/state", {"values": values, "as_node": as_node})
    await world.alice.wait(thread, None)
    return await world.alice("GET", f"/threads/{thread}/state")


@attack("her thread's state overwritten with his run, before cases are chosen")
async def _state_recall(world: World) -> Any:
    values = {"run": forged_run(world), "recall": forged_state(world)["recall"], "event_id": None}
    return await _with_state(world, values, "retrieve_case")


@attack("her thread's state overwritten with his recall alone")
async def _state_recall_alone(world: World) -> Any:
    return await _with_state(world, {"recall": forged_state(world)["recall"], "event_id": None}, "retrieve_case")


@attack("her thread's state overwritten with his run, before it is written")
async def _state_write(world: World) -> Any:
    values = {"run": forged_run(world), "event_id": world.bobs.event, "reward": 0.0, "lesson": "forged"}
    return await _with_state(world, values, "evaluate")


@attack("a thread of hers made with his state")
async def _supersteps(world: World) -> Any:
    updates = [
        {"values": {"run": forged_run(world), "event_id": world.bobs.event, "reward": 0.0}, "as_node": "evaluate"}
    ]
    made = await world.alice("POST", "/threads", {"supersteps": [{"updates": updates}], "graph_id": "memento"})
    return await world.alice.wait(made.get("thread_id"), None)


@attack("his checkpoint from her thread")
async def _foreign_checkpoint(world: World) -> Any:
    ids = {"checkpoint_id": world.bobs.checkpoint}
    await world.alice.wait(world.own_thread, None, **ids)
    await world.alice.wait(
        world.own_thread, None, checkpoint=ids | {"thread_id": world.bobs.thread, "checkpoint_ns": ""}
    )
    await world.alice.wait(world.own_thread, None, config={"configurable": ids | {"thread_id": world.bobs.thread}})
    body = {"checkpoint": ids | {"thread_id": world.bobs.thread}}
    await world.alice("POST", f"/threads/{world.own_thread}/state/checkpoint", body)
    return await world.alice("GET", f"/threads/{world.own_thread}/state/{world.bobs.checkpoint}")


@attack("her own store with labels like his")
async def _labels(world: World) -> Any:
    await world.alice("PUT", "/store/items", {"namespace": ["alice.bob"], "key": "k", "value": {}})
    await world.alice("GET", "/store/items?namespace=alice.bob&key=plan")
    return await world.alice("POST", "/store/items/search", {"namespace_prefix": ["bob"], "filter": {}})


def _changed(token: str, event: str, namespace: str) -> str:
    head, _, signature = token.removeprefix("mft1.").partition(".")
    grant = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([event, namespace, grant[2]]).encode()).rstrip(b"=").decode()
    return f"mft1.{forged}.{signature}"


@attack("tokens for his event: forged, of another secret, expired, of her run")
async def _tokens(world: World) -> Any:
    event = world.bobs.event
    own = (await world.alice("POST", "/feedback/tokens", {"event_id": world.own_event}))["token"]
    for token in (
        _changed(own, event, "bob"),
        FeedbackTokens(b"another secret of 32 characters!").sign(event, "bob", days=1),
        world.tokens.sign(event, "bob", days=-1),
        world.tokens.sign(event, "alice", days=1),
        "mft1..",
        "mft1.W10.W10",
    ):
        await world.stranger("POST", "/feedback", {"token": token, "reward": 0.0})
    for more in ({"event_id": event}, {"namespace": "bob"}, {"event_id": event, "namespace": "bob"}):
        await world.stranger("POST", "/feedback", {"token": own, "reward": 0.0} | more)
    assert set(world.stranger.statuses) <= {401, 404}, world.stranger.statuses
    return None


@attack("a lesson for his case by a token for his run")
async def _token_lesson(world: World) -> Any:
    token = world.tokens.sign(world.bobs.event, "bob", days=1)
    return await world.stranger("POST", "/feedback", {"token": token, "reward": 0.0, "lesson": "forged"})


@attack("keys: revoked, expired, changed, unsigned, of Studio")
async def _keys(world: World) -> Any:
    keys = world.keys
    revoked = await asyncio.to_thread(keys.create, "mallory", namespace="bob")
    await asyncio.to_thread(keys.revoke, revoked.record.id)
    short = await asyncio.to_thread(keys.create, "trudy", namespace="bob", days=1e-9)
    unsigned = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none", "typ": "JWT"}, {"sub": "bob", "namespace": "bob", "exp": 9_999_999_999})
    )
    path = f"/threads/{world.bobs.thread}/state"
    given: list[dict[str, str]] = [
        {"Authorization": f"Bearer {one}"}
        for one in (revoked.secret, short.secret, f"{unsigned}.", "mem_" + "A" * 43, "bob")
    ]
    given += [{"X-Api-Key": short.secret}, {"X-Auth-Scheme": "langsmith"}, {"Authorization": "Basic Ym9iOmJvYg=="}, {}]
    given += [{"X-Auth-Scheme": "langsmith", "X-Api-Key": world.alice.http.headers["X-Api-Key"]}]
    for headers in given:
        await world.stranger("GET", path, headers=headers)
        assert world.stranger.statuses[-1] in (401, 403, 404), (headers, world.stranger.statuses[-1])
    return None


@attack("pages of other sites, with her key")
async def _origins(world: World) -> Any:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://smith.langchain.com.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        body = {"event_id": world.own_event, "reward": 0.0}
        await world.alice("POST", "/feedback", body, headers=headers)
        assert world.alice.statuses[-1] == 403, headers
    await world.alice.http.post("/feedback", content=b"{}", headers={"Content-Type": "text/plain"})
    assert world.alice.statuses[-1] == 415
    await world.alice.http.post("/feedback", content=b" " * 70_000, headers={"Content-Type": "application/json"})
    assert world.alice.statuses[-1] == 413
    return None


@attack("the graph as a tool, in his namespace")
async def _mcp(world: World) -> Any:
    call = {"name": "memento", "arguments": {"task": LIKE_IT, "namespace": "bob"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accept = {"Accept": "application/json, text/event-stream"}
    await world.alice("POST", "/mcp", body, headers=accept)
    await world.stranger("POST", "/mcp", body, headers=accept)
    assert world.stranger.statuses[-1] == 401
    return None


@attack("a stateless run, a batch and a stream in his namespace")
async def _stateless(world: World) -> Any:
    body = RUN | {"input": {"task": LIKE_IT, "namespace": "bob"}, "context": {"namespace": "bob"}}
    await world.alice("POST", "/runs/stream", body | {"stream_mode": ["values", "updates", "custom"]})
    await world.alice("POST", "/runs/batch", [body])
    return await world.alice("POST", "/runs/wait", body)


@attack("a webhook to the server itself")
async def _webhook(world: World) -> Any:
    body = RUN | {"webhook": f"/threads/{world.bobs.thread}/runs"}
    await world.alice("POST", "/runs/wait", body)
    return await world.alice("POST", "/runs/crons", body | {"schedule": "0 0 1 1 *"})


@attack("a cron of hers in his name")
async def _cron(world: World) -> Any:
    body = RUN | {"schedule": "0 0 1 1 *", "metadata": {"owner": "bob", "user_id": "bob"}, "user_id": "bob"}
    body |= {"input": {"task": LIKE_IT, "namespace": "bob"}, "context": {"namespace": "bob"}}
    return await world.alice("POST", "/runs/crons", body)


@attack("a thread of hers in his name")
async def _thread(world: World) -> Any:
    made = await world.alice("POST", "/threads", {"metadata": {"owner": "bob", "created_by": "system"}})
    await world.alice("PATCH", f"/threads/{made['thread_id']}", {"metadata": {"owner": "bob"}})
    return await world.alice.wait(made["thread_id"], {"task": LIKE_IT})


@attack("ids that nobody has")
async def _guessing(world: World) -> Any:
    for _ in range(3):
        await world.alice("POST", "/feedback", {"event_id": some_id(), "reward": 0.0})
        assert world.alice.statuses[-1] == 404
    return None


@attack("the health of the memory, without a key")
async def _health(world: World) -> Any:
    told = await world.stranger("GET", "/memento/health")
    assert told == {"status": "up"}, told
    return told
