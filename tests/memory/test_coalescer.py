"""What several ask for at once: one batch at a time, each asker his own answer, nobody hurt by another."""

import asyncio
from collections.abc import Sequence

import pytest

from memento.memory.coalescer import Coalescer


class Doubling:
    """Doubles numbers when it is let; says which batches it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.n_cancelled = 0
        self.go = asyncio.Event()
        self.ask = Coalescer(self._work)

    async def _work(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(numbers))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        if 13 in numbers:
            raise RuntimeError("13")
        return [ValueError(f"{one} is odd") if one % 2 else 2 * one for one in numbers]


async def begun(numbers: Sequence[int], doubling: Doubling) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(doubling.ask(one)) for one in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_who_asks_meanwhile_is_served_together_next() -> None:
    doubling = Doubling()
    first = await begun([2], doubling)
    rest = await begun([4, 6, 4], doubling)
    doubling.go.set()
    assert await asyncio.gather(*first, *rest) == [4, 8, 12, 8]
    assert doubling.batches == [[2], [4, 6, 4]]
    assert await doubling.ask(8) == 16


async def test_an_error_in_an_answers_place_is_that_askers_alone() -> None:
    doubling = Doubling()
    first, rest = await begun([2], doubling), await begun([3, 6], doubling)
    doubling.go.set()
    answers = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert [str(one) for one in answers] == ["4", "3 is odd", "12"]


async def test_an_error_of_the_whole_batch_is_everybodys_and_the_next_goes_on() -> None:
    doubling = Doubling()
    first, rest = await begun([2], doubling), await begun([13, 6], doubling)
    doubling.go.set()
    answers = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert [str(one) for one in answers] == ["4", "13", "13"]
    assert await doubling.ask(8) == 16


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    doubling = Doubling()
    first, rest = await begun([2], doubling), await begun([4, 6], doubling)
    rest[0].cancel()
    doubling.go.set()
    answers = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert [answers[0], answers[2]] == [4, 12]
    assert (doubling.batches, doubling.n_cancelled) == ([[2], [6]], 0)


async def test_work_that_nobody_waits_for_is_ended_before_that_is_told() -> None:
    doubling = Doubling()
    first, rest = await begun([2], doubling), await begun([4], doubling)
    first[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await first[0]
    assert doubling.n_cancelled == 1
    doubling.go.set()
    assert await rest[0] == 8
