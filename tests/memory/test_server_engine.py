"""The server engine when the server, the network or another process misbehaves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from memento.memory.errors import EngineError, EngineRejected, EngineThrottled, EngineUnavailable, IndexDamaged
from memento.memory.index.engines.port import BankPoint
from memento.memory.index.engines.server import ServerEngine
from tests.bank_points import DIM, ENCODER, case_id, in_batches, point, unit
from tests.wire_shim import WireShim

KEY = "sk-very-secret"
PATIENT_S = 30.0
"""A stand-in server beside other tests may take seconds; only the test of the deadline is about one."""


@pytest.fixture
def shim() -> Iterator[WireShim]:
    with WireShim() as shim:
        yield shim


@pytest.fixture
async def engine(shim: WireShim) -> AsyncIterator[ServerEngine]:
    engine = ServerEngine(shim.url, timeout_s=PATIENT_S)
    await engine.open(dim=DIM, encoder=ENCODER)
    yield engine
    await engine.close()


async def n_found(engine: ServerEngine) -> int:
    return len(await engine.search(unit(1), namespace="a", limit=100))


async def test_unavailable_within_the_deadline_when_the_server_is_slow(shim: WireShim, engine: ServerEngine) -> None:
    hurried = ServerEngine(shim.url, timeout_s=1.0)
    await hurried.open(dim=DIM, encoder=ENCODER)
    shim.faults.delay_s = 10.0
    calls = (n_found(hurried), hurried.count(), hurried.upsert([point(0)]), hurried.save_position(1))
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, EngineUnavailable)
        assert "no answer in time" in str(outcome)
    await hurried.close()
    shim.faults.delay_s = 0.0
    await engine.upsert([point(1)])
    assert case_id(1) in {hit.case_id for hit in await engine.search(unit(1), namespace="a", limit=9)}


async def test_unavailable_until_it_is_back_when_the_connection_is_reset(shim: WireShim, engine: ServerEngine) -> None:
    shim.faults.is_down = True
    for call in (n_found(engine), engine.position(), engine.open(dim=DIM, encoder=ENCODER)):
        with pytest.raises(EngineUnavailable, match="Qdrant at 127"):
            await call
    shim.faults.is_down = False
    assert await n_found(engine) == 0


async def test_unavailable_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    engine = ServerEngine(f"http://user:hunter2@127.0.0.1:{port}")
    with pytest.raises(EngineUnavailable) as caught:
        await engine.open(dim=DIM, encoder=ENCODER)
    assert "hunter2" not in f"{caught.value}{engine!r}"
    await engine.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_unavailable_when_the_server_fails(shim: WireShim, engine: ServerEngine, status: int) -> None:
    shim.faults.status = status
    with pytest.raises(EngineUnavailable, match=f"HTTP {status}"):
        await n_found(engine)


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [((("Retry-After", "7"),), 7.0), ((), 1.0), ((("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),), 1.0)],
)
async def test_throttled_for_as_long_as_asked_when_the_server_says_429(
    shim: WireShim, engine: ServerEngine, headers: tuple[tuple[str, str], ...], pause_s: float
) -> None:
    shim.faults.status, shim.faults.headers = 429, headers
    with pytest.raises(EngineThrottled) as caught:
        await n_found(engine)
    assert caught.value.retry_after_s == pause_s


async def test_unavailable_when_the_answer_is_not_from_qdrant(shim: WireShim, engine: ServerEngine) -> None:
    shim.faults.status, shim.faults.body = 201, b"<html>hello</html>"
    with pytest.raises(EngineError):
        await n_found(engine)


async def test_rejected_when_the_url_is_not_a_qdrant(shim: WireShim) -> None:
    engine = ServerEngine(shim.url + "/elsewhere")
    with pytest.raises(EngineRejected, match="404"):
        await engine.open(dim=DIM, encoder=ENCODER)
    await engine.close()


async def test_converges_when_replies_are_lost_and_writes_resent(shim: WireShim, engine: ServerEngine) -> None:
    points = [point(number, 1 + number % 3) for number in range(12)]
    shim.faults.n_lost_replies = 3
    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            await engine.upsert(points)
    await engine.upsert(points)
    await engine.upsert([point(number, 1, status="retired") for number in range(12)])
    assert (await engine.count(), await n_found(engine)) == (12, 12)


async def test_damaged_then_whole_again_when_the_collection_vanishes(shim: WireShim, engine: ServerEngine) -> None:
    await engine.upsert([point(0)])
    for name in shim.names():
        shim.answer("DELETE", f"/collections/{name}", b"")
    with pytest.raises(IndexDamaged):
        await n_found(engine)
    with pytest.raises(IndexDamaged):
        await engine.upsert([point(0)])
    await engine.rebuild(in_batches([point(0), point(1)]), position=2)
    assert (await n_found(engine), await engine.position()) == (2, 2)


async def test_damaged_then_whole_again_when_the_collection_is_another_encoders(
    shim: WireShim, engine: ServerEngine
) -> None:
    shim.answer("PATCH", f"/collections/{shim.names()[0]}", b'{"metadata": {"encoder": "other"}}')
    with pytest.raises(IndexDamaged, match=ENCODER):
        await engine.open(dim=DIM, encoder=ENCODER)
    await engine.rebuild(in_batches([point(0)]), position=1)
    await engine.open(dim=DIM, encoder=ENCODER)
    assert await n_found(engine) == 1


async def test_one_bank_when_several_open_at_once(shim: WireShim) -> None:
    engines = [ServerEngine(shim.url, timeout_s=PATIENT_S) for _ in range(6)]
    await asyncio.gather(*(engine.open(dim=DIM, encoder=ENCODER) for engine in engines))
    await asyncio.gather(*(engine.upsert([point(number)]) for number, engine in enumerate(engines)))
    assert [await n_found(engine) for engine in engines] == [6] * 6
    assert len(shim.names()) == 1
    await asyncio.gather(*(engine.close() for engine in engines))


async def test_one_bank_left_when_two_rebuild_at_once(shim: WireShim, engine: ServerEngine) -> None:
    other = ServerEngine(shim.url, timeout_s=PATIENT_S)
    await other.open(dim=DIM, encoder=ENCODER)
    points = [point(number) for number in range(20)]
    await asyncio.gather(*(each.rebuild(in_batches(points), position=20) for each in (engine, other)))
    assert [await n_found(each) for each in (engine, other)] == [20, 20]
    await engine.rebuild(in_batches(points), position=21)
    assert len(shim.names()) == 1
    await other.close()


async def test_position_not_raised_when_another_process_has_rebuilt(shim: WireShim, engine: ServerEngine) -> None:
    other = ServerEngine(shim.url, timeout_s=PATIENT_S)
    await other.open(dim=DIM, encoder=ENCODER)
    await engine.upsert([point(0)])

    async def batches() -> AsyncIterator[Sequence[BankPoint]]:
        yield [point(0)]
        await engine.upsert([point(1)])  # goes to the generation that is about to be replaced

    await other.rebuild(batches(), position=1)
    await engine.save_position(2)
    assert await engine.position() == 1
    await other.upsert([point(1)])
    await other.save_position(2)
    assert (await n_found(engine), await engine.position()) == (2, 2)
    await other.close()


async def test_connection_is_kept_when_calls_follow_each_other(shim: WireShim, engine: ServerEngine) -> None:
    for _ in range(20):
        await n_found(engine)
    assert shim.connections == 1


async def test_key_is_sent_but_never_shown_when_the_server_repeats_it(shim: WireShim) -> None:
    engine = ServerEngine(shim.url, api_key=KEY)
    shim.faults.status, shim.faults.body = 401, f"bad key {KEY}".encode()
    with (
        pytest.warns(UserWarning, match="insecure connection"),
        pytest.raises(EngineRejected, match="api key") as caught,
    ):
        await engine.open(dim=DIM, encoder=ENCODER)
    assert KEY in shim.requests[0][2].values()
    assert KEY not in f"{caught.value} {caught.value!r} {engine!r} {caught.value.__cause__}"
    await engine.close()


async def test_rejected_without_showing_it_when_the_key_cannot_be_sent(shim: WireShim) -> None:
    engine = ServerEngine(shim.url, api_key=KEY + "\n")
    with pytest.raises(EngineRejected, match="HTTP header") as caught:
        await engine.open(dim=DIM, encoder=ENCODER)
    assert KEY not in str(caught.value)
