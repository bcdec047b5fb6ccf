"""A limit on executions at once that holds for several event loops, and loses no turn."""

import asyncio
import threading

from memento.tools.sandbox.turns import Turns


class Crowd:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.now, self.most, self.total = 0, 0, 0
        self.changing = threading.Lock()

    async def visit(self, turns: Turns) -> None:
        async with turns:
            with self.changing:
                self.now += 1
                self.total += 1
                self.most = max(self.most, self.now)
            await asyncio.sleep(0.005)
            with self.changing:
                self.now -= 1


def test_the_limit_holds_between_event_loops() -> None:
    turns, crowd = Turns(3), Crowd()

    async def many() -> None:
        await asyncio.gather(*(crowd.visit(turns) for _ in range(10)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (crowd.total, crowd.now) == (40, 0)
    assert 2 <= crowd.most <= 3


async def test_a_cancelled_wait_costs_no_turn() -> None:
    turns, crowd = Turns(1), Crowd()
    await turns.__aenter__()
    waiting = [asyncio.create_task(crowd.visit(turns)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await turns.__aexit__(None, None, None)
    waiting[1].cancel()  # its turn may have been granted already
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        await crowd.visit(turns)
    assert (crowd.total, crowd.most) == (2, 1)


async def test_turns_of_a_loop_that_has_ended_go_to_the_next() -> None:
    turns, crowd = Turns(1), Crowd()
    await turns.__aenter__()

    def elsewhere() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(crowd.visit(turns))
        loop.run_until_complete(asyncio.sleep(0.01))
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()

    await asyncio.to_thread(elsewhere)
    waiting = asyncio.create_task(crowd.visit(turns))
    await asyncio.sleep(0)
    await turns.__aexit__(None, None, None)
    async with asyncio.timeout(5):
        await waiting
    assert crowd.total == 1
