"""The gate: which hosts, origins and users requests are let through for, on every route."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import Auth
from starlette.types import Receive, Scope, Send

from memento.graph.app import Application
from memento.graph.settings import Settings
from memento.service.authentication import Authentication
from memento.service.gate import USER_KEY, RequestGate, path_in
from memento.service.keys import KeyStore
from memento.service.origins import is_allowed_origin
from memento.service.owned_resources import rule_for, store_label
from memento.service.users import ServiceUser
from tests.served_app import HERE, served_app

ALICE = ServiceUser(identity="alice", namespace="alice", kind="key")


@pytest.fixture
async def key(tmp_path: Path) -> str:
    return (await asyncio.to_thread(KeyStore(tmp_path / "keys.json").create, "alice")).secret


async def through(settings: Settings, path: str = "/threads", method: str = "POST", **options: Any) -> tuple[int, Any]:
    """Send a request to a route of LangGraph's; the status, and the user that was let through."""
    url, client, root = (
        options.pop(name, given) for name, given in (("url", HERE), ("client", "127.0.0.1"), ("root", ""))
    )
    seen: list[Any] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope.get(USER_KEY))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    application = Application(settings, is_served=True)
    authentication = Authentication(application)
    authentication.owns_resources = options.pop("owns_resources", True)
    gate = RequestGate(behind, application=application, authentication=authentication)
    transport = httpx.ASGITransport(gate, client=(client, 1), root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url=url) as http:
        response = await http.request(method, path, **options)
    assert bool(seen) == (response.status_code == 204)
    return response.status_code, seen[0] if seen else response.json()["error"]


@pytest.mark.parametrize(
    "url", ["http://localhost:2024", "http://127.0.0.1:2024", "http://[::1]:2024", "http://x.localhost"]
)
async def test_a_developers_own_machine_is_served_without_keys(tmp_path: Path, url: str) -> None:
    status, user = await through(Settings(home=tmp_path), url=url)
    assert (status, user.is_authenticated) == (204, False)


@pytest.mark.parametrize(
    ("url", "client"),
    [
        ("http://memento.example", "127.0.0.1"),
        ("http://evil.example:2024", "127.0.0.1"),
        ("http://localhost.evil.example", "127.0.0.1"),
        ("http://127.0.0.1.evil.example", "127.0.0.1"),
        ("http://192.0.2.1:2024", "127.0.0.1"),
        ("http://localhost:2024", "192.0.2.7"),
        ("http://localhost:2024", "172.17.0.1"),
    ],
)
async def test_nobody_else_is_served_without_keys(tmp_path: Path, url: str, client: str) -> None:
    status, said = await through(Settings(home=tmp_path), url=url, client=client)
    assert status == 403
    assert "memento keys create" in said
    status, _ = await through(Settings(home=tmp_path, auth="off"), url=url, client=client)
    assert status == 204
    status, _ = await through(Settings(home=tmp_path, allowed_hosts=httpx.URL(url).host), url=url, client=client)
    assert status == 403, "a name that is listed does not let anybody in without a key"


async def test_keys_are_asked_for_from_the_first_one_on(tmp_path: Path, key: str) -> None:
    settings = Settings(home=tmp_path)
    assert (await through(settings))[0] == 401
    status, user = await through(settings, headers={"Authorization": f"Bearer {key}"}, url="http://memento.example")
    assert (status, user.identity, user.namespace) == (204, "alice", "alice")
    assert (await through(settings, headers={"X-Api-Key": key}))[0] == 204
    for headers in ({"Authorization": key}, {"Authorization": "Bearer "}, {"X-Api-Key": "mem_x"}, {"Cookie": key}):
        assert (await through(settings, headers=headers))[0] == 401, headers


async def test_keys_are_asked_for_when_there_are_none_but_they_are_required(tmp_path: Path) -> None:
    status, said = await through(Settings(home=tmp_path, auth="on"))
    assert (status, "memento keys create" in said) == (401, True)


async def test_a_server_goes_on_asking_when_the_file_is_gone(tmp_path: Path, key: str) -> None:
    application = Application(Settings(home=tmp_path), is_served=True)
    assert await application.owner.is_required()
    await asyncio.to_thread((tmp_path / "keys.json").unlink)
    assert await application.owner.is_required(), key


async def test_nobody_is_let_in_while_the_keys_are_damaged(tmp_path: Path, key: str) -> None:
    await asyncio.to_thread((tmp_path / "keys.json").write_text, "{")
    assert (await through(Settings(home=tmp_path), headers={"X-Api-Key": key}))[0] == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ok", 204),
        ("GET", "/", 204),
        ("GET", "/docs", 204),
        ("GET", "/openapi.json", 204),
        ("GET", "/memento/health", 204),
        ("POST", "/feedback", 204),
        ("GET", "/feedback", 401),
        ("POST", "/feedback/tokens", 401),
        ("POST", "/feedback/", 401),
        ("GET", "/OK", 401),
        ("GET", "/ok/", 401),
        ("POST", "/ok", 401),
        ("GET", "/info", 401),
        ("GET", "/metrics", 401),
        ("GET", "/ui/x", 401),
        ("POST", "/mcp", 401),
        ("GET", "/nowhere", 401),
        ("POST", "/internal/truncate", 403),
        ("POST", "/deploy", 403),
    ],
)
async def test_what_answers_without_a_key(tmp_path: Path, key: str, method: str, path: str, status: int) -> None:
    del key
    assert (await through(Settings(home=tmp_path), path, method))[0] == status


async def test_a_prefix_that_the_server_is_mounted_at_changes_nothing(tmp_path: Path, key: str) -> None:
    settings = Settings(home=tmp_path)
    assert (await through(settings, "/api/ok", "GET", root="/api"))[0] == 204
    assert (await through(settings, "/api/threads", "GET", root="/api"))[0] == 401
    headers = {"X-Api-Key": key}
    assert (await through(settings, "/api/internal/truncate", root="/api", headers=headers))[0] == 403
    assert path_in({"path": "/apiary", "root_path": "/api"}) == "/apiary"


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (HERE, True),
        ("http://localhost:3000", True),
        ("https://smith.langchain.com", True),
        ("https://eu.smith.langchain.com", True),
        ("http://smith.langchain.com", False),
        ("https://smith.langchain.com.evil.example", False),
        ("https://notsmith.langchain.com", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("http://[", False),
    ],
)
async def test_pages_of_other_sites_are_refused(tmp_path: Path, origin: str, *, is_allowed: bool) -> None:
    status, _ = await through(Settings(home=tmp_path), headers={"Origin": origin})
    assert status == (204 if is_allowed else 403)
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert (await through(Settings(home=tmp_path), method="OPTIONS", headers=preflight))[0] == status


async def test_origins_can_be_listed(tmp_path: Path, key: str) -> None:
    settings = Settings(home=tmp_path, allowed_origins="https://chat.example, https://shop.example:8443")
    headers = {"X-Api-Key": key, "Origin": "https://shop.example:8443"}
    assert (await through(settings, headers=headers))[0] == 204
    assert (await through(settings, headers=headers | {"Origin": "https://shop.example"}))[0] == 403
    assert is_allowed_origin("https://any.example", "x", Settings(home=tmp_path, allowed_origins="*"))
    async with served_app(settings) as served:
        refused = await served.post("/feedback/tokens", {}, Origin="https://chat.example")
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://chat.example")
        assert refused.headers["www-authenticate"] == "Bearer"
        foreign = await served.post("/feedback/tokens", {}, Origin="https://evil.example")
        assert "access-control-allow-origin" not in foreign.headers


async def test_a_post_of_another_site_without_an_origin_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert (await through(settings, headers={"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await through(settings, method="GET", headers={"Sec-Fetch-Site": "cross-site"}))[0] == 204
    assert (await through(settings, headers={"Sec-Fetch-Site": "none"}))[0] == 204


async def test_only_listed_hosts_are_served_when_some_are_listed(tmp_path: Path, key: str) -> None:
    settings = Settings(home=tmp_path, allowed_hosts="memento.example")
    headers = {"X-Api-Key": key}
    for url, status in (("https://memento.example", 204), ("https://other.example", 403), (HERE, 204)):
        assert (await through(settings, url=url, headers=headers))[0] == status, url


async def test_a_websocket_is_refused_without_a_key(tmp_path: Path, key: str) -> None:
    application = Application(Settings(home=tmp_path), is_served=True)
    passed: list[Scope] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    authentication = Authentication(application)
    authentication.owns_resources = True
    gate = RequestGate(behind, application=application, authentication=authentication)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope: dict[str, Any] = {"type": "websocket", "path": "/threads/x/stream/events", "client": ("127.0.0.1", 1)}
    await gate(scope | {"headers": [(b"host", b"localhost")]}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    await gate(scope | {"headers": [(b"host", b"localhost"), (b"x-api-key", key.encode())]}, receive, send)
    assert len(passed) == 1


async def test_threads_wait_while_nobody_keeps_them_to_their_owners(tmp_path: Path, key: str) -> None:
    """A langgraph.json without `auth`, such as one of an earlier release."""
    settings, headers = Settings(home=tmp_path), {"X-Api-Key": key}
    status, said = await through(settings, headers=headers, owns_resources=False)
    assert (status, "memento.service.identity:auth" in said) == (503, True)
    assert (await through(settings, "/feedback", headers=headers, owns_resources=False))[0] == 204


async def test_the_server_may_ask_itself(tmp_path: Path, key: str) -> None:
    """LangGraph's SDK in the same process: what it does was authenticated where it came in."""
    del key
    assert (await through(Settings(home=tmp_path), "/noauth/threads", root="/noauth", url="http://api"))[0] == 204


def test_owners_are_written_and_cannot_be_changed() -> None:
    for action in ("create", "update", "create_run"):
        value: dict[str, Any] = {"metadata": {"owner": "bob", "created_by": "system", "kept": 1}}
        assert rule_for(ALICE, "threads", action, value) == {"owner": "alice"}
        assert value["metadata"] == {"owner": "alice", "kept": 1}
    new: dict[str, Any] = {}
    rule_for(ALICE, "assistants", "create", new)
    assert new == {"metadata": {"owner": "alice"}}
    assert rule_for(ALICE, "assistants", "search", {}) == {"$or": [{"owner": "alice"}, {"created_by": "system"}]}
    assert rule_for(ALICE, "assistants", "delete", {}) == {"owner": "alice"}


@pytest.mark.parametrize("namespace", [None, (), ("bob",), ("alice",), ("alice", "x"), ["x", "alice"]])
def test_stored_items_lie_below_their_owner(namespace: Any) -> None:
    value = {"namespace": namespace}
    assert rule_for(ALICE, "store", "search", value) is None
    assert value["namespace"][0] == "alice"


def test_owners_have_labels_of_their_own_in_the_store() -> None:
    names = ["a.b", "a%2Eb", "a%b", "ab", "jwt:a.b"]
    labels = {store_label(name) for name in names}
    assert len(labels) == len(names)
    assert not any("." in label for label in labels)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(Exception, match="may not use secrets"):
        rule_for(ALICE, "secrets", "read", {})
    with pytest.raises(Exception, match="webhook"):
        rule_for(ALICE, "threads", "create_run", {"kwargs": {"webhook": "/feedback"}})
    assert rule_for(ALICE, "threads", "create_run", {"kwargs": {"webhook": "https://x.example"}}) == {"owner": "alice"}


def test_langgraph_finds_an_authentication_with_a_rule_for_everything() -> None:
    from memento.service.identity import auth

    assert isinstance(auth, Auth)
    assert auth._authenticate_handler is not None
    assert auth._global_handlers
