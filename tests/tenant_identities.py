"""What alice tries with keys, tokens, origins, labels and names that are not hers."""

import asyncio
import base64
import json
from typing import Any

from memento.service.feedback_tokens import FeedbackTokens
from tests.tenant_attempts import RUN, attack
from tests.tenant_world import LIKE_IT, World, some_id


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
