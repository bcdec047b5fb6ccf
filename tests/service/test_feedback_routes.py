"""Feedback over HTTP: who may give it, how much it counts, and what is refused."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from memento.graph.settings import Settings
from memento.memory.case_memory import CaseMemory
from memento.service.errors import NotAuthenticated
from memento.service.feedback_tokens import FeedbackTokens, kept_secret
from memento.service.keys import KeyStore
from tests.served_app import Served, served_app

STATE = "What is six times seven?"


@pytest.fixture
async def key(tmp_path: Path) -> str:
    return (await asyncio.to_thread(KeyStore(tmp_path / "keys.json").create, "alice", namespace="team")).secret


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with served_app(Settings(home=tmp_path, policy="similarity")) as made:
        yield made


async def event_in(memory: CaseMemory, namespace: str, *, reward: float | None = None, evaluator: str = "judge") -> str:
    """A run that has ended."""
    reading = await memory.read(STATE, namespace=namespace)
    await memory.write(
        state=STATE,
        action="multiply",
        reward=reward,
        event_id=reading.event_id,
        namespace=namespace,
        evaluator=evaluator,
    )
    return reading.event_id


async def test_an_owner_judges_a_run_and_is_recorded(served: Served, key: str) -> None:
    memory = await served.application.memory()
    event = await event_in(memory, "team")
    body = {"event_id": event, "reward": 1.0, "lesson": "multiply"}
    answers = [await served.post("/feedback", body, key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3, answers[0].text
    case_id = answers[0].json()["case_id"]
    assert case_id
    outcome = await memory.views.outcome(event, namespace="team")
    assert outcome is not None
    assert (outcome.reward, outcome.confidence, outcome.evaluator) == (1.0, 1.0, "human:alice")
    told = [entry for entry in await memory.lifecycle.within("team").audit() if entry.verb == "feedback"]
    assert [entry.detail for entry in told] == ["reward=1.0 by human:alice"], "the same thing three times is one thing"


async def test_a_developer_needs_nothing(served: Served) -> None:
    memory = await served.application.memory()
    event = await event_in(memory, "bob")
    assert (await served.post("/feedback", {"event_id": event, "reward": 1})).status_code == 404
    done = await served.post("/feedback", {"event_id": event, "reward": 1, "namespace": "bob"})
    assert done.status_code == 200
    outcome = await memory.views.outcome(event, namespace="bob")
    assert outcome is not None
    assert outcome.evaluator == "human"


async def test_a_page_judges_one_run_with_a_token(served: Served, key: str) -> None:
    memory = await served.application.memory()
    event, other = await event_in(memory, "team"), await event_in(memory, "team")
    made = (await served.post("/feedback/tokens", {"event_id": event, "days": 1}, key)).json()
    assert made["event_id"] == event
    assert 86_000 < made["expires_at"] - time.time() <= 86_400
    done = await served.post("/feedback", {"token": made["token"], "reward": 1.0})
    assert (done.status_code, done.json()) == (200, {"event_id": event}), "it hears of no case"
    outcome = await memory.views.outcome(event, namespace="team")
    assert outcome is not None
    assert (outcome.reward, outcome.confidence, outcome.evaluator) == (1.0, 0.6, "visitor")
    (case,) = [case async for case in memory.views.walk(namespace="team")]
    assert (case.confidence, case.reward, case.status) == (0.6, 1.0, "active")
    for more, status in (
        ({"event_id": other}, 401),
        ({"namespace": "other"}, 401),
        ({"lesson": "obey"}, 422),
        ({"reward": None}, 422),
        ({"reward": 2}, 422),
        ({"token": made["token"][:-2]}, 401),
    ):
        refused = await served.post("/feedback", {"token": made["token"], "reward": 1.0} | more)
        assert refused.status_code == status, (more, refused.text)


async def test_a_visitor_may_change_their_mind_a_few_times(served: Served, key: str) -> None:
    memory = await served.application.memory()
    event = await event_in(memory, "team", reward=0.5)
    token = (await served.post("/feedback/tokens", {"event_id": event}, key)).json()["token"]
    statuses = [
        (await served.post("/feedback", {"token": token, "reward": n / 10})).status_code
        for n in (1, 1, 2, 3, 4, 5, 5, 6, 7)
    ]
    assert statuses == [200] * 7 + [409] * 2
    outcome = await memory.views.outcome(event, namespace="team")
    assert outcome is not None
    assert outcome.reward == 0.5


async def test_the_cap_holds_when_all_come_at_once(served: Served, key: str) -> None:
    event = await event_in(await served.application.memory(), "team")
    token = (await served.post("/feedback/tokens", {"event_id": event}, key)).json()["token"]
    sent = (served.post("/feedback", {"token": token, "reward": n / 20}) for n in range(20))
    statuses = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert statuses.count(200) == 5
    assert statuses.count(409) == 15


async def test_an_owner_has_the_last_word(served: Served, key: str) -> None:
    memory = await served.application.memory()
    event = await event_in(memory, "team")
    token = (await served.post("/feedback/tokens", {"event_id": event}, key)).json()["token"]
    assert (await served.post("/feedback", {"token": token, "reward": 0.0})).status_code == 200
    assert (await served.post("/feedback", {"event_id": event, "reward": 1.0}, key)).status_code == 200
    late = await served.post("/feedback", {"token": token, "reward": 0.0})
    assert (late.status_code, "the owner" in late.json()["error"]) == (409, True)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b'{"reward": 1}', "application/json; charset=utf-8", 422),
        (b'{"event_id": "x", "reward": NaN}', "application/json", 422),
        (b'{"event_id": "x", "reward": 1, "more": 1}', "application/json", 422),
        (b'{"event_id": "x", "reward": 1, "lesson": "' + b"a" * 10_001 + b'"}', "application/json", 422),
        (b" " * 65_537, "application/json", 413),
    ],
)
async def test_a_body_is_refused(served: Served, content: bytes, kind: str, status: int) -> None:
    refused = await served.http.post("/feedback", content=content, headers={"Content-Type": kind} if kind else None)
    assert (refused.status_code, bool(refused.json()["error"])) == (status, True), refused.text


async def test_a_body_is_not_read_on_when_it_is_too_long(served: Served) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 10_000
            yield b" " * 10_000

    refused = await served.http.post("/feedback", content=endless(), headers={"Content-Type": "application/json"})
    assert refused.status_code == 413


async def test_the_health_tells_its_parts_to_users_alone(served: Served, key: str) -> None:
    assert (await served.get("/memento/health")).json() == {"status": "up"}
    told = (await served.get("/memento/health", key)).json()
    assert told["parts"]["ledger"]["state"] == "unused"
    await event_in(await served.application.memory(), "team")
    told = (await served.get("/memento/health", key)).json()
    assert {name: part["state"] for name, part in told["parts"].items() if name != "models"} == {
        "ledger": "ok",
        "search": "ok",
        "learner": "ok",
    }
    assert told["parts"]["models"]["state"] == "degraded", "none is configured here"
    assert (await served.get("/memento/health", "mem_wrong")).status_code == 401


async def test_the_health_is_down_when_the_ledger_is(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    await asyncio.to_thread(ledger.write_bytes, b"this is no database" * 1_000)
    async with served_app(Settings(home=tmp_path)) as served:
        told = await served.get("/memento/health")
        assert (told.status_code, told.json()["status"]) == (503, "down")
        assert str(tmp_path) not in told.text


def test_tokens_are_of_their_secret_alone(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "feedback.secret")
    assert secret == kept_secret(tmp_path / "feedback.secret")
    assert (tmp_path / "feedback.secret").stat().st_mode & 0o777 == 0o600
    token = FeedbackTokens(secret).sign("event", "team", days=1)
    assert FeedbackTokens(secret).read(token)[:2] == ("event", "team")
    bad: list[Any] = [token[:-1], token + "A", token.replace("mft1.", "mft2."), "", "mft1.", "mft1.é.é", token * 50]
    for text in bad:
        with pytest.raises(NotAuthenticated):
            FeedbackTokens(secret).read(text)
    with pytest.raises(NotAuthenticated):
        FeedbackTokens(b"x" * 32).read(token)
    with pytest.raises(NotAuthenticated, match="expired"):
        FeedbackTokens(secret).read(FeedbackTokens(secret).sign("event", "team", days=-1))


class HostsUser:
    """As a host's own authentication leaves it."""

    identity, is_authenticated = "zaphod", True


async def test_the_user_of_a_hosts_own_authentication_owns_a_namespace(tmp_path: Path) -> None:
    async with served_app(Settings(home=tmp_path, auth="off")) as served:
        memory = await served.application.memory()
        own, other = await event_in(memory, "zaphod"), await event_in(memory, "bob")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await served.app(scope | {"user": HostsUser()}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://any.example") as http:
            for event, namespace, status in ((own, None, 200), (other, None, 404), (other, "bob", 404)):
                body = {"event_id": event, "reward": 1.0, "namespace": namespace}
                assert (await http.post("/feedback", json=body)).status_code == status
        outcome = await memory.views.outcome(own, namespace="zaphod")
        assert outcome is not None
        assert outcome.evaluator == "human:zaphod"
