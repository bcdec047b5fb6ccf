"""Bodies of answers: a packed one neither holds up the event loop nor takes more memory than its limit."""

import asyncio
import contextlib
import gzip
import tracemalloc
from collections.abc import AsyncIterator

import httpx2

from memento.tools.web.response_body import PIECE_BYTES, Body, read_body

N_BYTES = 20_000_000


def packed(*parts: bytes) -> httpx2.Response:
    async def sent() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=sent())


async def test_the_event_loop_goes_on_while_a_bomb_is_unpacked() -> None:
    n_turns = 0

    async def turn() -> None:
        nonlocal n_turns
        while True:
            n_turns += 1
            await asyncio.sleep(0)

    bomb = await asyncio.to_thread(gzip.compress, bytes(N_BYTES))
    turning = asyncio.create_task(turn())
    body = await read_body(packed(bomb), max_bytes=N_BYTES)
    turning.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await turning
    assert body == Body(bytes(N_BYTES), is_cut=False)
    assert n_turns >= N_BYTES // PIECE_BYTES


async def test_a_body_is_in_memory_once_when_it_has_been_read() -> None:
    bomb = await asyncio.to_thread(gzip.compress, bytes(4 * N_BYTES))
    tracemalloc.start()
    try:
        body = await read_body(packed(bomb), max_bytes=N_BYTES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.is_cut
    assert len(body.content) == N_BYTES
    assert peak < 1.5 * N_BYTES


async def test_what_follows_a_packed_body_is_not_kept() -> None:
    n_sent = 0

    async def sent() -> AsyncIterator[bytes]:
        nonlocal n_sent
        for part in (gzip.compress(b"all"), *[b"more" * 1_000] * 50):
            n_sent += 1
            yield part

    response = httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=sent())
    assert await read_body(response, max_bytes=N_BYTES) == Body(b"all", is_cut=False)
    assert n_sent == 1
