"""Act in an environment: what was done in one run is a case, and whoever acts in the next one is shown it.

    pip install memento-langgraph
    python examples/act_in_an_environment.py

The actor here follows the best case, else takes the first action that is offered. Leave `actor` out, and the executor's
model chooses. No model, no key and no network.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from memento import CaseMemory, Deps, build_graph
from memento.nodes.acting.environment import Observation

WAY_OUT = ("right", "left", "right")


class Maze:
    """Three forks; a wrong turn leads back to the same fork."""

    async def reset(self, key: str) -> Observation:
        self.n_passed = 0
        return self.seen()

    async def step(self, action: str) -> Observation:
        self.n_passed += action == WAY_OUT[self.n_passed]
        return self.seen()

    def seen(self) -> Observation:
        is_out = self.n_passed == len(WAY_OUT)
        where = "You are outside." if is_out else f"You are at fork {self.n_passed + 1}."
        return Observation(where, ("left", "right"), self.n_passed / len(WAY_OUT), is_over=is_out, is_won=is_out)


@asynccontextmanager
async def maze_of_a_run(_run: Any) -> AsyncIterator[Maze]:
    yield Maze()  # a pool would take it back after this


class FollowOrTry:
    """Needs no model."""

    async def act(self, *, cases: Any, steps: Any, now: Observation, **_: Any) -> str:
        known = cases[0]["action"].splitlines() if cases else []
        return known[len(steps)] if len(steps) < len(known) else now.valid[0]


async def main() -> None:
    """Two runs: the second one has seen the first."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        graph = build_graph(Deps(memory=memory, environment=maze_of_a_run, actor=FollowOrTry()))
        for task in ("Leave the maze.", "Leave the maze again."):
            result = await graph.ainvoke({"task": task})
            print(f"{task} {result['answer']}, reward {result['reward']:g}")


if __name__ == "__main__":
    asyncio.run(main())
