"""What alice sends to every route of the server, with bob's ids in it; and what is sent without a key."""

from collections.abc import Callable
from typing import Any

from tests.tenant_attempts import RUN, Attack, attack
from tests.tenant_world import LIKE_IT, SECRET, TASK, Client, World


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
