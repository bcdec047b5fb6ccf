"""Waiting for something that may never come back."""

import asyncio
import logging

import pytest

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within


async def value() -> int:
    await asyncio.sleep(0)
    return 42


async def test_value_comes_back_when_it_is_in_time() -> None:
    assert await within(10, value()) == 42


async def test_deadline_passed_when_the_time_is_up_before_it_begins() -> None:
    with pytest.raises(DeadlinePassed):
        await within(-1, asyncio.sleep(3600))


async def test_its_own_timeout_stays_its_own_when_it_raises_one() -> None:
    async def slow() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await within(10, slow())


async def test_abandoned_when_it_cancels_itself() -> None:
    async def gone() -> None:
        raise asyncio.CancelledError

    with pytest.raises(Abandoned):
        await within(10, gone())


async def test_it_is_cancelled_too_when_whoever_waits_is() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    waiting = asyncio.ensure_future(within(3600, work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert ended


async def test_nothing_is_logged_when_what_was_left_behind_fails(caplog: pytest.LogCaptureFixture) -> None:
    go = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await go.wait()
        raise RuntimeError("too late")

    with caplog.at_level(logging.DEBUG), pytest.raises(DeadlinePassed):
        await within(0.01, stubborn())
    go.set()
    await asyncio.sleep(0.01)
    assert "too late" not in caplog.text
